import { randomUUID } from "node:crypto";
import { type Abortable, throwIfAborted } from "../../errors.js";
import {
  type AppendData,
  type ColumnName,
  type Committer,
  commitConflict,
  type FormatVersion,
  newTableMetadata,
  noSuchTable,
  type RowEngine,
  replaceTable,
  Table,
  type TableMetadata,
  type TableReplacement,
  type TableUpdate,
  type TypedSchema,
  upgradeFormatVersion,
} from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { tableExists } from "../errors.js";
import type { Catalog, TableName } from "./catalog.js";
import { tableKey, tableLocation, toIdentifier } from "./identifiers.js";

export interface CreateOrReplaceOptions<Row = Record<string, unknown>>
  extends TableReplacement<ColumnName<NoInfer<Row>>>,
    Abortable {
  readonly schema: TypedSchema<Row> | TableReplacement["schema"];
  /** Of a new table: 2 when absent. A table of an earlier version is upgraded; there is no way back. */
  readonly formatVersion?: FormatVersion | undefined;
  /** Rows that the table has from its first moment on. */
  readonly data?: AppendData<Row> | undefined;
  /** `fail`: a table that is there already stays, with TABLE_EXISTS. Default `replace`. */
  readonly ifExists?: "replace" | "fail" | undefined;
  /** Reads rows back, for what the table is used for afterwards. */
  readonly engine?: RowEngine | undefined;
}

/**
 * Makes a table, or another one of the table of that name, which keeps its history: in one commit, rows included, so
 * that nobody sees it gone, empty or half.
 *
 * @throws LakehouseError NO_SUCH_NAMESPACE, VIEW_EXISTS; TABLE_EXISTS and COMMIT_CONFLICT when another was faster;
 *   INVALID_SCHEMA, INVALID_ARGUMENT, SCHEMA_MISMATCH.
 */
export async function createOrReplaceTable<Row>(
  catalog: Catalog,
  store: ObjectStore,
  name: TableName,
  options: CreateOrReplaceOptions<Row>,
): Promise<Table<Row>> {
  const { data, formatVersion, engine, ifExists = "replace", signal, ...replacement } = options;
  const withEngine = (table: Table<Row>) => (engine === undefined ? table : table.withEngine(engine));
  const existing = await existingTable<Row>(catalog, name);
  if (existing !== undefined) {
    if (ifExists === "fail") throw tableExists(existing.name, `There is a table ${existing.name} already.`);
    const transaction = withEngine(existing).begin();
    if (formatVersion !== undefined && formatVersion > existing.metadata.formatVersion) {
      await transaction.update(upgradeFormatVersion(formatVersion));
    }
    await transaction.update(replaceTable(replacement));
    if (data !== undefined) await transaction.append(data, { signal });
    return transaction.commit({ message: `Replace table ${existing.name}`, signal });
  }
  const table = newTable<Row>(catalog, store, name, options);
  const made =
    data === undefined ? table : await table.append(data, { message: `Create table ${table.name}`, signal });
  if (made === table) {
    throwIfAborted(signal);
    return withEngine(await catalog.createTable<Row>(name, { ...replacement, formatVersion }));
  }
  return withEngine(await catalog.loadTable<Row>(name));
}

async function existingTable<Row>(catalog: Catalog, name: TableName): Promise<Table<Row> | undefined> {
  try {
    return await catalog.loadTable<Row>(name);
  } catch (error) {
    if (noSuchTable.is(error)) return undefined;
    throw error;
  }
}

/** A table that does not exist until its first commit, which makes it. */
function newTable<Row>(
  catalog: Catalog,
  store: ObjectStore,
  name: TableName,
  { schema, partitionSpec, sortOrder, properties, formatVersion }: CreateOrReplaceOptions<Row>,
): Table<Row> {
  const key = tableKey(name);
  const location = tableLocation(store.root, key, randomUUID());
  const init = { schema, partitionSpec, sortOrder, properties, formatVersion, location };
  const metadata = newTableMetadata(init);
  const committer: Committer = {
    load: async () => {
      throw commitConflict(key.join("."), `${key.join(".")} could not be made: another commit was faster.`);
    },
    commit: ({ updates, ...request }) =>
      catalog.committer(name).commit({
        ...request,
        requirements: [{ type: "assert-create" }],
        updates: [...creation(metadata), ...updates],
      }),
  };
  return new Table<Row>({ identifier: toIdentifier(key), store, committer, metadata, metadataLocation: "" });
}

/** What makes a table's metadata out of nothing (REST spec, "CreateTable" with `stage-create`). */
function creation(metadata: TableMetadata): TableUpdate[] {
  const { tableUuid, formatVersion, location, properties, schemas, partitionSpecs, sortOrders } = metadata;
  return [
    { action: "assign-uuid", uuid: tableUuid },
    { action: "upgrade-format-version", formatVersion },
    ...schemas.map((schema): TableUpdate => ({ action: "add-schema", schema })),
    { action: "set-current-schema", schemaId: -1 },
    ...partitionSpecs.map((spec): TableUpdate => ({ action: "add-spec", spec })),
    { action: "set-default-spec", specId: -1 },
    ...sortOrders.map((sortOrder): TableUpdate => ({ action: "add-sort-order", sortOrder })),
    { action: "set-default-sort-order", sortOrderId: -1 },
    { action: "set-location", location },
    { action: "set-properties", updates: properties },
  ];
}
