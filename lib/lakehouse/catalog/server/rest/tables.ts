import { randomUUID } from "node:crypto";
import type { TableIdentifier } from "../../../iceberg/index.js";
import {
  type LoadedTable,
  newTableMetadata,
  partitionSpecFromJson,
  readTableMetadata,
  schemaFromJson,
  sortOrderFromJson,
} from "../../../iceberg/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import { tableKey, tableLocation } from "../../model/identifiers.js";
import { identifierFromJson, identifierToJson } from "../../wire/rest/names.js";
import { badRequest, Fault } from "../http/fault.js";
import { checkLocation, checkMetadata, checkProperties } from "../http/locations.js";
import { bodyOf, type Call, NO_CONTENT, type Operation } from "./operation.js";
import { nextToken, pageOf } from "./pages.js";
import {
  access,
  credentials,
  etagOf,
  isUnmodified,
  loadAnswer,
  metadataToJson,
  type SnapshotsMode,
} from "./table-answers.js";
import { existingTarget, namespaceOf, newTarget, targetOf } from "./target.js";

export const tableOperations: readonly Operation[] = [
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}/tables",
    async run(call) {
      const page = await call.catalog.listTablesPage(namespaceOf(call), pageOf(call));
      const identifiers = page.items.map(identifierToJson);
      return { status: 200, body: { "next-page-token": nextToken(page), identifiers } };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/tables",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const name = body.get("name").string();
      const { catalog, identifier } = newTarget(call.catalog, { namespace: namespaceOf(call), name });
      const location = body.optional("location")?.string();
      const spec = body.optional("partition-spec");
      const order = body.optional("write-order");
      const properties = body.optional("properties")?.stringMap() ?? {};
      if (location !== undefined) checkLocation(call.context, location);
      checkProperties(call.context, properties);
      const options = {
        schema: schemaFromJson(body.get("schema")),
        partitionSpec: spec && partitionSpecFromJson(spec),
        sortOrder: order && sortOrderFromJson(order),
        properties,
      };
      if (body.optional("stage-create")?.boolean() !== true) {
        return loadAnswer(call, await catalog.createTable(identifier, { ...options, location }));
      }
      await requireFree(catalog, identifier);
      const { store, warehouse } = call.context;
      const metadata = newTableMetadata({
        ...options,
        location: location ?? tableLocation(warehouse, tableKey(identifier), randomUUID()),
      });
      // The client writes its manifests before anything of ours is stored, and DuckDB makes no folder for them.
      await store.ensureFolder?.(`${metadata.location}/metadata`);
      return { status: 200, body: { metadata: metadataToJson(metadata), ...access(call) } };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/register",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const name = body.get("name").string();
      const metadataLocation = body.get("metadata-location").string();
      const overwrite = body.optional("overwrite")?.boolean() ?? false;
      const { catalog, identifier } = newTarget(call.catalog, { namespace: namespaceOf(call), name });
      checkLocation(call.context, metadataLocation);
      checkMetadata(call.context, await readTableMetadata(call.context.store, metadataLocation));
      return loadAnswer(call, await catalog.registerTable(identifier, metadataLocation, { overwrite }));
    },
  },
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    async run(call) {
      const mode = snapshotsMode(call);
      const loaded = await loadTarget(call);
      const etag = etagOf(loaded.metadataLocation, mode);
      if (isUnmodified(call.headers["if-none-match"], etag)) return { status: 304, headers: { etag } };
      return loadAnswer(call, loaded, mode);
    },
  },
  {
    endpoint: "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "table");
      if (await catalog.tableExists(identifier)) return NO_CONTENT;
      throw new Fault(404, "NoSuchTableException", `There is no table ${identifier.name}.`);
    },
  },
  {
    endpoint: "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    idempotent: true,
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "table");
      const purge = booleanQuery(call, "purgeRequested");
      await catalog.dropTable(identifier, { purge });
      return NO_CONTENT;
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister",
    idempotent: true,
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "table");
      const { metadata, metadataLocation } = await catalog.unregisterTable(identifier);
      return {
        status: 200,
        body: { "metadata-location": metadataLocation, metadata: metadataToJson(metadata) },
      };
    },
  },
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    async run(call) {
      await loadTarget(call);
      return { status: 200, body: { "storage-credentials": credentials(call.context) } };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/tables/rename",
    idempotent: true,
    async run(call) {
      const { catalog, from, to } = await renaming(call, "table");
      await catalog.renameTable(from, to);
      return NO_CONTENT;
    },
  },
];

async function loadTarget(call: Call): Promise<LoadedTable> {
  const { catalog, identifier } = await targetOf(call, "table");
  return catalog.loadTable(identifier);
}

function snapshotsMode({ query }: Call): SnapshotsMode {
  const { snapshots = "all" } = query;
  if (snapshots === "all" || snapshots === "refs") return snapshots;
  throw badRequest(`snapshots is ${JSON.stringify(snapshots)}: it should be all or refs.`);
}

function booleanQuery({ query }: Call, name: string): boolean {
  const value = query[name]?.toLowerCase() ?? "false";
  if (value === "true" || value === "false") return value === "true";
  throw badRequest(`${name} is ${JSON.stringify(value)}: it should be true or false.`);
}

/** What a rename is to do. The new name is on the same ref as the old one: `t@etl` is renamed on `etl`. */
export async function renaming(
  call: Call,
  kind: "table" | "view",
): Promise<{ catalog: BranchingCatalog; from: TableIdentifier; to: TableIdentifier }> {
  const body = bodyOf(call);
  const source = await existingTarget(call.catalog, identifierFromJson(body.get("source")), kind);
  const target = newTarget(source.catalog, identifierFromJson(body.get("destination")));
  if (target.catalog.ref !== source.catalog.ref) {
    throw badRequest(`A ${kind} cannot be renamed from ${source.catalog.ref} to ${target.catalog.ref}.`);
  }
  return { catalog: source.catalog, from: source.identifier, to: target.identifier };
}

/** Refuses a staged create that could not be committed. */
async function requireFree(catalog: BranchingCatalog, identifier: TableIdentifier): Promise<void> {
  await catalog.loadNamespace(identifier.namespace);
  for (const [noun, isThere] of [
    ["table", await catalog.tableExists(identifier)],
    ["view", await catalog.viewExists(identifier)],
  ] as const) {
    if (isThere) {
      throw new Fault(409, "AlreadyExistsException", `There is a ${noun} ${identifier.name} already.`);
    }
  }
}
