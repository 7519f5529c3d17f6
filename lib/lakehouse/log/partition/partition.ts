import { closed } from "../../errors.js";
import { ledElsewhere } from "../errors.js";
import type { Manifest } from "../manifest/manifest.js";
import type { ManifestFile } from "../manifest/manifest-file.js";
import type { TopicConfig } from "../meta/topic-config.js";
import { admit } from "../producers/admit.js";
import { OpenTransactions } from "../producers/open-transactions.js";
import { ProducerStates } from "../producers/producer-states.js";
import { type Marker, markerBatch } from "../records/control.js";
import {
  type BatchHeader,
  CONTROL,
  checkProduced,
  LOG_APPEND_TIME,
  readHeader,
  setAppendTime,
  setBaseOffset,
  setLeaderEpoch,
} from "../records/header.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import type { AbortedTransaction, ProducerEntry } from "../segment/segment-state.js";
import type { Ending } from "../transaction-types.js";
import { partitionKey, type Wal } from "../wal/wal.js";
import type { Budget } from "./budget.js";
import { checkKeys, checkSize } from "./checks.js";
import { holding, sleep } from "./clock.js";
import { type NextSegment, nextSegment } from "./next-segment.js";
import { nextOffset, Tail } from "./tail.js";
import { takenOver, type UploaderParts, uploadSegment } from "./uploader.js";
import { News, OffsetWaiters } from "./waiting.js";

/**
 * When an append is done: its records are on this machine's disk (`wal`), and survive the process; or they are in the
 * object store (`stored`), and survive the machine.
 */
export type Ack = "wal" | "stored";

/**
 * What a reader sees: all that is on the disk, or what of it belongs to no transaction, or to one that was committed.
 */
export type Isolation = "read_uncommitted" | "read_committed";

/** Where the records of an append are. */
export interface Appended {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  /**
   * The time that its records got, in milliseconds since the epoch, where the topic's `timestampType` is `LogAppendTime`.
   * Not of records that had been appended before, and have left the memory since.
   */
  readonly logAppendTime?: bigint | undefined;
}

export interface PartitionParts extends UploaderParts {
  readonly wal: Wal;
  readonly budget: Budget;
  readonly epoch: number;
  /** Says whether this process leads the partition, where others may; not given where it is the only one that writes. */
  readonly leads?: (() => boolean) | undefined;
  /** The partition's own. */
  readonly manifest: ManifestFile;
  /** How much stays in memory of what is in the object store already, for readers that follow. 4 MiB where not given. */
  readonly keptBytes?: number | undefined;
}

/** Where a partition begins, and where its segments end. */
export interface PartitionEnd {
  readonly start: bigint;
  /** Of the next record. */
  readonly offset: bigint;
  /** Of the next segment. */
  readonly sequence: number;
  readonly producers: readonly ProducerEntry[];
}

const KEPT_BYTES = 4 * 1024 * 1024;
/** How long a producer is known that does not append: as Kafka's. */
const PRODUCER_ID_EXPIRATION_MS = 24 * 60 * 60 * 1000;

/**
 * The writer of one partition. Batches get their offsets in the order of the calls, go through the write-ahead log, and
 * are then seen by readers; from there they go into the object store, a segment at a time.
 *
 * Invariants: `stored <= durable <= next`; readers see what is before `durable`; an offset below `durable` is never
 * given again. A batch that comes again is not appended again (`ProducerStates`).
 *
 * Where several servers share the log, what is on this disk alone may be lost to another that takes over: so there readers
 * see what is before `stored`, and who waits for more has it brought there soon.
 */
export class Partition {
  readonly topicId: string;
  readonly number: number;
  /** As `partitionKey` makes it. */
  readonly key: string;
  /** Those whose batches it takes. */
  readonly transactions = new OpenTransactions();
  #config: TopicConfig;
  readonly #parts: PartitionParts;
  readonly #tail: Tail;
  /** For people: its topic, and its number. */
  readonly name: string;
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
  /** As of the next batch. */
  #producers: ProducerStates;
  /** As of the last segment's end. */
  #storedProducers: ProducerStates;
  readonly #durableWaiters = new OffsetWaiters();
  readonly #storedWaiters = new OffsetWaiters();
  readonly #news = new News();
  #uploading: Promise<void> | undefined;
  #unfinished: NextSegment | undefined;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  #failure: unknown;
  #isClosed = false;
  /** Another is to lead it. */
  #isGiven = false;
  /** How many wait for what readers do not see yet. */
  #followers = 0;
  /** Of the last batch: all before are done by then. */
  #written: Promise<unknown> = Promise.resolve();

