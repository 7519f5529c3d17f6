import { randomUUID } from "node:crypto";
import type * as arrow from "apache-arrow";
import { mapConcurrent } from "../../../concurrency.js";
import { type Abortable, throwIfAborted } from "../../../errors.js";
import {
  arrowBytes,
  openParquetWriter,
  type ParquetTarget,
  type ParquetWriteOptions,
  type ParquetWriter,
} from "../../../parquet/index.js";
import type { ObjectStore } from "../../../storage/index.js";
import { currentSchema, defaultSortOrder } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { numberProperty } from "../../model/metadata/properties.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { isKnownOrder, UNSORTED } from "../../model/partitioning/sort-order.js";
import type { PartitionTuple, SortOrder } from "../../model/partitioning/types.js";
import type { Schema } from "../../model/types/types.js";
import { schemaToArrow, storedSchema } from "../arrow/schema.js";
import { type ResolvedSpec, specOf, specsById } from "../manifest/specs.js";
import { dataFileLocation } from "../metadata/locations.js";
import { arrange } from "./arrange.js";
import { concatBatches } from "./concat.js";
import { dataFileOf } from "./data-file.js";
import { type MetricsConfig, metricsConfig } from "./metrics.js";
import { parquetOptions } from "./parquet-options.js";
import { takeRows } from "./take.js";

/** Arrow data that is held back to be split and sorted together. Memory peaks at about three times this. */
const WINDOW_BYTES = 96 * 1024 * 1024;
/** Rows handed to a Parquet writer at a time: after each, the file's size is looked at. */
const STEP_ROWS = 65_536;
/** Files of one window that are written at a time. */
const PARALLEL_FILES = 4;

/** Where data files go. */
export type DataTarget = ParquetTarget & Pick<ObjectStore, "delete">;

export interface DataWriteOptions extends Abortable {
  /** What the batches have for columns, where it is more than the table's: row lineage of rows that move. */
  readonly schema?: Schema;
  /** Called with the location of each file as it is begun, so that a failed operation can be cleaned up. */
  readonly onFile?: (location: string) => void;
  /** Milliseconds that only go up, by which files grow old. Default `performance.now`. */
  readonly clock?: () => number;
  /** Set where the rows come arranged: they are neither split nor sorted, and stream straight into files. */
  readonly arranged?: ArrangedRows | undefined;
  /** The size from which on a file is finished. Default: the table's `write.target-file-size-bytes`. */
  readonly targetFileSizeBytes?: number | undefined;
  /** Arrow data that is held back to be split by partition and sorted together, where less than 96 MiB is wanted. */
  readonly windowBytes?: number | undefined;
}

/** What is known of rows that come in the order in which they are to be stored. */
export interface ArrangedRows {
  /** Of the default partition spec, of all of the rows. */
  readonly partition: PartitionTuple;
  /** What they are sorted by; `UNSORTED` where that is no order of the table. */
  readonly order: SortOrder;
}

/**
 * Writes rows as data files of a table, by its default partition spec and sort order.
 *
 * Unpartitioned and unsorted rows stream straight into files. Others are gathered in windows; each window is split by
 * partition, sorted, and written, one run a partition, so memory stays flat and every file is sorted as a whole. Files
 * roll at `write.target-file-size-bytes` and, where a slow stream feeds them, at the first rows that come when
 * `write.target-file-age-ms` is over; a window is then cut as well. When anything fails, the files written so far are
 * deleted.
 *
 * @param batches rows in the Arrow form of the table's current schema.
 * @returns the files in the order in which they were begun; no rows, no files.
 */
