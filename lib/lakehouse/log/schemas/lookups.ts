/** What the registry looks up among its entries, and refuses where there is none. */
import { invalidArgument, readOnly } from "../../errors.js";
import { noSuchSchema, noSuchSchemaVersion, noSuchSubject, schemaInUse } from "../errors.js";
import type { SchemaCatalog } from "./catalog.js";
import type { Compatibility, RegistryMode, StoredSchema, StoredVersion } from "./entries.js";
import type { SchemaReference, SchemaSource, SchemaType } from "./schema.js";

/** A schema as the registry has it. */
export interface RegisteredSchema {
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references: readonly SchemaReference[];
}

/** A schema as a version of a subject. */
export interface SchemaVersion extends RegisteredSchema {
  readonly subject: string;
  readonly version: number;
}

/** Which of a subject's versions: a number from 1 on, or the last. */
export type VersionNumber = number | "latest";

const MOST_REFERENCES = 1000;

export function versionsOf(catalog: SchemaCatalog, subject: string, deleted: boolean): StoredVersion[] {
  const versions = catalog.versions(subject, deleted);
  if (versions.length > 0) return versions;
  throw noSuchSubject(subject, `There is no subject ${subject}.`, "Register a schema under it.");
}

export function versionOf(
  catalog: SchemaCatalog,
  subject: string,
  version: VersionNumber,
  deleted: boolean,
): StoredVersion {
  const versions = versionsOf(catalog, subject, deleted);
  const found = version === "latest" ? versions.at(-1) : versions.find((each) => each.version === version);
  if (found !== undefined) return found;
  throw noSuchSchemaVersion(
    `${subject} version ${version}`,
    `${subject} has no version ${version}.`,
    `It has ${versions.map((each) => each.version).join(", ")}.`,
  );
}

/** The schema of an id, under whichever subjects, be they softly deleted. */
export function storedOf(catalog: SchemaCatalog, id: number): StoredSchema {
  const stored = catalog.schema(id);
  if (stored !== undefined && catalog.uses(id, true).length > 0) return stored;
  throw noSuchSchema(String(id), `There is no schema with the id ${id}.`);
}

export function shown(catalog: SchemaCatalog, { subject, version, id }: StoredVersion): SchemaVersion {
  return { ...withoutHash(catalog.schema(id) as StoredSchema), subject, version };
}

export function withoutHash({ id, schemaType, schema, references }: StoredSchema): RegisteredSchema {
  return { id, schemaType, schema, references };
}

/** A schema with all that it refers to, each once, before those that need it. */
export function sourceOf(
  catalog: SchemaCatalog,
  { schema, references }: Pick<StoredSchema, "schema" | "references">,
): SchemaSource {
  const found = new Map<string, string>();
  let steps = 0;
  const visit = (needed: readonly SchemaReference[]): void => {
    for (const { name, subject, version } of needed) {
      if (++steps > MOST_REFERENCES)
        throw invalidArgument(subject, `A schema refers to more than ${MOST_REFERENCES} others.`);
      if (found.has(name)) continue;
      const { id } = versionOf(catalog, subject, version, true);
      const stored = catalog.schema(id) as StoredSchema;
      visit(stored.references);
      found.set(name, stored.schema);
    }
  };
  visit(references);
  return { text: schema, references: [...found].map(([name, text]) => ({ name, text })) };
}

export function checkUnused(catalog: SchemaCatalog, subject: string, version: number): void {
  const [referrer] = catalog.referrers(subject, version);
  if (referrer === undefined) return;
  throw schemaInUse(
    `${subject} version ${version}`,
    `The schema ${referrer} refers to ${subject} version ${version}.`,
    "Delete that first.",
  );
}

export function checkWritable(catalog: SchemaCatalog, subject: string): void {
  if (modeOf(catalog, subject) !== "READONLY") return;
  throw readOnly(subject, `The subject ${subject} is in the mode READONLY.`, "Set its mode to READWRITE.");
}

export function compatibilityOf(catalog: SchemaCatalog, subject: string | undefined): Compatibility {
  const own = subject === undefined ? undefined : catalog.settings(subject)?.compatibility;
  return own ?? catalog.settings("")?.compatibility ?? "BACKWARD";
}

export function modeOf(catalog: SchemaCatalog, subject: string | undefined): RegistryMode {
  const own = subject === undefined ? undefined : catalog.settings(subject)?.mode;
  return own ?? catalog.settings("")?.mode ?? "READWRITE";
}

export function checkOneOf(
  name: string,
  value: string | undefined,
  values: Readonly<Record<string, true>>,
): void {
  if (value === undefined || Object.hasOwn(values, value)) return;
  throw invalidArgument(
    name,
    `There is no ${name} ${JSON.stringify(value)}.`,
    `Give one of ${Object.keys(values).join(", ")}.`,
  );
}

export function checkSubject(subject: string): void {
  if (typeof subject === "string" && subject !== "") return;
  throw invalidArgument(
    "subject",
    `A subject cannot be named ${JSON.stringify(subject)}.`,
    "Give it a name.",
  );
}
