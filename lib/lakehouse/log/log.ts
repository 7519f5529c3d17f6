import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { closed, invalidArgument, invalidConfig, nearNames } from "../errors.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { ObjectStore } from "../storage/index.js";
import { noSuchTopic, thereIsOne, topicExists } from "./errors.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { type TopicConfig, topicConfig } from "./meta/topic-config.js";
import { systemClock } from "./partition/clock.js";
import { PartitionReader } from "./partition/partition-reader.js";
import { Place } from "./partition/place.js";
import { Segments } from "./partition/segments.js";
import { type Recovered, recoverLog } from "./recover.js";
import { Topic } from "./topic.js";
import { diskAt, makeLogFolder } from "./wal/disk.js";
import type { Writer } from "./writer.js";

export interface NewTopicOptions extends Partial<TopicConfig> {
  /** How many; 1 where not given. */
  readonly partitions?: number | undefined;
  /** What to do where there is a topic of that name: `fail` with TOPIC_EXISTS (the default), or `keep` it. */
  readonly ifExists?: "fail" | "keep" | undefined;
}

const NEW_TOPIC_OPTIONS: OptionNames<NewTopicOptions> = {
  partitions: true,
  ifExists: true,
  compression: true,
  segmentBytes: true,
  segmentMs: true,
  storedLingerMs: true,
  maxBatchBytes: true,
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
}

const BUFFER_BYTES = 256 * 1024 * 1024;
const CACHE_BYTES = 128 * 1024 * 1024;
const MOST_PARTITIONS = 10_000;
/** As Kafka has them. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/**
 * The streaming log: topics whose records are in the object store, in segments. What is appended is first flushed to
 * this machine's disk, in a write-ahead log.
 *
 * One process writes a log at a time: the first `append` takes a lock, which ends with the process. Others read what is in
 * the object store.
 */
export class Log {
  readonly #options: LogOptions;
  readonly #place: Place;
  readonly #segments: Segments;
  #meta: LogMeta | undefined;
  #unlock: (() => void) | undefined;
  #writing: Promise<Writer> | undefined;
  #writer: Writer | undefined;
  #closing: Promise<void> | undefined;

  /** @throws LakehouseError INVALID_CONFIG */
  constructor(options: LogOptions) {
    checkBytes("bufferBytes", options.bufferBytes);
    checkBytes("cacheBytes", options.cacheBytes);
    this.#options = options;
    this.#place = new Place(options.store);
    this.#segments = new Segments(options.store, this.#place, options.cacheBytes ?? CACHE_BYTES);
  }

  /**
   * Makes a topic.
   *
   * @throws LakehouseError TOPIC_EXISTS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED
   */
  async createTopic(name: string, options: NewTopicOptions = {}): Promise<Topic> {
    checkOptions("createTopic", options, NEW_TOPIC_OPTIONS);
    const { partitions = 1, ifExists = "fail", ...config } = options;
    checkName(name);
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > MOST_PARTITIONS)
      throw invalidArgument(
        "partitions",
        `A topic cannot have ${String(partitions)} partitions.`,
        `Give a whole number from 1 to ${MOST_PARTITIONS}.`,
      );
    const meta = await this.#openMeta();
    if ((await meta.topic(name)) !== undefined) {
      if (ifExists === "keep") return this.topic(name);
      throw thereIsOne(name);
    }
    const topic: TopicRecord = {
      id: randomUUID(),
      name,
      partitions,
      config: topicConfig(config),
      createdAt: systemClock.now(),
    };
    const uri = this.#place.topic(topic.id);
    await this.#options.store.put(uri, Buffer.from(JSON.stringify(topic)), { ifAbsent: true });
    try {
      await meta.createTopic(topic);
    } catch (error) {
      if (!topicExists.is(error)) throw error;
      // Another was quicker. Two descriptions of one name would stand in the way of recovery.
      await this.#options.store.delete([uri]);
      if (ifExists !== "keep") throw error;
    }
    return this.topic(name);
  }

  /** A topic by its name. That there is one is seen when it is used. */
  topic(name: string): Topic {
    checkName(name);
    return new Topic(name, {
      now: () => systemClock.now(),
      find: () => this.#find(name),
      append: async (topic, partition, batch, ack) => {
        const writer = await this.#write();
        return (await writer.partition(topic, partition)).append(batch, ack);
      },
      reader: async (topic, partition) =>
        new PartitionReader(topic, partition, {
          meta: await this.#openMeta(),
          segments: this.#segments,
          clock: systemClock,
          writer: () => this.#writer?.opened(topic.id, partition),
        }),
    });
  }

  /** By name. */
  async topics(): Promise<TopicRecord[]> {
    return (await this.#openMeta()).topics();
  }

  /**
   * Deletes a topic: first that it is one, then its objects.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, LOG_IN_USE, STORAGE_FAILED
   */
  async deleteTopic(name: string): Promise<void> {
    const topic = await this.#find(name);
    const writer = await this.#write();
    await this.#markDeleted(topic);
    await (await this.#openMeta()).deleteTopic(topic.id);
    await writer.forget(topic);
    const objects: string[] = [];
    const marks = [this.#place.topic(topic.id), this.#place.deleted(topic.id)];
    for await (const { uri } of this.#options.store.list(this.#place.folder(topic.id)))
      if (!marks.includes(uri)) objects.push(uri);
    await this.#options.store.delete(objects);
    // The mark goes last: until then it says that what is there is no topic.
    await this.#options.store.delete([this.#place.topic(topic.id)]);
    await this.#options.store.delete([this.#place.deleted(topic.id)]);
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
    const writer = await this.#writing?.catch(() => undefined);
    try {
      await writer?.close();
    } finally {
      await this.#meta?.close();
      this.#unlock?.();
    }
  }

  async #find(name: string): Promise<TopicRecord> {
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
      near === undefined ? "Make it with createTopic." : `Did you mean ${near}? Or make it with createTopic.`,
    );
  }

  async #write(): Promise<Writer> {
    if (this.#closing !== undefined) throw closed("log");
    this.#writing ??= this.#openWriter();
    try {
      return await this.#writing;
    } catch (error) {
      this.#writing = undefined;
      throw error;
    }
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
    });
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

function checkName(name: string): void {
  if (typeof name === "string" && TOPIC_NAME.test(name) && name !== "." && name !== "..") return;
  throw invalidArgument(
    String(name),
    `A topic cannot be named ${JSON.stringify(name)}.`,
    "Use 1 to 249 letters, digits, dots, underscores and hyphens.",
  );
}
