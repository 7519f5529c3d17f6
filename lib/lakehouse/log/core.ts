/** The log, as its public face and its servers use it. */
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { closed, invalidConfig, nearNames } from "../errors.js";
import { checkOptions, type OptionNames } from "../options.js";
import { type ObjectStore, preconditionFailed } from "../storage/index.js";
import {
  invalidPartitions,
  invalidTopicName,
  noSuchPartition,
  noSuchTopic,
  thereIsOne,
  topicConflict,
  topicDeleted,
  topicExists,
} from "./errors.js";
import type { GroupsConfig } from "./groups/coordinator.js";
import type { Groups } from "./groups/groups.js";
import {
  checkNotInternal,
  internalId,
  isInternal,
  refuseInternal,
  TRANSACTION_TOPIC,
} from "./internal-topics.js";
import type { LogMeta, PartitionSize, TopicRecord } from "./meta/log-meta.js";
import { type TopicConfig, topicConfig } from "./meta/topic-config.js";
import { type Clock, sleep, systemClock } from "./partition/clock.js";
import type { Ack, Appended } from "./partition/partition.js";
import { PartitionReader } from "./partition/partition-reader.js";
import { Place } from "./partition/place.js";
import { Segments } from "./partition/segments.js";
import { OpenTransactions } from "./producers/open-transactions.js";
import { isTransactional } from "./records/header.js";
import { type Recovered, readTopic, recoverLog } from "./recover.js";
import type { StoredSegment } from "./segment/layout.js";
import type { TransactionCoordinator } from "./transactions/coordinator.js";
import type { UpkeepAction, UpkeepOptions } from "./upkeep/upkeep.js";
import { diskAt, makeLogFolder } from "./wal/disk.js";
import type { Writer } from "./writer.js";

export interface NewTopicOptions extends Partial<TopicConfig> {
  /** How many; 1 where not given. */
  readonly partitions?: number | undefined;
  /** What to do where there is a topic of that name: `fail` with TOPIC_EXISTS (the default), or `keep` it. */
  readonly ifExists?: "fail" | "keep" | undefined;
}

export const NEW_TOPIC_OPTIONS: OptionNames<NewTopicOptions> = {
  partitions: true,
  ifExists: true,
  compression: true,
  segmentBytes: true,
  segmentMs: true,
  storedLingerMs: true,
  maxBatchBytes: true,
  cleanupPolicy: true,
  retentionMs: true,
  retentionBytes: true,
  deleteRetentionMs: true,
  minCompactionLagMs: true,
  minCleanableDirtyRatio: true,
  fileDeleteDelayMs: true,
};

/** What a log is made of. */
export interface LogOptions {
  readonly store: ObjectStore;
  /** On this machine's disk, for the metadata and the write-ahead log. Made when the log is first used. */
  readonly folder: string;
  /** The most bytes of records that wait for the object store: who appends more, waits. 256 MiB where not given. */
  readonly bufferBytes?: number | undefined;
  /** The most bytes of what was read from the object store that are kept in memory. 128 MiB where not given. */
  readonly cacheBytes?: number | undefined;
  /** How consumer groups are kept. */
  readonly groups?: Partial<GroupsConfig> | undefined;
}

const BUFFER_BYTES = 256 * 1024 * 1024;
const CACHE_BYTES = 128 * 1024 * 1024;
const UPKEEP_MS = 60_000;
const UPKEEP_OPTIONS: OptionNames<UpkeepOptions> = { dryRun: true };
const MOST_PARTITIONS = 10_000;
/** As Kafka has them. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** How often a topic's description is read again where another process has changed it in between. */
const TRIES = 10;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** One partition of a topic, to append to and to read. It is looked up once: who keeps it does not see the topic change. */
export interface LogPartition {
  readonly topic: TopicRecord;
  readonly number: number;
  /**
   * Appends one record batch, in Kafka's version 2. Its base offset is set in place.
   *
   * @throws LakehouseError INTERNAL_TOPIC, and what `Partition.append` throws.
   */
  append(batch: Uint8Array, ack: Ack): Promise<Appended>;
  /**
   * Lets the partition begin at an offset: readers have nothing before it from now on, and the objects go when it is time.
   *
   * @returns where it begins then, which is no less than before.
   * @throws LakehouseError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION, INTERNAL_TOPIC, STORAGE_FAILED
   */
  deleteRecords(before: bigint): Promise<bigint>;
  readonly reader: PartitionReader;
}

