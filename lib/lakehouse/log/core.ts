/** The log, as its public face and its servers use it. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { closed, invalidConfig } from "../errors.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { ObjectStore } from "../storage/index.js";
import type { Cluster } from "./cluster/cluster.js";
import type { FindPeer } from "./cluster/peer.js";
import type { Peers } from "./cluster/peers.js";
import { topicDeleted } from "./errors.js";
import type { GroupsConfig } from "./groups/coordinator.js";
import type { Groups } from "./groups/groups.js";
import { TRANSACTION_TOPIC } from "./internal-topics.js";
import type { LogMeta, PartitionSize, TopicRecord } from "./meta/log-meta.js";
import type { TopicConfig } from "./meta/topic-config.js";
import { Metadata } from "./metadata.js";
import { logClusterFailures } from "./metrics.js";
import { OnFirstUse } from "./on-first-use.js";
import type { SharedLog } from "./open-shared.js";
import { type Clock, sleep, systemClock } from "./partition/clock.js";
import type { Partition } from "./partition/partition.js";
import { Place } from "./partition/place.js";
import { Segments } from "./partition/segments.js";
import { type LogPartition, type LogSegment, Partitions } from "./partitions.js";
import { type Recovered, recoverLog } from "./recover.js";
import { PolicyStore } from "./security/policy-store.js";
import type { Security } from "./security/security.js";
import { type NewTopicOptions, Topics } from "./topics.js";
import type { OffsetsStanding, TransactionOwner } from "./transaction-types.js";
import type { Transactions } from "./transactions/transactions.js";
import type { UpkeepAction, UpkeepOptions } from "./upkeep/upkeep.js";
import { diskAt } from "./wal/disk.js";
import type { Writer } from "./writer.js";

/** What a log is made of. */
export interface LogOptions {
  readonly store: ObjectStore;
  /** On this machine's disk, for the metadata and the write-ahead log. Made when the log is first used. */
  readonly folder: string;
  /**
   * Where the metadata is: `sqlite:<path>`, of this machine alone; or `etcd://host:2379,host:2379/prefix`, which several
   * servers share, each with a folder of its own. `meta.db` in the folder where not given.
   */
  readonly meta?: string | undefined;
  /** The most bytes of records that wait for the object store: who appends more, waits. 256 MiB where not given. */
  readonly bufferBytes?: number | undefined;
  /** The most bytes of what was read from the object store that are kept in memory. 128 MiB where not given. */
  readonly cacheBytes?: number | undefined;
  /** How consumer groups are kept. */
  readonly groups?: Partial<GroupsConfig> | undefined;
}

/** For who says nothing else. */
const PEERS = { host: "127.0.0.1", port: 0, advertised: "127.0.0.1" };
const BUFFER_BYTES = 256 * 1024 * 1024;
const CACHE_BYTES = 128 * 1024 * 1024;
const UPKEEP_MS = 60_000;
const UPKEEP_OPTIONS: OptionNames<UpkeepOptions> = { dryRun: true };
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * The log as its servers use it, too: topics are looked up by name when they are used, and batches come as Kafka's bytes.
 *
 * Topics whose names begin with `__` are the log's own. Clients read them; all that changes them goes through `internal…`.
 */
