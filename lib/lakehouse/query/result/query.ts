import type * as arrow from "apache-arrow";
import { ROW_BATCHES, type RowBatches } from "../../iceberg/index.js";
import type { FormatOptions, ResultFormat } from "./format.js";
import type { WrittenResult } from "./output.js";
import type { QueryResult, SqlRow } from "./query-result.js";

/**
 * A query that runs when its result is asked for, once: await it for the `QueryResult`, or read its rows at once. One
 * that is never asked does nothing, and holds nothing.
 *
 * @example
 * const rows = await lake.sql("SELECT * FROM flights.airports").rows();
 * for await (const row of lake.sql("SELECT * FROM flights.bronze_flights")) console.log(row.origin);
 * const result = await lake.sql("SELECT 1 AS one"); // its schema, the tables that it read, and the same calls
 */
export class Query<Row extends object = SqlRow> implements Promise<QueryResult<Row>>, AsyncIterable<Row> {
  readonly [Symbol.toStringTag] = "Query";
  readonly #run: () => Promise<QueryResult<Row>>;
  #result: Promise<QueryResult<Row>> | undefined;

  /** @param run runs it. */
  constructor(run: () => Promise<QueryResult<Row>>) {
    this.#run = run;
  }

  #asked(): Promise<QueryResult<Row>> {
    this.#result ??= this.#run();
    return this.#result;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited
  then<Value = QueryResult<Row>, Failure = never>(
    onResult?: ((result: QueryResult<Row>) => Value | PromiseLike<Value>) | null,
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Value | Failure> {
    return this.#asked().then(onResult, onError);
  }

  catch<Failure = never>(
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<QueryResult<Row> | Failure> {
    return this.#asked().catch(onError);
  }

  finally(onEnd?: (() => void) | null): Promise<QueryResult<Row>> {
    return this.#asked().finally(onEnd);
  }

  /** Row after row, in flat memory: see `QueryResult`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    yield* await this.#asked();
  }

  /** See `QueryResult.batches`. */
  async *batches(): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    yield* (await this.#asked()).batches();
  }

  /** @internal See `QueryResult`. */
  async [ROW_BATCHES](): Promise<RowBatches> {
    return (await this.#asked())[ROW_BATCHES]();
  }

  /** See `QueryResult.rows`. */
  async rows<Given extends object = Row>(): Promise<Given[]> {
    return (await this.#asked()).rows<Given>();
  }

  /** See `QueryResult.toArrow`. */
  async toArrow(): Promise<arrow.Table> {
    return (await this.#asked()).toArrow();
  }

  /** See `QueryResult.format`. */
  async format(format: ResultFormat, options?: FormatOptions): Promise<string> {
    return (await this.#asked()).format(format, options);
  }

  /** See `QueryResult.text`. */
  async *text(format: ResultFormat, options?: FormatOptions): AsyncGenerator<string, void, undefined> {
    yield* (await this.#asked()).text(format, options);
  }

  /** See `QueryResult.toParquet`. */
  async toParquet(path: string): Promise<WrittenResult> {
    return (await this.#asked()).toParquet(path);
  }

  /** See `QueryResult.toArrowFile`. */
  async toArrowFile(path: string): Promise<WrittenResult> {
    return (await this.#asked()).toArrowFile(path);
  }

  /** See `QueryResult.toCsv`. */
  async toCsv(path: string): Promise<WrittenResult> {
    return (await this.#asked()).toCsv(path);
  }

  /** See `QueryResult.toNdjson`. */
  async toNdjson(path: string): Promise<WrittenResult> {
    return (await this.#asked()).toNdjson(path);
  }
}
