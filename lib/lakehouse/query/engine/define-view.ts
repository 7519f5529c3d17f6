import {
  type Catalog,
  type LoadedView,
  noSuchView,
  type TableName,
  viewExists,
} from "../../catalog/index.js";
import { throwIfAborted } from "../../errors.js";
import { arrowToSchema, replaceViewUpdates, type Schema, type ViewDefinition } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { bindParameters } from "../sql/parameters.js";
import { type SqlFragment, statementOf } from "../sql/template.js";
import { OWN_DIALECT } from "../sql/view-dialects.js";
import { foldName } from "../text/names.js";
import { fromByteString, quoteIdentifier, toByteString, withoutEnd } from "../text/tokens.js";
import type { QueryEngine, SqlOptions } from "./query-engine.js";

/** How a view is made of a query. */
export interface NewViewOptions extends Pick<SqlOptions, "params" | "signal"> {
  /** When there is a view of that name: `fail` (the default) or `replace` it by a new version, which keeps its history. */
  readonly ifExists?: "fail" | "replace" | undefined;
  /** Names of the columns, where they are not the query's own. */
  readonly columns?: readonly string[] | undefined;
  /** What people should know of it. */
  readonly comment?: string | undefined;
}

/** Spark's and Iceberg's property for what people should know. */
const COMMENT = "comment";
/** A version of a view may have fewer dialects than the one before. */
const DROPS_DIALECTS = "replace.drop-dialect.allowed";

/**
 * Makes a view of a query, or a new version of it: the query runs without its rows, so that what is wrong with it shows
 * now, and its columns are recorded with the view. Values of parameters become part of its text.
 *
 * @throws LakehouseError VIEW_EXISTS, TABLE_EXISTS, NO_SUCH_NAMESPACE; INVALID_SQL for a query that cannot be read, reads
 *   the view itself, or has two columns of one name.
 */
export async function defineView(
  engine: QueryEngine,
  catalog: Catalog,
  name: TableName,
  query: string | SqlFragment,
  { params, columns, comment, ifExists = "fail", ref, signal }: NewViewOptions & Pick<SqlOptions, "ref">,
): Promise<LoadedView> {
  const parts = typeof name === "string" ? name.split(".") : [...name.namespace, name.name];
  const statement = statementOf(query, params);
  const text = fromByteString(
    withoutEnd(bindParameters(toByteString(statement.text), statement.params).text),
  );
  const names = columns === undefined ? "" : `(${columns.map(quoteIdentifier).join(", ")})`;
  const sql = columns === undefined ? text : `SELECT * FROM (${text}\n) AS ${quoteIdentifier("v")}${names}`;
  const key = ref === undefined ? parts.join(".") : `${parts.join(".")}@${ref}`;
  // What has no place in parentheses is no view: DESCRIBE, EXPLAIN.
  const scope = { ref, views: [key], signal };
  const result = await engine.sql(`SELECT * FROM (${sql}\n) AS v LIMIT 0`, scope);
  result.close();
  // In parentheses DuckDB gives another name to the second of two columns of one.
  const described = await (await engine.sql(`DESCRIBE ${sql}`, scope)).rows();
  const found = described.map(({ column_name: column }) => String(column));
  const schema = viewSchema(arrowToSchema(result.schema), found, parts.join("."), columns);
  const definition: ViewDefinition = {
    schema,
    defaultNamespace: parts.slice(0, -1),
    representations: [{ type: "sql", dialect: OWN_DIALECT, sql }],
    summary: { "engine-name": "sololakehouse" },
  };
  const properties = { [DROPS_DIALECTS]: "true", ...(comment !== undefined && { [COMMENT]: comment }) };
  const existing = await existingView(catalog, name);
  throwIfAborted(signal);
  if (existing === undefined) return catalog.createView(name, { ...definition, properties });
  if (ifExists === "fail") {
    throw viewExists(
      parts.join("."),
      `There is a view ${parts.join(".")} already.`,
      "Write CREATE OR REPLACE VIEW for a new version of it.",
    );
  }
  return catalog.commitView(name, {
    requirements: [{ type: "assert-view-uuid", uuid: existing.metadata.viewUuid }],
    updates: [
      ...replaceViewUpdates(definition),
      ...(comment === undefined
        ? []
        : [{ action: "set-properties", updates: { [COMMENT]: comment } } as const]),
    ],
    message: `Replace view ${parts.join(".")}`,
  });
}

async function existingView(catalog: Catalog, name: TableName): Promise<LoadedView | undefined> {
  try {
    return await catalog.loadView(name);
  } catch (error) {
    if (noSuchView.is(error)) return undefined;
    throw error;
  }
}

function viewSchema(
  schema: Schema,
  names: readonly string[],
  view: string,
  columns: readonly string[] | undefined,
): Schema {
  if (columns !== undefined && columns.length !== names.length) {
    throw invalidSql(
      view,
      `The view ${view} has ${columns.length} names for the ${names.length} columns of its query.`,
      "Name each column once.",
    );
  }
  const folded = names.map(foldName);
  const twice = names.find((_, i) => folded.indexOf(folded[i] as string) < i);
  if (twice === undefined) return schema;
  throw invalidSql(
    view,
    `The view ${view} would have the column ${JSON.stringify(twice)} twice; SQL ignores case in names.`,
    "Give its columns names of their own, by AS.",
  );
}
