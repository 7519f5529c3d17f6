/**
 * What a partition knows of its producers, so that a batch that comes again is there once, and of their transactions. The
 * rules are Kafka's (KIP-98, KIP-360).
 */
import { outOfOrderSequence, producerFenced } from "../errors.js";
import { readMarker } from "../records/control.js";
import { type BatchHeader, CONTROL, TRANSACTIONAL } from "../records/header.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import type {
  AbortedTransaction,
  ProducedBatch,
  ProducerEntry,
  SegmentState,
} from "../segment/segment-state.js";

/** As many as a client of Kafka's has under way at most. */
const BATCHES_KEPT = 5;
const SEQUENCES = 2 ** 31;

interface EndedTransaction extends AbortedTransaction {
  readonly isAborted: boolean;
}

/**
 * The producers of one partition up to some offset, by the batches that were applied, one after the other. Entries never
 * change, so a copy is cheap.
 */
export class ProducerStates {
  readonly #name: string;
  readonly #expirationMs: number;
  readonly #entries: Map<bigint, ProducerEntry>;
  /** First offset of each producer's open transaction, the oldest first. */
  readonly #open: Map<bigint, bigint>;
  /** Whose marker was applied since the last `settle`. */
  #ended: EndedTransaction[];
  #aborted: AbortedTransaction[];

