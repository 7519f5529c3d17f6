import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type * as arrow from "apache-arrow";
import { invalidArgument } from "../../errors.js";
import {
  alwaysFalse,
  and,
  type DataFile,
  type Expression,
  gtEq,
  isIn,
  isNull,
  type LiteralInput,
  ltEq,
  type MergeRequest,
  type NestedField,
  or,
  POSITION,
  type PositionBitmap,
  ROW_ID,
  type RowMerge,
  type ScanTask,
  schemaToArrow,
} from "../../iceberg/index.js";
import { writeParquet } from "../../parquet/index.js";
import { LocalStore } from "../../storage/index.js";
import { sqlError } from "../duckdb/sql-error.js";
import { TASK } from "../relation/relation.js";
import type { Relations } from "../relation/relations.js";
import { execute } from "../result/execute.js";
import type { QueryResult, SqlRow } from "../result/query-result.js";
import type { Use } from "../result/use.js";
import { columnName, internalName } from "../text/names.js";
import { toByteString } from "../text/tokens.js";
import {
  collectPositions,
  hasLineage,
  numbered,
  POSITIONS,
  rowsRelation,
  storedFields,
  storedNames,
} from "./reader.js";

type Batches = AsyncGenerator<arrow.RecordBatch, void, undefined>;

/** So many values of a key column are listed in a filter; more are given as a range. */
const MAX_VALUES = 100;

/** Writes the source to the disk, so that it may be of any size, and checks its keys. */
export async function openMerge(
  relations: Relations,
  scratch: string,
  request: MergeRequest,
): Promise<RowMerge> {
  await mkdir(scratch, { recursive: true });
  const store = new LocalStore(scratch, { durable: false });
  const uri = `${store.root}/merge-${randomUUID()}.parquet`;
  const written = await writeParquet(store, uri, schemaToArrow(request.schema), request.source);
  const dataFile: DataFile = {
    content: "data",
    filePath: uri,
    fileFormat: "parquet",
    specId: 0,
    partition: [],
    recordCount: written.recordCount,
    fileSizeInBytes: written.fileSizeInBytes,
  };
  const source: ScanTask = {
    dataFile,
    deleteFiles: [],
    residual: { type: "true" },
    spec: { specId: 0, fields: [] },
    sequenceNumber: 0n,
  };
  const end = async (): Promise<void> => store.delete([uri]);
  try {
    return await relations.use(async (use) => {
      const tasks = [source];
      const relation = await rowsRelation(relations, { ...request, store, tasks }, use, true);
      const merge = new DuckDBMerge(relations, request, use, relation, end);
      await merge.checkKeys();
      await merge.findRange();
      return merge;
    });
  } catch (error) {
    await end();
    throw error;
  }
}

class DuckDBMerge implements RowMerge {
  range: Expression = alwaysFalse;
  readonly #relations: Relations;
  readonly #request: MergeRequest;
  /** Holds the source's relation, and the table of matches, until the end. */
  readonly #use: Use;
  #source: string;
  readonly #end: () => Promise<void>;
  /** A table of what was matched: file, pos, row_id (v3), source (the source's row), changed. */
  readonly #matches = `lakehouse.matches_${randomUUID().replaceAll("-", "")}`;
  #tasks: readonly ScanTask[] = [];

  constructor(
    relations: Relations,
    request: MergeRequest,
    use: Use,
    source: string,
    end: () => Promise<void>,
  ) {
    this.#relations = relations;
    this.#request = request;
    this.#use = use;
    this.#source = source;
    this.#end = end;
  }

  async checkKeys(): Promise<void> {
    const keys = this.#keys();
    if (this.#request.nullKeys === "refuse") await this.#refuseNulls(keys);
    const twice = await this.#keyHadTwice(this.#source, keys);
    if (twice === undefined) return;
    const { newest } = this.#request;
    if (newest === undefined)
      throw invalidArgument(
        twice.key,
        `${twice.n} of the rows to be merged have the key ${twice.key}.`,
        "Keep one row for each key, or say by `newest` which column tells the one that counts: a merge does not guess.",
      );
    await this.#keepNewest(keys, newest);
  }

  /** Leaves of the source the newest row of each key. */
  async #keepNewest(keys: readonly string[], newest: string): Promise<void> {
    const order = this.#column(newest);
    const rank = `rank() OVER (PARTITION BY ${keys.join(", ")} ORDER BY ${order} DESC NULLS LAST)`;
    const first = `(SELECT * FROM ${this.#source} QUALIFY ${rank} = 1)`;
    const all = this.#request.schema.fields.map(columnName).join(", ");
    const twice = await this.#keyHadTwice(`(SELECT DISTINCT ${all} FROM ${first})`, keys);
    if (twice !== undefined)
      throw invalidArgument(
        twice.key,
        `${twice.n} different rows to be merged have the key ${twice.key}, and none is newer than the other by ${JSON.stringify(newest)}.`,
        "Give each version of a row a value of its own in that column, or keep one of them.",
      );
    const place = internalName(POSITION);
    this.#source = `(SELECT * FROM ${first} QUALIFY row_number() OVER (PARTITION BY ${keys.join(", ")} ORDER BY ${place}) = 1)`;
  }

