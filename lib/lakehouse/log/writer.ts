/** What writes a log on this machine: the write-ahead log, and the partitions that it brings into the object store. */
import { closed } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { adoptPartition } from "./adopt.js";
import { claimEpoch } from "./claim-epoch.js";
import { Alone } from "./cluster/alone.js";
import type { Cluster } from "./cluster/cluster.js";
import { ledElsewhere, topicDeleted } from "./errors.js";
import { ManifestFile } from "./manifest/manifest-file.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { logLost } from "./metrics.js";
import { Budget } from "./partition/budget.js";
import type { Clock } from "./partition/clock.js";
import { Learner } from "./partition/learn.js";
import { Partition } from "./partition/partition.js";
import type { Place } from "./partition/place.js";
import { NEVER_MORE, takeUp } from "./take-up.js";
import { Upkeep } from "./upkeep/upkeep.js";
import type { Disk } from "./wal/disk.js";
import { partitionKey, Wal } from "./wal/wal.js";

export interface WriterOptions {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly clock: Clock;
  readonly disk: Disk;
  /** Who leads which partition; all are this process's where not given. */
  readonly cluster?: Cluster | undefined;
  /** The most bytes of record batches that wait for the object store: who appends more, waits. */
  readonly bufferBytes: number;
  readonly keptBytes?: number | undefined;
  /** How long after one upkeep the next is, in milliseconds; none in the background where not given. */
  readonly upkeepMs?: number | undefined;
  /** How many small segments become one, at least. 8 where not given. */
  readonly mergeAt?: number | undefined;
  /** How many keys compaction looks at in one round. Two millions where not given. */
  readonly mostKeys?: number | undefined;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

type OpenOptions = WriterOptions & { readonly cluster: Cluster };

/** A partition that is open, or being opened, and the leadership under which it is. */
interface Opening {
  readonly epoch: number;
  readonly partition: Promise<Partition>;
}

/** How long a partition may take to be given to another leader, in milliseconds. */
const GIVE_MS = 5_000;

export class Writer {
  readonly #options: OpenOptions;
  readonly #cluster: Cluster;
  readonly #wal: Wal;
  readonly #writerId: bigint;
  readonly #budget: Budget;
  readonly #opening = new Map<string, Opening>();
  /** What is being given up: it is not opened again before that is done. */
  readonly #dropping = new Map<string, Promise<void>>();
  readonly #partitions: Map<string, Partition>;
  readonly #learner: Learner;
  /** Under which leadership it was. */
  readonly #learned = new Map<string, number>();
  /** Where open transactions were looked for, under which leadership: what began later is known. */
  readonly #searched = new Map<string, number>();
  readonly upkeep: Upkeep;
  #isClosed = false;

