/** Confluent's Schema Registry API, version 1: each operation by its method and path. */
import { COMPATIBILITIES, type Compatibility, MODES, type RegistryMode } from "../entries.js";
import type { RegisteredSchema, SchemaVersion, VersionNumber } from "../lookups.js";
import { SCHEMA_TYPES } from "../read-schema.js";
import type { ImportSchemaOptions } from "../registering.js";
import type { SchemaRegistry } from "../registry.js";
import type { NewSchema, SchemaReference, SchemaType } from "../schema.js";
import { checkSchemaId } from "./access.js";
import { RegistryFault } from "./faults.js";

/** A request, as far as operations look at it. */
export interface RegistryRequest {
  readonly registry: SchemaRegistry;
  /** Whether who asks may know of a subject. */
  readonly sees: (subject: string) => boolean;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** The JSON of its body. */
  readonly body: unknown;
}

export interface RegistryRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** @returns what is answered, as JSON. */
  readonly run: (request: RegistryRequest) => Promise<unknown> | unknown;
}

const route = (method: RegistryRoute["method"], path: string, run: RegistryRoute["run"]): RegistryRoute => ({
  method,
  path,
  run,
});

const VERSIONS = "/subjects/:subject/versions";

export const ROUTES: readonly RegistryRoute[] = [
  route("GET", "/", () => ({})),
  route("GET", "/contexts", () => ["."]),
  route("GET", "/v1/metadata/id", () => ({ id: "", scope: { path: [], clusters: {} } })),
  route("GET", "/v1/metadata/version", () => ({ version: "7.9.0", commitId: "" })),

  route("GET", "/schemas/types", () => ["JSON", "PROTOBUF", "AVRO"]),
  route("GET", "/schemas", async ({ registry, sees, query }) => {
    const found: unknown[] = [];
    for (const subject of (await subjectsOf(registry, query)).filter(sees)) {
      const all = await registry.versions(subject, deletedOf(query));
      for (const version of isSet(query.latestOnly) ? all.slice(-1) : all) {
        const asked = await registry.version(subject, version, deletedOf(query));
        found.push(versionJson({ ...asked, ...(await registry.formatted(asked.id)) }));
      }
    }
    return page(found, query);
  }),
  route("GET", "/schemas/ids/:id", async (request) =>
    schemaJson(await formatted(request, await schemaOf(request))),
  ),
  route(
    "GET",
    "/schemas/ids/:id/schema",
    async (request) => new SchemaText((await formatted(request, await schemaOf(request))).schema),
  ),
  route("GET", "/schemas/guids/:guid", async (request) =>
    schemaJson(await formatted(request, await schemaOf(request, await idOfGuid(request)))),
  ),
  route("GET", "/schemas/ids/:id/subjects", async ({ registry, sees, params, query }) => {
    const all = await registry.uses(idOf(params), deletedOf(query));
    const uses = all.filter(({ subject }) => sees(subject));
    return page([...new Set(uses.map(({ subject }) => subject))], query);
  }),
  route("GET", "/schemas/ids/:id/versions", async ({ registry, sees, params, query }) => {
    const uses = await registry.uses(idOf(params), deletedOf(query));
    return page(
      uses.filter(({ subject }) => sees(subject)),
      query,
    );
  }),

  route("GET", "/subjects", async ({ registry, sees, query }) =>
    page((await subjectsOf(registry, query)).filter(sees), query),
  ),
  route("POST", "/subjects/:subject", async (request) => {
    const { registry, params, query, body } = request;
    const found = await registry.lookup(subjectIn(params), schemaIn(body), deletedOf(query));
    return versionJson(await formatted(request, found));
  }),
  route("DELETE", "/subjects/:subject", ({ registry, params, query }) =>
    registry.deleteSubject(subjectIn(params), { permanent: isSet(query.permanent) }),
  ),
  route("GET", VERSIONS, async ({ registry, params, query }) => {
    const subject = subjectIn(params);
    if (!isSet(query.deletedOnly)) return page(await registry.versions(subject, deletedOf(query)), query);
    const isLive = (await registry.subjects()).includes(subject);
    const live = isLive ? await registry.versions(subject) : [];
    const all = await registry.versions(subject, { deleted: true });
    return page(
      all.filter((version) => !live.includes(version)),
      query,
    );
  }),
  route("POST", VERSIONS, async ({ registry, params, body }) => {
    const registered = await registry.register(subjectIn(params), schemaIn(body), importedIn(body));
    const { subject: _, ...answer } = versionJson({
      ...registered,
      ...(await registry.formatted(registered.id)),
    });
    return answer;
  }),
  route("GET", `${VERSIONS}/:version`, async (request) =>
    versionJson(await formatted(request, await versionAsked(request))),
  ),
  route(
    "GET",
    `${VERSIONS}/:version/schema`,
    async (request) => new SchemaText((await formatted(request, await versionAsked(request))).schema),
  ),
  route("GET", `${VERSIONS}/:version/referencedby`, ({ registry, params }) =>
    registry.referencedBy(subjectIn(params), versionIn(params)),
  ),
  route("DELETE", `${VERSIONS}/:version`, ({ registry, params, query }) =>
    registry.deleteVersion(subjectIn(params), versionIn(params), { permanent: isSet(query.permanent) }),
  ),

  route("POST", "/compatibility/subjects/:subject/versions", checkCompatibility),
  route("POST", "/compatibility/subjects/:subject/versions/:version", checkCompatibility),

  route("GET", "/config", async ({ registry }) => ({ compatibilityLevel: await registry.compatibility() })),
  route("PUT", "/config", ({ registry, body }) => setCompatibility(registry, body)),
  route("DELETE", "/config", async ({ registry }) => {
    const before = await registry.compatibility();
    await registry.setCompatibility(undefined);
    return { compatibilityLevel: before };
  }),
  route("GET", "/config/:subject", async ({ registry, params, query }) => {
    const subject = subjectIn(params);
    const own = await registry.ownCompatibility(subject);
    if (own !== undefined) return { compatibilityLevel: own };
    if (isSet(query.defaultToGlobal)) return { compatibilityLevel: await registry.compatibility() };
    throw new RegistryFault(
      40408,
      `Subject '${subject}' does not have subject-level compatibility configured`,
    );
  }),
  route("PUT", "/config/:subject", ({ registry, params, body }) =>
    setCompatibility(registry, body, subjectIn(params)),
  ),
  route("DELETE", "/config/:subject", async ({ registry, params }) => {
    const subject = subjectIn(params);
    const before = await registry.ownCompatibility(subject);
    if (before === undefined) throw new RegistryFault(40401, `Subject '${subject}' not found.`);
    await registry.setCompatibility(undefined, subject);
    return { compatibilityLevel: before };
  }),

  route("GET", "/mode", async ({ registry }) => ({ mode: await registry.mode() })),
  route("PUT", "/mode", ({ registry, body, query }) => setMode(registry, body, query)),
  route("GET", "/mode/:subject", async ({ registry, params, query }) => {
    const subject = subjectIn(params);
    const own = await registry.ownMode(subject);
    if (own !== undefined) return { mode: own };
    if (isSet(query.defaultToGlobal)) return { mode: await registry.mode() };
    throw new RegistryFault(40409, `Subject '${subject}' does not have subject-level mode configured`);
  }),
  route("PUT", "/mode/:subject", ({ registry, params, body, query }) =>
    setMode(registry, body, query, subjectIn(params)),
  ),
  route("DELETE", "/mode/:subject", async ({ registry, params }) => {
    const subject = subjectIn(params);
    const before = await registry.ownMode(subject);
    if (before === undefined) throw new RegistryFault(40401, `Subject '${subject}' not found.`);
    await registry.setMode(undefined, subject);
    return { mode: before };
  }),
];

