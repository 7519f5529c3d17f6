import * as arrow from "apache-arrow";
import { invalidArgument, type LakehouseError, useAfterClose } from "../../errors.js";
import { ROW_BATCHES, type RowBatches } from "../../iceberg/index.js";
import { type SqlValue, valueReader } from "../arrow/values.js";
import { batchRows } from "./batch-rows.js";
import { type FormatOptions, formatBatches, formatHead, type ResultFormat } from "./format.js";
import { type WrittenResult, writeResultArrow, writeResultParquet, writeResultText } from "./output.js";
import { SHOWN_ROWS } from "./table-text.js";
import type { Use } from "./use.js";

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

const resultClosed = (): LakehouseError =>
  useAfterClose(
    "query result",
    "The query result was closed.",
    "Run the query again, and close its result after the last row.",
  );

/** Results that nobody can read any more give back what they hold. */
const forgotten = new FinalizationRegistry<Use>((use) => void use.end(resultClosed));

/**
 * The result of a query: a stream of rows, that can also be taken whole.
 *
 * Lifecycle: iterating it (rows), `batches()` (Arrow), `text()` and `toParquet()` with its kin read the stream, once, in
 * flat memory. `rows()`, `toArrow()` and `format()` read it to its end and keep it, so they can be mixed and repeated, and
 * what comes after them reads what was kept. A result that is not wanted to its end is let go with `close()`, or by
 * `await using`; one read to its end, or left by `break`, closes itself.
 *
 * It reads the snapshots that were current when the query began, whatever is committed meanwhile. Once a snapshot is
 * expired its files can go: a result that is still to read one then fails.
 *
 * @example
 * await using result = await lake.sql("SELECT origin, delay FROM flights.bronze_flights");
 * for await (const row of result) console.log(row.origin, row.delay);
 */
export class QueryResult<Row extends object = SqlRow> implements AsyncIterable<Row>, AsyncDisposable {
  readonly schema: arrow.Schema;
  readonly tables: readonly QueriedTable[];
  readonly #source: AsyncIterator<arrow.RecordBatch>;
  readonly #use: Use;
  readonly #onError: (error: unknown) => LakehouseError;
  #kept: arrow.RecordBatch[] | undefined;
  #complete: Promise<arrow.RecordBatch[]> | undefined;
  #streamed = false;
  #closed = false;
  readonly #head: ResultHead;

  /** The query engine makes one. */
  constructor(init: {
    readonly schema: arrow.Schema;
    readonly source: AsyncIterator<arrow.RecordBatch>;
    readonly use: Use;
    readonly onError: (error: unknown) => LakehouseError;
    readonly head: ResultHead;
  }) {
    this.schema = init.schema;
    this.tables = init.use.tables;
    this.#source = init.source;
    this.#use = init.use;
    this.#onError = init.onError;
    this.#head = init.head;
    forgotten.register(this, init.use, this);
  }

  get columns(): readonly string[] {
    return this.schema.fields.map((field) => field.name);
  }

  /**
   * The batches, up to 65,536 rows each. Unless the result is already held whole, this reads the stream, which works
   * once.
   *
   * @throws LakehouseError INVALID_ARGUMENT where it was read before; CLOSED, ABORTED.
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
      await this.close();
    }
  }

  /** Row after row, in flat memory: objects as of `rows()`. Reads the stream as `batches()` does. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this.batches()) yield* batchRows<Row>(this.schema, batch);
  }

  /**
   * The rows in their batches, for calls that write them: reads the stream as `batches()` does.
   *
   * @internal
   */
  async [ROW_BATCHES](): Promise<RowBatches> {
    return {
      schema: this.schema,
      batches: this.batches(),
      rows: batchRows,
      values: valueReader,
    };
  }

  /** The whole result as an Arrow table. */
  async toArrow(): Promise<arrow.Table> {
    return new arrow.Table(this.schema, await this.#readAll());
  }

  /**
   * The whole result as objects; `SqlValue` says what each SQL type becomes. Convenient, and much slower than
   * `batches()`: mind the row count.
   *
   * @typeParam Given what a row is, where the query did not say: a promise of yours, that nothing checks.
   */
  async rows<Given extends object = Row>(): Promise<Given[]> {
    const rows: Given[] = [];
    for (const batch of await this.#readAll()) {
      for (const row of batchRows<Given>(this.schema, batch)) rows.push(row);
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
   * Writes the rows to a Parquet file (zstd), in flat memory: a path, or the URI of an object. It is there when this
   * resolves, whole, in place of the one that there was; a failure or a killed process leaves that one.
   *
   * Decimals, timestamps with unit and zone, UUIDs and nested types stay what they are. HUGEINT becomes `decimal(38,0)`,
   * a column of timestamps in seconds one in milliseconds, fixed-size lists lists.
   *
   * @throws LakehouseError UNSUPPORTED_FEATURE for what Parquet has not: an interval, seconds inside a list or struct.
   */
  toParquet(path: string): Promise<WrittenResult> {
    return writeResultParquet(path, this.schema, this.batches());
  }

  /** The same as an Arrow IPC file (Feather version 2): every type stays what it is. */
  toArrowFile(path: string): Promise<WrittenResult> {
    return writeResultArrow(path, this.schema, this.batches());
  }

  /** The same as CSV, as of `format("csv")`. */
  toCsv(path: string): Promise<WrittenResult> {
    return this.#writeText(path, "csv");
  }

  /** The same as JSON, an object a line, as of `format("ndjson")`. */
  toNdjson(path: string): Promise<WrittenResult> {
    return this.#writeText(path, "ndjson");
  }

  /**
   * What a console or a notebook shows of it: the first rows as a table, read or not, and whether there are more. It
   * takes nothing from the stream.
   */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return formatHead(this.schema, this.#head, SHOWN_ROWS);
  }

  /**
   * Ends the query, wherever it is, and gives back what it holds: who is reading gets CLOSED. What was read whole
   * stays. A second call does nothing.
   */
  close(): Promise<void> {
    this.#closed = true;
    forgotten.unregister(this);
    return this.#use.end(resultClosed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #writeText(path: string, format: "csv" | "ndjson"): Promise<WrittenResult> {
    return writeResultText(path, this.batches(), (batches) => formatBatches(this.schema, batches, format));
  }

  #claim(): void {
    // What was streamed to its end is closed as well, and it is the reading twice that is wrong.
    if (this.#closed && !this.#streamed) throw resultClosed();
    if (this.#streamed) {
      throw invalidArgument(
        "query result",
        "The rows of this result were already read.",
        "Keep its rows, or call rows() or toArrow() first, which hold the result.",
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
      await this.close();
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
