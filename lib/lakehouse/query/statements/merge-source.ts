import { randomUUID } from "node:crypto";
import type { DuckDBType } from "@duckdb/node-api";
import {
  and,
  type Expression,
  gtEq,
  isIn,
  type LiteralInput,
  ltEq,
  type NestedField,
  schemaToArrow,
  type Table,
} from "../../iceberg/index.js";
import { ask, SCHEMA } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import { execute } from "../result/execute.js";
import type { SqlRow } from "../result/query-result.js";
import type { Use } from "../result/use.js";
import { parseStatement } from "../sql/parse.js";
import { isNode, type Node } from "../sql/statement.js";
import { compose, type Piece } from "../text/compose.js";
import { foldName } from "../text/names.js";
import { fromByteString, isKeyword, quoteIdentifier, toByteString, tokenize } from "../text/tokens.js";
import { sqlType } from "../types/sql-types.js";
import type { Statement, StatementContext, Target } from "./context.js";
import { describeQuery } from "./insert.js";
import { valueError } from "./values.js";

/** A MERGE's source, evaluated once: its keys say which files of the table can have a match. */
export interface MergeSource {
  /** What stands for it in the statement's query. */
  readonly target: Target;
  /** Every row of the table that matches a row of it fits this. */
  readonly filter: Expression;
  close(): Promise<void>;
}

export interface MergeJoin {
  /** A query of the source's rows. */
  readonly rows: readonly Piece[];
  /** A name that nothing else in the statement has. */
  readonly unique: string;
  /** What the statement calls the two. */
  readonly names: { readonly source: string; readonly target: string };
  /** The condition, or the columns that both have. */
  readonly on: Piece | readonly string[];
}

/** So many values of a key are listed in a filter; more are given as a range. */
const MAX_VALUES = 100;

/** Evaluates a source, where that can leave out files: the table has several, and the join is by equal columns. */
export async function evaluateSource(
  join: MergeJoin,
  table: Table,
  statement: Statement,
  context: StatementContext,
): Promise<MergeSource | undefined> {
  if (!(Number(table.currentSnapshot?.summary?.["total-data-files"]) > 1)) return undefined;
  const { relations } = context;
  return relations.use(async (use) => {
    const part = await context.prepare(compose(statement.prepared.text, join.rows), statement, use);
    const { names, types } = await describeQuery(part, statement, use);
    const failed = (head: string) => (error: unknown) => {
      const original = (position: number) => part.original(position - head.length);
      throw valueError(use.stopped ?? error, statement.source, original);
    };
    const keys = await keysOf(join, table, names, types, statement, use);
    const isTable = new Set(names.map(foldName)).size === names.length && (part.renamed?.size ?? 0) === 0;
    if (keys.length === 0 || !isTable || !(await keepsTypes(part.bytes, use).catch(failed(TYPES)))) {
      use.release();
      return undefined;
    }
    const name = `${SCHEMA}.source_${randomUUID().replaceAll("-", "")}`;
    const close = async () => {
      use.release();
      if (relations.isClosed) return;
      await relations.use(async ({ connection, release }) => {
        await connection.run(`DROP TABLE IF EXISTS ${name}`);
        release();
      });
    };
    try {
      const head = toByteString(`CREATE TABLE ${name} AS `);
      await use.connection.run(fromByteString(head + part.bytes)).catch(failed(head));
      const filters = await Promise.all(keys.map((key) => keyFilter(key, name, statement, context)));
      const rows = async () => ({ sql: `SELECT * FROM ${name}` });
      return { target: { name: join.unique, parts: [join.unique], rows }, filter: and(...filters), close };
    } catch (error) {
      await close();
      throw error;
    }
  });
}

/** A column of the table, and the one of the source that it equals. */
interface Key {
  readonly field: NestedField;
  readonly column: string;
}

const TYPES = "SELECT typeof(COLUMNS(*)) FROM (";

/**
 * Whether a table of a query's rows has its types, and these are all that says how its values compare. Nulls alone have a
 * type of their own, and in a table that of whole numbers. Texts with a collation equal others, and no type tells of it.
 */
async function keepsTypes(query: string, { connection }: Use): Promise<boolean> {
  const tokens = tokenize(query);
  if (tokens.some((token) => isKeyword(token, "COLLATE"))) return false;
  const mayBeNull = tokens.some(
    (token, i) => isKeyword(token, "NULL") || (token.text === "[" && tokens[i + 1]?.text === "]"),
  );
  if (!mayBeNull) return true;
  const [types] = await ask(connection, `${TYPES}${fromByteString(query)}\n) LIMIT 1`);
  return types?.every((type) => !String(type).includes('"NULL"')) ?? false;
}

