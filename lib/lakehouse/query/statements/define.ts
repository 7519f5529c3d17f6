import { randomUUID } from "node:crypto";
import type { DuckDBType } from "@duckdb/node-api";
import {
  canonicalValue,
  isPrimitiveType,
  type NestedField,
  type PrimitiveValue,
} from "../../iceberg/index.js";
import { ask, SCHEMA } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import { invalidSql } from "../errors.js";
import type { Relations } from "../relation/relations.js";
import { execute } from "../result/execute.js";
import type { Use } from "../result/use.js";
import { parseStatement } from "../sql/parse.js";
import { isNode, type Node } from "../sql/statement.js";
import { compose, type Piece } from "../text/compose.js";
import { fromByteString, isKeyword, quoteString, toByteString, tokenize } from "../text/tokens.js";
import { icebergTypeOf } from "../types/iceberg-types.js";
import { sqlType } from "../types/sql-types.js";
import type { Statement } from "./context.js";
import { describeQuery } from "./insert.js";

/** Columns as a statement defines them. Ids are placeholders. */
export interface DefinedColumns {
  readonly fields: readonly NestedField[];
  /** Names of the columns of the primary key. */
  readonly key: readonly string[];
}

/**
 * Reads definitions of columns by DuckDB's own parser and binder: it makes an empty table of them, and is asked what it
 * has understood.
 *
 * @param definitions what stands between the parentheses of CREATE TABLE.
 */
export async function defineColumns(
  definitions: readonly Piece[],
  statement: Statement,
  relations: Relations,
): Promise<DefinedColumns> {
  const name = `define_${randomUUID().replaceAll("-", "")}`;
  const { prepared, source } = statement;
  const text = compose(prepared.text, [`CREATE TABLE ${SCHEMA}.${name} (`, ...definitions, "\n)"]);
  refuseWords(text.text);
  return relations.use(async (use) => {
    const { connection } = use;
    try {
      await connection.run(fromByteString(text.text));
    } catch (error) {
      throw sqlError(error, source, (position) => prepared.original(text.original(position)));
    }
    try {
      const part = { bytes: `SELECT * FROM ${SCHEMA}.${name}`, original: () => 0, tables: 0 };
      const { names, types } = await describeQuery(part, statement, use);
      const known = await ask(
        connection,
        `SELECT is_nullable, column_default FROM duckdb_columns() WHERE schema_name = '${SCHEMA}' AND table_name = '${name}' ORDER BY column_index`,
      );
      const fields: NestedField[] = [];
      for (const [i, column] of names.entries()) {
        const [nullable, byDefault] = known[i] ?? [];
        fields.push(
          await fieldOf(
            column,
            types[i] as DuckDBType,
            nullable !== "true",
            byDefault ?? null,
            use,
            relations,
          ),
        );
      }
      return { fields, key: await keyOf(name, use) };
    } finally {
      await connection.run(`DROP TABLE ${SCHEMA}.${name}`);
      use.release();
    }
  });
}

async function fieldOf(
  name: string,
  duckdb: DuckDBType,
  required: boolean,
  byDefault: string | null,
  use: Use,
  relations: Relations,
): Promise<NestedField> {
  const type = icebergTypeOf(name, duckdb);
  const field: NestedField = { id: 0, name, required, type };
  if (byDefault === null || byDefault === "NULL") return field;
  return { ...field, writeDefault: await defaultValue(field, byDefault, use, relations) };
}

/** The value of a default, which is a constant: it is kept in the table's metadata. */
async function defaultValue(
  { name, type }: NestedField,
  sql: string,
  use: Use,
  relations: Relations,
): Promise<PrimitiveValue> {
  const bytes = toByteString(`SELECT ${sql}`);
  const tree = await parseStatement(use.connection, bytes, bytes, (position) => position);
  const select = isNode(tree.node) ? tree.node : {};
  const [expression] = Array.isArray(select.select_list) ? select.select_list : [];
  if (!isPrimitiveType(type) || !isConstant(expression)) {
    throw invalidSql(
      name,
      `The default of ${JSON.stringify(name)} is ${sql}; one that Iceberg keeps is a constant of a type that is not nested.`,
      "Give the value when you insert rows.",
    );
  }
  const result = await relations.use((own) =>
    execute(own, {
      bytes: toByteString(`SELECT CAST((${sql}) AS ${sqlType(type)}) AS value`),
      onError: (cause) => sqlError(cause, bytes, () => 0),
    }),
  );
  const [row] = await result.rows();
  const value = canonicalValue(type, row?.value);
  if (value !== undefined) return value;
  throw invalidSql(name, `The default of ${JSON.stringify(name)}, ${sql}, is no value of its type.`);
}

/** A constant, with a sign or a cast perhaps. */
function isConstant(node: unknown): boolean {
  if (!isNode(node)) return false;
  if (node.class === "CONSTANT") return true;
  if (node.class === "CAST") return isConstant(node.child);
  const children = Array.isArray(node.children) ? (node.children as Node[]) : [];
  return (
    node.class === "FUNCTION" && ["-", "+"].includes(String(node.function_name)) && children.every(isConstant)
  );
}

async function keyOf(table: string, { connection }: Use): Promise<readonly string[]> {
  const rows = await ask(
    connection,
    `SELECT constraint_type, to_json(constraint_column_names) FROM duckdb_constraints() WHERE schema_name = '${SCHEMA}' AND table_name = ${quoteString(table)}`,
  );
  const other = rows.find(([type]) => type !== "NOT NULL" && type !== "PRIMARY KEY");
  if (other !== undefined) throw noConstraint(String(other[0]));
  const [key] = rows.filter(([type]) => type === "PRIMARY KEY");
  return key === undefined ? [] : (JSON.parse(String(key[1])) as string[]);
}

/** What DuckDB takes in a definition and says nothing of afterwards. */
function refuseWords(text: string): void {
  const tokens = tokenize(text);
  for (const [i, token] of tokens.entries()) {
    if (isKeyword(token, "COLLATE")) throw noConstraint("COLLATE");
    const next = tokens[i + 1];
    if (isKeyword(token, "GENERATED") && isKeyword(next, "ALWAYS")) throw noConstraint("GENERATED");
    if (isKeyword(token, "AS") && next?.text === "(") throw noConstraint("GENERATED");
  }
}

function noConstraint(what: string) {
  return invalidSql(
    what,
    `Iceberg tables have no ${what}: it would not be kept.`,
    "Leave it out; NOT NULL, DEFAULT and PRIMARY KEY are what columns can have.",
  );
}
