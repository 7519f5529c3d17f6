import * as arrow from "apache-arrow";
import { invalidArgument } from "../../errors.js";
import { type SqlValue, valueReader } from "../arrow/values.js";
import { type FormatOptions, formatBatches, formatHead, type ResultFormat } from "./format.js";
import { SHOWN_ROWS } from "./table-text.js";

/** A result row by column name; `SqlValue` says what each SQL type becomes. */
export type SqlRow = Record<string, SqlValue>;

/** A table that a query read, and how much of it planning left. */
export interface QueriedTable {
  readonly name: string;
  readonly snapshotId: bigint | undefined;
  readonly dataFiles: number;
  readonly deleteFiles: number;
  readonly bytes: bigint;
  /** Rows of the data files, those that deletes take away among them. */
  readonly records: bigint;
  /** Data files that planning proved to hold no matching row. */
  readonly skippedDataFiles: number;
}

/** The rows of a result that came first. */
export interface ResultHead {
  readonly batch: arrow.RecordBatch | undefined;
  /** Of how many rows it is, where more may come: then `undefined`. */
  readonly total: number | undefined;
}

/**
 * The result of a query: a stream of Arrow batches, that can also be taken whole.
 *
 * Lifecycle: `batches()` reads the stream, once, in flat memory. `toArrow()`, `rows()` and `format()` read it to its
 * end and keep it, so they can be mixed and repeated. A result that is not wanted to its end is let go with `close()`;
 * one read to its end closes itself.
 *
 * @example
 * const result = await engine.sql("SELECT origin, avg(delay) AS delay FROM flights.bronze_flights GROUP BY 1");
 * for (const row of await result.rows()) console.log(row.origin, row.delay);
 */
export class QueryResult {
  readonly schema: arrow.Schema;
  readonly tables: readonly QueriedTable[];
  readonly #source: AsyncIterator<arrow.RecordBatch>;
  readonly #release: () => void;
  readonly #onError: (error: unknown) => unknown;
  #kept: arrow.RecordBatch[] | undefined;
  #complete: Promise<arrow.RecordBatch[]> | undefined;
  #streamed = false;
  readonly #head: ResultHead;

  /** The query engine makes one. */
  constructor(init: {
    readonly schema: arrow.Schema;
    readonly tables: readonly QueriedTable[];
    readonly source: AsyncIterator<arrow.RecordBatch>;
    readonly release: () => void;
    readonly onError: (error: unknown) => unknown;
    readonly head: ResultHead;
  }) {
    this.schema = init.schema;
    this.tables = init.tables;
    this.#source = init.source;
    this.#release = init.release;
    this.#onError = init.onError;
    this.#head = init.head;
  }

  get columns(): readonly string[] {
    return this.schema.fields.map((field) => field.name);
  }

  /**
   * The batches, up to 65,536 rows each. Unless the result is already held whole, this reads the stream, which works
   * once.
   */
  async *batches(): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    if (this.#kept || this.#complete) {
      yield* await this.#readAll();
      return;
    }
    this.#claim();
    try {
      for (;;) {
        const next = await this.#next();
        if (!next) return;
        yield next;
      }
    } finally {
      this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    return this.batches();
  }

  /** The whole result as an Arrow table. */
  async toArrow(): Promise<arrow.Table> {
    return new arrow.Table(this.schema, await this.#readAll());
  }

  /** The whole result as objects. Convenient, and a hundred times slower than `batches()`: mind the row count. */
  async rows<Row extends object = SqlRow>(): Promise<Row[]> {
    const rows: Row[] = [];
    for (const batch of await this.#readAll()) {
      const readers = this.schema.fields.map((field, i) =>
        valueReader(field, batch.data.children[i] as arrow.Data),
      );
      for (let row = 0; row < batch.numRows; row++) {
        rows.push(
          Object.fromEntries(this.columns.map((name, i) => [name, readers[i]?.(row) ?? null])) as Row,
        );
      }
    }
    return rows;
  }

  /**
   * The result as one string: `table` for people (the first `maxRows` rows, 40 by default, and how many there are),
   * `json` (an array of objects), `ndjson` (an object a line) or `csv` (RFC 4180, with a header), each with all rows.
   *
   * In JSON nothing is lost: integers beyond 2^53 and decimals are strings (`"9007199254740993"`, `"1.10"`), bytes are
   * lower-case hex, maps are arrays of `[key, value]`, and NaN and Infinity are strings. `rows()` gives values instead.
   *
   * @throws LakehouseError INVALID_ARGUMENT when it is longer than a string can be: `text()` has no such end.
   */
  async format(format: ResultFormat, options: FormatOptions = {}): Promise<string> {
    const kept = await this.#readAll();
    async function* batches(): AsyncGenerator<arrow.RecordBatch, void, undefined> {
      yield* kept;
    }
    let text = "";
    try {
      for await (const chunk of formatBatches(this.schema, batches(), format, options)) text += chunk;
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw invalidArgument(
        "query result",
        `The result as ${format} is longer than a string can be.`,
        "Read it in pieces, with text().",
        cause,
      );
    }
    return text;
  }

  /**
   * The same text in pieces, in flat memory, the first of them as soon as there are rows. Like `batches()` it reads the
   * stream, once. When it throws, what was given before is not the whole: hold it back until the end where that matters.
   *
   * @example
   * for await (const piece of result.text("csv")) process.stdout.write(piece);
   */
  text(format: ResultFormat, options: FormatOptions = {}): AsyncGenerator<string, void, undefined> {
    return formatBatches(this.schema, this.batches(), format, options);
  }

  /**
   * What a console or a notebook shows of it: the first rows as a table, read or not, and whether there are more. It
   * takes nothing from the stream.
   */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return formatHead(this.schema, this.#head, SHOWN_ROWS);
  }

  /** Ends the query, wherever it is. */
  close(): void {
    this.#release();
  }

  #claim(): void {
    if (this.#streamed) {
      throw invalidArgument(
        "query result",
        "The batches of this result were already read.",
        "Keep them, or call toArrow() or rows() first, which hold the result.",
      );
    }
    this.#streamed = true;
  }

  #readAll(): Promise<arrow.RecordBatch[]> {
    if (!this.#complete) {
      this.#claim();
      this.#complete = this.#drain();
    }
    return this.#complete;
  }

  async #drain(): Promise<arrow.RecordBatch[]> {
    const batches: arrow.RecordBatch[] = [];
    try {
      for (let next = await this.#next(); next; next = await this.#next()) batches.push(next);
    } finally {
      this.close();
    }
    this.#kept = batches;
    return batches;
  }

  async #next(): Promise<arrow.RecordBatch | undefined> {
    try {
      const { value, done } = await this.#source.next();
      return done ? undefined : value;
    } catch (error) {
      throw this.#onError(error);
    }
  }
}
