import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import type { LakehouseError } from "../../errors.js";
import { BatchSchema } from "../../parquet/index.js";
import { readBatches } from "../arrow/batches.js";
import { conformBatch } from "../arrow/conform.js";
import { castForArrow } from "../arrow/types.js";
import { fromByteString, quoteIdentifier } from "../text/tokens.js";
import { QueryResult } from "./query-result.js";
import type { Use } from "./use.js";

export interface Execution {
  /** The statement, as a byte string. */
  readonly bytes: string;
  readonly onError: (error: unknown) => LakehouseError;
  /** The schema that the batches shall have, where it is known from elsewhere. */
  readonly schema?: arrow.Schema | undefined;
  /** Names of columns that the result shall have, by those that they had in SQL. */
  readonly renamed?: ReadonlyMap<string, string> | undefined;
}

/**
 * Starts a statement and reads its first batch, so that a query that fails, fails here. A result that fits that batch
 * is over with it, and its connection is given back at once.
 */
export async function execute(use: Use, execution: Execution): Promise<QueryResult> {
  const { connection } = use;
  const { bytes } = execution;
  const onError = (error: unknown) => use.stopped ?? execution.onError(error);
  try {
    // The text would end there for DuckDB, and what follows would not count.
    if (bytes.includes("\0")) throw new Error("A statement cannot have a NUL character.");
    const sql = fromByteString(bytes);
    use.check();
    await connection.run("BEGIN TRANSACTION READ ONLY");
    use.check();
    // Columns of tables have types that Arrow has; asking DuckDB for each takes time with the square of their number.
    const statement = execution.schema ? await connection.prepare(sql) : await prepare(connection, sql);
    use.check();
    const read = readBatches(await statement.stream(), () => verify(use, sql));
    const schema = execution.schema ?? renamedSchema(read.schema, execution.renamed);
    const batches = schema === read.schema ? read.batches : conforming(read.batches, schema);
    const next = async () => {
      use.check();
      const read = await batches.next();
      // A stream that was cut off ends as one that is through.
      use.check();
      return read;
    };
    const first = await next();
    const second = first.done ? first : await next();
    if (second.done) use.release();
    async function* all(): AsyncGenerator<arrow.RecordBatch, void, undefined> {
      if (!first.done) yield first.value;
      if (second.done) return;
      yield second.value;
      for (;;) {
        const { value, done } = await use.during(next());
        if (done) return;
        yield value;
      }
    }
    // Cut, so that a result which is kept to be looked at does not hold the batch.
    const batch = first.done ? undefined : first.value.slice(0, HEAD_ROWS);
    const total = first.done ? 0 : second.done ? first.value.numRows : undefined;
    return new QueryResult({ schema, source: all(), use, onError, head: { batch, total } });
  } catch (error) {
    throw onError(error);
  }
}

/** Rows that are kept to be shown. */
const HEAD_ROWS = 40;

function renamedSchema(schema: arrow.Schema, names: ReadonlyMap<string, string> = new Map()): arrow.Schema {
  // An expression without an alias is called by its text, with quoted names in it: count("a#2").
  const renamed = (name: string): string =>
    [...names].reduce(
      (text, [said, own]) => text.replaceAll(quoteIdentifier(said), () => quoteIdentifier(own)),
      names.get(name) ?? name,
    );
  if (schema.fields.every(({ name }) => renamed(name) === name)) return schema;
  return new BatchSchema(schema.fields.map((field) => field.clone({ name: renamed(field.name) })));
}

async function* conforming(
  batches: AsyncIterable<arrow.RecordBatch>,
  schema: arrow.Schema,
): AsyncGenerator<arrow.RecordBatch, void, undefined> {
  for await (const batch of batches) yield conformBatch(batch, schema);
}

/** Types that Arrow has no twin of are cast to text, at whatever depth they stand. */
async function prepare(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statement = await connection.prepare(sql);
  const columns = Array.from({ length: statement.columnCount }, (_, i) => ({
    name: statement.columnName(i),
    cast: castForArrow(statement.columnType(i)),
  }));
  if (columns.every(({ cast }) => cast === undefined)) return statement;
  const names = columns.map((_, i) => `c${i}`);
  const list = columns.map(({ name, cast }, i) =>
    // The cast of a variant makes text of a null, too.
    cast
      ? `CASE WHEN c${i} IS NOT NULL THEN CAST(c${i} AS ${cast}) END AS ${quoteIdentifier(name)}`
      : `c${i} AS ${quoteIdentifier(name)}`,
  );
  const inner = sql.replace(/;\s*$/, "");
  return connection.prepare(`SELECT ${list.join(", ")} FROM (${inner}\n) AS q(${names.join(", ")})`);
}

/**
 * DuckDB's binding ends a stream in the same way whether the query is through or failed half-way: a failed one would
 * look whole. But the failure aborts the transaction around it, and that shows. The error itself is lost by then, so
 * the query runs again, without its rows, to say what it was.
 */
async function verify(use: Use, sql: string): Promise<void> {
  const { connection } = use;
  use.check();
  try {
    await connection.run("SELECT 1");
  } catch {
    use.check();
    await connection.run("ROLLBACK");
    await connection.run(`EXPLAIN ANALYZE ${sql}`);
    throw new Error("The query failed while its rows were read, and did not fail again.");
  }
}
