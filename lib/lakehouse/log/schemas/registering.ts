/** What makes a schema a version of a subject. */
import { invalidArgument, readOnly } from "../../errors.js";
import { incompatibleSchema } from "../errors.js";
import type { SchemaCatalog } from "./catalog.js";
import type { StoredSchema } from "./entries.js";
import { type KnownSchemas, type ParsedSchema, parseSchema } from "./known-schemas.js";
import { checkWritable, modeOf, type SchemaVersion, shown, withoutHash } from "./lookups.js";
import type { RegistryChange } from "./registry-state.js";
import type { NewSchema } from "./schema.js";

export interface ImportSchemaOptions {
  /** Of the schema in the registry that it comes from. */
  readonly id?: number | undefined;
  /** The next where not given. */
  readonly version?: number | undefined;
}

/** One that comes from another registry, with the id that records name it by. */
export interface SchemaImport extends ImportSchemaOptions {
  readonly id: number;
}

const MOST_ID = 2 ** 31 - 1;

/** The next version of the subject; none where the schema is one already. */
export async function registration(
  catalog: SchemaCatalog,
  schemas: KnownSchemas,
  subject: string,
  schema: NewSchema,
): Promise<RegistryChange<SchemaVersion>> {
  const parsed = await parseSchema(catalog, schema);
  const known = catalog.byHash(parsed.hash);
  const same = catalog.versions(subject, false).findLast(({ id }) => id === known?.id);
  if (same !== undefined) return { entries: [], result: shown(catalog, same) };
  checkWritable(catalog, subject);
  if (modeOf(catalog, subject) === "IMPORT")
    throw readOnly(
      subject,
      `The subject ${subject} is in the mode IMPORT, and the schema has no id.`,
      "Give its id, or set the mode to READWRITE.",
    );
  const refusals = await schemas.refusals(catalog, subject, parsed.read);
  if (refusals.length > 0)
    throw incompatibleSchema(
      subject,
      `The schema is incompatible with an earlier one of ${subject}: ${refusals.join("; ")}.`,
      "Change it so that it fits, or the subject's compatibility.",
    );
  return newVersion(catalog, subject, parsed, known?.id ?? catalog.next, nextVersion(catalog, subject));
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkImport({ id, version = 1 }: SchemaImport): void {
  for (const [name, number] of Object.entries({ id, version }))
    if (!(Number.isInteger(number) && number >= 1 && number <= MOST_ID))
      throw invalidArgument(name, `A schema cannot have the ${name} ${number}.`, "Give a number from 1 on.");
}

/** A version as another registry has it: it is not compared with others. */
export async function importedVersion(
  catalog: SchemaCatalog,
  subject: string,
  schema: NewSchema,
  { id, version = nextVersion(catalog, subject) }: SchemaImport,
): Promise<RegistryChange<SchemaVersion>> {
  if (modeOf(catalog, subject) !== "IMPORT")
    throw readOnly(
      subject,
      `The subject ${subject} is not in the mode IMPORT, so the registry gives the ids.`,
      "Leave out the id, or set the mode to IMPORT.",
    );
  const parsed = await parseSchema(catalog, schema);
  const known = catalog.byHash(parsed.hash);
  const taken = catalog.schema(id);
  if ((known !== undefined && known.id !== id) || (taken !== undefined && taken.hash !== parsed.hash))
    throw readOnly(
      String(id),
      known === undefined
        ? `The id ${id} is another schema's.`
        : `The schema is known already, by the id ${known.id}.`,
      "Import into a registry without schemas.",
    );
  const there = catalog.version(subject, version);
  if (there !== undefined && there.id !== id)
    throw readOnly(
      `${subject} version ${version}`,
      `Version ${version} of ${subject} is another schema.`,
      "Leave out the version, or delete that one for good.",
    );
  return newVersion(catalog, subject, parsed, id, version);
}

function nextVersion(catalog: SchemaCatalog, subject: string): number {
  return (catalog.versions(subject, true).at(-1)?.version ?? 0) + 1;
}

/** With the schema, where the registry does not know it yet. */
function newVersion(
  catalog: SchemaCatalog,
  subject: string,
  { given, hash }: ParsedSchema,
  id: number,
  version: number,
): RegistryChange<SchemaVersion> {
  const stored: StoredSchema = catalog.byHash(hash) ?? { kind: "schema", id, ...given, hash };
  const next = Math.max(catalog.next, id + 1);
  return {
    entries: [stored, { kind: "version", subject, version, id, deleted: false }, { kind: "next", id: next }],
    result: { ...withoutHash(stored), subject, version },
  };
}
