import { closed } from "../../errors.js";
import { recordTooLarge } from "../errors.js";
import type { ManifestFile } from "../manifest/manifest-file.js";
import type { TopicConfig } from "../meta/topic-config.js";
import { type BatchHeader, checkProduced, setBaseOffset } from "../records/header.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import { partitionKey, type Wal } from "../wal/wal.js";
import type { Budget } from "./budget.js";
import { holding } from "./clock.js";
import { nextOffset, Tail } from "./tail.js";
import { type UploaderParts, uploadSegment } from "./uploader.js";

/**
 * When an append is done: its records are on this machine's disk (`wal`), and survive the process; or they are in the
 * object store (`stored`), and survive the machine.
 */
export type Ack = "wal" | "stored";

/** Where the records of an append are. */
export interface Appended {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
}

export interface PartitionParts extends UploaderParts {
  readonly wal: Wal;
  readonly budget: Budget;
  readonly epoch: number;
  /** The partition's own. */
  readonly manifest: ManifestFile;
  /** How much stays in memory of what is in the object store already, for readers that follow. 4 MiB where not given. */
  readonly keptBytes?: number | undefined;
}

interface Waiter {
  /** The offset that has to be passed. */
  readonly next: bigint;
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * The writer of one partition. Batches get their offsets in the order of the calls, go through the write-ahead log, and
 * are then seen by readers; from there they go into the object store, a segment at a time.
 *
 * Invariants: `stored <= durable <= next`; readers see what is before `durable`; an offset below `durable` is never
 * given again.
 */
export class Partition {
  readonly topicId: string;
  readonly number: number;
  #config: TopicConfig;
  readonly #parts: PartitionParts;
  readonly #tail: Tail;
  readonly #name: string;
  /** Of the next batch. */
  #next: bigint;
  /** One behind the last that is on the disk. */
  #durable: bigint;
  /** One behind the last that is in the object store. */
  #stored: bigint;
  /** Of the next segment. */
  #sequence: number;
  #start: bigint;
  #unstoredBytes = 0;
  #storedWaiters: Waiter[] = [];
  readonly #readers = new Set<() => void>();
  #uploading: Promise<void> | undefined;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  #failure: unknown;
  #isClosed = false;

  /** @param end where it begins, and the end of its segments: the next offset, and the next segment's number. */
  constructor(
    topic: { readonly id: string; readonly name: string; readonly config: TopicConfig },
    number: number,
    end: { readonly start: bigint; readonly offset: bigint; readonly sequence: number },
    parts: PartitionParts,
  ) {
    this.topicId = topic.id;
    this.number = number;
    this.#name = `${topic.name}/${number}`;
    this.#config = topic.config;
    this.#parts = parts;
    this.#tail = new Tail(parts.keptBytes ?? KEPT_BYTES);
    this.#next = end.offset;
    this.#durable = end.offset;
    this.#stored = end.offset;
    this.#sequence = end.sequence;
    this.#start = end.start;
  }

  get manifest(): ManifestFile {
    return this.#parts.manifest;
  }

  /** The first offset that readers may have. */
  get start(): bigint {
    return this.#start;
  }

  /** Readers have nothing before this offset from now on. */
  begin(start: bigint): void {
    if (start > this.#start) this.#start = start;
  }

  /** Goes by these settings from now on. */
  configure(config: TopicConfig): void {
    this.#config = config;
  }

  /** One behind the last record that readers see. */
  get highWatermark(): bigint {
    return this.#durable;
  }

  /** One behind the last record in the object store. */
  get stored(): bigint {
    return this.#stored;
  }

  /** From which offset on `readTail` has all. */
  get tailStart(): bigint {
    return this.#tail.start ?? this.#durable;
  }

  /**
   * Appends one record batch, in Kafka's version 2, as it is: only its base offset is set, in place.
   *
   * @throws LakehouseError CORRUPT_RECORD_BATCH, RECORD_TOO_LARGE; STORAGE_FAILED where the disk fails: then it
   *   was not acknowledged, and no reader has seen it; FENCED where another writer has taken over.
   */
  async append(batch: Uint8Array, ack: Ack): Promise<Appended> {
    const header = checkProduced(batch, this.#name);
    checkSize(batch, this.#config.maxBatchBytes, this.#name);
    this.#throwIfOver();
    const { budget, clock } = this.#parts;
    const taken = budget.take(batch.length, () => this.#write(batch, header));
    const { baseOffset, next, written } = taken instanceof Promise ? await holding(clock, taken) : taken;
    try {
      await written;
    } catch (error) {
      budget.give(batch.length);
      throw error;
    }
    this.#advance(next, batch.length);
    if (ack === "stored") await this.#untilStored(next);
    return { baseOffset, lastOffset: next - 1n };
  }

  /** In one turn, so that offsets are in the order of the write-ahead log. */
  #write(batch: Uint8Array, header: BatchHeader) {
    this.#throwIfOver();
    const baseOffset = this.#next;
    setBaseOffset(batch, baseOffset);
    const held = { bytes: batch, header: { ...header, baseOffset } };
    const next = nextOffset(held);
    this.#next = next;
    this.#tail.push(held);
    const written = this.#parts.wal.append({ topicId: this.topicId, partition: this.number, batch });
    return { baseOffset, next, written };
  }

  /** Takes a batch back that the write-ahead log had kept. @param held not in the object store: it begins where all ends. */
  restore(held: HeldBatch): void {
    this.#tail.push(held);
    this.#next = nextOffset(held);
    this.#parts.budget.owe(held.bytes.length);
    this.#advance(this.#next, held.bytes.length);
  }

  /** Forgets what the write-ahead log has refused: all that is not on the disk. */
  rollBack(): void {
    this.#next = this.#durable;
    this.#tail.cut(this.#durable);
  }

  /** What readers may see from `from` on. @param from not before `tailStart`. */
  readTail(from: bigint, maxBytes: number): HeldBatch[] {
    return this.#tail.read(from, this.#durable, maxBytes);
  }

  /**
   * Resolves when there is a record at `offset`, or when `signal` is aborted.
   *
   * @throws LakehouseError CLOSED, NO_SUCH_TOPIC or FENCED where none will come: the partition is closed, deleted, or taken
   *   over.
   */
  async untilBeyond(offset: bigint, signal?: AbortSignal): Promise<void> {
    while (this.#durable <= offset && !signal?.aborted) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        const go = () => {
          signal?.removeEventListener("abort", go);
          this.#readers.delete(go);
          resolve();
        };
        this.#readers.add(go);
        signal?.addEventListener("abort", go);
      });
    }
  }