/** A segment, and the object that it is. */
export interface LogSegment extends StoredSegment {
  readonly uri: string;
}

/**
 * The log as its servers use it, too: topics are looked up by name when they are used, and batches come as Kafka's bytes.
 *
 * Topics whose names begin with `__` are the log's own. Clients read them; all that changes them goes through `internal…`.
 */
export class LogCore {
  readonly clock: Clock = systemClock;
  readonly #options: LogOptions;
  readonly #place: Place;
  readonly #segments: Segments;
  readonly #openTransactions = new OpenTransactions();
  #meta: LogMeta | undefined;
  #unlock: (() => void) | undefined;
  #writing: Promise<Writer> | undefined;
  #writer: Writer | undefined;
  #isCoordinating = false;
  #coordinator: Promise<TransactionCoordinator> | undefined;
  #groups: Promise<Groups> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws LakehouseError INVALID_CONFIG */
  constructor(options: LogOptions) {
    checkBytes("bufferBytes", options.bufferBytes);
    checkBytes("cacheBytes", options.cacheBytes);
    this.#options = options;
    this.#place = new Place(options.store);
    this.#segments = new Segments(options.store, this.#place, options.cacheBytes ?? CACHE_BYTES);
  }

  /** @throws LakehouseError TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED */
  async createTopic(name: string, options: NewTopicOptions = {}): Promise<TopicRecord> {
    checkTopicName(name);
    checkNotInternal(name);
    checkOptions("createTopic", options, NEW_TOPIC_OPTIONS);
    const isKept = options.ifExists === "keep";
    const meta = await this.#openMeta();
    const there = isKept ? await meta.topic(name) : undefined;
    if (there !== undefined) return there;
    const topic = await this.planTopic(name, options);
    const uri = this.#place.topic(topic.id);
    await this.#options.store.put(uri, Buffer.from(JSON.stringify(topic)), { ifAbsent: true });
    try {
      await meta.createTopic(topic);
    } catch (error) {
      if (!topicExists.is(error)) throw error;
      // Another was quicker. Two descriptions of one name would stand in the way of recovery.
      await this.#options.store.delete([uri]);
      if (!isKept) throw error;
      return this.topic(name);
    }
    return topic;
  }

