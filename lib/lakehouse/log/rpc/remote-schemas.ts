import type { Compatibility, RegistryMode } from "../schemas/entries.js";
import type { RegisteredSchema, SchemaVersion, VersionNumber } from "../schemas/lookups.js";
import type { ImportSchemaOptions } from "../schemas/registering.js";
import type { DeleteSchemaOptions, WithDeleted } from "../schemas/registry.js";
import type { NewSchema } from "../schemas/schema.js";
import type { Remote } from "./remote-log.js";
import { int32, newSchemaMessage, registeredOf, versionNumber, versionOf } from "./schema-messages.js";

/** The schemas of a log that another process serves: as `SchemaRegistry`, which says more. */
export class RemoteSchemas {
  readonly #remote: Remote;

  /** @internal */
  constructor(remote: Remote) {
    this.#remote = remote;
  }

  /** By name. */
  async subjects({ deleted = false }: WithDeleted = {}): Promise<string[]> {
    return (await this.#call((schemas) => schemas.listSubjects({ deleted }))).subjects;
  }

  /** The numbers of a subject's versions. @throws LakehouseError NO_SUCH_SUBJECT */
  async versions(subject: string, { deleted = false }: WithDeleted = {}): Promise<number[]> {
    return (await this.#call((schemas) => schemas.listVersions({ subject, deleted }))).versions;
  }

  /** @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async version(
    subject: string,
    version: VersionNumber,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const request = { subject, ...versionNumber(version), deleted };
    return versionOf(await this.#call((schemas) => schemas.getVersion(request)));
  }

  /** @throws LakehouseError NO_SUCH_SCHEMA */
  async byId(id: number): Promise<RegisteredSchema> {
    const request = { id: int32("id", id) };
    return registeredOf(await this.#call((schemas) => schemas.getSchema(request)));
  }

  /** Where a schema is used. @throws LakehouseError NO_SUCH_SCHEMA */
  async uses(
    id: number,
    { deleted = false }: WithDeleted = {},
  ): Promise<{ subject: string; version: number }[]> {
    const request = { id: int32("id", id), deleted };
    const { uses } = await this.#call((schemas) => schemas.listUses(request));
    return uses.map(({ subject, version }) => ({ subject, version }));
  }

  /** The ids of the schemas that refer to a version. @throws LakehouseError NO_SUCH_SUBJECT, NO_SUCH_SCHEMA_VERSION */
  async referencedBy(subject: string, version: VersionNumber): Promise<number[]> {
    const request = { subject, ...versionNumber(version) };
    return (await this.#call((schemas) => schemas.listReferrers(request))).ids;
  }

  /** The version that a schema is of a subject. @throws LakehouseError as `SchemaRegistry.lookup` */
  async lookup(
    subject: string,
    schema: NewSchema,
    { deleted = false }: WithDeleted = {},
  ): Promise<SchemaVersion> {
    const request = { subject, schema: newSchemaMessage(schema), deleted };
    return versionOf(await this.#call((schemas) => schemas.lookUpSchema(request)));
  }

  /** Makes a schema the next version of a subject, or finds the one that it is. @throws LakehouseError as `SchemaRegistry.register` */
  async register(
    subject: string,
    schema: NewSchema,
    { id, version }: ImportSchemaOptions = {},
  ): Promise<SchemaVersion> {
    const request = {
      ...{ subject, schema: newSchemaMessage(schema) },
      ...(id === undefined ? {} : { id: int32("id", id) }),
      ...(version === undefined ? {} : { version: int32("version", version) }),
    };
    return versionOf(await this.#call((schemas) => schemas.registerSchema(request)));
  }

  /** What keeps a schema from being a version: empty where nothing does. @throws LakehouseError as `SchemaRegistry.check` */
  async check(subject: string, schema: NewSchema, version?: VersionNumber): Promise<string[]> {
    const compared =
      version === undefined
        ? { case: undefined }
        : version === "latest"
          ? { case: "latest" as const, value: true }
          : { case: "version" as const, value: int32("version", version) };
    const request = { subject, schema: newSchemaMessage(schema), compared };
    return (await this.#call((schemas) => schemas.checkSchema(request))).refusals;
  }

  /** Deletes all versions of a subject, softly. @throws LakehouseError as `SchemaRegistry.deleteSubject` */
  async deleteSubject(subject: string, { permanent = false }: DeleteSchemaOptions = {}): Promise<number[]> {
    return (await this.#call((schemas) => schemas.deleteSubject({ subject, permanent }))).versions;
  }

  /** Deletes one version, softly. @throws LakehouseError as `SchemaRegistry.deleteVersion` */
  async deleteVersion(
    subject: string,
    number: VersionNumber,
    { permanent = false }: DeleteSchemaOptions = {},
  ): Promise<number> {
    const request = { subject, ...versionNumber(number), permanent };
    return (await this.#call((schemas) => schemas.deleteVersion(request))).version;
  }

  /** What new versions are held to: the subject's own, or that of all. */
  async compatibility(subject?: string): Promise<Compatibility> {
    return (await this.#settings(subject)).compatibility as Compatibility;
  }

  /** The subject's own; `undefined` where it goes by that of all. */
  async ownCompatibility(subject: string): Promise<Compatibility | undefined> {
    return (await this.#settings(subject)).ownCompatibility as Compatibility | undefined;
  }

  /** @param compatibility `undefined` for a subject that is to go by that of all. @throws LakehouseError INVALID_ARGUMENT */
  async setCompatibility(compatibility: Compatibility | undefined, subject?: string): Promise<void> {
    const request = { ...named(subject), ...(compatibility === undefined ? {} : { compatibility }) };
    await this.#call((schemas) => schemas.setCompatibility(request));
  }

  async mode(subject?: string): Promise<RegistryMode> {
    return (await this.#settings(subject)).mode as RegistryMode;
  }

  async ownMode(subject: string): Promise<RegistryMode | undefined> {
    return (await this.#settings(subject)).ownMode as RegistryMode | undefined;
  }

  /** As `SchemaRegistry.setMode`. @throws LakehouseError INVALID_ARGUMENT, READ_ONLY */
  async setMode(
    mode: RegistryMode | undefined,
    subject?: string,
    { force = false }: { readonly force?: boolean | undefined } = {},
  ): Promise<void> {
    const request = { ...named(subject), ...(mode === undefined ? {} : { mode }), force };
    await this.#call((schemas) => schemas.setMode(request));
  }

  #settings(subject: string | undefined) {
    return this.#call((schemas) => schemas.getSchemaSettings(named(subject)));
  }

  #call<T>(work: (schemas: Remote["schemas"]) => Promise<T>): Promise<T> {
    return this.#remote.callAny(() => work(this.#remote.schemas));
  }
}

function named(subject: string | undefined): { readonly subject?: string } {
  return subject === undefined ? {} : { subject };
}
