import { storageFailed } from "../../storage/index.js";
import {
  coordinatorGone,
  invalidProducerIdMapping,
  invalidTxnState,
  logUnavailable,
  noSuchTopic,
  notLeader,
  producerFenced,
} from "../errors.js";
import { checkGroupId } from "../groups/refusals.js";
import { type Clock, holding, sleep } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import type { Marker } from "../records/control.js";
import type { StateTopic } from "../state/state-topic.js";
import type {
  Ending,
  OffsetsStanding,
  ProducerIdentity,
  Standing,
  TransactionOwner,
  TransactionPartition,
} from "../transaction-types.js";
import { partitionKey } from "../wal/wal.js";
import { checkTimeout, checkTransactionalId } from "./checks.js";
import { KeyedLock } from "./keyed-lock.js";
import type { TransactionEntries } from "./transaction-entries.js";
import type { TransactionEntry } from "./transaction-entry.js";

export interface InitProducerRequest {
  readonly transactionalId: string;
  /** How long its transactions may be open, in milliseconds. */
  readonly timeoutMs: number;
  /** Who asks for a new epoch of an id that it has. */
  readonly current?: ProducerIdentity | undefined;
}

export interface CoordinatorParts {
  readonly clock: Clock;
  /** By transactional id. */
  readonly state: StateTopic<TransactionEntry>;
  /** What the state keeps its values in. */
  readonly entries: TransactionEntries;
  /** An id that no producer has had, by which this coordinator is found. */
  readonly newProducerId: () => Promise<bigint>;
  /** What else is written is acknowledged so, at least. */
  readonly ack: Ack;
  /**
   * Ends the transaction in a partition. May be called again, and be done later than it has failed.
   *
   * @throws LakehouseError NO_SUCH_TOPIC
   */
  readonly endAt: (at: TransactionPartition, ending: Ending) => Promise<void>;
  /** Lets the groups' offsets count that the transaction has, or forgets them. May be called again. */
  readonly endOffsets: (groups: readonly string[], ending: Ending) => Promise<void>;
}

/** As Kafka's `transactional.id.expiration.ms`. */
const EXPIRATION_MS = 7 * 24 * 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** The last that is given: one more is left for fencing it. */
const LAST_EPOCH = 2 ** 15 - 2;
const NO_EPOCH = -1;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** What is in the way of an end for a while: it is tried until it passes. */
const MAY_PASS = [storageFailed, coordinatorGone, notLeader, logUnavailable];
const PREPARED: Readonly<Partial<Record<TransactionEntry["state"], Marker>>> = {
  prepare_commit: "commit",
  prepare_abort: "abort",
};

/**
 * Coordinates transactions: which producer may speak for a transactional id, what its transaction has, and how it ends. The
 * rules are Kafka's (KIP-98, KIP-360; not KIP-890's second version, which clients use only where a server offers it).
 *
 * A transaction is decided when its `prepare` is durable. Then its markers are written, again and again where that fails,
 * and by the next process where this one ends. Partitions ask before they take the first batch of a transaction, and again
 * behind its marker (`OpenTransactions`), so that no late batch opens one that nobody ends.
 *
 * Each has the transactional ids of one partition of `__transaction_state`.
 */
export class TransactionCoordinator {
  readonly #parts: CoordinatorParts;
  readonly #lock = new KeyedLock();
  readonly #timers = new Map<string, () => void>();
  #cancelForgetting = () => {};
  readonly #closing = new AbortController();

  private constructor(parts: CoordinatorParts) {
    this.#parts = parts;
  }

  /** Goes on where an earlier process has ended. @throws LakehouseError STORAGE_FAILED, FENCED */
  static async open(parts: CoordinatorParts): Promise<TransactionCoordinator> {
    const coordinator = new TransactionCoordinator(parts);
    try {
      await coordinator.#resume();
    } catch (error) {
      // Another that is opened instead must not meet this one's timers.
      coordinator.close();
      throw error;
    }
    return coordinator;
  }

  async #resume(): Promise<void> {
    for (const [id, entry] of this.#parts.state.entries())
      if (entry.state === "ongoing") this.#endInTime(id, entry);
      else if (PREPARED[entry.state] !== undefined)
        // Who asks for it waits behind this, and hears of what stands in its way.
        this.#lock.run(id, () => this.#settled(id)).catch(() => undefined);
    await this.#forgetOld();
    this.#forgetDaily();
  }

