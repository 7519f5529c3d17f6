import {
  type Catalog,
  createOrReplaceTable,
  noSuchNamespace,
  type RefExpression,
  type TableName,
  tableExists,
} from "./catalog/index.js";
import type { AppendData, Schema, Source, Table } from "./iceberg/index.js";
import { CREATE_TABLE_AS_OPTIONS, type CreateTableAsOptions } from "./lakehouse-options.js";
import { ensureNamespace } from "./namespaces.js";
import { checkOptions } from "./options.js";
import type { QueryEngine } from "./query/index.js";
import type { ObjectStore } from "./storage/index.js";

/** Where a table is made. */
export interface Place {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly engine: QueryEngine;
  /** The ref of names in a source that is a query. */
  readonly ref: RefExpression | undefined;
}

/** Makes a table of the rows of a source: `Lakehouse.createTableAs`. */
export async function createTableAs<Row>(
  { catalog, store, engine, ref }: Place,
  name: TableName,
  given: Source,
  options: CreateTableAsOptions<Row>,
): Promise<Table<Row>> {
  checkOptions("createTableAs", options, CREATE_TABLE_AS_OPTIONS);
  const { ifExists = "fail", cast, extraFields, missingFields, schema: declared, ...rest } = options;
  // Before a source is read for nothing; whether the name is still free is checked again when the table is made.
  if (ifExists !== "replace" && (await hasTable(catalog, name))) {
    const table = (await catalog.loadTable<Row>(name)).withEngine(engine);
    if (ifExists === "keep") return table;
    throw tableExists(
      table.name,
      `There is a table ${table.name} already.`,
      'Take another name, or ifExists: "replace" for a new version of it that keeps its history.',
    );
  }
  const request = { cast, store, ref };
  const { source, schema } =
    declared === undefined
      ? await engine.inferSource({ ...request, source: given })
      : { source: given, schema: declared as Schema };
  const rows = engine.readSource({ ...request, source, schema, extraFields, missingFields });
  await ensureNamespace(catalog, name);
  return createOrReplaceTable<Row>(catalog, store, name, {
    ...rest,
    schema: schema as NonNullable<typeof declared>,
    data: rows as AppendData<Row>,
    ifExists: ifExists === "replace" ? "replace" : "fail",
    engine,
  });
}

async function hasTable(catalog: Catalog, name: TableName): Promise<boolean> {
  try {
    return await catalog.tableExists(name);
  } catch (error) {
    if (noSuchNamespace.is(error)) return false;
    throw error;
  }
}