async function keysOf(
  { on, names }: MergeJoin,
  { schema }: Table,
  columns: readonly string[],
  types: readonly DuckDBType[],
  { prepared, source }: Statement,
  { connection }: Use,
): Promise<readonly Key[]> {
  const [from, to] = [foldName(names.source), foldName(names.target)];
  if (from === to) return [];
  const inSource = (name: string) => columns.findIndex((column) => foldName(column) === name);
  const inTable = (name: string) => {
    const found = schema.fields.filter((field) => foldName(field.name) === name);
    return found.length === 1 && !found[0]?.name.includes(".") ? found[0] : undefined;
  };
  const key = (field: NestedField | undefined, place: number): Key[] => {
    const type = types[place];
    if (field === undefined || type === undefined || !isAlike(field, type)) return [];
    return [{ field, column: columns[place] as string }];
  };
  if (Array.isArray(on)) return on.map(foldName).flatMap((name) => key(inTable(name), inSource(name)));
  const text = compose(prepared.text, ["SELECT 1 WHERE (", on as Piece, "\n)"]);
  const place = (position: number) => prepared.original(text.original(position));
  const { node: select } = await parseStatement(connection, text.text, source, place);
  const namesOf = (node: unknown) =>
    isNode(node) && node.class === "COLUMN_REF" ? (node.column_names as string[]).map(foldName) : [];
  const tableColumn = ([first = "", second, ...more]: readonly string[]) => {
    if (more.length > 0) return undefined;
    if (second !== undefined) return first === to ? inTable(second) : undefined;
    return inSource(first) < 0 ? inTable(first) : undefined;
  };
  const sourceColumn = ([first = "", second, ...more]: readonly string[]) => {
    if (more.length > 0) return -1;
    if (second !== undefined) return first === from ? inSource(second) : -1;
    return schema.fields.some(({ name }) => foldName(name) === first) ? -1 : inSource(first);
  };
  return equalities(isNode(select) ? select.where_clause : undefined).flatMap(([left, right]) => [
    ...key(tableColumn(namesOf(left)), sourceColumn(namesOf(right))),
    ...key(tableColumn(namesOf(right)), sourceColumn(namesOf(left))),
  ]);
}

function equalities(node: unknown): readonly (readonly [unknown, unknown])[] {
  if (!isNode(node)) return [];
  if (node.type === "CONJUNCTION_AND") return (node.children as readonly Node[]).flatMap(equalities);
  return node.type === "COMPARE_EQUAL" ? [[node.left, node.right]] : [];
}

/** Whether values of the two are compared as what they are, in the order that bounds have. */
function isAlike({ type }: NestedField, source: DuckDBType): boolean {
  const from = String(source);
  switch (type.type) {
    case "int":
    case "long":
      return /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(from);
    case "string":
    case "date":
    case "decimal":
    case "timestamp":
    case "timestamptz":
      return from === sqlType(type);
    default:
      return false;
  }
}

/** A filter that every value of a key fits; nulls equal nothing. */
async function keyFilter(
  { field, column }: Key,
  source: string,
  statement: Statement,
  { relations }: StatementContext,
): Promise<Expression> {
  // Beyond the column's own range there is nothing that it could equal.
  const value = `TRY_CAST(${quoteIdentifier(column)} AS ${sqlType(field.type)})`;
  const rows = async (names: readonly string[], sql: string): Promise<readonly SqlRow[]> => {
    const schema = schemaToArrow({ fields: names.map((name) => ({ ...field, name, required: false })) });
    const bytes = toByteString(sql);
    const onError = (error: unknown) => sqlError(error, bytes, (position) => position);
    const run = relations.use((use) => execute(use, { bytes, onError, schema }), statement.options.signal);
    return (await run).rows();
  };
  const { name } = field;
  const values = await rows(
    ["v"],
    `SELECT DISTINCT ${value} AS v FROM ${source} WHERE ${value} IS NOT NULL LIMIT ${MAX_VALUES + 1}`,
  );
  if (values.length <= MAX_VALUES)
    return isIn(
      name,
      values.map(({ v }) => v as LiteralInput),
    );
  const [bounds] = await rows(["a", "b"], `SELECT min(${value}) AS a, max(${value}) AS b FROM ${source}`);
  return and(gtEq(name, bounds?.a as LiteralInput), ltEq(name, bounds?.b as LiteralInput));
}
