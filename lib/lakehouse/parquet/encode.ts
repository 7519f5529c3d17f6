import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { LakehouseError } from "../errors.js";

export type ParquetCompression = "zstd" | "snappy" | "gzip" | "lz4_raw" | "uncompressed";

/** What the encoder needs to know: plain data, since it crosses to another thread. */
export interface EncodeOptions {
  /** parquet-wasm's number for the codec. */
  readonly codec: number;
  readonly rowGroupRows: number;
  readonly keyValueMetadata: Readonly<Record<string, string>>;
  /** Paths, dot-separated, of columns that shall not be dictionary-encoded. */
  readonly plainColumns: readonly string[];
}

type ParquetWasm = typeof import("parquet-wasm");

const require = createRequire(import.meta.url);
let loaded: ParquetWasm | undefined;

/** parquet-wasm, compiled on first use: 40 ms that a reader of tables should not pay. */
export function parquetWasm(): ParquetWasm {
  loaded ??= require("parquet-wasm") as ParquetWasm;
  return loaded;
}

/**
 * Encodes an Arrow IPC stream as one whole Parquet file.
 *
 * It runs on this thread and, as source text, on worker threads, so it must not refer to anything outside itself.
 */
function encodeParquet(wasm: ParquetWasm, ipc: Uint8Array, options: EncodeOptions): Uint8Array {
  let builder = new wasm.WriterPropertiesBuilder()
    .setCompression(options.codec)
    .setMaxRowGroupSize(options.rowGroupRows)
    .setCreatedBy("SoloLakehouse")
    .setKeyValueMetadata(new Map(Object.entries(options.keyValueMetadata)));
  for (const column of options.plainColumns) builder = builder.setColumnDictionaryEnabled(column, false);
  // Both calls take their arguments over and free them.
  return wasm.writeParquet(wasm.Table.fromIPCStream(ipc), builder.build());
}

/** Encodes on this thread: for files too small to be worth the trip to another. */
export function encodeHere(ipc: Uint8Array, options: EncodeOptions): Uint8Array {
  try {
    return encodeParquet(parquetWasm(), ipc, options);
  } catch (cause) {
    throw encodeFailed(cause);
  }
}

interface Job {
  readonly ipc: Uint8Array<ArrayBuffer>;
  readonly options: EncodeOptions;
  readonly resolve: (file: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

interface Reply {
  readonly file?: Uint8Array;
  readonly ipc?: Uint8Array<ArrayBuffer>;
  readonly error?: string;
}

const WORKER_SOURCE = `
const { parentPort, workerData } = require("node:worker_threads");
const wasm = require(workerData.parquetWasm);
const encode = ${encodeParquet.toString()};
parentPort.on("message", ({ ipc, options }) => {
  try {
    const file = encode(wasm, ipc, options);
    parentPort.postMessage({ file, ipc }, [file.buffer, ipc.buffer]);
  } catch (error) {
    parentPort.postMessage({ error: String(error) });
  }
});
`;

/** Transfer buffers are made in steps of this many bytes, so that those of one file fit each other. */
const BUFFER_STEP = 1024 * 1024;

/** Idle workers keep their WebAssembly memory, which never shrinks: after this long they are let go. */
const IDLE_MS = 5_000;

/**
 * Worker threads that encode. They start when there is work, do not keep the process alive, and end when idle.
 * One pool serves the whole process, so that any number of open writers shares the same few threads.
 */
class EncoderPool {
  readonly #limit = Math.max(1, Math.min(4, availableParallelism()));
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #queue: Job[] = [];
  readonly #spare: ArrayBuffer[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** How many jobs can be under way at once: more in flight only costs memory. */
  get width(): number {
    return this.#limit;
  }

  /**
   * `size` bytes to hand to `encode`. The workers give buffers back when done, and they are used again: left to
   * the garbage collectors of several threads, they would pile up to hundreds of megabytes.
   */
  buffer(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#spare.findIndex((spare) => spare.byteLength >= size);
    const found = at >= 0 ? this.#spare.splice(at, 1)[0] : undefined;
    return new Uint8Array(found ?? new ArrayBuffer(Math.ceil(size / BUFFER_STEP) * BUFFER_STEP), 0, size);
  }

  /** Takes `ipc` over: its buffer is transferred, and empty here afterwards. */
  encode(ipc: Uint8Array<ArrayBuffer>, options: EncodeOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ipc, options, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#limit ? this.#start() : undefined);
      const job = worker && this.#queue.shift();
      if (!worker || !job) return;
      this.#busy.set(worker, job);
      worker.ref();
      worker.postMessage({ ipc: job.ipc, options: job.options }, [job.ipc.buffer]);
    }
  }

  #start(): Worker {
    const worker = new Worker(WORKER_SOURCE, {
      eval: true,
      // The workers' own objects are few; what is large lives in WebAssembly and in transferred buffers.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
      workerData: { parquetWasm: require.resolve("parquet-wasm") },
    });
    worker.on("message", (reply: Reply) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      if (reply.ipc) {
        this.#spare.push(reply.ipc.buffer);
        while (this.#spare.length > this.#limit) this.#spare.shift();
      }
      if (reply.file) {
        this.#rest(worker);
        job?.resolve(reply.file);
      } else {
        // A trap can leave the WebAssembly instance in an undefined state: no other job may meet it.
        void worker.terminate();
        job?.reject(encodeFailed(reply.error));
      }
      this.#dispatch();
    });
    worker.on("error", (error) => this.#lost(worker, error));
    worker.on("exit", (code) => this.#lost(worker, `the encoder thread ended with code ${code}`));
    return worker;
  }

  #rest(worker: Worker): void {
    worker.unref();
    this.#idle.push(worker);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const idle of this.#idle.splice(0)) void idle.terminate();
      if (this.#busy.size === 0) this.#spare.length = 0;
    }, IDLE_MS).unref();
  }

  #lost(worker: Worker, cause: unknown): void {
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    job?.reject(encodeFailed(cause));
    this.#dispatch();
  }
}

function encodeFailed(cause: unknown): LakehouseError {
  return new LakehouseError({
    code: "INVALID_ARGUMENT",
    subject: "Arrow data",
    message: `The batches could not be written as Parquet: ${cause instanceof Error ? cause.message : String(cause)}.`,
    remedy: "Check that every batch has the writer's schema, and that no null stands in a required column.",
    cause,
  });
}

export const encoders = new EncoderPool();