/** A schema as it is, where others answer with JSON that has it as a text. */
export class SchemaText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

async function schemaOf(
  { registry, sees, params }: RegistryRequest,
  id = idOf(params),
): Promise<RegisteredSchema> {
  const schema = await registry.byId(id);
  await checkSchemaId(registry, id, sees);
  return schema;
}

async function idOfGuid({ registry, params: { guid = "" } }: RegistryRequest): Promise<number> {
  const id = await registry.idOf(guid.toLowerCase());
  if (id === undefined) throw new RegistryFault(40403, `There is no schema with the GUID ${guid}.`);
  return id;
}

function versionAsked({ registry, params, query }: RegistryRequest): Promise<SchemaVersion> {
  return registry.version(subjectIn(params), versionIn(params), deletedOf(query));
}

/** A schema as it is answered: newer clients name it by its GUID. */
type Shown<Schema extends RegisteredSchema> = Schema & { readonly guid: string };

/** The schema with its text in the form that is asked for. */
async function formatted<Schema extends RegisteredSchema>(
  { registry, query }: RegistryRequest,
  schema: Schema,
): Promise<Shown<Schema>> {
  return { ...schema, ...(await registry.formatted(schema.id, query.format)) };
}

async function checkCompatibility({ registry, params, query, body }: RegistryRequest): Promise<unknown> {
  const version = params.version === undefined ? undefined : versionIn(params);
  const messages = await registry.check(subjectIn(params), schemaIn(body), version);
  return { is_compatible: messages.length === 0, ...(isSet(query.verbose) ? { messages } : {}) };
}

async function setCompatibility(registry: SchemaRegistry, body: unknown, subject?: string): Promise<unknown> {
  const { compatibility, ...more } = (body ?? {}) as Readonly<Record<string, unknown>>;
  refuseUnkept(more, UNKEPT_CONFIG);
  if (typeof compatibility !== "string" || !Object.hasOwn(COMPATIBILITIES, compatibility))
    throw new RegistryFault(
      42203,
      `Invalid compatibility level. Valid values are ${Object.keys(COMPATIBILITIES).join(", ")}`,
    );
  await registry.setCompatibility(compatibility as Compatibility, subject);
  return { compatibility };
}

