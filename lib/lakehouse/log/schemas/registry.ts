import { readOnly } from "../../errors.js";
import type { LogCore } from "../core.js";
import { noSuchSchema } from "../errors.js";
import type { SchemaCatalog } from "./catalog.js";
import { subjectDeletion, versionDeletion } from "./deleting.js";
import {
  COMPATIBILITIES,
  type Compatibility,
  MODES,
  type RegistryMode,
  type StoredSettings,
} from "./entries.js";
import { guidOf } from "./guid.js";
import { KnownSchemas, parseSchema } from "./known-schemas.js";
import {
  checkOneOf,
  checkSubject,
  compatibilityOf,
  modeOf,
  type RegisteredSchema,
  type SchemaVersion,
  shown,
  sourceOf,
  storedOf,
  type VersionNumber,
  versionOf,
  versionsOf,
  withoutHash,
} from "./lookups.js";
import { checkImport, type ImportSchemaOptions, importedVersion, registration } from "./registering.js";
import { type RegistryChange, RegistryState } from "./registry-state.js";
import type { NewSchema, ReadSchema } from "./schema.js";

/** Whether softly deleted ones are found, too. */
export interface WithDeleted {
  readonly deleted?: boolean | undefined;
}

export interface DeleteSchemaOptions {
  /** For good, after it was softly deleted. */
  readonly permanent?: boolean | undefined;
}

/**
 * The schemas of records: subjects (`flights-value`) with versions, each a schema with an id that records name it by. They
 * are kept in a topic of the log, in the object store before they are acknowledged, and read by every process that has it.
 *
 * @example
 * const { id } = await lake.log.schemas.register("flights-value", { schemaType: "AVRO", schema });
 * await lake.log.schemas.setCompatibility("FULL_TRANSITIVE", "flights-value");
 */
export class SchemaRegistry {
  /** @internal The log that it is of, for its server. */
  readonly core: LogCore;
  readonly #state: RegistryState;
  readonly #schemas = new KnownSchemas();

  constructor(core: LogCore) {
    this.core = core;
    this.#state = new RegistryState(core);
  }

