import type * as arrow from "apache-arrow";
import { invalidArgument, type LakehouseError } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { Arena, gather, gatheredBytes } from "./encode/buffers.js";
import { withoutDictionaries } from "./encode/decode-dictionary.js";
import { ParquetFile } from "./encode/file.js";
import { fileLayout, plainType } from "./encode/layout.js";
import { chunkOptions, type ParquetWriteOptions } from "./encode/options.js";
import { encodeHere, encoders } from "./encode/pool.js";
import type { EncodedRowGroup, RowGroupPlan } from "./encode/row-group.js";
import { schemaMismatch } from "./errors.js";
import { arrowBytes } from "./format/arrow-data.js";
import { type ParquetFooter, parseFooter } from "./format/footer.js";
import { type ColumnMetrics, columnMetrics } from "./format/metrics.js";

/** One finished Parquet file. */
export interface WrittenParquet {
  readonly uri: string;
  readonly fileSizeInBytes: bigint;
  readonly recordCount: bigint;
  readonly footer: ParquetFooter;
  /** Metrics of every column with a field id, NaN counts included. */
  readonly metrics: readonly ColumnMetrics[];
}

/**
 * Writes one Parquet file from Arrow batches.
 *
 * Lifecycle: `write` any number of times, then `close` or `abort`, once. The object appears when `close` resolves,
 * whole; after `abort`, or a failure, there is none. `write` resolves when the writer can take more: await it, and
 * memory stays flat however long the file becomes.
 */
export interface ParquetWriter {
  /** @throws LakehouseError SCHEMA_MISMATCH when the batch's columns are not those of the writer's schema. */
  write(batch: arrow.RecordBatch): Promise<void>;
  /** Estimate of the file's length if it were closed now, for rolling by size. Rows not yet encoded are guessed. */
  readonly bytesWritten: number;
  readonly rowsWritten: number;
  close(): Promise<WrittenParquet>;
  abort(): Promise<void>;
}

/** Where a file goes: a store, or whatever else puts a body whole or not at all. */
export interface ParquetTarget {
  put(...put: Parameters<ObjectStore["put"]>): Promise<unknown>;
}

/** 60 times what DuckDB reads at a time, which spares it to put a vector together from two row groups. */
const DEFAULT_ROW_GROUP_ROWS = 122_880;
const DEFAULT_ROW_GROUP_BYTES = 64 * 1024 * 1024;
/** Below this much Arrow data a file is encoded on the calling thread: a few ms, where starting another costs more. */
const SMALL_BYTES = 1024 * 1024;
/** The same for one of many files, which share what it costs. */
const SMALL_BYTES_OF_MANY = 64 * 1024;
/** First guess of Parquet bytes per Arrow byte, until the first row group tells. */
const FIRST_RATIO = 0.4;

/**
 * Opens a writer for one Parquet file. Field ids come from the Arrow field metadata `PARQUET:field_id`, at every
 * depth. Row groups are encoded by worker threads and joined in order.
 */
export async function openParquetWriter(
  store: ParquetTarget,
  uri: string,
  schema: arrow.Schema,
  options: ParquetWriteOptions = {},
): Promise<ParquetWriter> {
  return new RowGroupWriter(store, uri, schema, options);
}

