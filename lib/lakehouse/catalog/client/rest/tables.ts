import {
  type CommitRequest,
  commitRequestToJson,
  commitStateUnknown,
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  type JsonNode,
  type LoadedTable,
  newTableMetadata,
  noSuchTable,
  partitionSpecToJson,
  schemaToJson,
  sortOrderToJson,
  type TableIdentifier,
  tableMetadataFromJson,
} from "../../../iceberg/index.js";
import type { ObjectStore } from "../../../storage/index.js";
import { noSuchNamespace, noSuchView } from "../../errors.js";
import type { CreateTableOptions, NamespaceName } from "../../model/catalog.js";
import { namespaceKey } from "../../model/identifiers.js";
import type { Page, PageRequest } from "../../model/paging.js";
import { identifierFromJson, identifierToJson } from "../../wire/rest/names.js";
import type { Kind } from "./errors.js";
import type { Session } from "./session.js";

/** A table as the server gave it, and the store of its files. */
export interface StoredTable extends LoadedTable {
  readonly store: ObjectStore;
}

const TABLES = "/v1/{prefix}/namespaces/{namespace}/tables";

export function about(
  { namespace, name }: TableIdentifier,
  kind: Kind = "table",
): { readonly kind: Kind; readonly subject: string } {
  return { kind, subject: [...namespace, name].join(".") };
}

/** Reads a `LoadTableResult` or `CommitTableResponse`. */
function loadedFromJson(answer: JsonNode): LoadedTable {
  const metadataLocation = answer.get("metadata-location").string();
  return { metadata: tableMetadataFromJson(answer.get("metadata"), metadataLocation), metadataLocation };
}

function storedFromJson(session: Session, answer: JsonNode): StoredTable {
  const loaded = loadedFromJson(answer);
  return { ...loaded, store: session.stores.of(loaded.metadata.location, answer) };
}

export async function createTable<Row>(
  session: Session,
  table: TableIdentifier,
  { location, formatVersion, properties, ...options }: CreateTableOptions<Row>,
): Promise<StoredTable> {
  // Columns named in partitioning and order are looked up here, as the server will see them: by their ids.
  const metadata = newTableMetadata({ ...options, formatVersion, properties, location: location ?? "" });
  const body = {
    name: table.name,
    location,
    schema: schemaToJson(currentSchema(metadata)),
    "partition-spec": partitionSpecToJson(defaultSpec(metadata)),
    "write-order": sortOrderToJson(defaultSortOrder(metadata)),
    // The spec has a default for it; there are servers that do not.
    "stage-create": false,
    properties: { ...properties, "format-version": String(metadata.formatVersion) },
  };
  const request = { method: "POST", body, headers: session.stores.headers, ...about(table) } as const;
  const path = `${session.namespacePath(table.namespace)}/tables`;
  return storedFromJson(session, (await session.change({ request, path })).json());
}

/** What was loaded before, by name: the server answers 304 where it still holds. */
export class TableCache {
  readonly #entries = new Map<string, { readonly etag: string; readonly table: StoredTable }>();

  async load(session: Session, table: TableIdentifier): Promise<StoredTable> {
    const path = session.tablePath(table);
    const known = this.#entries.get(path);
    const headers = {
      ...session.stores.headers,
      "if-none-match": known?.etag,
    };
    const answer = await session.read({ method: "GET", headers, ...about(table) }, path);
    this.#entries.delete(path);
    const etag = answer.headers.get("etag") ?? undefined;
    const loaded =
      answer.status === 304 && known !== undefined ? known.table : storedFromJson(session, answer.json());
    const tag = etag ?? (answer.status === 304 ? known?.etag : undefined);
    if (tag !== undefined) this.#entries.set(path, { etag: tag, table: loaded });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > CACHED_TABLES && oldest !== undefined) this.#entries.delete(oldest);
    return loaded;
  }
}

const CACHED_TABLES = 100;