  private constructor(options: OpenOptions, wal: Wal, writerId: bigint, partitions: Map<string, Partition>) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#wal = wal;
    this.#learner = new Learner(options);
    this.#writerId = writerId;
    this.#budget = new Budget(options.bufferBytes, () => {
      for (const partition of partitions.values()) partition.relieve();
    });
    this.#partitions = partitions;
    this.upkeep = new Upkeep({
      ...options,
      writerId,
      cluster: this.#cluster,
      learn: (topicId, number) => this.learn(topicId, number),
      opened: (topicId, number) => this.opened(topicId, number),
      partition: (topic, number) => this.partition(topic, number),
      forget: (topic) => this.forget(topic),
    });
  }

  /**
   * Begins an epoch, where nobody shares the log, and takes up what an earlier process has left in the write-ahead log.
   *
   * @throws LakehouseError CORRUPT_WAL, CORRUPT_FILE, STORAGE_FAILED
   */
  static async open(given: WriterOptions): Promise<Writer> {
    const options = { ...given, cluster: given.cluster ?? new Alone() };
    const partitions = new Map<string, Partition>();
    const { wal, entries } = await Wal.open(options.disk, {
      onRefused: (error) => {
        for (const partition of partitions.values()) partition.rollBack(error);
      },
    });
    const writer = new Writer(options, wal, await begin(options), partitions);
    try {
      await takeUp(
        {
          ...options,
          wal,
          partition: (topic, number) => writer.partition(topic, number),
        },
        entries,
      );
    } catch (error) {
      // Another that is opened instead must not meet this one's segments.
      await Promise.all([...partitions.values()].map((partition) => partition.abandon(error)));
      throw error;
    }
    if (options.upkeepMs !== undefined) writer.upkeep.start(options.upkeepMs);
    return writer;
  }

  /** The writer of a partition, where it is open and this process leads it. */
  opened(topicId: string, partition: number): Partition | undefined {
    const opened = this.#partitions.get(partitionKey(topicId, partition));
    if (opened === undefined || !this.#cluster.isShared) return opened;
    const isLed = this.#cluster.leads(topicId, partition);
    return isLed && this.#cluster.epoch(topicId, partition) === opened.epoch ? opened : undefined;
  }

  /** The writer of a partition. @throws LakehouseError NOT_LEADER, CORRUPT_SEGMENT, STORAGE_FAILED, FENCED */
  async partition(topic: TopicRecord, number: number): Promise<Partition> {
    const key = partitionKey(topic.id, number);
    for (;;) {
      if (this.#isClosed) throw closed("log");
      if (!this.#cluster.leads(topic.id, number)) throw ledElsewhere(`${topic.name}/${number}`);
      const epoch = this.#cluster.epoch(topic.id, number);
      const known = this.#opening.get(key);
      if (known === undefined) {
        const opening = { epoch, partition: this.#open(topic, number, epoch) };
        this.#opening.set(key, opening);
        opening.partition.catch(() => this.#forgetOpening(key, opening));
        return opening.partition;
      }
      if (known.epoch === epoch) return known.partition;
      // Another has led it in between.
      await this.#drop(key, known);
    }
  }

  /** Gives up what others lead by now, or have led. What they have not found in the object store is lost. */
  async dropLost(): Promise<void> {
    const dropping: Promise<void>[] = [];
    for (const [key, opening] of this.#opening) {
      const [topicId = "", number] = key.split("/");
      if (this.#cluster.epoch(topicId, Number(number)) !== opening.epoch)
        dropping.push(this.#drop(key, opening));
    }
    await Promise.all(dropping);
  }

  /**
   * Brings all of a partition into the object store, for another to lead it.
   *
   * @returns whether that is done, and it is no longer open here.
   */
  async give(topicId: string, number: number): Promise<boolean> {
    const key = partitionKey(topicId, number);
    const opening = this.#opening.get(key);
    const partition = await opening?.partition.catch(() => undefined);
    if (opening === undefined || partition === undefined) return true;
    if (!(await partition.give(GIVE_MS))) return false;
    await this.#drop(key, opening);
    return true;
  }

  /** What others have put before this process led a partition, which it does not know before it opens that. */
  async learn(topicId: string, number: number): Promise<void> {
    if (!this.#cluster.isShared || this.opened(topicId, number) !== undefined) return;
    const key = partitionKey(topicId, number);
    const epoch = this.#cluster.epoch(topicId, number);
    if (this.#learned.get(key) === epoch) return;
    await this.#learner.learn(topicId, number);
    this.#learned.set(key, epoch);
  }

  /** The partitions with open transactions, of those that `leads` says are led here. */
  async leftOpen(leads: (topicId: string, partition: number) => boolean): Promise<Partition[]> {
    const { meta } = this.#options;
    for (const topic of await meta.topics())
      for (let number = 0; number < topic.partitions; number++) {
        if (!leads(topic.id, number)) continue;
        const key = partitionKey(topic.id, number);
        const epoch = this.#cluster.epoch(topic.id, number);
        if (this.#searched.get(key) === epoch) continue;
        await this.learn(topic.id, number);
        const last = await meta.lastSegment(topic.id, number);
        if (last !== undefined && last.lastStable < last.nextOffset) await this.partition(topic, number);
        this.#searched.set(key, epoch);
      }
    return [...this.#partitions.values()].filter(({ openTransactions }) => openTransactions.length > 0);
  }

  /** Stops writing to a topic that is deleted. */
  async forget(topic: TopicRecord): Promise<void> {
    for (let number = 0; number < topic.partitions; number++) {
      const key = partitionKey(topic.id, number);
      const partition = await this.#opening.get(key)?.partition.catch(() => undefined);
      this.#opening.delete(key);
      this.#partitions.delete(key);
      await partition?.abandon(topicDeleted(topic.name));
      await this.#wal.stored(key, NEVER_MORE);
    }
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#partitions.values()].map((partition) => partition.flush()));
  }

  async close(): Promise<void> {
    await this.upkeep.close();
    this.#isClosed = true;
    await Promise.allSettled([...this.#opening.values()].map(({ partition }) => partition));
    await Promise.all(this.#dropping.values());
    await Promise.all([...this.#partitions.values()].map((partition) => partition.close()));
    await this.#wal.close();
  }

  async #open(topic: TopicRecord, number: number, epoch: number): Promise<Partition> {
    const { store, place } = this.#options;
    const key = partitionKey(topic.id, number);
    await this.#dropping.get(key);
    const manifest = new ManifestFile(store, place.manifest(topic.id, number), this.#writerId);
    const parts = { ...this.#options, writerId: this.#writerId, epoch };
    const end = await adoptPartition(parts, topic, number, manifest);
    // Who looked the topic up before it was deleted must not write to what is left of it.
    if ((await this.#options.meta.topic(topic.name))?.id !== topic.id) throw topicDeleted(topic.name);
    const leads = () =>
      this.#cluster.leads(topic.id, number) && this.#cluster.epoch(topic.id, number) === epoch;
    const partition = new Partition(topic, number, end, {
      ...parts,
      wal: this.#wal,
      budget: this.#budget,
      manifest,
      leads: this.#cluster.isShared ? leads : undefined,
    });
    this.#partitions.set(key, partition);
    return partition;
  }

  /** The next who asks opens it again. */
  #forgetOpening(key: string, opening: Opening): void {
    if (this.#opening.get(key) !== opening) return;
    this.#opening.delete(key);
    this.#partitions.delete(key);
  }

  /** Once, however many ask. */
  #drop(key: string, opening: Opening): Promise<void> {
    const running = this.#dropping.get(key);
    if (running !== undefined) return running;
    const dropping = this.#dropNow(key, opening).finally(() => this.#dropping.delete(key));
    this.#dropping.set(key, dropping);
    return dropping;
  }

  async #dropNow(key: string, opening: Opening): Promise<void> {
    const partition = await opening.partition.catch(() => undefined);
    if (partition !== undefined) {
      await partition.abandon(ledElsewhere(partition.name));
      const { durable, stored, name, topicId } = partition;
      const isThere = (await this.#options.meta.topicOf(topicId)) !== undefined;
      if (stored < durable && isThere)
        logLost.publish({ partition: name, records: Number(durable - stored), from: stored });
      await this.#wal.forget(key);
    }
    this.#forgetOpening(key, opening);
  }
}

/** @returns the writer's id. */
async function begin(options: OpenOptions): Promise<bigint> {
  const { cluster, meta } = options;
  const { epoch, writerId } = await meta.beginWriting();
  if (cluster instanceof Alone) cluster.begin(await claimEpoch(options, epoch));
  return writerId;
}
