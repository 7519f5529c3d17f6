import { createHash } from "node:crypto";
import { invalidArgument, readOnly } from "../../errors.js";
import { keyOf } from "../../keys.js";
import type { LogCore } from "../core.js";
import {
  incompatibleSchema,
  noSuchSchema,
  schemaVersionDeleted,
  schemaVersionNotDeleted,
  subjectDeleted,
  subjectNotDeleted,
} from "../errors.js";
import { OnFirstUse } from "../on-first-use.js";
import { followState, stateTopic } from "../state/open-state.js";
import type { SchemaCatalog } from "./catalog.js";
import {
  COMPATIBILITIES,
  type Compatibility,
  checkSchemaType,
  keyOfEntry,
  MODES,
  REGISTRY_FORMAT,
  type RegistryEntry,
  type RegistryMode,
  type StoredSchema,
  type StoredVersion,
} from "./entries.js";
import {
  catalogOf,
  checkOneOf,
  checkSubject,
  checkUnused,
  compatibilityOf,
  modeOf,
  type RegisteredSchema,
  type SchemaVersion,
  shown,
  sourceOf,
  type VersionNumber,
  versionOf,
  versionsOf,
  withoutHash,
} from "./lookups.js";
import { readSchema } from "./read-schema.js";
import type { NewSchema, ReadSchema } from "./schema.js";

/** Whether softly deleted ones are found, too. */
export interface WithDeleted {
  readonly deleted?: boolean | undefined;
}

export interface DeleteSchemaOptions {
  /** For good, after it was softly deleted. */
  readonly permanent?: boolean | undefined;
}

export interface ImportSchemaOptions {
  /** Of the schema in the registry that it comes from. */
  readonly id?: number | undefined;
  /** The next where not given. */
  readonly version?: number | undefined;
}

const TOPIC = "__schemas";
const MOST_ID = 2 ** 31 - 1;

/**
 * The schemas of records: subjects (`flights-value`) with versions, each a schema with an id that records name it by. They
 * are kept in a topic of the log, in the object store before they are acknowledged, and read by every process that has it.
 *
 * @example
 * const { id } = await lake.log.schemas.register("flights-value", { schemaType: "AVRO", schema });
 * await lake.log.schemas.setCompatibility("FULL_TRANSITIVE", "flights-value");
 */
export class SchemaRegistry {
  readonly #core: LogCore;
  readonly #state = new OnFirstUse(async () =>
    followState(this.#core, await stateTopic(this.#core, TOPIC, 1), 0, REGISTRY_FORMAT),
  );
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** By id, which is never another schema's. */
  readonly #read = new Map<number, ReadSchema>();

  constructor(core: LogCore) {
    this.#core = core;
  }

  /** @internal The log that it is of, for its server. */
  get core(): LogCore {
    return this.#core;
  }