  constructor(
    topic: { readonly id: string; readonly name: string; readonly config: TopicConfig },
    number: number,
    end: PartitionEnd,
    parts: PartitionParts,
  ) {
    this.topicId = topic.id;
    this.number = number;
    this.name = `${topic.name}/${number}`;
    this.key = partitionKey(topic.id, number);
    this.#config = topic.config;
    this.#parts = parts;
    this.#tail = new Tail(parts.keptBytes ?? KEPT_BYTES);
    this.#next = end.offset;
    this.#durable = end.offset;
    this.#stored = end.offset;
    this.#sequence = end.sequence;
    this.#storedProducers = new ProducerStates(this.name, PRODUCER_ID_EXPIRATION_MS, end.producers);
    this.#producers = this.#storedProducers.copy();
    this.#start = end.start;
  }

  get manifest(): ManifestFile {
    return this.#parts.manifest;
  }

  /**
   * For who changes the manifest: it is this writer's to do.
   *
   * @throws LakehouseError FENCED where another writer has taken the partition over; what else has ended it.
   */
  checkOwner(manifest: Manifest): void {
    if (manifest.next > this.#sequence) this.#fail(takenOver(this.name));
    this.#throwIfOver();
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
    return this.#isShared ? this.#stored : this.#durable;
  }

  /** One behind the last record that is on the disk. */
  get durable(): bigint {
    return this.#durable;
  }

  get epoch(): number {
    return this.#parts.epoch;
  }

  /** Before it, all transactions have ended. */
  get lastStable(): bigint {
    const producers = this.#isShared ? this.#storedProducers : this.#producers;
    return producers.lastStable(this.highWatermark);
  }

  get #isShared(): boolean {
    return this.#parts.leads !== undefined;
  }

  /** Where readers of that isolation end. */
  endFor(isolation: Isolation): bigint {
    return isolation === "read_committed" ? this.lastStable : this.highWatermark;
  }

  /** Aborted transactions whose markers are at `tailStart` or behind it. */
  get aborted(): readonly AbortedTransaction[] {
    return this.#producers.aborted;
  }

  /** All producers that are known here. */
  get producers(): readonly ProducerEntry[] {
    return this.#producers.entries;
  }

