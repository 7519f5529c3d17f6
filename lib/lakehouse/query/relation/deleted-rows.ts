import { BIGINT, type DuckDBConnection, DuckDBDataChunk, UBIGINT } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { PositionDeleteReader, referencedDataFile } from "../../iceberg/index.js";
import { keyOf } from "../../keys.js";
import type { ObjectStore } from "../../storage/index.js";
import { deletesByKind } from "./deletes.js";
import { type MaskedFile, MaskedFiles } from "./masked-files.js";
import {
  hasPositionDeletes,
  pathOf,
  type RelationContext,
  type RelationInput,
  type RelationTask,
} from "./relation.js";

const CHUNK_ROWS = 2048;
const PARALLEL_COPIES = 8;

/** Brings deleted positions to DuckDB: as a column of a copied file, else as a table to join with. */
export class DeletedRows {
  readonly #masks: MaskedFiles;
  /** Delete files never change, so what a reader keeps serves every relation. */
  readonly #readers = new WeakMap<ObjectStore, PositionDeleteReader>();

  /** @param folder for copies of files. */
  constructor(folder: string, maxCopiedBytes?: number) {
    this.#masks = new MaskedFiles(folder, maxCopiedBytes);
  }

  /** Copies of the files of which rows are deleted, as far as there is room for them. They are the caller's to release. */
  async masks(
    input: RelationInput,
    standIns: RelationContext["standIns"],
  ): Promise<ReadonlyMap<RelationTask, MaskedFile>> {
    const reader = this.#reader(input.store);
    const tasks = input.tasks.filter(hasPositionDeletes);
    const found = new Map<RelationTask, MaskedFile>();
    let next = 0;
    const work = async () => {
      for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) {
        const { dataFile, deleteFiles } = task;
        const positions = () => reader.positions(dataFile, deleteFiles);
        const copy = await this.#masks.hold(
          pathOf(dataFile, input, { standIns }),
          deletesKey(task),
          positions,
        );
        if (copy !== undefined) found.set(task, copy);
      }
    };
    const workers = Array.from({ length: Math.min(PARALLEL_COPIES, tasks.length) }, work);
    for (const outcome of await Promise.allSettled(workers)) {
      if (outcome.status === "fulfilled") continue;
      for (const { release } of found.values()) release();
      throw outcome.reason;
    }
    return found;
  }

  /** Fills a table of (file_index, pos): `file_index` is the place of the task, as DuckDB numbers the files of a read. */
  async list(
    connection: DuckDBConnection,
    schema: string,
    table: string,
    store: ObjectStore,
    tasks: readonly RelationTask[],
  ): Promise<void> {
    await connection.run(`CREATE TABLE ${schema}.${table} (file_index UBIGINT, pos BIGINT)`);
    const appender = await connection.createAppender(table, schema);
    const chunk = DuckDBDataChunk.create([UBIGINT, BIGINT]);
    for (const [index, task] of tasks.entries()) {
      const bitmap = await this.#reader(store).positions(task.dataFile, task.deleteFiles);
      const positions = bitmap.toBigInt64Array();
      const indexes = new BigInt64Array(Math.min(CHUNK_ROWS, positions.length)).fill(BigInt(index));
      for (let from = 0; from < positions.length; from += CHUNK_ROWS) {
        const count = Math.min(CHUNK_ROWS, positions.length - from);
        chunk.rowCount = count;
        fill(chunk, 0, indexes, 0, count);
        fill(chunk, 1, positions, from, count);
        appender.appendDataChunk(chunk);
      }
    }
    appender.closeSync();
  }

  #reader(store: ObjectStore): PositionDeleteReader {
    let reader = this.#readers.get(store);
    if (reader === undefined) {
      reader = new PositionDeleteReader(store);
      this.#readers.set(store, reader);
    }
    return reader;
  }
}

/** The deletes of a file, and the file as the table knows it: a position delete file speaks of many. */
function deletesKey({ dataFile, deleteFiles }: RelationTask): string {
  const positions = deletesByKind(deleteFiles)["position-deletes"];
  const names = positions.map((file) => keyOf([file.filePath, file.contentOffset, referencedDataFile(file)]));
  return keyOf([dataFile.filePath, names.sort()]);
}

function fill(
  chunk: DuckDBDataChunk,
  column: number,
  values: BigInt64Array,
  from: number,
  count: number,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  duckdb.copy_data_to_vector(
    vector,
    0,
    values.buffer as ArrayBuffer,
    values.byteOffset + from * 8,
    count * 8,
  );
}
