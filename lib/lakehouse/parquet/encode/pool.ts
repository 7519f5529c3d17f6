import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { brokenInstall, invalidArgument, type LakehouseError } from "../../errors.js";
import type { ColumnBuffers } from "./buffers.js";
import { type EncodedRowGroup, encodeRowGroup, type RowGroupPlan } from "./row-group.js";
import type { EncodeReply, EncodeRequest } from "./worker.js";

interface Job {
  readonly request: EncodeRequest;
  readonly resolve: (group: EncodedRowGroup) => void;
  readonly reject: (error: unknown) => void;
}

const WORKER = new URL("./worker.js", import.meta.url);
/** False where the TypeScript sources themselves are run: Node's threads cannot load them, so all is encoded here. */
const COMPILED = existsSync(fileURLToPath(WORKER));

/** Buffers are made in steps of this many bytes, so that those of one file fit each other. */
const BUFFER_STEP = 1024 * 1024;

/** Idle workers keep what they have allocated: after this long they are let go. */
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
   * `size` bytes for the columns to hand to `encode`. The workers give buffers back when done, and they are used
   * again: left to the garbage collectors of several threads, they would pile up to hundreds of megabytes.
   */
  buffer(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#spare.findIndex((spare) => spare.byteLength >= size);
    const found = at >= 0 ? this.#spare.splice(at, 1)[0] : undefined;
    return new Uint8Array(found ?? new ArrayBuffer(Math.ceil(size / BUFFER_STEP) * BUFFER_STEP), 0, size);
  }

  /** Starts the workers, for who knows that there will be work: while it gathers the first rows, they get ready. */
  start(): void {
    if (!COMPILED) return;
    while (this.#idle.length + this.#busy.size < this.#limit) this.#rest(this.#create());
  }

  /** Encodes on another thread. Takes `buffer`, of which all columns are views, over: it is empty here afterwards. */
  encode(
    plan: RowGroupPlan,
    columns: readonly ColumnBuffers[],
    rows: number,
    buffer: ArrayBuffer,
  ): Promise<EncodedRowGroup> {
    if (!COMPILED) return encodeHere(plan, columns, rows).finally(() => this.#keep(buffer));
    return new Promise((resolve, reject) => {
      this.#queue.push({ request: { plan, columns, rows, buffer }, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#limit ? this.#create() : undefined);
      const job = worker && this.#queue.shift();
      if (!worker || !job) return;
      this.#busy.set(worker, job);
      worker.ref();
      worker.postMessage(job.request, [job.request.buffer]);
    }
  }

  #create(): Worker {
    // A worker's own objects are few; what is large lies in typed arrays. The options that this process was started
    // with are not the worker's: Node refuses to start one with some of them, as `--input-type`.
    const worker = new Worker(WORKER, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 4 } });
    worker.on("message", (reply: EncodeReply) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#keep(reply.buffer);
      this.#rest(worker);
      if (reply.group) job?.resolve(reply.group);
      else job?.reject(encodeFailed(reply.error));
      this.#dispatch();
    });
    worker.on("error", (error) => this.#lost(worker, error));
    worker.on("exit", (code) => this.#lost(worker, `the encoder thread ended with code ${code}`));
    return worker;
  }

  #keep(buffer: ArrayBuffer): void {
    this.#spare.push(buffer);
    while (this.#spare.length > this.#limit) this.#spare.shift();
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

/** Encodes on this thread: for row groups too small to be worth the trip to another. */
export async function encodeHere(
  plan: RowGroupPlan,
  columns: readonly ColumnBuffers[],
  rows: number,
): Promise<EncodedRowGroup> {
  try {
    return await encodeRowGroup(plan, columns, rows);
  } catch (cause) {
    throw encodeFailed(cause);
  }
}

/** How Node says that a module, or a file beside one, is not there. */
const MISSING = new Set(["ENOENT", "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

function encodeFailed(cause: unknown): LakehouseError {
  if (brokenInstall.is(cause)) return cause;
  const { code, message } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code === brokenInstall.code || (code !== undefined && MISSING.has(code))) {
    return brokenInstall(
      "Parquet encoder",
      `The encoder's thread lacks a file (${message}).`,
      "Keep sololakehouse out of the bundle of your program, or install it anew.",
      cause,
    );
  }
  return invalidArgument(
    "Arrow data",
    `The batches could not be written as Parquet: ${message ?? String(cause)}.`,
    "Check that every batch has the writer's schema, and that no null stands in a required column.",
    cause,
  );
}

export const encoders = new EncoderPool();