  /**
   * What `createTopic` would make, and makes nothing.
   *
   * @throws LakehouseError TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED
   */
  async planTopic(name: string, options: NewTopicOptions): Promise<TopicRecord> {
    checkTopicName(name);
    checkNotInternal(name);
    const { partitions = 1, ifExists: _, ...config } = options;
    checkPartitionCount(name, partitions);
    if ((await (await this.#openMeta()).topic(name)) !== undefined) throw thereIsOne(name);
    return {
      id: randomUUID(),
      name,
      partitions,
      config: topicConfig(config),
      createdAt: systemClock.now(),
      version: 1,
    };
  }

  /**
   * A topic of the log's own; the one that is there where there is one, though the metadata was lost: its id follows from
   * its name.
   *
   * @param name begins with `__`.
   */
  async internalTopic(
    name: string,
    { partitions = 1, ...config }: Omit<NewTopicOptions, "ifExists"> = {},
  ): Promise<TopicRecord> {
    const meta = await this.#openMeta();
    const known = await meta.topic(name);
    if (known !== undefined) return known;
    const { store } = this.#options;
    const createdAt = systemClock.now();
    let topic: TopicRecord = {
      id: internalId(name),
      name,
      partitions,
      config: topicConfig(config),
      createdAt,
      version: 1,
    };
    const uri = this.#place.topic(topic.id);
    try {
      await store.put(uri, Buffer.from(JSON.stringify(topic)), { ifAbsent: true });
    } catch (error) {
      if (!preconditionFailed.is(error)) throw error;
      topic = await readTopic(store, uri);
    }
    try {
      await meta.createTopic(topic);
    } catch (error) {
      // Another was quicker.
      if (!topicExists.is(error)) throw error;
    }
    return topic;
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, INVALID_TOPIC */
  async topic(name: string): Promise<TopicRecord> {
    checkTopicName(name);
    const meta = await this.#openMeta();
    const topic = await meta.topic(name);
    if (topic !== undefined) return topic;
    const [near] = nearNames(
      name,
      (await meta.topics()).map((one) => one.name),
    );
    throw noSuchTopic(
      name,
      `There is no topic ${name}.`,
      near === undefined
        ? "Make it with createTopic, or with streamctl topic create."
        : `Did you mean ${near}? Or make it with createTopic.`,
    );
  }

  /** The topic of that id, be it the log's own; a topic that was made again under its name has another. */
  async topicOf(id: string): Promise<TopicRecord | undefined> {
    return (await this.#openMeta()).topicOf(id);
  }

  /** Of the place where its objects are: the same for all who serve it. 22 characters. */
  get id(): string {
    return createHash("sha256").update(this.#place.root).digest().subarray(0, 16).toString("base64url");
  }

  /** By name. @param options `internal`: the log's own, too. */
  async topics({
    internal = false,
  }: {
    readonly internal?: boolean | undefined;
  } = {}): Promise<TopicRecord[]> {
    const topics = await (await this.#openMeta()).topics();
    return internal ? topics : topics.filter(({ name }) => !isInternal(name));
  }

  /**
   * Changes settings of a topic. The rest stays; a writer goes by the new ones from its next batch on.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_CONFIG, TOPIC_CONFLICT, STORAGE_FAILED
   */
  async alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicRecord> {
    checkNotInternal(name);
    return this.#change(await this.topic(name), (topic) => ({
      ...topic,
      config: topicConfig({ ...topic.config, ...change }),
    }));
  }

  /**
   * Gives a topic more partitions. From then on, records of one key may go to another partition than before.
   *
   * @param partitions how many there are to be in all.
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, TOPIC_CONFLICT, STORAGE_FAILED
   */
  async addPartitions(name: string, partitions: number): Promise<TopicRecord> {
    checkNotInternal(name);
    checkPartitionCount(name, partitions);
    const known = await this.topic(name);
    return this.#change(known, (topic) => {
      // Where they are equal, an earlier call has got as far as the object store: what is known is behind.
      if (partitions < topic.partitions || partitions <= known.partitions)
        throw invalidPartitions(
          name,
          `The topic ${name} has ${topic.partitions} partitions already.`,
          "Give a larger number: a topic cannot have fewer than before.",
        );
      return { ...topic, partitions };
    });
  }

  /**
   * Deletes a topic: first that it is one, then its objects.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, LOG_IN_USE, STORAGE_FAILED
   */
  async deleteTopic(name: string): Promise<void> {
    checkNotInternal(name);
    const topic = await this.topic(name);
    const writer = await this.#write();
    await this.#markDeleted(topic);
    await (await this.#openMeta()).deleteTopic(topic.id);
    await writer.forget(topic);
    const { purgeTopic } = await import("./upkeep/sweep.js");
    await purgeTopic(this.#options.store, this.#place, topic.id);
  }

  /** @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_PARTITION */
  async partition(name: string, number: number): Promise<LogPartition> {
    const topic = await this.topic(name);
    return this.partitionOf(topic, number);
  }

  /** The same for a topic that was just looked up. */
  async partitionOf(topic: TopicRecord, number: number): Promise<LogPartition> {
    const partition = await this.internalPartition(topic, number);
    if (!isInternal(topic.name)) return partition;
    const refuse = async () => refuseInternal(topic.name);
    return { ...partition, append: refuse, deleteRecords: refuse };
  }

  /** A partition that may be appended to, be it of the log's own topics. */
  async internalPartition(topic: TopicRecord, number: number): Promise<LogPartition> {
    checkPartition(topic, number);
    this.#writer?.opened(topic.id, number)?.configure(topic.config);
    return {
      topic,
      number,
      append: (batch, ack) => {
        const opened = this.#writer?.opened(topic.id, number);
        const isReady = this.#isCoordinating || !isTransactional(batch);
        return opened !== undefined && isReady
          ? opened.append(batch, ack)
          : this.#appendFirst(topic, number, batch, ack);
      },
      deleteRecords: async (before) => (await this.#write()).upkeep.deleteRecords(topic, number, before),
      reader: new PartitionReader(topic, number, {
        meta: await this.#openMeta(),
        segments: this.#segments,
        clock: systemClock,
        writer: () => this.#writer?.opened(topic.id, number),
      }),
    };
  }

  /**
   * Segments of a partition that are in the object store, in their order.
   *
   * @throws LakehouseError NO_SUCH_PARTITION
   */
  async segments(topic: TopicRecord, number: number): Promise<LogSegment[]> {
    checkPartition(topic, number);
    const segments = await (await this.#openMeta()).segments(topic.id, number);
    return segments.map((segment) => ({ ...segment, uri: this.#place.object(segment) }));
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

  /**
   * The same for one partition: what an earlier writer has put into the object store is known from then on, too. Appends to
   * it get their offsets when they are called.
   */
  async startWritingTo(topic: TopicRecord, number: number): Promise<void> {
    await (await this.#write()).partition(topic, number);
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
  async sizes(topic: TopicRecord): Promise<PartitionSize[]> {
    return (await this.#openMeta()).sizes(topic.id);
  }

  /**
   * @internal Producers' ids, and the transactions of this log.
   *
   * @throws LakehouseError LOG_IN_USE, LOG_METADATA_LOST, CORRUPT_STATE, STORAGE_FAILED
   */
  async transactions(): Promise<TransactionCoordinator> {
    // Forgotten by the one that failed, and before anybody hears of it: so there is one at a time.
    this.#coordinator ??= this.#openCoordinator().catch((error: unknown) => {
      this.#coordinator = undefined;
      throw error;
    });
    return this.#coordinator;
  }

  async #openCoordinator(): Promise<TransactionCoordinator> {
    const writer = await this.#write();
    const { openCoordinator } = await import("./transactions/open-coordinator.js");
    const coordinator = await openCoordinator(this, writer, this.#openTransactions);
    this.#isCoordinating = true;
    return coordinator;
  }

  /** Ends what an earlier process has left half done, also where nobody asks for transactions here. */
  async #resumeTransactions(meta: LogMeta): Promise<void> {
    for (let wait = FIRST_WAIT_MS; this.#closing === undefined; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        if ((await meta.topic(TRANSACTION_TOPIC)) !== undefined) await this.transactions();
        return;
      } catch {
        // Who needs transactions meanwhile hears of it.
        await sleep(this.clock, wait);
      }
    }
  }

  /**
   * @internal Consumer groups and their offsets.
   *
   * @throws LakehouseError LOG_IN_USE where another process writes the log; INVALID_CONFIG, CORRUPT_STATE, STORAGE_FAILED
   */
  async groups(): Promise<Groups> {
    if (this.#closing !== undefined) throw closed("log");
    this.#groups ??= import("./groups/groups.js")
      .then(({ Groups }) => Groups.open(this, this.#options.groups))
      .catch((error: unknown) => {
        this.#groups = undefined;
        throw error;
      });
    return this.#groups;
  }

  /** Brings all that was appended by this process into the object store. */
  async flush(): Promise<void> {
    await (await this.#writing)?.flush();
  }

  /**
   * Makes the metadata again from the objects alone. What is in the write-ahead log is taken up by the next append.
   *
   * @throws LakehouseError LOG_IN_USE, CORRUPT_SEGMENT, STORAGE_FAILED
   */
  async recover(): Promise<Recovered> {
    const meta = await this.#openMeta();
    await this.#lock();
    return recoverLog(this.#options.store, this.#place, meta);
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
    const groups = await this.#groups?.catch(() => undefined);
    await groups?.close();
    const writer = await this.#writing?.catch(() => undefined);
    const coordinator = await this.#coordinator?.catch(() => undefined);
    try {
      coordinator?.close();
      await writer?.close();
    } finally {
      await this.#meta?.close();
      this.#unlock?.();
    }
  }

  async #appendFirst(topic: TopicRecord, number: number, batch: Uint8Array, ack: Ack): Promise<Appended> {
    const writer = await this.#write();
    // What an earlier process has let begin goes on.
    if (isTransactional(batch)) await this.transactions();
    return (await writer.partition(topic, number)).append(batch, ack);
  }

  /**
   * Writes a topic's description anew: first in the object store, by compare-and-set, which two processes go by; then in
   * the metadata, where the one that was written later stays.
   */
  async #change(known: TopicRecord, change: (topic: TopicRecord) => TopicRecord): Promise<TopicRecord> {
    const { store } = this.#options;
    const uri = this.#place.topic(known.id);
    for (let tries = 0; tries < TRIES; tries++) {
      // The etag first: where the description changes in between, the put is refused.
      const info = await store.head(uri);
      if (info === undefined) throw topicDeleted(known.name);
      const before = await readTopic(store, uri);
      const topic = { ...change(before), version: before.version + 1 };
      try {
        await store.put(uri, Buffer.from(JSON.stringify(topic)), { ifEtag: info.etag });
      } catch (error) {
        if (!preconditionFailed.is(error)) throw error;
        continue;
      }
      await (await this.#openMeta()).changeTopic(topic);
      return topic;
    }
    throw topicConflict(known.name);
  }

  /** From here on nobody writes to the topic, whatever the metadata says. */
  async #markDeleted(topic: TopicRecord): Promise<void> {
    const mark = this.#place.deleted(topic.id);
    try {
      await this.#options.store.put(mark, new Uint8Array());
    } catch (error) {
      // A put may fail after it was done.
      if ((await this.#options.store.head(mark).catch(() => undefined)) === undefined) throw error;
    }
  }

  async #write(): Promise<Writer> {
    if (this.#closing !== undefined) throw closed("log");
    this.#writing ??= this.#openWriter().catch((error: unknown) => {
      this.#writing = undefined;
      throw error;
    });
    return this.#writing;
  }

  async #openWriter(): Promise<Writer> {
    const meta = await this.#openMeta();
    const { Writer } = await this.#lock();
    const { folder, store, bufferBytes = BUFFER_BYTES } = this.#options;
    const disk = diskAt(join(folder, "wal"));
    this.#writer = await Writer.open({
      store,
      meta,
      place: this.#place,
      clock: systemClock,
      disk,
      bufferBytes,
      transactions: this.#openTransactions,
      upkeepMs: UPKEEP_MS,
    });
    void this.#resumeTransactions(meta);
    return this.#writer;
  }

  /** Until the log is closed. */
  async #lock() {
    const writing = await import("./writer.js");
    if (this.#closing !== undefined) throw closed("log");
    this.#unlock ??= writing.lockWriter(this.#options.folder);
    return writing;
  }

  /** SQLite is loaded when a log is used: most lakehouses are opened for their tables. */
  async #openMeta(): Promise<LogMeta> {
    if (this.#closing !== undefined) throw closed("log");
    const { SqliteMeta } = await import("./meta/sqlite-meta.js");
    if (this.#closing !== undefined) throw closed("log");
    if (this.#meta === undefined) {
      makeLogFolder(this.#options.folder);
      this.#meta = new SqliteMeta(join(this.#options.folder, "meta.db"));
    }
    return this.#meta;
  }
}

function checkBytes(name: string, bytes: number | undefined): void {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes > 0)) return;
  throw invalidConfig(
    name,
    `A log's ${name} cannot be ${String(bytes)}.`,
    "Give a whole number of bytes, from 1 on.",
  );
}

export function checkTopicName(name: string): void {
  if (typeof name === "string" && TOPIC_NAME.test(name) && name !== "." && name !== "..") return;
  throw invalidTopicName(name);
}

/** @throws LakehouseError NO_SUCH_PARTITION */
export function checkPartition({ name, partitions }: TopicRecord, number: number): void {
  if (Number.isInteger(number) && number >= 0 && number < partitions) return;
  throw noSuchPartition(
    `${name}/${number}`,
    `The topic ${name} has no partition ${number}: it has ${partitions}, from 0 on.`,
  );
}

/** @throws LakehouseError INVALID_PARTITIONS */
export function checkPartitionCount(name: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= MOST_PARTITIONS) return;
  throw invalidPartitions(
    name,
    `A topic cannot have ${String(partitions)} partitions.`,
    `Give a whole number from 1 to ${MOST_PARTITIONS}.`,
  );
}
