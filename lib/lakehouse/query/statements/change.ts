import { randomUUID } from "node:crypto";
import type * as arrow from "apache-arrow";
import { invalidArgument } from "../../errors.js";
import {
  alwaysTrue,
  and,
  type Expression,
  type NestedField,
  POSITION,
  type PositionBitmap,
  ROW_ID,
  type RowChange,
  type ScanTask,
  schemaToArrow,
  storedSchema,
  type Table,
} from "../../iceberg/index.js";
import { SCHEMA } from "../duckdb/open.js";
import { TASK } from "../relation/relation.js";
import { execute } from "../result/execute.js";
import type { TableSql } from "../result/prepared.js";
import type { Use } from "../result/use.js";
import {
  collectPositions,
  hasLineage,
  numbered,
  POSITIONS,
  rowsRelation,
  storedFields,
  storedNames,
} from "../rows/reader.js";
import { pushedFilter } from "../sql/pushdown.js";
import type { TableReference } from "../sql/statement.js";
import { compose, type Piece } from "../text/compose.js";
import { columnName, edgeOf, internalName } from "../text/names.js";
import { fromByteString, quoteIdentifier, toByteString } from "../text/tokens.js";
import { asDuckDB } from "../types/sql-types.js";
import type { Statement, StatementContext } from "./context.js";
import type { MergeSource } from "./merge-source.js";
import { defaultSql, storedSql, valueError } from "./values.js";

/** What becomes of a row of a change, by the number that the change gives it. */
export type RowFate = "update" | "delete" | "insert" | "none";

/** How a statement says what becomes of which rows: a query over the table, with a row for each change. */
export interface ChangeQuery {
  readonly command: RowChange["command"];
  /**
   * The query's parts. It gives `task`, `pos` and `r`: a struct of `a`, the number of a fate, and of the new values of
   * `columns`, under the names that relations have for them.
   */
  readonly pieces: readonly Piece[];
  readonly fates: readonly RowFate[];
  /** The columns that each fate gives a value; those of an update that it does not give stay. */
  readonly columns: readonly (readonly NestedField[])[];
  /** What was evaluated before it, for a MERGE. */
  readonly source?: MergeSource | undefined;
}

/** Names in a change's query that nothing else in it has, quoted. */
export interface ChangeNames {
  readonly target: string;
  readonly task: string;
  readonly pos: string;
}

type Batches = AsyncGenerator<arrow.RecordBatch, void, undefined>;

/**
 * Finds a change of a table by SQL. What the query says is evaluated once and kept in DuckDB, which spills it to the disk:
 * so that it reads the table as it was, whatever it changes, and means one thing.
 *
 * Lifecycle: `open`; `change`, once; `close`.
 */
export class ChangeBySql {
  readonly #context: StatementContext;
  readonly #table: Table;
  readonly #query: ChangeQuery;
  readonly #use: Use;
  readonly #signal: AbortSignal | undefined;
  readonly #changes = `${SCHEMA}.changes_${randomUUID().replaceAll("-", "")}`;
  #tasks: readonly ScanTask[] = [];
  #covers: Expression = { type: "true" };
  #count = 0n;

  private constructor(
    context: StatementContext,
    table: Table,
    query: ChangeQuery,
    use: Use,
    signal: AbortSignal | undefined,
  ) {
    this.#context = context;
    this.#table = table;
    this.#query = query;
    this.#use = use;
    this.#signal = signal;
  }

  static async open(
    context: StatementContext,
    statement: Statement,
    table: Table,
    names: ChangeNames,
    query: ChangeQuery,
  ): Promise<ChangeBySql> {
    return context.relations.use(async (use) => {
      const change = new ChangeBySql(context, table, query, use, statement.options.signal);
      try {
        await change.#evaluate(statement, names);
        return change;
      } catch (error) {
        await query.source?.close();
        throw error;
      }
    });
  }

  /** Rows that are updated, deleted or inserted. */
  get count(): bigint {
    return this.#count;
  }