  /**
   * Gives a producer its identity: of its transactional id, a later epoch. From then on, an earlier instance is refused; the
   * transaction that it has left open is aborted.
   *
   * Both are in the object store then: no two producers have one id and epoch, though the machine is lost with its disk.
   *
   * @throws LakehouseError PRODUCER_FENCED where `current` is no longer the latest; INVALID_TRANSACTION_TIMEOUT,
   *   INVALID_ARGUMENT, STORAGE_FAILED, FENCED
   */
  async initProducerId({
    transactionalId,
    timeoutMs,
    current,
  }: InitProducerRequest): Promise<ProducerIdentity> {
    checkTransactionalId(transactionalId);
    checkTimeout(timeoutMs);
    return this.#lock.run(transactionalId, async () => {
      const found = await this.#settled(transactionalId);
      if (found !== undefined && current !== undefined) {
        const { producerId, epoch, lastEpoch, state } = found;
        const isLatest = current.producerId === producerId && current.epoch === epoch;
        // The answer was lost, perhaps, and nothing has been done with it.
        const isAgain =
          current.producerId === producerId && current.epoch === lastEpoch && state !== "ongoing";
        if (isAgain) return { producerId, epoch };
        if (!isLatest) throw fencedOwner(transactionalId, current, found);
      }
      const ended = found?.state === "ongoing" ? await this.#fence(transactionalId, found) : found;
      return this.#nextEpoch(transactionalId, timeoutMs, ended, current);
    });
  }

  async #nextEpoch(
    id: string,
    timeoutMs: number,
    before: TransactionEntry | undefined,
    current: ProducerIdentity | undefined,
  ): Promise<ProducerIdentity> {
    const { newProducerId, clock } = this.#parts;
    const isOver = before === undefined || before.epoch >= LAST_EPOCH;
    const producer = isOver
      ? { producerId: await newProducerId(), epoch: 0 }
      : { producerId: before.producerId, epoch: before.epoch + 1 };
    const entry: TransactionEntry = {
      ...producer,
      lastEpoch: isOver || current === undefined ? NO_EPOCH : current.epoch,
      timeoutMs,
      state: "empty",
      partitions: [],
      groups: [],
      ack: this.#parts.ack,
      startedAt: 0,
      updatedAt: clock.now(),
    };
    await this.#write(id, entry, "stored");
    return producer;
  }

  /**
   * Begins a transaction where none is open, and lets it have these partitions.
   *
   * @param ack `stored` where it has to be seen whole or not at all though the machine is lost with its disk: then its records
   *   have to be acknowledged so, too. Once asked for, it holds for all that follows of the transaction.
   * @throws LakehouseError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, STORAGE_FAILED; INVALID_TXN_STATE where the owner's
   *   transaction has ended, or the one before it is open
   */
  addPartitions(
    owner: TransactionOwner,
    partitions: readonly TransactionPartition[],
    ack: Ack,
  ): Promise<void> {
    return this.#add(owner, partitions, [], ack);
  }

  /** The same for the offsets of a group. @throws LakehouseError INVALID_GROUP_ID: no group could end it, nor it then. */
  async addOffsets(owner: TransactionOwner, group: string, ack: Ack): Promise<void> {
    checkGroupId(group);
    return this.#add(owner, [], [group], ack);
  }

  #add(
    owner: TransactionOwner,
    partitions: readonly TransactionPartition[],
    groups: readonly string[],
    ack: Ack,
  ): Promise<void> {
    const { clock } = this.#parts;
    const { transactionalId, number } = owner;
    return this.#lock.run(transactionalId, async () => {
      const entry = await this.#owned(owner);
      const isOpen = entry.state === "ongoing";
      const { number: last = -1 } = entry;
      if (number !== undefined && (isOpen ? number !== last : number <= last))
        throw otherTransaction(transactionalId, number);
      const had = isOpen ? entry.partitions : [];
      const hadGroups = isOpen ? entry.groups : [];
      const known = new Set(had.map(keyOf));
      const added = partitions.filter((one) => !known.has(keyOf(one)));
      const addedGroups = groups.filter((group) => !hadGroups.includes(group));
      const isStored = ack === "stored" || this.#parts.ack === "stored" || (isOpen && entry.ack === "stored");
      const isWeaker = isStored && entry.ack === "wal";
      if (isOpen && !isWeaker && added.length === 0 && addedGroups.length === 0) return;
      const now = clock.now();
      const next: TransactionEntry = {
        ...entry,
        state: "ongoing",
        partitions: [...had, ...added],
        groups: [...hadGroups, ...addedGroups],
        ack: isStored ? "stored" : "wal",
        startedAt: isOpen ? entry.startedAt : Math.max(now, entry.startedAt + 1),
        number: number ?? entry.number,
        updatedAt: now,
      };
      await this.#write(transactionalId, next, next.ack);
      if (!isOpen) this.#endInTime(transactionalId, next);
    });
  }

  /**
   * For who is to keep offsets of the transaction: its group was added before.
   *
   * @throws LakehouseError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE
   */
  checkOffsets(owner: TransactionOwner, group: string): Promise<OffsetsStanding> {
    return this.#lock.run(owner.transactionalId, async () => {
      const { state, groups, startedAt, number, ack } = await this.#owned(owner);
      const isIts = owner.number === undefined || owner.number === number;
      if (state === "ongoing" && isIts && groups.includes(group)) return { startedAt, ack };
      throw invalidTxnState(
        owner.transactionalId,
        `${owner.transactionalId} has no open transaction that has the offsets of the group ${group}.`,
        "Add them to the transaction first.",
      );
    });
  }

  describe(transactionalId: string): TransactionEntry | undefined {
    return this.#parts.state.get(transactionalId);
  }

  list(): [id: string, TransactionEntry][] {
    return [...this.#parts.state.entries()];
  }

  /** Whether the producer's transaction has the partition, and goes on. */
  standing({ producerId, epoch }: ProducerIdentity, at: TransactionPartition): Standing {
    const entry = this.#parts.entries.ofProducer(producerId);
    if (!entry?.partitions.some((one) => keyOf(one) === keyOf(at))) return { state: "none" };
    if (entry.state === "ongoing" && entry.epoch === epoch)
      return { state: "open", startedAt: entry.startedAt };
    return { state: entry.state === "ongoing" || PREPARED[entry.state] !== undefined ? "ending" : "none" };
  }

  /** Whether that transaction of the producer has to end so, and has not yet, everywhere. */
  isEnding({ producerId, epoch, startedAt, marker }: Ending): boolean {
    const entry = this.#parts.entries.ofProducer(producerId);
    return entry?.epoch === epoch && entry.startedAt === startedAt && PREPARED[entry.state] === marker;
  }

  /**
   * Ends the transaction: resolves when readers of what is committed see all of it, or nothing. Called again, it answers the
   * same.
   *
   * @throws LakehouseError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED; INVALID_TXN_STATE where none is open, or it has ended
   *   otherwise; STORAGE_FAILED where it was not ended: it may be tried again
   */
  endTransaction(owner: TransactionOwner, marker: Marker): Promise<void> {
    const { transactionalId, number } = owner;
    return this.#lock.run(transactionalId, async () => {
      const entry = await this.#owned(owner);
      if (number !== undefined && number !== entry.number) throw otherTransaction(transactionalId, number);
      if (entry.state === `complete_${marker}`) return;
      if (entry.state !== "ongoing")
        throw invalidTxnState(
          owner.transactionalId,
          entry.state === "empty"
            ? `${owner.transactionalId} has no open transaction.`
            : `The transaction of ${owner.transactionalId} has ended already, and not by ${marker}.`,
          "Begin a new transaction.",
        );
      await this.#end(owner.transactionalId, entry, marker);
    });
  }

  close(): void {
    this.#closing.abort();
    this.#cancelForgetting();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** The entry of whoever asks, with no end of a transaction under way. */
  async #owned(owner: TransactionOwner): Promise<TransactionEntry> {
    const { transactionalId, producerId, epoch } = owner;
    const entry = await this.#settled(transactionalId);
    if (entry === undefined || entry.producerId !== producerId)
      throw invalidProducerIdMapping(
        transactionalId,
        `${transactionalId} is not the transactional id of producer ${producerId}.`,
        "Begin with a new producer: this one was not heard of for long, perhaps.",
      );
    if (entry.epoch !== epoch) throw fencedOwner(transactionalId, owner, entry);
    return entry;
  }

  /** Drives an end on that was decided. */
  async #settled(id: string): Promise<TransactionEntry | undefined> {
    this.#checkOpen(id);
    const entry = this.#parts.state.get(id);
    const marker = entry && PREPARED[entry.state];
    return entry === undefined || marker === undefined ? entry : this.#complete(id, entry, marker);
  }

  /**
   * What waited while another took over, or this server opened the coordinator anew, goes by what was true before: nothing
   * of it may be written over what is true now.
   */
  async #write(id: string, entry: TransactionEntry, ack: Ack): Promise<void> {
    this.#checkOpen(id);
    await this.#parts.state.set(id, entry, ack);
  }

  /** @throws LakehouseError COORDINATOR_NOT_AVAILABLE once it is closed. */
  #checkOpen(id: string): void {
    if (!this.#closing.signal.aborted) return;
    throw coordinatorGone(id, `The coordinator of ${id} has moved, or is ending.`, "Try again.");
  }

  /** Aborts, with a later epoch than the producer has. */
  #fence(id: string, entry: TransactionEntry): Promise<TransactionEntry> {
    return this.#end(id, { ...entry, epoch: entry.epoch + 1, lastEpoch: NO_EPOCH }, "abort");
  }

  async #end(id: string, entry: TransactionEntry, marker: Marker): Promise<TransactionEntry> {
    const { clock } = this.#parts;
    const prepared: TransactionEntry = { ...entry, state: `prepare_${marker}`, updatedAt: clock.now() };
    await this.#write(id, prepared, prepared.ack);
    this.#timers.get(id)?.();
    this.#timers.delete(id);
    return this.#complete(id, prepared, marker);
  }

  async #complete(id: string, entry: TransactionEntry, marker: Marker): Promise<TransactionEntry> {
    const { clock, endOffsets } = this.#parts;
    const ack = this.#parts.ack === "stored" ? "stored" : entry.ack;
    const { producerId, epoch, startedAt } = entry;
    const ending = { producerId, epoch, startedAt, marker, ack };
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        this.#checkOpen(id);
        await Promise.all(entry.partitions.map((at) => this.#mark(at, ending)));
        if (entry.groups.length > 0) await endOffsets(entry.groups, ending);
        const complete: TransactionEntry = {
          ...entry,
          state: `complete_${marker}`,
          partitions: [],
          groups: [],
          updatedAt: clock.now(),
        };
        await this.#write(id, complete, this.#parts.ack);
        return complete;
      } catch (error) {
        if (!MAY_PASS.some((kind) => kind.is(error)) || this.#closing.signal.aborted) throw error;
        await holding(clock, sleep(clock, wait, this.#closing.signal));
      }
    }
  }

  async #mark(at: TransactionPartition, ending: Ending): Promise<void> {
    try {
      await this.#parts.endAt(at, ending);
    } catch (error) {
      // Deleted with its records.
      if (!noSuchTopic.is(error)) throw error;
    }
  }

  /** Aborts the transaction when its time is over, unless it has ended by then. */
  #endInTime(id: string, { timeoutMs, startedAt }: TransactionEntry): void {
    const { clock, state } = this.#parts;
    const abort = async () => {
      const entry = await this.#settled(id);
      if (entry?.state === "ongoing" && entry.startedAt === startedAt) await this.#fence(id, entry);
    };
    const tryLater = () => {
      const entry = state.get(id);
      if (entry?.state === "ongoing" && entry.startedAt === startedAt) schedule(LONGEST_WAIT_MS);
    };
    const schedule = (ms: number) => {
      if (this.#closing.signal.aborted) return;
      this.#timers.get(id)?.();
      const due = () => void this.#lock.run(id, abort).catch(tryLater);
      this.#timers.set(id, clock.after(ms, due));
    };
    // A clock that was set back gives it no more time than it has.
    schedule(Math.min(timeoutMs, Math.max(0, startedAt + timeoutMs - clock.now())));
  }

  #forgetDaily(): void {
    const later = () => {
      if (this.#closing.signal.aborted) return;
      this.#cancelForgetting = this.#parts.clock.after(DAY_MS, forget);
    };
    // What is not forgotten today is so tomorrow.
    const forget = () => void this.#forgetOld().then(later, later);
    later();
  }

  /** Forgets ids that were not used for a week. */
  async #forgetOld(): Promise<void> {
    const { state, clock } = this.#parts;
    const isOld = ({ state, updatedAt }: TransactionEntry) =>
      state !== "ongoing" && PREPARED[state] === undefined && clock.now() - updatedAt >= EXPIRATION_MS;
    for (const [id, entry] of [...state.entries()])
      if (isOld(entry))
        await this.#lock.run(id, async () => {
          const now = state.get(id);
          if (now !== undefined && isOld(now)) await state.delete(id, this.#parts.ack);
        });
  }
}

function keyOf({ topicId, partition }: TransactionPartition): string {
  return partitionKey(topicId, partition);
}

function fencedOwner(id: string, { epoch }: ProducerIdentity, known: ProducerIdentity) {
  return producerFenced(
    id,
    `A producer asks for ${id} with epoch ${epoch}, and another has taken its place with ${known.epoch}.`,
    "Stop this one. If it is the only one, its transaction took too long: begin again with a new producer.",
  );
}

function otherTransaction(id: string, number: number) {
  return invalidTxnState(
    id,
    `Transaction ${number} of ${id} is not the one that is open, nor the next.`,
    "Send nothing more of a transaction that has ended; give each a larger number than the one before.",
  );
}
