import { allNamespaces, allTables, allViews, type Catalog, noSuchView } from "../../catalog/index.js";
import { currentViewVersion, noSuchTable, type Schema, type TableIdentifier } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { rowsSql } from "../sql/rows-sql.js";
import { isNode, type Node } from "../sql/statement.js";
import { sqlLiteral, sqlType } from "../types/sql-types.js";

/** The catalog's name in `information_schema`, which has one. */
const CATALOG = "lakehouse";

const NAMED = [
  ["table_catalog", "VARCHAR"],
  ["table_schema", "VARCHAR"],
  ["table_name", "VARCHAR"],
] as const;

/** A SELECT of one of the views of `information_schema` (SQL:2016 part 11), with the columns that a lakehouse has values for. */
const VIEWS: Readonly<Record<string, (catalog: Catalog) => Promise<string>>> = {
  schemata: async (catalog) => {
    const names = (await allNamespaces(catalog)).map((name) => [CATALOG, name.join(".")]);
    return rowsSql(
      [
        ["catalog_name", "VARCHAR"],
        ["schema_name", "VARCHAR"],
      ],
      names,
    );
  },
  tables: async (catalog) => {
    const tables = (await allTables(catalog)).map((table) => [...named(table), "BASE TABLE"]);
    const views = (await allViews(catalog)).map((view) => [...named(view), "VIEW"]);
    return rowsSql([...NAMED, ["table_type", "VARCHAR"]], [...tables, ...views]);
  },
  columns: async (catalog) => {
    const rows = (await schemas(catalog)).flatMap(([name, { fields }]) =>
      fields.map(({ name: column, type, required, doc, writeDefault = null }, i) => [
        ...named(name),
        column,
        i + 1,
        writeDefault === null ? undefined : sqlLiteral(type, writeDefault),
        required ? "NO" : "YES",
        // As a query shows it, whatever it is stored as.
        type.type === "variant" ? "VARIANT" : sqlType(type),
        doc,
      ]),
    );
    return rowsSql(
      [
        ...NAMED,
        ["column_name", "VARCHAR"],
        ["ordinal_position", "INTEGER"],
        ["column_default", "VARCHAR"],
        ["is_nullable", "VARCHAR"],
        ["data_type", "VARCHAR"],
        ["column_comment", "VARCHAR"],
      ],
      rows,
    );
  },
  views: async (catalog) => {
    const rows = await present(await allViews(catalog), async (name) => {
      const { representations } = currentViewVersion((await catalog.loadView(name)).metadata);
      return representations.flatMap((text) =>
        text.type === "sql" ? [[...named(name), text.dialect, text.sql]] : [],
      );
    });
    return rowsSql([...NAMED, ["dialect", "VARCHAR"], ["view_definition", "VARCHAR"]], rows.flat());
  },
};

/** `information_schema.<name>`. DuckDB's own would tell of what the engine keeps for itself. */
export function informationSchema(parts: readonly string[], catalog: Catalog): Promise<string> {
  const view = parts.length === 2 ? parts[1]?.toLowerCase() : undefined;
  const read = view !== undefined && Object.hasOwn(VIEWS, view) ? VIEWS[view] : undefined;
  if (read !== undefined) return read(catalog);
  throw invalidSql(
    parts.join("."),
    `${parts.join(".")} would tell of the engine, not of the lakehouse.`,
    `Read information_schema.${Object.keys(VIEWS).join(", information_schema.")}, or SHOW TABLES.`,
  );
}

/** What a SHOW that lists something runs; `undefined` for any other statement. */
export async function shown(statement: Node, catalog: () => Catalog): Promise<string | undefined> {
  const select = isNode(statement.node) ? statement.node : {};
  const from = isNode(select.from_table) ? select.from_table : {};
  if (from.type !== "SHOW_REF") return undefined;
  const read = async (view: string) => `(${await VIEWS[view]?.(catalog())})`;
  const names = "table_schema AS namespace, table_name AS name";
  if (from.show_type === "SHOW_FROM") {
    const parts = [from.catalog_name, from.schema_name].filter(
      (part) => typeof part === "string" && part !== "",
    );
    const rows = rowsSql([["schema", "VARCHAR"]], [[parts.join(".")]]);
    return `SELECT ${names} FROM ${await read("tables")} SEMI JOIN (${rows}) ON table_schema = "schema" ORDER BY ALL`;
  }
  switch (from.table_name) {
    case '"tables"':
      return `SELECT ${names} FROM ${await read("tables")} ORDER BY ALL`;
    case '"schemas"':
      return `SELECT schema_name AS namespace FROM ${await read("schemata")} ORDER BY ALL`;
    case "__show_tables_expanded": {
      const column = (name: string) => `list(${name} ORDER BY ordinal_position)`;
      const lists = `${column("column_name")} AS column_names, ${column("data_type")} AS column_types`;
      return `SELECT ${names}, ${lists} FROM ${await read("columns")} GROUP BY ALL ORDER BY namespace, name`;
    }
    case '"databases"':
      throw invalidSql(
        "SHOW DATABASES",
        "A lakehouse has one catalog.",
        "SHOW SCHEMAS lists its namespaces.",
      );
    default:
      return undefined;
  }
}

function named({ namespace, name }: TableIdentifier): readonly string[] {
  return [CATALOG, namespace.join("."), name];
}

async function schemas(catalog: Catalog): Promise<readonly (readonly [TableIdentifier, Schema])[]> {
  const tables = await present(
    await allTables(catalog),
    async (name) => [name, (await catalog.loadTable(name)).schema] as const,
  );
  const views = await present(await allViews(catalog), async (name) => {
    const { metadata } = await catalog.loadView(name);
    const { schemaId } = currentViewVersion(metadata);
    return metadata.schemas
      .filter((schema) => schema.schemaId === schemaId)
      .map((schema) => [name, schema] as const);
  });
  return [...tables, ...views.flat()];
}

/** What is read of each of these; what was dropped since they were listed is left out. */
async function present<Name, Value>(
  names: readonly Name[],
  read: (name: Name) => Promise<Value>,
): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (const name of names) {
    try {
      values.push(await read(name));
    } catch (error) {
      if (!noSuchTable.is(error) && !noSuchView.is(error)) throw error;
    }
  }
  return values;
}