  async #evaluate(statement: Statement, names: ChangeNames): Promise<void> {
    const { prepared, source } = statement;
    const { identifier } = this.#table;
    const target = {
      name: names.target,
      parts: [...identifier.namespace, identifier.name],
      rows: (reference: TableReference) => this.#rows(reference, names),
    };
    const query = compose(prepared.text, this.#query.pieces);
    const { source: evaluated } = this.#query;
    const targets = evaluated === undefined ? [target] : [target, evaluated.target];
    const part = await this.#context.prepare(query, statement, this.#use, targets);
    // What other tables say, and this one another time, can be changed by any row.
    if (part.tables > 1) this.#covers = { type: "true" };
    const head = toByteString(`CREATE TABLE ${this.#changes} AS `);
    try {
      await this.#use.connection.run(fromByteString(head + part.bytes));
    } catch (error) {
      throw valueError(this.#use.stopped ?? error, source, (position) =>
        part.original(position - head.length),
      );
    }
  }

  /** The table's rows where they stand, for the query: as many of its files as the statement can mean. */
  async #rows(reference: TableReference, names: ChangeNames): Promise<TableSql> {
    const { schema } = this.#table;
    const filter = and(
      pushedFilter(reference, schema.fields) ?? alwaysTrue,
      this.#query.source?.filter ?? alwaysTrue,
    );
    this.#covers = filter;
    const { tasks } = await this.#table.scan({ filter }).planAll();
    this.#tasks = tasks;
    const relation = await this.#relation(tasks);
    const hidden = [
      `${internalName(TASK)} AS ${quoteIdentifier(names.task)}`,
      `${internalName(POSITION)} AS ${quoteIdentifier(names.pos)}`,
    ];
    return { sql: edgeOf(relation, schema.fields, [], asDuckDB, hidden).sql, schema };
  }

  #relation(tasks: readonly ScanTask[]): Promise<string> {
    const { store, metadata, schema } = this.#table;
    const request = { store, metadata, schema: storedSchema(schema), tasks };
    return rowsRelation(this.#context.relations, request, this.#use, true, numbered(this.#tasks));
  }

  /** The change, for one commit. `undefined` where no row changes. */
  async change(): Promise<RowChange | undefined> {
    const { command } = this.#query;
    const leaving = this.#where("update", "delete");
    let counts: Record<RowFate, bigint>;
    try {
      await this.#refuseTwice(leaving);
      counts = await this.#counts();
    } catch (error) {
      throw this.#use.stopped ?? error;
    }
    this.#count = counts.update + counts.delete + counts.insert;
    if (this.#count === 0n) return undefined;
    const rows = `SELECT task, pos FROM ${this.#changes} WHERE ${leaving} ORDER BY task, pos`;
    const found = await collectPositions(this.#tasks, this.#batches(rows, POSITIONS));
    const isWhole = ([task, positions]: [ScanTask, PositionBitmap]) =>
      BigInt(positions.cardinality) === task.dataFile.recordCount;
    return {
      command,
      covers: this.#covers,
      whole: [...found].filter(isWhole).map(([task]) => task),
      partly: new Map([...found].filter((each) => !isWhole(each))),
      remaining: (tasks) => this.#remaining(tasks, leaving),
      changed: counts.update > 0n ? this.#updated() : undefined,
      added: counts.insert > 0n ? this.#inserted() : undefined,
    };
  }

  async #refuseTwice(leaving: string): Promise<void> {
    const { connection } = this.#use;
    const sql = `SELECT count(*) FROM ${this.#changes} WHERE ${leaving} GROUP BY task, pos HAVING count(*) > 1 LIMIT 1`;
    const [first] = (await connection.runAndReadAll(sql)).getRowsJson();
    if (first === undefined) return;
    throw invalidArgument(
      this.#table.name,
      `${first[0]} rows say different things of one row of ${this.#table.name}: which of them should win is not for a statement to guess.`,
      "Keep one of them for each row of the table, as with QUALIFY row_number() OVER (PARTITION BY key ORDER BY …) = 1.",
    );
  }

  async #counts(): Promise<Record<RowFate, bigint>> {
    const counts = { update: 0n, delete: 0n, insert: 0n, none: 0n };
    const sql = `SELECT r.a, count(*) FROM ${this.#changes} GROUP BY 1`;
    for (const [fate, n] of (await this.#use.connection.runAndReadAll(sql)).getRowsJson()) {
      counts[this.#query.fates[Number(fate)] as RowFate] += BigInt(String(n));
    }
    return counts;
  }

  /** SQL that is true for changes of these fates. */
  #where(...fates: readonly RowFate[]): string {
    const numbers = this.#query.fates.flatMap((fate, i) => (fates.includes(fate) ? [i] : []));
    return numbers.length === 0 ? "false" : `r.a IN (${numbers.join(", ")})`;
  }

  async *#remaining(tasks: readonly ScanTask[], leaving: string): Batches {
    const fields = storedFields(this.#request);
    const columns = storedNames(this.#request).map((name) => `t.${name}`);
    const gone = `SELECT task, pos FROM ${this.#changes} WHERE ${leaving}`;
    const sql = `SELECT ${columns.join(", ")} FROM ${await this.#relation(tasks)} AS t ANTI JOIN (${gone}) AS m ON t.${internalName(TASK)} = m.task AND t.${internalName(POSITION)} = m.pos`;
    yield* this.#batches(sql, schemaToArrow({ fields }));
  }

  async *#updated(): Batches {
    const fields = storedFields(this.#request);
    const from = `(SELECT t.*, m.r FROM ${await this.#relation(this.#tasks)} AS t JOIN (SELECT * FROM ${this.#changes} WHERE ${this.#where("update")}) AS m ON t.${internalName(TASK)} = m.task AND t.${internalName(POSITION)} = m.pos)`;
    const values = await this.#valuesOf("update", columnName);
    const lineage = hasLineage(this.#request) ? [internalName(ROW_ID), "NULL::BIGINT"] : [];
    yield* this.#batches(
      `SELECT ${[...values, ...lineage].join(", ")} FROM ${from}`,
      schemaToArrow({ fields }),
    );
  }

  async *#inserted(): Batches {
    const { schema } = this.#request;
    const values = await this.#valuesOf("insert", defaultSql);
    const sql = `SELECT ${values.join(", ")} FROM ${this.#changes} WHERE ${this.#where("insert")}`;
    yield* this.#batches(sql, schemaToArrow(schema));
  }

  /**
   * SQL for the columns of rows of one fate.
   *
   * @param otherwise SQL for a column that nothing gives a value.
   */
  async #valuesOf(fate: RowFate, otherwise: (field: NestedField) => string): Promise<readonly string[]> {
    const { fates, columns } = this.#query;
    const { fields } = this.#request.schema;
    const given = fields.filter(({ id }) =>
      columns.some((each, i) => fates[i] === fate && each.some((c) => c.id === id)),
    );
    const members = given.map((field) => `r.${columnName(field)}`);
    const fitted = await storedSql(this.#use, given, members, this.#changes);
    return fields.map((field) => {
      const value = fitted[given.indexOf(field)];
      if (value === undefined) return otherwise(field);
      const numbers = fates.flatMap((each, i) =>
        each === fate && columns[i]?.some(({ id }) => id === field.id) ? [i] : [],
      );
      return numbers.length === fates.filter((each) => each === fate).length
        ? value
        : `CASE WHEN r.a IN (${numbers.join(", ")}) THEN ${value} ELSE ${otherwise(field)} END`;
    });
  }

  get #request() {
    const { metadata, schema } = this.#table;
    return { metadata, schema: storedSchema(schema) };
  }

  async *#batches(sql: string, schema: arrow.Schema): Batches {
    const bytes = toByteString(sql);
    const onError = (error: unknown) => valueError(error, bytes, (position) => position);
    const result = await this.#context.relations.use(
      (use) => execute(use, { bytes, onError, schema }),
      this.#signal,
    );
    yield* result.batches();
  }

  async close(): Promise<void> {
    // A connection that was stopped runs nothing any more. With a closed engine its tables are gone.
    this.#use.release();
    await this.#query.source?.close();
    const { relations } = this.#context;
    if (relations.isClosed) return;
    await relations.use(async ({ connection, release }) => {
      await connection.run(`DROP TABLE IF EXISTS ${this.#changes}`);
      release();
    });
  }
}