  async #keyHadTwice(
    rows: string,
    keys: readonly string[],
  ): Promise<{ readonly key: string; readonly n: unknown } | undefined> {
    const named = keys.map((key, i) => `${key} AS k${i}`).join(", ");
    const [twice] = await this.#rows(
      `SELECT ${named}, count(*) AS n FROM ${rows} GROUP BY ${keys.join(", ")} HAVING count(*) > 1 LIMIT 1`,
    );
    const { on } = this.#request;
    return twice && { key: on.map((name, i) => `${name}=${String(twice[`k${i}`])}`).join(", "), n: twice.n };
  }

  async #refuseNulls(keys: readonly string[]): Promise<void> {
    const missing = keys.map((key) => `${key} IS NULL`);
    const [first] = await this.#rows(
      `SELECT ${internalName(POSITION)} AS row, [${missing.join(", ")}] AS missing FROM ${this.#source} WHERE ${missing.join(" OR ")} ORDER BY 1 LIMIT 1`,
    );
    if (first === undefined) return;
    const column = this.#request.on[(first.missing as readonly boolean[]).indexOf(true)] ?? "";
    throw invalidArgument(
      column,
      `Row ${first.row} of the rows to be merged has no value for the key column ${JSON.stringify(column)}: as SQL compares, it equals no row and would be inserted each time.`,
      `Give it one, or merge with nullKeys: "match", for which null is a key like any other.`,
    );
  }

  async findRange(): Promise<void> {
    const { on, schema } = this.#request;
    const keys = this.#keys();
    const [counts] = await this.#rows(
      `SELECT count(*) AS n, ${keys.map((key, i) => `count(*) - count(${key}) AS c${i}`).join(", ")} FROM ${this.#source}`,
    );
    if (counts === undefined || Number(counts.n) === 0) return;
    const parts: Expression[] = [];
    for (const [i, name] of on.entries()) {
      const field = schema.fields.find((each) => each.name === name) as NestedField;
      // NaN equals NaN as a key, and no filter says so.
      if (field.type.type === "float" || field.type.type === "double") continue;
      const filled = await this.#filledRange(field, keys[i] as string);
      parts.push(Number(counts[`c${i}`]) > 0 ? or(filled, isNull(name)) : filled);
    }
    this.range = parts.reduce((all, part) => (all.type === "true" ? part : and(all, part)), {
      type: "true",
    } as Expression);
  }

  /** A filter that every value of a key column fits, nulls apart. */
  async #filledRange(field: NestedField, key: string): Promise<Expression> {
    // As the table's own type: DuckDB has none for some, and its values would not fit a filter (timestamptz_ns).
    const asTable = (...names: string[]) =>
      schemaToArrow({ fields: names.map((name) => ({ ...field, name, required: false })) });
    const { name } = field;
    const values = await this.#rows(
      `SELECT DISTINCT ${key} AS v FROM ${this.#source} WHERE ${key} IS NOT NULL LIMIT ${MAX_VALUES + 1}`,
      asTable("v"),
    );
    if (values.length <= MAX_VALUES) {
      return isIn(
        name,
        values.map(({ v }) => v as LiteralInput),
      );
    }
    const [bounds] = await this.#rows(
      `SELECT min(${key}) AS a, max(${key}) AS b FROM ${this.#source}`,
      asTable("a", "b"),
    );
    return and(gtEq(name, bounds?.a as LiteralInput), ltEq(name, bounds?.b as LiteralInput));
  }

  async match(
    tasks: readonly ScanTask[],
    onlyChanged: boolean,
  ): Promise<ReadonlyMap<ScanTask, PositionBitmap>> {
    this.#tasks = tasks;
    const { schema, newest } = this.#request;
    const relation = await rowsRelation(this.#relations, { ...this.#request, tasks }, this.#use, true);
    const on = this.#keys();
    const equals = this.#request.nullKeys === "match" ? "IS NOT DISTINCT FROM" : "=";
    const keys = on.map((key) => `t.${key} ${equals} s.${key}`).join(" AND ");
    const differs = schema.fields
      .map(columnName)
      .filter((column) => !on.includes(column))
      .map((column) => `t.${column} IS DISTINCT FROM s.${column}`);
    const isOther = onlyChanged ? (differs.length === 0 ? "false" : differs.join(" OR ")) : "true";
    const changed = newest === undefined ? isOther : `(${isOther}) AND ${newerSql(this.#column(newest))}`;
    const rowId = hasLineage(this.#request) ? `t.${internalName(ROW_ID)}` : "NULL::BIGINT";
    await this.#run(
      `CREATE TABLE ${this.#matches} AS SELECT t.${internalName(TASK)} AS file, t.${internalName(POSITION)} AS pos, ${rowId} AS row_id, s.${internalName(POSITION)} AS source, (${changed}) AS changed FROM ${relation} AS t JOIN ${this.#source} AS s ON ${keys}`,
    );
    const rows = `SELECT file, pos FROM ${this.#matches} WHERE changed ORDER BY file, pos`;
    return collectPositions(tasks, this.#batches(rows, POSITIONS));
  }

  async *remainingRows(tasks: readonly ScanTask[]): Batches {
    const request = { ...this.#request, tasks };
    const fields = storedFields(request);
    const relation = await rowsRelation(this.#relations, request, this.#use, true, numbered(this.#tasks));
    const columns = storedNames(request)
      .map((name) => `t.${name}`)
      .join(", ");
    const gone = `SELECT file, pos FROM ${this.#matches} WHERE changed`;
    const sql = `SELECT ${columns} FROM ${relation} AS t ANTI JOIN (${gone}) AS m ON t.${internalName(TASK)} = m.file AND t.${internalName(POSITION)} = m.pos`;
    yield* this.#batches(sql, schemaToArrow({ fields }));
  }

  async *updatedRows(): Batches {
    const fields = storedFields(this.#request);
    const lineage = hasLineage(this.#request) ? ", m.row_id, NULL::BIGINT" : "";
    const sql = `SELECT ${this.#columns()}${lineage} FROM ${this.#source} AS s JOIN ${this.#matches} AS m ON s.${internalName(POSITION)} = m.source WHERE m.changed`;
    yield* this.#batches(sql, schemaToArrow({ fields }));
  }

  async *insertedRows(): Batches {
    const sql = `SELECT ${this.#columns()} FROM ${this.#source} AS s ANTI JOIN ${this.#matches} AS m ON s.${internalName(POSITION)} = m.source`;
    yield* this.#batches(sql, schemaToArrow(this.#request.schema));
  }

  #columns(): string {
    return this.#request.schema.fields.map((field) => `s.${columnName(field)}`).join(", ");
  }

  /** The key's columns, as relations name them. */
  #keys(): readonly string[] {
    return this.#request.on.map((name) => this.#column(name));
  }

  #column(name: string): string {
    const { schema } = this.#request;
    return columnName(schema.fields.find((field) => field.name === name) as NestedField);
  }

  async *#batches(sql: string, schema?: arrow.Schema): Batches {
    yield* (await this.#execute(sql, schema)).batches();
  }

  async #rows(sql: string, schema?: arrow.Schema): Promise<SqlRow[]> {
    return (await this.#execute(sql, schema)).rows();
  }

  #execute(sql: string, schema?: arrow.Schema): Promise<QueryResult> {
    const bytes = toByteString(sql);
    const onError = (error: unknown) => sqlError(error, bytes, (position) => position);
    return this.#relations.use((use) => execute(use, { bytes, onError, schema }));
  }

  async #run(sql: string): Promise<void> {
    try {
      await this.#use.during(this.#use.connection.run(sql));
    } catch (error) {
      throw this.#use.stopped ?? sqlError(error, toByteString(sql), (position) => position);
    }
  }

  async close(): Promise<void> {
    try {
      // With a closed engine its tables are gone.
      if (!this.#use.stopped) await this.#run(`DROP TABLE IF EXISTS ${this.#matches}`);
    } finally {
      this.#use.release();
      await this.#end();
    }
  }
}

/** True where the source's row is newer than the table's, and never null. */
function newerSql(column: string): string {
  return `coalesce(s.${column} > t.${column}, t.${column} IS NULL AND s.${column} IS NOT NULL)`;
}