  /** Producers with an open transaction, the oldest transaction first. */
  get openTransactions(): readonly ProducerEntry[] {
    return this.#producers.open;
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
   * Appends one record batch, in Kafka's version 2, as it is: only its base offset is set, in place, and its time where the topic wants that. One of the last five of
   * its producer that comes again is answered as it was the first time.
   *
   * @throws LakehouseError CORRUPT_RECORD_BATCH, INVALID_RECORD, RECORD_TOO_LARGE; OUT_OF_ORDER_SEQUENCE; PRODUCER_FENCED
   *   (which Kafka's Produce calls INVALID_PRODUCER_EPOCH); INVALID_TXN_STATE for a batch of a transaction that is not open,
   *   or does not have the partition; STORAGE_FAILED where the disk fails: then it was not acknowledged, and no reader has
   *   seen it; FENCED where another writer has taken over.
   */
  async append(batch: Uint8Array, ack: Ack): Promise<Appended> {
    const header = checkProduced(batch, this.name);
    checkSize(batch, this.#config.maxBatchBytes, this.name);
    if (this.#config.cleanupPolicy !== "delete") checkKeys(batch, header, this.name);
    return this.#append(batch, header, ack);
  }

  /**
   * Ends a transaction here, as its coordinator wants it.
   *
   * @param isDecided asks the coordinator whether it does: the request may be an old one.
   * @throws LakehouseError COORDINATOR_NOT_AVAILABLE where it came late; PRODUCER_FENCED, STORAGE_FAILED, FENCED
   */
  async end(ending: Ending, isDecided: () => Promise<boolean>): Promise<void> {
    const { producerId, epoch, marker, ack } = ending;
    if (this.#producers.isOpen(producerId)) await this.transactions.untilDecided(ending, isDecided);
    this.transactions.endOf(ending);
    await this.appendMarker(producerId, epoch, marker, ack);
  }

  /**
   * Ends the producer's transaction here, whichever it is; does nothing more where none is open.
   *
   * @param epoch of the producer, or a later one: batches of an earlier are refused from then on.
   * @throws LakehouseError PRODUCER_FENCED, STORAGE_FAILED, FENCED
   */
  async appendMarker(producerId: bigint, epoch: number, marker: Marker, ack: Ack): Promise<void> {
    this.#throwIfOver();
    this.transactions.end(producerId);
    if (this.#producers.isOpen(producerId)) {
      const batch = markerBatch(producerId, epoch, marker, this.#parts.clock.now());
      await this.#append(batch, readHeader(batch, 0, this.name), ack);
      return;
    }
    const next = this.#next;
    await this.#untilDurable(next);
    if (ack === "stored") await this.#untilStored(next);
  }

  async #append(batch: Uint8Array, header: BatchHeader, ack: Ack): Promise<Appended> {
    this.#throwIfOver();
    const { budget, clock } = this.#parts;
    const taken = budget.take(batch.length, () => this.#write(batch, header));
    const { header: placed, written } = taken instanceof Promise ? await holding(clock, taken) : taken;
    const { baseOffset, lastOffsetDelta, attributes, maxTimestamp } = placed;
    const lastOffset = baseOffset + BigInt(lastOffsetDelta);
    await written;
    if (ack === "stored") await this.#untilStored(lastOffset + 1n);
    // What another leads by now may not have it.
    else if (this.#isShared) this.#throwIfOver();
    const logAppendTime = (attributes & LOG_APPEND_TIME) !== 0 ? maxTimestamp : undefined;
    return { baseOffset, lastOffset, logAppendTime };
  }

  /** In one turn, so that offsets are in the order of the write-ahead log. */
  #write(batch: Uint8Array, header: BatchHeader) {
    this.#throwIfOver();
    const now = this.#parts.clock.now();
    const repeated = admit(this.#producers, header, now, this.name, this.#isInTransaction);
    if (repeated !== undefined) {
      this.#parts.budget.give(batch.length);
      const next = repeated + BigInt(header.lastOffsetDelta) + 1n;
      const known = repeated < this.tailStart ? undefined : this.#tail.read(repeated, next, 1)[0];
      return {
        header: known?.header ?? { ...header, baseOffset: repeated },
        written: this.#untilDurable(next),
      };
    }
    const held = this.#placed(batch, header, now);
    const next = nextOffset(held);
    this.#next = next;
    this.#tail.push(held);
    this.#producers.apply(held, now);
    const written = this.#parts.wal.append({ topicId: this.topicId, partition: this.number, batch }).then(
      () => this.#advance(next, batch.length),
      (error: unknown) => {
        this.#parts.budget.give(batch.length);
        throw error;
      },
    );
    this.#written = written;
    return { header: held.header, written };
  }

  /** The batch with its place, and where the topic wants it, the time of its append. */
  #placed(batch: Uint8Array, header: BatchHeader, now: number): HeldBatch {
    const baseOffset = this.#next;
    setBaseOffset(batch, baseOffset);
    setLeaderEpoch(batch, this.#parts.epoch);
    const { attributes } = header;
    if (this.#config.timestampType !== "LogAppendTime" || (attributes & CONTROL) !== 0)
      return { bytes: batch, header: { ...header, baseOffset } };
    const maxTimestamp = BigInt(now);
    setAppendTime(batch, maxTimestamp);
    return {
      bytes: batch,
      header: { ...header, baseOffset, attributes: attributes | LOG_APPEND_TIME, maxTimestamp },
    };
  }

  readonly #isInTransaction = (producerId: bigint, epoch: number) => this.transactions.has(producerId, epoch);

  /** Takes a batch back that the write-ahead log had kept. @param held not in the object store: it begins where all ends. */
  restore(held: HeldBatch): void {
    this.#tail.push(held);
    this.#next = nextOffset(held);
    this.#producers.apply(held, this.#parts.clock.now());
    this.#parts.budget.owe(held.bytes.length);
    this.#advance(this.#next, held.bytes.length);
  }

  /** Forgets what the write-ahead log has refused: all that is not on the disk. */
  rollBack(error: unknown): void {
    if (this.#next === this.#durable) return;
    this.#next = this.#durable;
    this.#tail.cut(this.#durable);
    const known = this.#producers.aborted.filter(({ lastOffset }) => lastOffset < this.#stored);
    const producers = this.#storedProducers.copy(known);
    producers.applyAll(this.#tail.read(this.#stored, this.#durable), this.#parts.clock.now());
    this.#producers = producers;
    this.#durableWaiters.fail(error);
  }

  /** What readers may see from `from` on. @param from not before `tailStart`. */
  readTail(from: bigint, maxBytes: number, isolation: Isolation): HeldBatch[] {
    return this.#tail.read(from, this.endFor(isolation), maxBytes);
  }

  /**
   * Resolves when a reader of that isolation sees `offset`, or when `signal` is aborted.
   *
   * @throws LakehouseError CLOSED, NO_SUCH_TOPIC or FENCED where none will come: the partition is closed, deleted, or taken
   *   over.
   */
  async untilBeyond(offset: bigint, isolation: Isolation, signal?: AbortSignal): Promise<void> {
    this.#followers++;
    try {
      while (this.endFor(isolation) <= offset && !signal?.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#isShared && this.#stored < this.#durable) this.#uploadWithin(this.#config.storedLingerMs);
        await this.#news.next(signal);
      }
    } finally {
      this.#followers--;
    }
  }

  /** Waits until all is in the object store that was appended before, and was not refused. */
  async flush(): Promise<void> {
    await this.#written.catch(() => undefined);
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
    await this.#written.catch(() => undefined);
  }

  /**
   * Takes no more, and brings the rest into the object store, so that another can lead it.
   *
   * @param patienceMs how long that may take.
   * @returns whether all is there, and it has ended. Else it goes on.
   */
  async give(patienceMs: number): Promise<boolean> {
    this.#isGiven = true;
    const { clock } = this.#parts;
    await holding(clock, Promise.race([this.flush().catch(() => undefined), sleep(clock, patienceMs)]));
    if (this.#failure === undefined && this.#stored < this.#next) {
      this.#isGiven = false;
      return false;
    }
    await this.abandon(ledElsewhere(this.name));
    return true;
  }

  /** Others wait for memory: brings what there is into the object store, however little. */
  relieve(): void {
    if (this.#stored < this.#durable) this.#upload();
  }

  #throwIfOver(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw closed("log");
    if (this.#isGiven || this.#parts.leads?.() === false) throw ledElsewhere(this.name);
  }

  #advance(next: bigint, bytes: number): void {
    this.#durable = next;
    this.#producers.settle(next);
    this.#durableWaiters.passed(next);
    this.#news.wake();
    // It ended while the batch was on its way to the disk: no upload will give the bytes back.
    if (this.#failure !== undefined) {
      this.#parts.budget.give(bytes);
      return;
    }
    this.#unstoredBytes += bytes;
    if (this.#isDue()) this.#upload();
    else this.#uploadWithin(this.#isFollowed ? this.#config.storedLingerMs : this.#config.segmentMs);
  }

  /** Somebody waits for what is only seen when it is stored. */
  get #isFollowed(): boolean {
    return this.#isShared && this.#followers > 0;
  }

  #isDue(): boolean {
    return this.#unstoredBytes >= this.#config.segmentBytes || this.#parts.budget.isShort;
  }

  async #untilDurable(next: bigint): Promise<void> {
    if (next > this.#durable) await this.#durableWaiters.until(next);
  }

  async #untilStored(next: bigint): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (next <= this.#stored) return;
    const stored = this.#storedWaiters.until(next);
    this.#uploadWithin(this.#config.storedLingerMs);
    await holding(this.#parts.clock, stored);
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
            this.#storedWaiters.isEmpty && !this.#isFollowed
              ? this.#config.segmentMs
              : this.#config.storedLingerMs,
          );
      });
  }

  async #uploadOnce(): Promise<void> {
    const { manifest, wal, onFailure } = this.#parts;
    // One that was given up may be in the store all the same: then another of its number would not be taken.
    this.#unfinished ??= nextSegment(
      this.#parts,
      { topicId: this.topicId, partition: this.number, sequence: this.#sequence },
      this.#stored,
      this.#tail.read(this.#stored, this.#durable, this.#config.segmentBytes),
      this.#storedProducers.copy(),
    );
    const { built, bytes, producers } = this.#unfinished;
    if (!(await uploadSegment(this.#parts, manifest, built, () => this.#isClosed))) return;
    this.#unfinished = undefined;
    this.#sequence++;
    this.#stored = built.summary.nextOffset;
    this.#storedProducers = producers;
    producers.forgetAborted(this.#stored);
    this.#producers.expire(this.#parts.clock.now());
    this.#giveBack(Math.min(bytes, this.#unstoredBytes));
    this.#tail.trim(this.#stored);
    this.#producers.forgetAborted(this.tailStart);
    this.#storedWaiters.passed(this.#stored);
    if (this.#isShared) this.#news.wake();
    // A file that could not be removed is tried again with the next.
    await wal.stored(this.key, this.#stored).catch((error) => onFailure?.(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#storedWaiters.fail(error);
    this.#news.wake();
    this.#giveBack(this.#unstoredBytes);
  }

  #giveBack(bytes: number): void {
    this.#unstoredBytes -= bytes;
    this.#parts.budget.give(bytes);
  }
}