  /** By name. */
  async subjects({ deleted = false }: WithDeleted = {}): Promise<string[]> {
    return (await this.#catalog()).subjects(deleted);
  }

  /** The numbers of a subject's versions. @throws LakehouseError NO_SUCH_SUBJECT */
  async versions(subject: string, { deleted = false }: WithDeleted = {}): Promise<number[]> {
    return versionsOf(await this.#catalog(), subject, deleted).map(({ version }) => version);
  }

  /** @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async version(
    subject: string,
    version: VersionNumber,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const catalog = await this.#catalog();
    return shown(catalog, versionOf(catalog, subject, version, deleted));
  }

  /** @throws LakehouseError NO_SUCH_SCHEMA */
  async byId(id: number): Promise<RegisteredSchema> {
    return withoutHash(this.#stored(await this.#catalog(), id));
  }

  /** Where a schema is used. @throws LakehouseError NO_SUCH_SCHEMA */
  async uses(
    id: number,
    { deleted = false }: WithDeleted = {},
  ): Promise<{ subject: string; version: number }[]> {
    const catalog = await this.#catalog();
    this.#stored(catalog, id);
    return catalog.uses(id, deleted).map(({ subject, version }) => ({ subject, version }));
  }

  /** The ids of the schemas that refer to a version. @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async referencedBy(subject: string, version: VersionNumber): Promise<number[]> {
    const catalog = await this.#catalog();
    return catalog.referrers(subject, versionOf(catalog, subject, version, true).version);
  }

  /** The version that a schema is of a subject. @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA, INVALID_RECORD_SCHEMA */
  async lookup(
    subject: string,
    schema: NewSchema,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const catalog = await this.#catalog();
    const versions = versionsOf(catalog, subject, deleted);
    const known = catalog.byHash((await this.#parse(catalog, schema)).hash);
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
  register(subject: string, schema: NewSchema, given: ImportSchemaOptions = {}): Promise<SchemaVersion> {
    checkSubject(subject);
    if (given.id !== undefined) return this.#import(subject, schema, { ...given, id: given.id });
    return this.#change(async (catalog, write) => {
      const parsed = await this.#parse(catalog, schema);
      const known = catalog.byHash(parsed.hash);
      const same = catalog.versions(subject, false).findLast(({ id }) => id === known?.id);
      if (same !== undefined) return shown(catalog, same);
      this.#checkWritable(catalog, subject);
      if (modeOf(catalog, subject) === "IMPORT")
        throw readOnly(
          subject,
          `The subject ${subject} is in the mode IMPORT, and the schema has no id.`,
          "Give its id, or set the mode to READWRITE.",
        );
      const refusals = await this.#refusals(catalog, subject, parsed.read);
      if (refusals.length > 0)
        throw incompatibleSchema(
          subject,
          `The schema is incompatible with an earlier one of ${subject}: ${refusals.join("; ")}.`,
          "Change it so that it fits, or the subject's compatibility.",
        );
      const id = known?.id ?? catalog.next;
      const stored: StoredSchema = known ?? { kind: "schema", id, ...parsed.given, hash: parsed.hash };
      const last = catalog.versions(subject, true).at(-1)?.version ?? 0;
      const version: StoredVersion = { kind: "version", subject, version: last + 1, id, deleted: false };
      const next = Math.max(catalog.next, id + 1);
      await write([stored, version, { kind: "next", id: next }]);
      return { ...withoutHash(stored), subject, version: version.version };
    });
  }

  #import(
    subject: string,
    schema: NewSchema,
    { id, version: wanted }: ImportSchemaOptions & { readonly id: number },
  ): Promise<SchemaVersion> {
    for (const [name, number] of Object.entries({ id, version: wanted ?? 1 }))
      if (!(Number.isInteger(number) && number >= 1 && number <= MOST_ID))
        throw invalidArgument(
          name,
          `A schema cannot have the ${name} ${number}.`,
          "Give a number from 1 on.",
        );
    return this.#change(async (catalog, write) => {
      if (modeOf(catalog, subject) !== "IMPORT")
        throw readOnly(
          subject,
          `The subject ${subject} is not in the mode IMPORT, so the registry gives the ids.`,
          "Leave out the id, or set the mode to IMPORT.",
        );
      const parsed = await this.#parse(catalog, schema);
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
      const version = wanted ?? (catalog.versions(subject, true).at(-1)?.version ?? 0) + 1;
      const there = catalog.version(subject, version);
      if (there !== undefined && there.id !== id)
        throw readOnly(
          `${subject} version ${version}`,
          `Version ${version} of ${subject} is another schema.`,
          "Leave out the version, or delete that one for good.",
        );
      const stored: StoredSchema = known ?? { kind: "schema", id, ...parsed.given, hash: parsed.hash };
      const next = Math.max(catalog.next, id + 1);
      await write([
        stored,
        { kind: "version", subject, version, id, deleted: false },
        { kind: "next", id: next },
      ]);
      return { ...withoutHash(stored), subject, version };
    });
  }

  /**
   * What keeps a schema from being a version beside those that there are: empty where nothing does.
   *
   * @param version the one to compare with; all that the subject's compatibility names where not given.
   * @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION, INVALID_RECORD_SCHEMA
   */
  async check(subject: string, schema: NewSchema, version?: VersionNumber): Promise<string[]> {
    const catalog = await this.#catalog();
    const { read } = await this.#parse(catalog, schema);
    const compared = version === undefined ? undefined : [versionOf(catalog, subject, version, false)];
    return this.#refusals(catalog, subject, read, compared);
  }

  /**
   * Deletes all versions of a subject, softly: records that name them are still read.
   *
   * @returns the numbers of the versions.
   * @throws LakehouseError NO_SUCH_SUBJECT, SUBJECT_DELETED, SUBJECT_NOT_DELETED, SCHEMA_IN_USE, READ_ONLY
   */
  deleteSubject(subject: string, { permanent = false }: DeleteSchemaOptions = {}): Promise<number[]> {
    return this.#change(async (catalog, write) => {
      const all = versionsOf(catalog, subject, true);
      const live = all.filter(({ deleted }) => !deleted);
      this.#checkWritable(catalog, subject);
      if (permanent && live.length > 0)
        throw subjectNotDeleted(
          subject,
          `${subject} was not deleted softly before.`,
          "Delete it softly first.",
        );
      if (!permanent && live.length === 0)
        throw subjectDeleted(
          subject,
          `${subject} was deleted softly.`,
          "Delete it for good, or register a schema.",
        );
      const gone = permanent ? all : live;
      for (const { version } of gone) checkUnused(catalog, subject, version);
      await write(gone.map((version) => (permanent ? keyOfEntry(version) : { ...version, deleted: true })));
      return gone.map(({ version }) => version);
    });
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
    return this.#change(async (catalog, write) => {
      const found = versionOf(catalog, subject, number, true);
      const name = `${subject} version ${found.version}`;
      this.#checkWritable(catalog, subject);
      if (permanent && !found.deleted)
        throw schemaVersionNotDeleted(
          name,
          `${name} was not deleted softly before.`,
          "Delete it softly first.",
        );
      if (!permanent && found.deleted)
        throw schemaVersionDeleted(name, `${name} was deleted softly.`, "Delete it for good, or leave it.");
      checkUnused(catalog, subject, found.version);
      await write([permanent ? keyOfEntry(found) : { ...found, deleted: true }]);
      return found.version;
    });
  }

  /** What new versions are held to: the subject's own, or that of all. */
  async compatibility(subject?: string): Promise<Compatibility> {
    return compatibilityOf(await this.#catalog(), subject);
  }

  /** The subject's own; `undefined` where it goes by that of all. */
  async ownCompatibility(subject: string): Promise<Compatibility | undefined> {
    return (await this.#catalog()).settings(subject)?.compatibility;
  }

  /** @param compatibility `undefined` for a subject that is to go by that of all. @throws LakehouseError INVALID_ARGUMENT */
  async setCompatibility(compatibility: Compatibility | undefined, subject?: string): Promise<void> {
    checkOneOf("compatibility", compatibility, COMPATIBILITIES);
    await this.#set(subject, { compatibility });
  }

  async mode(subject?: string): Promise<RegistryMode> {
    return modeOf(await this.#catalog(), subject);
  }

  async ownMode(subject: string): Promise<RegistryMode | undefined> {
    return (await this.#catalog()).settings(subject)?.mode;
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
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const catalog = await this.#catalog();
    return this.#readStored(catalog, this.#stored(catalog, id));
  }

  async #readStored(catalog: SchemaCatalog, stored: StoredSchema): Promise<ReadSchema> {
    const known = this.#read.get(stored.id);
    if (known !== undefined) return known;
    const read = await readSchema(stored.schemaType, sourceOf(catalog, stored));
    this.#read.set(stored.id, read);
    return read;
  }

  #stored(catalog: SchemaCatalog, id: number): StoredSchema {
    const stored = catalog.schema(id);
    if (stored !== undefined && catalog.uses(id, true).length > 0) return stored;
    throw noSuchSchema(String(id), `There is no schema with the id ${id}.`);
  }

  async #parse(catalog: SchemaCatalog, schema: NewSchema) {
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

  async #refusals(
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
      const earlier = await this.#readStored(catalog, this.#stored(catalog, id));
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

  #checkWritable(catalog: SchemaCatalog, subject: string): void {
    if (modeOf(catalog, subject) !== "READONLY") return;
    throw readOnly(subject, `The subject ${subject} is in the mode READONLY.`, "Set its mode to READWRITE.");
  }

  #set(
    subject = "",
    setting: { compatibility?: Compatibility | undefined; mode?: RegistryMode | undefined },
    check: (catalog: SchemaCatalog) => void = () => {},
  ) {
    return this.#change(async (catalog, write) => {
      check(catalog);
      await write([{ ...(catalog.settings(subject) ?? { kind: "settings", subject }), ...setting }]);
    });
  }

  async #catalog(): Promise<SchemaCatalog> {
    const state = await this.#state.get();
    await state.refresh();
    return catalogOf(state);
  }

  /** @param work gets what is there, and writes entries, or deletes those of keys: all of them, or none. */
  #change<Result>(
    work: (
      catalog: SchemaCatalog,
      write: (entries: readonly (RegistryEntry | string)[]) => Promise<void>,
    ) => Promise<Result>,
  ): Promise<Result> {
    const change = this.#turn.then(async () => {
      const state = await this.#state.get();
      await this.#core.startWritingTo(await this.#core.topic(TOPIC), 0);
      await state.refresh();
      return work(catalogOf(state), (entries) =>
        state.write(
          entries.map((entry) =>
            typeof entry === "string" ? [entry, undefined] : [keyOfEntry(entry), entry],
          ),
          "stored",
        ),
      );
    });
    this.#turn = change.catch(() => {});
    return change;
  }
}