  /** Waits until all is in the object store. */
  async flush(): Promise<void> {
    if (this.#stored < this.#durable) await this.#untilStored(this.#durable);
  }

  /** Stops, after one try to bring the rest into the object store. What does not get there stays in the write-ahead log. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await Promise.all([this.#parts.wal.idle(), this.#uploading]);
    let stored: bigint | undefined;
    while (this.#failure === undefined && this.#stored < this.#durable && this.#stored !== stored) {
      stored = this.#stored;
      await this.#uploadOnce().catch((error: unknown) => this.#fail(error));
    }
    this.#fail(closed("log"));
  }

  /** Stops at once, with what its callers then hear: the topic is deleted, say. */
  async abandon(reason: unknown): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#fail(reason);
    await this.#uploading;
  }

  /** Others wait for memory: brings what there is into the object store, however little. */
  relieve(): void {
    if (this.#stored < this.#durable) this.#upload();
  }

  #throwIfOver(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw closed("log");
  }

  #advance(next: bigint, bytes: number): void {
    this.#durable = next;
    this.#wakeReaders();
    // It ended while the batch was on its way to the disk: no upload will give the bytes back.
    if (this.#failure !== undefined) {
      this.#parts.budget.give(bytes);
      return;
    }
    this.#unstoredBytes += bytes;
    if (this.#isDue()) this.#upload();
    else this.#uploadWithin(this.#config.segmentMs);
  }

  #isDue(): boolean {
    return this.#unstoredBytes >= this.#config.segmentBytes || this.#parts.budget.isShort;
  }

  #untilStored(next: bigint): Promise<void> {
    const stored = new Promise<void>((go, fail) => {
      if (this.#failure !== undefined) return fail(this.#failure);
      if (next <= this.#stored) return go();
      this.#storedWaiters.push({ next, go, fail });
      this.#uploadWithin(this.#config.storedLingerMs);
    });
    return holding(this.#parts.clock, stored);
  }

  #uploadWithin(ms: number): void {
    if (this.#uploading !== undefined || this.#isClosed) return;
    const at = this.#parts.clock.now() + ms;
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#cancelTimer();
    this.#timer = { at, cancel: this.#parts.clock.after(ms, () => this.#upload()) };
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #upload(): void {
    if (this.#uploading !== undefined || this.#isClosed || this.#failure !== undefined) return;
    this.#cancelTimer();
    this.#uploading = this.#uploadOnce()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#uploading = undefined;
        if (this.#stored === this.#durable) return;
        if (this.#isDue()) this.#upload();
        else
          this.#uploadWithin(
            this.#storedWaiters.length > 0 ? this.#config.storedLingerMs : this.#config.segmentMs,
          );
      });
  }

  async #uploadOnce(): Promise<void> {
    const { epoch, manifest, wal, onFailure } = this.#parts;
    const { topicId, number: partition } = this;
    const batches = this.#tail.read(this.#stored, this.#durable, this.#config.segmentBytes);
    const identity = { topicId, partition, sequence: this.#sequence, epoch };
    const isDone = await uploadSegment(
      this.#parts,
      manifest,
      identity,
      this.#stored,
      batches,
      () => this.#isClosed,
    );
    if (!isDone) return;
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    this.#sequence++;
    this.#stored = nextOffset(batches.at(-1) as HeldBatch);
    this.#giveBack(Math.min(bytes, this.#unstoredBytes));
    this.#tail.trim(this.#stored);
    const done = this.#storedWaiters.filter(({ next }) => next <= this.#stored);
    this.#storedWaiters = this.#storedWaiters.filter(({ next }) => next > this.#stored);
    for (const { go } of done) go();
    // A file that could not be removed is tried again with the next.
    await wal.stored(partitionKey(topicId, partition), this.#stored).catch((error) => onFailure?.(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const waiters = this.#storedWaiters;
    this.#storedWaiters = [];
    for (const { fail } of waiters) fail(error);
    this.#wakeReaders();
    this.#giveBack(this.#unstoredBytes);
  }

  #giveBack(bytes: number): void {
    this.#unstoredBytes -= bytes;
    this.#parts.budget.give(bytes);
  }

  #wakeReaders(): void {
    for (const go of [...this.#readers]) go();
  }
}

/** @throws LakehouseError RECORD_TOO_LARGE */
export function checkSize(batch: Uint8Array, most: number, name: string): void {
  if (batch.length > most)
    throw recordTooLarge(
      name,
      `A record batch of ${batch.length} bytes is larger than the ${most} that ${name} takes.`,
      "Send fewer records at once, or raise the topic's maxBatchBytes.",
    );
}