export async function exists(
  session: Session,
  table: TableIdentifier,
  kind: "table" | "view",
): Promise<boolean> {
  const head = `HEAD /v1/{prefix}/namespaces/{namespace}/${kind}s/{${kind}}`;
  const method = session.has(head) ? "HEAD" : "GET";
  try {
    await session.read({ method, ...about(table, kind) }, session.tablePath(table, `${kind}s`));
    return true;
  } catch (error) {
    const isMissing = [noSuchTable, noSuchView, noSuchNamespace].some((missing) => missing.is(error));
    if (isMissing) return false;
    throw error;
  }
}

export function identifiersOf(answer: JsonNode): TableIdentifier[] {
  return answer.get("identifiers").array().map(identifierFromJson);
}

/** A listing of a namespace's tables or views. */
export function listing(
  session: Session,
  namespace: NamespaceName,
  kind: "tables" | "views",
): { readonly request: { readonly kind: Kind; readonly subject: string }; readonly path: string } {
  const levels = namespaceKey(namespace);
  return {
    request: { kind: "namespace", subject: levels.join(".") },
    path: `${session.namespacePath(levels)}/${kind}`,
  };
}

export function listTables(session: Session, namespace: NamespaceName): Promise<TableIdentifier[]> {
  const { request, path } = listing(session, namespace, "tables");
  return session.all(request, path, identifiersOf);
}

export function listTablesPage(
  session: Session,
  namespace: NamespaceName,
  page: PageRequest,
): Promise<Page<TableIdentifier>> {
  const { request, path } = listing(session, namespace, "tables");
  return session.page(request, path, page, identifiersOf);
}

export async function dropTable(session: Session, table: TableIdentifier, purge: boolean): Promise<void> {
  const query = { purgeRequested: String(purge) };
  await session.change({
    request: { method: "DELETE", query, ...about(table) },
    path: session.tablePath(table),
  });
}

export async function unregisterTable(session: Session, table: TableIdentifier): Promise<LoadedTable> {
  session.require(`POST ${TABLES}/{table}/unregister`, "unregistering tables");
  const path = `${session.tablePath(table)}/unregister`;
  return loadedFromJson(
    (await session.change({ request: { method: "POST", ...about(table) }, path })).json(),
  );
}

export async function rename(
  session: Session,
  source: TableIdentifier,
  destination: TableIdentifier,
  kind: "table" | "view",
): Promise<void> {
  const body = { source: identifierToJson(source), destination: identifierToJson(destination) };
  await session.change({
    request: { method: "POST", body, ...about(source, kind) },
    path: `${kind}s/rename`,
  });
}

export async function registerTable(
  session: Session,
  table: TableIdentifier,
  metadataLocation: string,
  overwrite: boolean,
): Promise<StoredTable> {
  const body = { name: table.name, "metadata-location": metadataLocation, overwrite };
  const request = { method: "POST", body, headers: session.stores.headers, ...about(table) } as const;
  const path = `${session.namespacePath(table.namespace)}/register`;
  return storedFromJson(session, (await session.change({ request, path })).json());
}

/**
 * Commits to a table. Where the answer is lost, the table itself tells whether its new snapshots arrived; only where
 * it cannot is the outcome unknown.
 */
export async function commitTable(
  session: Session,
  table: TableIdentifier,
  { requirements, updates, token }: CommitRequest,
  reload: () => Promise<LoadedTable>,
): Promise<LoadedTable> {
  const body = { identifier: identifierToJson(table), ...commitRequestToJson({ requirements, updates }) };
  const request = { method: "POST", body, ...about(table, "commit") } as const;
  try {
    return loadedFromJson((await session.change({ request, path: session.tablePath(table), token })).json());
  } catch (error) {
    if (!commitStateUnknown.is(error)) throw error;
    const added = updates.flatMap((update) =>
      update.action === "add-snapshot" ? update.snapshot.snapshotId : [],
    );
    const current = added.length === 0 ? undefined : await reload().catch(() => undefined);
    const ids = new Set(current?.metadata.snapshots.map(({ snapshotId }) => snapshotId));
    // That they are missing proves nothing: the commit may still be on its way.
    if (current !== undefined && added.every((id) => ids.has(id))) return current;
    throw error;
  }
}