export class LogCore {
  readonly clock: Clock = systemClock;
  readonly #options: LogOptions;
  readonly #place: Place;
  readonly #topics: Topics;
  readonly #partitions: Partitions;
  readonly #meta: Metadata;
  #unlock: (() => void) | undefined;
  readonly #writing = new OnFirstUse(() => this.#openWriter());
  #writer: Writer | undefined;
  readonly #transactions = new OnFirstUse(() => this.#openTransactions());
  readonly #peers = new OnFirstUse(async () => {
    const { Peers } = await import("./cluster/peers.js");
    return new Peers(this, await this.cluster());
  });
  readonly #groups = new OnFirstUse(async () => {
    const { Groups } = await import("./groups/groups.js");
    return Groups.open(this, this.#options.groups);
  });
  readonly #security = new OnFirstUse(async () => {
    const { Security } = await import("./security/security.js");
    return Security.open(this.policies);
  });
  /** @internal Where users are kept, and what they may do. */
  readonly policies: PolicyStore;
  #closing: Promise<void> | undefined;

  /** @throws LakehouseError INVALID_CONFIG */
  constructor(options: LogOptions) {
    checkBytes("bufferBytes", options.bufferBytes);
    checkBytes("cacheBytes", options.cacheBytes);
    this.#options = options;
    this.#place = new Place(options.store);
    this.#meta = new Metadata({
      store: options.store,
      place: this.#place,
      folder: options.folder,
      uri: options.meta,
      checkOpen: () => this.#checkOpen(),
    });
    this.#partitions = new Partitions({
      meta: this.#meta,
      place: this.#place,
      segments: new Segments(options.store, this.#place, options.cacheBytes ?? CACHE_BYTES),
      opened: () => this.#writer,
      writer: () => this.#write(),
      transactions: () => this.transactions(),
      findPeer: this.findPeer,
    });
    this.policies = new PolicyStore(options.store, this.#place.security);
    this.#topics = new Topics({
      store: options.store,
      place: this.#place,
      clock: this.clock,
      meta: () => this.#meta.open(),
      writer: () => this.#write(),
    });
  }

  /** Who writes this log, and who leads which partition. This process is one of them from its first append on. */
  cluster(): Promise<Cluster> {
    return this.#meta.cluster();
  }

  /** @throws LakehouseError TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED */
  createTopic(name: string, options: NewTopicOptions = {}): Promise<TopicRecord> {
    return this.#topics.create(name, options);
  }

  /** What `createTopic` would make, and makes nothing. @throws LakehouseError as `createTopic` */
  planTopic(name: string, options: NewTopicOptions): Promise<TopicRecord> {
    return this.#topics.plan(name, options);
  }

  /** A topic of the log's own; the one that is there where there is one. @param name begins with `__`. */
  internalTopic(name: string, options: Omit<NewTopicOptions, "ifExists"> = {}): Promise<TopicRecord> {
    return this.#topics.internal(name, options);
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, INVALID_TOPIC */
  topic(name: string): Promise<TopicRecord> {
    return this.#topics.find(name);
  }

  /** The topic of that id, be it the log's own; a topic that was made again under its name has another. */
  topicOf(id: string): Promise<TopicRecord | undefined> {
    return this.#topics.byId(id);
  }

  /** By name. @param options `internal`: the log's own, too. */
  topics(options: { readonly internal?: boolean | undefined } = {}): Promise<TopicRecord[]> {
    return this.#topics.list(options);
  }

  /**
   * Changes settings of a topic. The rest stays; a writer goes by the new ones from its next batch on.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_CONFIG, TOPIC_CONFLICT, STORAGE_FAILED
   */
  alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicRecord> {
    return this.#topics.alter(name, change);
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, TOPIC_CONFLICT, STORAGE_FAILED */
  addPartitions(name: string, partitions: number): Promise<TopicRecord> {
    return this.#topics.addPartitions(name, partitions);
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, LOG_IN_USE, STORAGE_FAILED */
  deleteTopic(name: string): Promise<void> {
    return this.#topics.delete(name);
  }

  /** Of the place where its objects are: the same for all who serve it. 22 characters. */
  get id(): string {
    return createHash("sha256").update(this.#place.root).digest().subarray(0, 16).toString("base64url");
  }

  /** Where its objects are: a URI. */
  get location(): string {
    return this.#place.root;
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_PARTITION */
  async partition(name: string, number: number): Promise<LogPartition> {
    const topic = await this.topic(name);
    return this.partitionOf(topic, number);
  }

  /** The same for a topic that was just looked up. */
  partitionOf(topic: TopicRecord, number: number): Promise<LogPartition> {
    return this.#partitions.of(topic, number);
  }

  /** A partition that may be appended to, be it of the log's own topics. */
  internalPartition(topic: TopicRecord, number: number): Promise<LogPartition> {
    return this.#partitions.internal(topic, number);
  }

  /**
   * Segments of a partition that are in the object store, in their order.
   *
   * @throws LakehouseError NO_SUCH_PARTITION
   */
  segments(topic: TopicRecord, number: number): Promise<LogSegment[]> {
    return this.#partitions.segments(topic, number);
  }

  /**
   * Makes this process the one that writes, as the first append does. What an earlier one has left in its write-ahead log
   * is readable from then on.
   *
   * @throws LakehouseError LOG_IN_USE, LOG_METADATA_LOST, CORRUPT_WAL, STORAGE_FAILED
   */
  async startWriting(): Promise<void> {
    await this.#write();
  }

  /** Whether this process is the one that writes. */
  get isWriting(): boolean {
    return this.#writer !== undefined;
  }

  /**
   * The same for one partition: what an earlier writer has put into the object store is known from then on, too. Appends to
   * it get their offsets when they are called.
   */
  async startWritingTo(topic: TopicRecord, number: number): Promise<void> {
    await this.writing(topic, number);
  }

  /**
   * Does now what is done in the background every now and then: deletes what topics' settings no longer want.
   *
   * @throws LakehouseError LOG_IN_USE, STORAGE_FAILED: what could be done is, all the same.
   */
  async upkeep(options: UpkeepOptions = {}): Promise<UpkeepAction[]> {
    checkOptions("upkeep", options, UPKEEP_OPTIONS);
    return (await this.#write()).upkeep.run(options);
  }

  /** What a topic's partitions have in the object store: of those that have something, by number. */
  sizes(topic: TopicRecord): Promise<PartitionSize[]> {
    return this.#partitions.sizes(topic);
  }

  /** @internal As `Partitions.prepareAppend`. */
  prepareAppend(topic: TopicRecord, number: number, batch: Uint8Array): Promise<Partition> {
    return this.#partitions.prepareAppend(topic, number, batch);
  }

  /** @internal The writer of a partition. */
  writing(topic: TopicRecord, number: number): Promise<Partition> {
    return this.#partitions.writing(topic, number);
  }

  /** @internal The topic of that id, which is there. @throws LakehouseError NO_SUCH_TOPIC */
  async knownTopic(id: string): Promise<TopicRecord> {
    const topic = await this.topicOf(id);
    if (topic === undefined) throw topicDeleted(id);
    return topic;
  }

  /**
   * @internal The server that leads a partition, be it this one.
   *
   * @throws LakehouseError NO_SUCH_TOPIC; NOT_LEADER where there is none for the moment
   */
  readonly findPeer: FindPeer = async (topicId, number) => (await this.peers()).find(topicId, number);

  /** @internal As `TransactionCoordinator.checkOffsets`, whoever the coordinator is. */
  async checkOffsets(owner: TransactionOwner, group: string): Promise<OffsetsStanding> {
    const { topicId, partition } = (await this.transactions()).placeOf(owner.transactionalId);
    return (await this.findPeer(topicId, partition)).checkOffsets(owner, group);
  }

  /** @internal The servers of this log. */
  async peers(): Promise<Peers> {
    this.#checkOpen();
    return this.#peers.get();
  }

  /**
   * @internal Producers' ids, and the transactions of this log.
   *
   * @throws LakehouseError LOG_IN_USE, LOG_METADATA_LOST, CORRUPT_STATE, STORAGE_FAILED
   */
  transactions(): Promise<Transactions> {
    return this.#transactions.get();
  }

  async #openTransactions(): Promise<Transactions> {
    const writer = await this.#write();
    const { Transactions } = await import("./transactions/transactions.js");
    return Transactions.open(this, { cluster: await this.cluster(), findPeer: this.findPeer, writer });
  }

  /** Ends what an earlier process has left half done, also where nobody asks for transactions here. */
  async #resumeTransactions(meta: LogMeta): Promise<void> {
    for (let wait = FIRST_WAIT_MS; this.#closing === undefined; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        const isThere = (await meta.topic(TRANSACTION_TOPIC)) !== undefined;
        if (isThere) await this.transactions();
        if (isThere || !this.#meta.isShared) return;
        // Another server may begin with them, and this one have to go on.
        wait = FIRST_WAIT_MS;
      } catch {
        // Who needs transactions meanwhile hears of it.
      }
      await sleep(this.clock, wait);
    }
  }

  /**
   * @internal Consumer groups and their offsets.
   *
   * @throws LakehouseError LOG_IN_USE where another process writes the log; INVALID_CONFIG, CORRUPT_STATE, STORAGE_FAILED
   */
  async groups(): Promise<Groups> {
    this.#checkOpen();
    return this.#groups.get();
  }

  /**
   * @internal Who may do what, for servers: as it is from now on.
   *
   * @throws LakehouseError CORRUPT_FILE, CORRUPT_STATE, UNSUPPORTED_FEATURE, STORAGE_FAILED
   */
  async security(): Promise<Security> {
    this.#checkOpen();
    return this.#security.get();
  }

  /** Brings all that was appended by this process into the object store. */
  async flush(): Promise<void> {
    await (await this.#writing.ifUsed())?.flush();
  }

  /**
   * Makes the metadata again from the objects alone. What is in the write-ahead log is taken up by the next append.
   *
   * @throws LakehouseError LOG_IN_USE, CORRUPT_SEGMENT, STORAGE_FAILED
   */
  async recover(): Promise<Recovered> {
    const meta = await this.#meta.open();
    await this.#lock();
    return recoverLog({ store: this.#options.store, place: this.#place, meta, clock: this.clock });
  }

  /**
   * Tries once to bring the rest into the object store, and ends. What does not get there is in the write-ahead log. A
   * second call waits for the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const security = await this.#security.toClose();
    security?.close();
    const groups = await this.#groups.toClose();
    groups?.close();
    const writer = await this.#writing.toClose();
    const transactions = await this.#transactions.toClose();
    try {
      transactions?.close();
      await writer?.close();
    } finally {
      const peers = await this.#peers.toClose();
      await peers?.close();
      await this.#meta.close();
      this.#unlock?.();
    }
  }

  async #write(): Promise<Writer> {
    this.#checkOpen();
    return this.#writing.get();
  }

  async #openWriter(): Promise<Writer> {
    const meta = await this.#meta.open();
    await this.#lock();
    const { Writer } = await import("./writer.js");
    const { folder, store, bufferBytes = BUFFER_BYTES } = this.#options;
    const disk = diskAt(join(folder, "wal"));
    const shared = await this.#meta.shared();
    await (await this.peers()).listen(PEERS);
    await shared?.cluster.join();
    const writer = await Writer.open({
      store,
      meta,
      place: this.#place,
      clock: systemClock,
      disk,
      cluster: await this.cluster(),
      bufferBytes,
      upkeepMs: UPKEEP_MS,
    });
    this.#writer = writer;
    if (shared !== undefined) follow(shared, writer);
    void this.#resumeTransactions(meta);
    return this.#writer;
  }

  /** Nobody else writes from this folder, until the log is closed. @throws LakehouseError LOG_IN_USE, STORAGE_FAILED */
  async #lock(): Promise<void> {
    const { lockWriter } = await import("./wal/writer-lock.js");
    this.#checkOpen();
    this.#unlock ??= lockWriter(this.#options.folder);
  }

  /** @throws LakehouseError CLOSED */
  #checkOpen(): void {
    if (this.#closing !== undefined) throw closed("log");
  }
}

/** What others lead by now, or have deleted, is given up here. */
function follow({ cluster, meta }: SharedLog, writer: Writer): void {
  const onFailure = (error: unknown) => logClusterFailures.publish({ error });
  cluster.onChange(() => void writer.dropLost().catch(onFailure));
  meta.onGone((topic) => void writer.forget(topic).catch(onFailure));
  cluster.lead(writer);
}

function checkBytes(name: string, bytes: number | undefined): void {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes > 0)) return;
  throw invalidConfig(
    name,
    `A log's ${name} cannot be ${String(bytes)}.`,
    "Give a whole number of bytes, from 1 on.",
  );
}
