import type { RecordBatch } from "apache-arrow";
import { arrowBytes } from "../../../parquet/index.js";
import { BatchBuilder } from "../../files/arrow/rows.js";
import type { PutsAhead } from "../../files/data/puts-ahead.js";
import { type DataWriteOptions, writeDataFiles } from "../../files/data/writer.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { TableMetadata } from "../../model/metadata/types.js";

/** Rows become Arrow data at once, so that they may be changed afterwards, and go to files so many at a time. */
const BATCH_ROWS = 16_384;
const BATCH_BYTES = 4 * 1024 * 1024;

/** The rows of one commit, on their way into files. */
export class Round {
  /** When its first row came. */
  readonly began: number;
  readonly #metadata: TableMetadata;
  readonly #puts: PutsAhead;
  readonly #options: DataWriteOptions;
  readonly #builder: BatchBuilder;
  #batches: RecordBatch[] = [];
  /** Of `#batches`. */
  #bytes = 0;
  #files: Promise<DataFile[]> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isEnded = false;
  /** Called when there is a batch, or none will come. */
  #wake = () => {};
  readonly #onFailure: (error: unknown) => void;
  /** Called when the batches that wait are fewer. */
  #drained: (() => void)[] = [];

  /** @param onFailure called when a file cannot be written. */
  constructor(
    metadata: TableMetadata,
    puts: PutsAhead,
    began: number,
    options: DataWriteOptions,
    onFailure: (error: unknown) => void,
  ) {
    this.#onFailure = onFailure;
    this.#metadata = metadata;
    this.#puts = puts;
    this.#options = options;
    this.began = began;
    this.#builder = new BatchBuilder(currentSchema(metadata), { maxRows: BATCH_ROWS, maxBytes: BATCH_BYTES });
  }

  /** Takes all of the rows, or none. @throws LakehouseError SCHEMA_MISMATCH */
  take(rows: readonly unknown[], firstIndex: number): void {
    const before = this.#builder.length;
    try {
      for (const [i, row] of rows.entries()) this.#builder.append(row, firstIndex + i);
    } catch (error) {
      this.#builder.keep(before);
      throw error;
    }
  }

  /** Whether there are so many rows that they should go on to files. */
  get isFull(): boolean {
    return this.#builder.length >= BATCH_ROWS || this.#builder.bytes >= BATCH_BYTES;
  }

  /** Bytes that wait to be written. */
  get waiting(): number {
    return this.#bytes;
  }

  /** Hands what was taken to the files. */
  push(): void {
    const batch = this.#builder.take();
    if (batch === undefined) return;
    this.#batches.push(batch);
    this.#bytes += arrowBytes(batch.data);
    this.#files ??= this.#write();
    this.#wake();
  }

  /** Resolves when fewer bytes than before wait, or none ever will. */
  drained(): Promise<void> {
    return new Promise((go) => this.#drained.push(go));
  }

  /** No more rows come. @returns their files. */
  async end(): Promise<DataFile[]> {
    this.push();
    this.#isEnded = true;
    this.#wake();
    return (await this.#files) ?? [];
  }

  /** Resolves when the files are in the store. */
  stored(): Promise<void> {
    return this.#puts.stored();
  }

  /** Deletes files that no commit names. What cannot be deleted is only garbage. */
  async discard(files: readonly DataFile[]): Promise<void> {
    await this.#puts.delete(files.map(({ filePath }) => filePath)).catch(() => {});
  }

  /** Ends it, and deletes what was written. Resolves when it is done. */
  async abort(error: unknown): Promise<void> {
    this.#failure ??= { error };
    this.#wake();
    this.#drain();
    await this.#files?.catch(() => {});
  }

  #write(): Promise<DataFile[]> {
    const files = writeDataFiles(this.#puts, this.#metadata, this.#feed(), this.#options);
    files.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#drain();
      this.#onFailure(error);
    });
    return files;
  }

  async *#feed(): AsyncGenerator<RecordBatch> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        this.#bytes -= arrowBytes(batch.data);
        this.#drain();
        yield batch;
      } else if (this.#isEnded) return;
      else
        await new Promise<void>((go) => {
          this.#wake = go;
        });
    }
  }

  #drain(): void {
    for (const go of this.#drained.splice(0)) go();
  }
}