  /** By name. */
  async subjects({ deleted = false }: WithDeleted = {}): Promise<string[]> {
    return (await this.#state.read()).subjects(deleted);
  }

  /** The numbers of a subject's versions. @throws LakehouseError NO_SUCH_SUBJECT */
  async versions(subject: string, { deleted = false }: WithDeleted = {}): Promise<number[]> {
    return versionsOf(await this.#state.read(), subject, deleted).map(({ version }) => version);
  }

  /** @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async version(
    subject: string,
    version: VersionNumber,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const catalog = await this.#state.read();
    return shown(catalog, versionOf(catalog, subject, version, deleted));
  }

  /** @throws LakehouseError NO_SUCH_SCHEMA */
  async byId(id: number): Promise<RegisteredSchema> {
    return withoutHash(storedOf(await this.#state.read(), id));
  }

  /** Where a schema is used. @throws LakehouseError NO_SUCH_SCHEMA */
  async uses(
    id: number,
    { deleted = false }: WithDeleted = {},
  ): Promise<{ subject: string; version: number }[]> {
    const catalog = await this.#state.read();
    storedOf(catalog, id);
    return catalog.uses(id, deleted).map(({ subject, version }) => ({ subject, version }));
  }

  /** The ids of the schemas that refer to a version. @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async referencedBy(subject: string, version: VersionNumber): Promise<number[]> {
    const catalog = await this.#state.read();
    return catalog.referrers(subject, versionOf(catalog, subject, version, true).version);
  }

  /** The version that a schema is of a subject. @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA, INVALID_RECORD_SCHEMA */
  async lookup(
    subject: string,
    schema: NewSchema,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const catalog = await this.#state.read();
    const versions = versionsOf(catalog, subject, deleted);
    const known = catalog.byHash((await parseSchema(catalog, schema)).hash);
    const version = versions.findLast(({ id }) => id === known?.id);
    if (version !== undefined) return shown(catalog, version);
    throw noSuchSchema(subject, `The schema is no version of ${subject}.`, "Register it.");
  }

  /**
   * Makes a schema the next version of a subject, or finds the version that it is. A schema has one id, under whichever
   * subjects. In the mode `IMPORT` it gets the id and version that are given, and is not compared with others.
   *
   * @throws LakehouseError INVALID_RECORD_SCHEMA; INCOMPATIBLE_SCHEMA with all that is in the way; READ_ONLY; INVALID_ARGUMENT
   */
  async register(
    subject: string,
    schema: NewSchema,
    { id, version }: ImportSchemaOptions = {},
  ): Promise<SchemaVersion> {
    checkSubject(subject);
    if (id === undefined)
      return this.#state.change((catalog) => registration(catalog, this.#schemas, subject, schema));
    const given = { id, version };
    checkImport(given);
    return this.#state.change((catalog) => importedVersion(catalog, subject, schema, given));
  }

  /**
   * What keeps a schema from being a version beside those that there are: empty where nothing does.
   *
   * @param version the one to compare with; all that the subject's compatibility names where not given.
   * @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION, INVALID_RECORD_SCHEMA
   */
  async check(subject: string, schema: NewSchema, version?: VersionNumber): Promise<string[]> {
    const catalog = await this.#state.read();
    const { read } = await parseSchema(catalog, schema);
    const compared = version === undefined ? undefined : [versionOf(catalog, subject, version, false)];
    return this.#schemas.refusals(catalog, subject, read, compared);
  }

  /**
   * Deletes all versions of a subject, softly: records that name them are still read.
   *
   * @returns the numbers of the versions.
   * @throws LakehouseError NO_SUCH_SUBJECT, SUBJECT_DELETED, SUBJECT_NOT_DELETED, SCHEMA_IN_USE, READ_ONLY
   */
  deleteSubject(subject: string, { permanent = false }: DeleteSchemaOptions = {}): Promise<number[]> {
    return this.#state.change((catalog) => subjectDeletion(catalog, subject, permanent));
  }

  /**
   * Deletes one version, softly.
   *
   * @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION, SCHEMA_VERSION_DELETED, SCHEMA_VERSION_NOT_DELETED,
   *   SCHEMA_IN_USE, READ_ONLY
   */
  deleteVersion(
    subject: string,
    number: VersionNumber,
    { permanent = false }: DeleteSchemaOptions = {},
  ): Promise<number> {
    return this.#state.change((catalog) => versionDeletion(catalog, subject, number, permanent));
  }

  /** What new versions are held to: the subject's own, or that of all. */
  async compatibility(subject?: string): Promise<Compatibility> {
    return compatibilityOf(await this.#state.read(), subject);
  }

  /** The subject's own; `undefined` where it goes by that of all. */
  async ownCompatibility(subject: string): Promise<Compatibility | undefined> {
    return (await this.#state.read()).settings(subject)?.compatibility;
  }

  /** @param compatibility `undefined` for a subject that is to go by that of all. @throws LakehouseError INVALID_ARGUMENT */
  async setCompatibility(compatibility: Compatibility | undefined, subject?: string): Promise<void> {
    checkOneOf("compatibility", compatibility, COMPATIBILITIES);
    await this.#set(subject, { compatibility });
  }

  async mode(subject?: string): Promise<RegistryMode> {
    return modeOf(await this.#state.read(), subject);
  }

  async ownMode(subject: string): Promise<RegistryMode | undefined> {
    return (await this.#state.read()).settings(subject)?.mode;
  }

  /**
   * `READONLY` refuses new versions and deletes; `IMPORT` takes schemas with their ids.
   *
   * @param options `force`: sets `IMPORT` though there are schemas, whose ids those that come may have.
   * @throws LakehouseError INVALID_ARGUMENT; READ_ONLY where there are schemas
   */
  async setMode(
    mode: RegistryMode | undefined,
    subject?: string,
    { force = false }: { readonly force?: boolean | undefined } = {},
  ): Promise<void> {
    checkOneOf("mode", mode, MODES);
    await this.#set(subject, { mode }, (catalog) => {
      const there = subject === undefined ? catalog.subjects(true) : catalog.versions(subject, true);
      if (mode === "IMPORT" && !force && there.length > 0)
        throw readOnly(
          subject ?? "registry",
          `Nothing can be imported into ${subject ?? "a registry"} that has schemas.`,
          "Delete them for good, or say force.",
        );
    });
  }

  /**
   * The schema of an id, understood.
   *
   * @internal
   * @throws LakehouseError NO_SUCH_SCHEMA
   */
  async read(id: number): Promise<ReadSchema> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const catalog = await this.#state.read();
    return this.#schemas.read(catalog, storedOf(catalog, id));
  }

  /**
   * A schema as its clients ask for it: its text, and the GUID that it has in any registry.
   *
   * @internal
   * @param format `serialized`: Protobuf's as a descriptor in base64. Of what a type does not have, the text as it is.
   * @throws LakehouseError NO_SUCH_SCHEMA; UNSUPPORTED_FEATURE
   */
  async formatted(id: number, format?: string): Promise<{ readonly schema: string; readonly guid: string }> {
    const catalog = await this.#state.read();
    const stored = storedOf(catalog, id);
    const guid = guidOf(stored.hash);
    if (stored.schemaType !== "PROTOBUF" || format !== "serialized") return { schema: stored.schema, guid };
    const { serializedProtobuf } = await import("./protobuf/descriptor.js");
    return { schema: serializedProtobuf(sourceOf(catalog, stored)), guid };
  }

  /** @internal The id of the schema that has a GUID, which is in small letters; undefined where there is none. */
  async idOf(guid: string): Promise<number | undefined> {
    const catalog = await this.#state.read();
    const id = catalog.idOf(guid);
    return id !== undefined && catalog.uses(id, true).length > 0 ? id : undefined;
  }

  #set(
    subject = "",
    setting: { compatibility?: Compatibility | undefined; mode?: RegistryMode | undefined },
    check: (catalog: SchemaCatalog) => void = () => {},
  ) {
    return this.#state.change((catalog): RegistryChange<void> => {
      check(catalog);
      const before: StoredSettings = catalog.settings(subject) ?? { kind: "settings", subject };
      return { entries: [{ ...before, ...setting }], result: undefined };
    });
  }
}