async function setMode(
  registry: SchemaRegistry,
  body: unknown,
  { force }: RegistryRequest["query"],
  subject?: string,
): Promise<unknown> {
  const { mode } = (body ?? {}) as { readonly mode?: unknown };
  if (typeof mode !== "string" || !Object.hasOwn(MODES, mode))
    throw new RegistryFault(42204, `Invalid mode. Valid values are ${Object.keys(MODES).join(", ")}`);
  await registry.setMode(mode as RegistryMode, subject, { force: isSet(force) });
  return { mode };
}

async function subjectsOf(registry: SchemaRegistry, query: RegistryRequest["query"]): Promise<string[]> {
  const prefix = query.subjectPrefix ?? "";
  const all = await registry.subjects({ deleted: isSet(query.deleted) || isSet(query.deletedOnly) });
  const live = isSet(query.deletedOnly) ? await registry.subjects() : [];
  // All contexts are the one that there is.
  const wanted = prefix.replace(/^:\*:|^:\.:/, "");
  return all.filter((subject) => subject.startsWith(wanted) && !live.includes(subject));
}

function schemaIn(body: unknown): NewSchema {
  const { schema, schemaType, references, ...more } = (body ?? {}) as Readonly<Record<string, unknown>>;
  refuseUnkept(more, ["metadata", "ruleSet"]);
  if (typeof schema !== "string" || schema === "") throw new RegistryFault(42201, "Empty schema");
  if (schemaType !== undefined && schemaType !== null && !SCHEMA_TYPES.includes(schemaType as SchemaType))
    throw new RegistryFault(42201, `Invalid schema type ${String(schemaType)}`);
  return {
    schema,
    schemaType: (schemaType ?? "AVRO") as SchemaType,
    references: Array.isArray(references) ? references.map(referenceIn) : [],
  };
}

const UNKEPT_CONFIG = [
  ...["alias", "compatibilityGroup", "defaultMetadata", "overrideMetadata", "defaultRuleSet"],
  "overrideRuleSet",
];

/** What is not kept would be taken for kept: a rule that encrypts a field, say, which nobody would keep to then. */
function refuseUnkept(body: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const hasContent = (value: unknown): boolean =>
    typeof value === "object" && value !== null
      ? Object.values(value).some(hasContent)
      : value !== undefined && value !== null && value !== "" && value !== false;
  const found = names.find((name) => hasContent(body[name]));
  if (found !== undefined) throw new RegistryFault(42201, `This registry keeps no ${found}`);
}

/** Where a schema is imported with what it was elsewhere: no id, or -1, is none. */
function importedIn(body: unknown): ImportSchemaOptions {
  const { id, version } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const numbered = (number: unknown) => (typeof number === "number" && number > 0 ? number : undefined);
  return { id: numbered(id), version: numbered(version) };
}

function referenceIn(reference: unknown): SchemaReference {
  const { name, subject, version } = (reference ?? {}) as Partial<SchemaReference>;
  if (typeof name === "string" && typeof subject === "string" && Number.isInteger(version))
    return { name, subject, version: version as number };
  throw new RegistryFault(42201, "A reference has a name, a subject and a version");
}

function versionIn({ version }: RegistryRequest["params"]): VersionNumber {
  if (version === "latest" || version === "-1") return "latest";
  const number = Number(version);
  if (/^\d+$/.test(version ?? "") && number >= 1 && number < 2 ** 31) return number;
  throw new RegistryFault(
    42202,
    `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  );
}

/** A subject in the default context may be named with it. */
export function subjectIn({ subject }: RegistryRequest["params"]): string {
  return (subject ?? "").replace(/^:\.:/, "");
}

function idOf({ id }: RegistryRequest["params"]): number {
  if (/^\d{1,10}$/.test(id ?? "")) return Number(id);
  throw new RegistryFault(404, "HTTP 404 Not Found");
}

const isSet = (flag: string | undefined): boolean => flag === "true" || flag === "True";

const deletedOf = ({ deleted }: RegistryRequest["query"]) => ({ deleted: isSet(deleted) });

function page<Item>(items: readonly Item[], { offset, limit }: RegistryRequest["query"]): readonly Item[] {
  const start = Number(offset ?? 0);
  const most = Number(limit ?? -1);
  return items.slice(start, most < 0 ? undefined : start + most);
}

/** Avro is what a schema is where no type is said, and an empty list is none. */
function schemaJson({ guid, schemaType, schema, references }: Shown<RegisteredSchema>) {
  return {
    guid,
    ...(schemaType === "AVRO" ? {} : { schemaType }),
    schema,
    ...(references.length === 0 ? {} : { references }),
  };
}

function versionJson(version: Shown<SchemaVersion>) {
  return { subject: version.subject, version: version.version, id: version.id, ...schemaJson(version) };
}