  /**
   * @param name of the partition, for errors.
   * @param expirationMs how long a producer is known that does not append.
   * @param aborted transactions, in the order of their markers: `settle` adds to them.
   */
  constructor(
    name: string,
    expirationMs: number,
    entries: Iterable<ProducerEntry>,
    aborted: readonly AbortedTransaction[] = [],
  ) {
    this.#name = name;
    this.#expirationMs = expirationMs;
    this.#entries = new Map();
    for (const entry of entries) this.#entries.set(entry.producerId, entry);
    const open = [...this.#entries.values()].filter(isOpen);
    open.sort((a, b) => (a.openSince < b.openSince ? -1 : 1));
    this.#open = new Map(open.map(({ producerId, openSince }) => [producerId, openSince]));
    this.#ended = [];
    this.#aborted = [...aborted];
  }

  /** All that are known. */
  get entries(): readonly ProducerEntry[] {
    return [...this.#entries.values()];
  }

  /** A copy that goes its own way. Nothing may wait to be settled. */
  copy(aborted = this.aborted): ProducerStates {
    return new ProducerStates(this.#name, this.#expirationMs, this.#entries.values(), aborted);
  }

  /** Aborted transactions whose markers are settled, in the order of these. */
  get aborted(): readonly AbortedTransaction[] {
    return this.#aborted;
  }

  /** Producers with an open transaction, the oldest transaction first. */
  get open(): readonly ProducerEntry[] {
    return [...this.#open.keys()].map((id) => this.#entries.get(id) as ProducerEntry);
  }

  /**
   * Whether a producer's batch may be appended now.
   *
   * A producer of whom nothing is known may begin with any sequence: its entry may have expired, and what it sends then is
   * not the first that it ever sent. So do Kafka's brokers, which for that reason say no more that a producer is unknown.
   *
   * @returns the batch as it was appended before, where it comes again.
   * @throws LakehouseError OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED
   */
  check(header: BatchHeader, now: number): ProducedBatch | undefined {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = header;
    const entry = this.#known(producerId, now);
    if (entry === undefined) return undefined;
    this.checkEpoch(producerId, producerEpoch);
    if (producerEpoch > entry.epoch) {
      if (baseSequence !== 0) throw this.#outOfOrder(header, 0);
      return undefined;
    }
    const lastSequence = sequenceAfter(baseSequence, lastOffsetDelta);
    const before = entry.batches.find(
      (batch) => batch.firstSequence === baseSequence && batch.lastSequence === lastSequence,
    );
    if (before !== undefined) return before;
    const last = entry.batches.at(-1);
    const expected = last === undefined ? 0 : sequenceAfter(last.lastSequence, 1);
    if (baseSequence !== expected) throw this.#outOfOrder(header, expected);
    return undefined;
  }

  /** @throws LakehouseError PRODUCER_FENCED for an epoch that is older than the producer's. */
  checkEpoch(producerId: bigint, epoch: number): void {
    const known = this.#entries.get(producerId)?.epoch ?? epoch;
    if (epoch >= known) return;
    throw producerFenced(
      `${this.#name}, producer ${producerId}`,
      `Producer ${producerId} writes to ${this.#name} with epoch ${epoch}, and another has taken its place with ${known}.`,
      "Stop this one. If it is the only one, its transaction took too long: begin again with a new producer.",
    );
  }

  /** Whether the producer has an open transaction here. */
  isOpen(producerId: bigint): boolean {
    return this.#open.has(producerId);
  }

  /** Knows a batch that is appended, or was. One without a producer changes nothing. */
  apply({ bytes, header }: HeldBatch, now: number): void {
    if (header.producerId < 0n) return;
    if ((header.attributes & CONTROL) === 0) this.#applyRecords(header, now);
    else if ((header.attributes & TRANSACTIONAL) !== 0) this.#applyMarker(bytes, header, now);
  }

  /** Batches that are there for good. */
  applyAll(batches: readonly HeldBatch[], now: number): void {
    for (const batch of batches) this.apply(batch, now);
    const last = batches.at(-1);
    if (last !== undefined) this.settle(last.header.baseOffset + 1n);
  }

  #applyRecords(header: BatchHeader, now: number): void {
    const { producerId, producerEpoch, baseSequence, baseOffset, lastOffsetDelta, attributes } = header;
    const before = this.#known(producerId, now);
    const kept = before?.epoch === producerEpoch ? before.batches.slice(1 - BATCHES_KEPT) : [];
    const batch = {
      firstSequence: baseSequence,
      lastSequence: sequenceAfter(baseSequence, lastOffsetDelta),
      baseOffset,
    };
    let openSince = before?.openSince;
    if (openSince === undefined && (attributes & TRANSACTIONAL) !== 0) {
      openSince = baseOffset;
      this.#open.set(producerId, openSince);
    }
    this.#set({ producerId, epoch: producerEpoch, batches: [...kept, batch], openSince, lastUsed: now });
  }

  #applyMarker(bytes: Uint8Array, header: BatchHeader, now: number): void {
    const { producerId, producerEpoch, baseOffset } = header;
    const before = this.#entries.get(producerId);
    const batches = before?.epoch === producerEpoch ? before.batches : [];
    this.#set({ producerId, epoch: producerEpoch, batches, openSince: undefined, lastUsed: now });
    this.#open.delete(producerId);
    if (before?.openSince === undefined) return;
    this.#ended.push({
      producerId,
      firstOffset: before.openSince,
      lastOffset: baseOffset,
      lastStable: this.#oldestOpen() ?? baseOffset + 1n,
      isAborted: readMarker(bytes, this.#name) === "abort",
    });
  }

  /** Markers before this offset are there for good: their transactions have ended. */
  settle(durable: bigint): void {
    if (this.#ended.length === 0) return;
    const settled = this.#ended.filter(({ lastOffset }) => lastOffset < durable);
    this.#ended = this.#ended.filter(({ lastOffset }) => lastOffset >= durable);
    for (const { isAborted, ...transaction } of settled) if (isAborted) this.#aborted.push(transaction);
  }

  /** Before it all transactions have ended, by markers that are settled. @param durable the next offset of what is there for good. */
  lastStable(durable: bigint): bigint {
    let least = durable;
    const open = this.#oldestOpen();
    if (open !== undefined && open < least) least = open;
    for (const { firstOffset } of this.#ended) if (firstOffset < least) least = firstOffset;
    return least;
  }

  /** Others know of the aborted transactions whose markers are before this offset. */
  forgetAborted(before: bigint): void {
    if (this.#aborted.length > 0)
      this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= before);
  }

  /** Forgets producers that have not appended for long, unless their transaction is open. */
  expire(now: number): void {
    for (const [id, entry] of this.#entries) if (this.#isExpired(entry, now)) this.#entries.delete(id);
  }

  /** As a segment has it, with all that was aborted since it was copied. @param end what was applied is before it. */
  stateAt(end: bigint): SegmentState {
    return {
      producers: [...this.#entries.values()],
      aborted: this.#aborted,
      lastStable: this.lastStable(end),
    };
  }

  #oldestOpen(): bigint | undefined {
    const [first] = this.#open.values();
    return first;
  }

  #known(producerId: bigint, now: number): ProducerEntry | undefined {
    const entry = this.#entries.get(producerId);
    return entry === undefined || this.#isExpired(entry, now) ? undefined : entry;
  }

  #isExpired({ openSince, lastUsed }: ProducerEntry, now: number): boolean {
    return openSince === undefined && now - lastUsed >= this.#expirationMs;
  }

  #set(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry);
  }

  #outOfOrder({ producerId, baseSequence }: BatchHeader, expected: number) {
    return outOfOrderSequence(
      `${this.#name}, producer ${producerId}`,
      `Producer ${producerId} sends sequence ${baseSequence} to ${this.#name}, where ${expected} comes next: a batch before it was lost, or it is an old one.`,
      "Begin again with a new producer, after a look at what was acknowledged.",
    );
  }
}

function isOpen(entry: ProducerEntry): entry is ProducerEntry & { readonly openSince: bigint } {
  return entry.openSince !== undefined;
}

/** Sequences count to 2^31, and then begin again with 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCES;
}