export async function writeDataFiles(
  store: DataTarget,
  metadata: TableMetadata,
  batches: AsyncIterable<arrow.RecordBatch> | Iterable<arrow.RecordBatch>,
  options: DataWriteOptions = {},
): Promise<DataFile[]> {
  const output = new DataFileOutput(store, metadata, options);
  const rows = untilAborted(batches, options);
  try {
    const isPlain = output.spec.spec.fields.length === 0 && output.order.fields.length === 0;
    const partition = options.arranged?.partition ?? (isPlain ? [] : undefined);
    if (partition === undefined) await windows(output, rows);
    else await stream(output, rows, partition);
    return output.files();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function* untilAborted(
  batches: AsyncIterable<arrow.RecordBatch> | Iterable<arrow.RecordBatch>,
  { signal }: Abortable,
): AsyncGenerator<arrow.RecordBatch, void, undefined> {
  throwIfAborted(signal);
  for await (const batch of batches) {
    throwIfAborted(signal);
    yield batch;
  }
}

/** The same target, whose puts end with the write. */
function abortable(store: DataTarget, { signal }: Abortable): DataTarget {
  if (signal === undefined) return store;
  return {
    put: (uri, body, condition) => store.put(uri, body, condition, signal),
    delete: (uris) => store.delete(uris),
  };
}

async function stream(
  output: DataFileOutput,
  batches: AsyncIterable<arrow.RecordBatch>,
  partition: PartitionTuple,
): Promise<void> {
  const run = output.run(partition);
  try {
    for await (const batch of batches) await run.write(batch);
    await run.close();
  } catch (error) {
    await run.abort();
    throw error;
  }
}

async function windows(output: DataFileOutput, batches: AsyncIterable<arrow.RecordBatch>): Promise<void> {
  let window: arrow.RecordBatch[] = [];
  let bytes = 0;
  let began = 0;
  const flush = async (): Promise<void> => {
    const batch = concatBatches(window);
    window = [];
    bytes = 0;
    const parts = arrange(batch, output.schema, output.spec, output.order);
    await mapConcurrent(parts, PARALLEL_FILES, async ({ partition, rows }) => {
      const run = output.run(partition, parts.length > 1);
      try {
        for (let start = 0; start < rows.length; start += STEP_ROWS) {
          await run.write(takeRows(batch, rows.subarray(start, start + STEP_ROWS)));
        }
        await run.close();
      } catch (error) {
        await run.abort();
        throw error;
      }
    });
  };
  for await (const batch of batches) {
    for (let start = 0; start < batch.numRows; start += STEP_ROWS) {
      const step = batch.slice(start, Math.min(start + STEP_ROWS, batch.numRows));
      if (window.length === 0) began = output.now();
      window.push(step);
      bytes += arrowBytes(step.data);
      if (bytes >= output.windowBytes || output.isOld(began)) await flush();
    }
  }
  if (window.length > 0) await flush();
}

/** The files of one write: where they go, how they are encoded, what became of them. */
class DataFileOutput {
  readonly store: DataTarget;
  readonly metadata: TableMetadata;
  readonly schema: Schema;
  readonly spec: ResolvedSpec;
  readonly order: SortOrder;
  readonly arrowSchema: arrow.Schema;
  readonly targetBytes: number;
  readonly windowBytes: number;
  readonly now: () => number;
  readonly #targetAge: number;
  readonly parquet: ParquetWriteOptions;
  readonly #config: MetricsConfig;
  readonly #options: DataWriteOptions;
  readonly #operation = randomUUID();
  readonly #started: string[] = [];
  readonly #files = new Map<string, DataFile>();

  constructor(store: DataTarget, metadata: TableMetadata, options: DataWriteOptions) {
    this.store = abortable(store, options);
    this.metadata = metadata;
    this.schema = options.schema ?? storedSchema(currentSchema(metadata));
    this.spec = specOf(specsById(metadata), metadata.defaultSpecId, metadata.location);
    const order = options.arranged?.order ?? defaultSortOrder(metadata);
    // What cannot be sorted by is not said to be sorted by.
    this.order = isKnownOrder(order) ? order : UNSORTED;
    this.arrowSchema = schemaToArrow(this.schema);
    this.targetBytes =
      options.targetFileSizeBytes ?? numberProperty(metadata, "write.target-file-size-bytes");
    this.windowBytes = Math.min(WINDOW_BYTES, options.windowBytes ?? WINDOW_BYTES);
    this.now = options.clock ?? (() => performance.now());
    const age = numberProperty(metadata, "write.target-file-age-ms");
    this.#targetAge = age === 0 ? Number.POSITIVE_INFINITY : age;
    this.parquet = parquetOptions(metadata, this.schema);
    this.#config = metricsConfig(metadata, this.schema, this.order);
    this.#options = options;
  }

  /** @param oneOfMany whether other runs are under way at the same time. */
  run(partition: PartitionTuple, oneOfMany = false): FileRun {
    return new FileRun(this, partition, oneOfMany);
  }

  /** Whether what was begun at a time has reached the target age. */
  isOld(began: number): boolean {
    return this.now() - began >= this.#targetAge;
  }

  nextLocation(partition: PartitionTuple): string {
    const number = String(this.#started.length + 1).padStart(5, "0");
    const name = `00000-0-${this.#operation}-${number}.parquet`;
    const location = dataFileLocation(this.metadata, this.spec, partition, name);
    this.#started.push(location);
    this.#options.onFile?.(location);
    return location;
  }

  async finish(writer: ParquetWriter, partition: PartitionTuple): Promise<void> {
    const written = await writer.close();
    const order = this.order.fields.length === 0 ? undefined : this.order.orderId;
    const file = dataFileOf(written, this.schema, this.#config, this.spec.spec.specId, partition, order ?? 0);
    this.#files.set(written.uri, file);
  }

  files(): DataFile[] {
    return this.#started.flatMap((location) => this.#files.get(location) ?? []);
  }

  async discard(): Promise<void> {
    await this.store.delete(this.#started).catch(() => {}); // the failure that led here is the one to report
  }
}

/** Rows of one partition going into files, one after another as each gets full. */
class FileRun {
  readonly #output: DataFileOutput;
  readonly #partition: PartitionTuple;
  readonly #oneOfMany: boolean;
  #began = 0;
  #writer: ParquetWriter | undefined;

  constructor(output: DataFileOutput, partition: PartitionTuple, oneOfMany: boolean) {
    this.#output = output;
    this.#partition = partition;
    this.#oneOfMany = oneOfMany;
  }

  async write(batch: arrow.RecordBatch): Promise<void> {
    for (let start = 0; start < batch.numRows; start += STEP_ROWS) {
      const step =
        batch.numRows <= STEP_ROWS ? batch : batch.slice(start, Math.min(start + STEP_ROWS, batch.numRows));
      this.#writer ??= await this.#open();
      await this.#writer.write(step);
      const full = this.#writer.bytesWritten >= this.#output.targetBytes;
      if (full || this.#output.isOld(this.#began)) await this.close();
    }
  }

  #open(): Promise<ParquetWriter> {
    const { store, arrowSchema, parquet } = this.#output;
    this.#began = this.#output.now();
    const options = { ...parquet, oneOfMany: this.#oneOfMany };
    return openParquetWriter(store, this.#output.nextLocation(this.#partition), arrowSchema, options);
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer !== undefined) await this.#output.finish(writer, this.#partition);
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
    this.#writer = undefined;
  }
}
