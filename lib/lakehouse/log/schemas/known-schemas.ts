/** Schemas that were understood: what is given to the registry, and what it keeps. */
import { createHash } from "node:crypto";
import { keyOf } from "../../keys.js";
import type { SchemaCatalog } from "./catalog.js";
import { checkSchemaType, type StoredSchema, type StoredVersion } from "./entries.js";
import { compatibilityOf, sourceOf, storedOf, versionOf } from "./lookups.js";
import { readSchema } from "./read-schema.js";
import type { NewSchema, ReadSchema } from "./schema.js";

export interface ParsedSchema {
  readonly given: Pick<StoredSchema, "schemaType" | "schema" | "references">;
  readonly read: ReadSchema;
  /** As `StoredSchema.hash`. */
  readonly hash: string;
}

/** @throws LakehouseError INVALID_RECORD_SCHEMA, INVALID_ARGUMENT; NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION for references */
export async function parseSchema(catalog: SchemaCatalog, schema: NewSchema): Promise<ParsedSchema> {
  const { schemaType, schema: text, references = [] } = schema ?? {};
  const given = {
    schemaType: checkSchemaType(schemaType ?? "AVRO"),
    schema: String(text),
    references: references.map(({ name, subject, version }) => ({
      name,
      subject,
      version: versionOf(catalog, subject, version === -1 ? "latest" : version, true).version,
    })),
  };
  const read = await readSchema(given.schemaType, sourceOf(catalog, given));
  const key = keyOf([given.schemaType, read.canonical, given.references]);
  return { given, read, hash: createHash("sha256").update(key).digest("hex") };
}

/** The schemas that the registry keeps, each understood once. */
export class KnownSchemas {
  /** By id, which is never another schema's. */
  readonly #read = new Map<number, ReadSchema>();

  /** One that was read before. */
  get(id: number): ReadSchema | undefined {
    return this.#read.get(id);
  }

  async read(catalog: SchemaCatalog, stored: StoredSchema): Promise<ReadSchema> {
    const known = this.#read.get(stored.id);
    if (known !== undefined) return known;
    const read = await readSchema(stored.schemaType, sourceOf(catalog, stored));
    this.#read.set(stored.id, read);
    return read;
  }

  /**
   * What keeps a schema from being the next version of a subject, by the subject's compatibility.
   *
   * @param compared the versions to compare it with; those that the compatibility names where not given.
   */
  async refusals(
    catalog: SchemaCatalog,
    subject: string,
    schema: ReadSchema,
    compared?: readonly StoredVersion[],
  ): Promise<string[]> {
    const compatibility = compatibilityOf(catalog, subject);
    if (compatibility === "NONE") return [];
    const [direction, isTransitive] = compatibility.split("_");
    const versions = catalog.versions(subject, false);
    const refusals: string[] = [];
    for (const { version, id } of compared ?? (isTransitive ? versions : versions.slice(-1)).reverse()) {
      const earlier = await this.read(catalog, storedOf(catalog, id));
      if (earlier.type !== schema.type) {
        refusals.push(`version ${version} is of the type ${earlier.type}`);
        continue;
      }
      const back = direction === "FORWARD" ? [] : schema.refusals(earlier);
      const forth = direction === "BACKWARD" ? [] : earlier.refusals(schema);
      refusals.push(
        ...back.map((why) => `it cannot read what version ${version} wrote: ${why}`),
        ...forth.map((why) => `version ${version} cannot read what it writes: ${why}`),
      );
    }
    return refusals;
  }
}