/** Streams `batches` into one Parquet file. Nothing is visible until it is complete, and nothing is left if it fails. */
export async function writeParquet(
  store: ParquetTarget,
  uri: string,
  schema: arrow.Schema,
  batches: AsyncIterable<arrow.RecordBatch> | Iterable<arrow.RecordBatch>,
  options: ParquetWriteOptions = {},
): Promise<WrittenParquet> {
  const writer = await openParquetWriter(store, uri, schema, options);
  try {
    for await (const batch of batches) await writer.write(batch);
    return await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

class RowGroupWriter implements ParquetWriter {
  readonly #store: ParquetTarget;
  readonly #uri: string;
  readonly #schema: arrow.Schema;
  readonly #plan: RowGroupPlan;
  readonly #file: ParquetFile;
  readonly #rowGroupRows: number;
  readonly #rowGroupBytes: number;
  readonly #smallBytes: number;
  readonly #checked = new WeakSet<arrow.Schema>();
  #state: "open" | "closed" | "aborted" = "open";

  #pending: arrow.RecordBatch[] = [];
  #pendingRows = 0;
  #pendingBytes = 0;
  #rows = 0;
  #written = 0;
  #encodedArrowBytes = 0;
  #inFlightBytes = 0;

  /** Row groups on their way through the encoders, in file order. */
  readonly #groups = new GroupQueue();
  #footer: Uint8Array | undefined;
  #put: Promise<unknown> | undefined;

  constructor(store: ParquetTarget, uri: string, schema: arrow.Schema, options: ParquetWriteOptions) {
    this.#store = store;
    this.#uri = uri;
    this.#schema = schema;
    const layout = fileLayout(schema);
    this.#plan = {
      columns: layout.columns,
      leaves: layout.leaves,
      options: chunkOptions(layout.leaves, options),
    };
    this.#file = new ParquetFile(layout, options.keyValueMetadata ?? {});
    this.#rowGroupRows = Math.max(1, options.rowGroupRows ?? DEFAULT_ROW_GROUP_ROWS);
    this.#rowGroupBytes = options.rowGroupBytes ?? DEFAULT_ROW_GROUP_BYTES;
    this.#smallBytes = options.oneOfMany ? SMALL_BYTES_OF_MANY : SMALL_BYTES;
  }

  get bytesWritten(): number {
    const ratio = this.#encodedArrowBytes > 0 ? this.#written / this.#encodedArrowBytes : FIRST_RATIO;
    return this.#written + Math.round((this.#inFlightBytes + this.#pendingBytes) * ratio);
  }

  get rowsWritten(): number {
    return this.#rows;
  }

  async write(batch: arrow.RecordBatch): Promise<void> {
    this.#assertOpen();
    this.#checkSchema(batch.schema);
    this.#rows += batch.numRows;
    let rest = withoutDictionaries(batch, this.#schema);
    const rowBytes = Math.max(1, arrowBytes(rest.data)) / Math.max(1, rest.numRows);
    while (rest.numRows > 0) {
      const room = Math.max(
        1,
        Math.min(
          this.#rowGroupRows - this.#pendingRows,
          Math.ceil((this.#rowGroupBytes - this.#pendingBytes) / rowBytes),
        ),
      );
      const head = rest.numRows > room ? rest.slice(0, room) : rest;
      const full = head.numRows >= room;
      rest = rest.slice(head.numRows);
      this.#pending.push(head);
      this.#pendingRows += head.numRows;
      this.#pendingBytes += arrowBytes(head.data);
      if (this.#pendingBytes >= this.#smallBytes) encoders.start();
      if (full) {
        this.#flush();
        await this.#groups.room(encoders.width + 1);
      }
    }
  }

  async close(): Promise<WrittenParquet> {
    this.#assertOpen();
    this.#state = "closed";
    if (!this.#put) return this.#closeSingle();
    if (this.#pendingRows > 0) this.#flush();
    this.#groups.end();
    await this.#put;
    if (!this.#footer) throw this.#stateError("was cut off by the store before its footer");
    return this.#result(this.#footer);
  }

  async abort(): Promise<void> {
    if (this.#state === "aborted") return;
    this.#state = "aborted";
    this.#pending = [];
    this.#groups.fail(this.#stateError("was aborted"));
    await this.#put?.catch(() => {});
  }

  /** A file of one row group is put whole, and encoded on this thread where it is small. */
  async #closeSingle(): Promise<WrittenParquet> {
    const parts: Uint8Array[] = [this.#file.start];
    if (this.#pendingRows > 0) {
      const small = this.#pendingBytes < this.#smallBytes;
      parts.push(this.#file.add(await this.#encodePending(small)));
    }
    const { indexes, footer, trailer } = this.#file.finish();
    const whole = Buffer.concat([...parts, ...indexes, footer, trailer]);
    await this.#store.put(this.#uri, whole);
    this.#written = whole.length;
    return this.#result(footer);
  }

  #result(metadata: Uint8Array): WrittenParquet {
    const footer = parseFooter(metadata, this.#uri, this.#written);
    const nans = new Map<number, bigint>();
    this.#plan.leaves.forEach(({ order, fieldId }, i) => {
      if (order === "float" && fieldId !== undefined) nans.set(fieldId, BigInt(this.#file.nans[i] ?? 0));
    });
    return {
      uri: this.#uri,
      fileSizeInBytes: BigInt(this.#written),
      recordCount: BigInt(this.#rows),
      footer,
      metrics: columnMetrics(footer, nans),
    };
  }

  #flush(): void {
    const arrowSize = this.#pendingBytes;
    this.#inFlightBytes += arrowSize;
    this.#groups.push(this.#encodePending(false), arrowSize);
    if (this.#put) return;
    this.#put = this.#store.put(this.#uri, this.#body());
    // The store may fail while nobody awaits: remember it, so that the next write or close throws it.
    this.#put.catch((error: unknown) => this.#groups.fail(error));
  }

  /** The bytes of the file, as fast as the encoders deliver and the store takes them. */
  async *#body(): AsyncGenerator<Uint8Array> {
    this.#written += this.#file.start.length;
    yield this.#file.start;
    for await (const { group, arrowSize } of this.#groups) {
      const bytes = this.#file.add(group);
      this.#written += bytes.length;
      this.#encodedArrowBytes += arrowSize;
      this.#inFlightBytes -= arrowSize;
      yield bytes;
    }
    const { indexes, footer, trailer } = this.#file.finish();
    for (const bytes of [...indexes, footer, trailer]) {
      this.#written += bytes.length;
      yield bytes;
    }
    this.#footer = footer;
  }

  /** Copies the pending batches, column by column, into one buffer, which the encoder takes over. */
  #encodePending(here: boolean): Promise<EncodedRowGroup> {
    const rows = this.#pendingRows;
    const columns = this.#schema.fields.map((_, i) =>
      this.#pending.map((batch) => batch.data.children[i] as arrow.Data),
    );
    const size = columns.reduce((sum, parts) => sum + gatheredBytes(parts), 0);
    const memory = here ? new Uint8Array(size) : encoders.buffer(size);
    const arena = new Arena(memory);
    const gathered = columns.map((parts) => gather(parts, arena));
    this.#pending = [];
    this.#pendingRows = 0;
    this.#pendingBytes = 0;
    return here
      ? encodeHere(this.#plan, gathered, rows)
      : encoders.encode(this.#plan, gathered, rows, memory.buffer);
  }

  #checkSchema(found: arrow.Schema): void {
    if (found === this.#schema || this.#checked.has(found)) return;
    const expected = this.#schema.fields;
    if (found.fields.length !== expected.length) {
      throw this.#mismatch(`the batch has ${found.fields.length} columns, the file ${expected.length}`);
    }
    expected.forEach((field, i) => {
      const other = found.fields[i];
      if (!other || String(plainType(other.type)) !== String(plainType(field.type))) {
        throw this.#mismatch(`column "${field.name}" should be ${field.type} but is ${other?.type}`);
      }
    });
    this.#checked.add(found);
  }

  #mismatch(why: string): LakehouseError {
    return schemaMismatch(this.#uri, `A batch does not fit ${this.#uri}: ${why}.`);
  }

  #assertOpen(): void {
    if (this.#state !== "open") throw this.#stateError(`is already ${this.#state}`);
  }

  #stateError(why: string): LakehouseError {
    return invalidArgument(this.#uri, `The Parquet writer of ${this.#uri} ${why}.`);
  }
}

interface EncodedGroup {
  readonly group: EncodedRowGroup;
  readonly arrowSize: number;
}

/** Encoded row groups in file order, handed from the writer to the store's upload. */
class GroupQueue implements AsyncIterable<EncodedGroup> {
  readonly #jobs: Promise<EncodedGroup>[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void)[] = [];

  push(encoding: Promise<EncodedRowGroup>, arrowSize: number): void {
    const job = encoding.then((group) => ({ group, arrowSize }));
    job.catch((error: unknown) => this.fail(error));
    this.#jobs.push(job);
    this.#changed();
  }

  end(): void {
    this.#ended = true;
    this.#changed();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed();
  }

  /** Waits until fewer than `limit` groups are unfinished or not yet taken by the store. */
  async room(limit: number): Promise<void> {
    while (!this.#failure && this.#jobs.length >= limit) await this.#change();
    if (this.#failure) throw this.#failure.error;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<EncodedGroup> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const [job] = this.#jobs;
      if (job) {
        const group = await job;
        yield group;
        this.#jobs.shift();
        this.#changed();
      } else if (this.#ended) return;
      else await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
