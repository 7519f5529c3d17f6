import type { LoadedView } from "../../catalog/index.js";
import type { LakehouseError } from "../../errors.js";
import { currentViewVersion, noSuchTable, type Schema } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { quoteIdentifier } from "../text/tokens.js";
import { fromSpark, OWN_DIALECT, READ_DIALECT } from "./view-dialects.js";

/** What a view says, for DuckDB's parser. */
export interface ViewText {
  readonly sql: string;
  /** True for the text of another engine, which may mean something else here. */
  readonly isForeign: boolean;
  /** For names of one part. */
  readonly defaultNamespace: readonly string[];
  /** The name of the catalog that names of other engines begin with. */
  readonly defaultCatalog: string | undefined;
  /** The columns that the view shows. */
  readonly schema: Schema;
  /** What the query calls them, in their order; `undefined` where they are its columns by place. */
  readonly queryNames: readonly string[] | undefined;
}

/** Spark's own property for what a view's query calls its columns. */
const SPARK_QUERY_NAMES = "spark.query-column-names";

/**
 * The text of a view that can be run here: DuckDB's, else Spark's.
 *
 * @throws LakehouseError INVALID_SQL where it has neither.
 */
export function viewText({ metadata }: LoadedView, name: string): ViewText {
  const version = currentViewVersion(metadata);
  const texts = version.representations.filter((each) => each.type === "sql");
  const of = (dialect: string) => texts.find((text) => text.dialect.toLowerCase() === dialect)?.sql;
  const own = of(OWN_DIALECT);
  const spark = of(READ_DIALECT);
  const schema = metadata.schemas.find(({ schemaId }) => schemaId === version.schemaId);
  const sql = own ?? (spark === undefined ? undefined : fromSpark(spark, name));
  if (sql === undefined || schema === undefined) {
    const dialects = texts.map(({ dialect }) => dialect).join(", ");
    throw invalidSql(
      name,
      `The view ${name} has no text that can be read here: its dialects are ${dialects || "none"}.`,
      `Give it one in DuckDB's, too: CREATE OR REPLACE VIEW ${name} AS ….`,
    );
  }
  const shown = schema.fields.map((field) => field.name);
  const given = metadata.properties[SPARK_QUERY_NAMES] || undefined;
  const queryNames = own === undefined ? given?.split(",") : shown;
  const { defaultNamespace, defaultCatalog } = version;
  return { sql, isForeign: own === undefined, defaultNamespace, defaultCatalog, schema, queryNames };
}

/** The names that a name in a view can stand for, the likeliest first. */
export function namesInView(
  parts: readonly string[],
  { defaultNamespace, defaultCatalog }: Pick<ViewText, "defaultNamespace" | "defaultCatalog">,
): readonly (readonly string[])[] {
  if (parts.length === 1) return [[...defaultNamespace, ...parts]];
  // Without a catalog of that name, what it begins with is a namespace.
  const inCatalog = parts.length > 2 && defaultCatalog !== undefined && parts[0] === defaultCatalog;
  return inCatalog ? [parts, parts.slice(1)] : [parts];
}

/** A view's rows, under the names that it shows: those that it had when it was made, whatever its tables have now. */
export function viewSql(query: string, { schema, queryNames }: ViewText, name: string): string {
  const shown = schema.fields.map((field) => quoteIdentifier(field.name));
  const found = queryNames?.map(quoteIdentifier) ?? shown;
  const columns = shown.map((column, i) => (found[i] === column ? column : `${found[i]} AS ${column}`));
  const places = queryNames === undefined ? `(${shown.join(", ")})` : "";
  return `SELECT ${columns.join(", ")} FROM (${query}\n) AS ${quoteIdentifier(name)}${places}`;
}

/** An error of a statement as one of the view that it is in; any other as it is. */
export function errorInView(error: unknown, name: string): unknown {
  const isTexts = invalidSql.is(error) || noSuchTable.is(error);
  const { message } = error as LakehouseError;
  return isTexts ? invalidSql(name, `The view ${name} cannot be read: ${message}`, undefined, error) : error;
}
