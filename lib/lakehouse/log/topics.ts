/** The topics of a log: their descriptions are in the object store, and in the metadata what is known of them. */
import { randomUUID } from "node:crypto";
import { nearNames } from "../errors.js";
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
import { checkNotInternal, internalId, isInternal } from "./internal-topics.js";
import { checkNoTopics } from "./lost-metadata.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { type TopicConfig, topicConfig } from "./meta/topic-config.js";
import type { Clock } from "./partition/clock.js";
import type { Place } from "./partition/place.js";
import { readTopic } from "./recover.js";
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
  timestampType: true,
  cleanupPolicy: true,
  retentionMs: true,
  retentionBytes: true,
  deleteRetentionMs: true,
  minCompactionLagMs: true,
  minCleanableDirtyRatio: true,
  fileDeleteDelayMs: true,
};

const MOST_PARTITIONS = 10_000;
/** As Kafka has them. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** How often a topic's description is read again where another process has changed it in between. */
const TRIES = 10;

export interface TopicsParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly clock: Clock;
  readonly meta: () => Promise<LogMeta>;
  /** Who writes them: this process, from then on. */
  readonly writer: () => Promise<Writer>;
}

/** Topics are made, found, changed and deleted. Those of the log's own are made by `internal`, and not changed. */
export class Topics {
  readonly #parts: TopicsParts;
  /** It knows topics, or there are none. */
  #isMetadataThere = false;

  constructor(parts: TopicsParts) {
    this.#parts = parts;
  }

  /** @throws LakehouseError TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, LOG_METADATA_LOST, STORAGE_FAILED */
  async create(name: string, options: NewTopicOptions = {}): Promise<TopicRecord> {
    checkTopicName(name);
    checkNotInternal(name);
    checkOptions("createTopic", options, NEW_TOPIC_OPTIONS);
    const isKept = options.ifExists === "keep";
    const meta = await this.#parts.meta();
    const there = isKept ? await meta.topic(name) : undefined;
    if (there !== undefined) return there;
    await this.#checkMetadata();
    const topic = await this.plan(name, options);
    const uri = this.#parts.place.topic(topic.id);
    await this.#parts.store.put(uri, Buffer.from(JSON.stringify(topic)), { ifAbsent: true });
    try {
      await meta.createTopic(topic);
    } catch (error) {
      if (!topicExists.is(error)) throw error;
      // Another was quicker. Two descriptions of one name would stand in the way of recovery.
      await this.#parts.store.delete([uri]);
      if (!isKept) throw error;
      return this.find(name);
    }
    return topic;
  }

  /**
   * What `create` would make, and makes nothing.
   *
   * @throws LakehouseError TOPIC_EXISTS, INVALID_TOPIC, INTERNAL_TOPIC, INVALID_PARTITIONS, INVALID_ARGUMENT, INVALID_CONFIG, STORAGE_FAILED
   */
  async plan(name: string, options: NewTopicOptions): Promise<TopicRecord> {
    checkTopicName(name);
    checkNotInternal(name);
    const { partitions = 1, ifExists: _, ...config } = options;
    checkPartitionCount(name, partitions);
    if ((await (await this.#parts.meta()).topic(name)) !== undefined) throw thereIsOne(name);
    return {
      id: randomUUID(),
      name,
      partitions,
      config: topicConfig(config),
      createdAt: this.#parts.clock.now(),
      version: 1,
    };
  }

  /**
   * A topic of the log's own; the one that is there where there is one, though the metadata was lost: its id follows from
   * its name.
   *
   * @param name begins with `__`.
   */
  async internal(
    name: string,
    { partitions = 1, ...config }: Omit<NewTopicOptions, "ifExists"> = {},
  ): Promise<TopicRecord> {
    const meta = await this.#parts.meta();
    const known = await meta.topic(name);
    if (known !== undefined) return known;
    const { store } = this.#parts;
    const createdAt = this.#parts.clock.now();
    let topic: TopicRecord = {
      id: internalId(name),
      name,
      partitions,
      config: topicConfig(config),
      createdAt,
      version: 1,
    };
    const uri = this.#parts.place.topic(topic.id);
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

  /** @throws LakehouseError NO_SUCH_TOPIC, INVALID_TOPIC, LOG_METADATA_LOST */
  async find(name: string): Promise<TopicRecord> {
    checkTopicName(name);
    const meta = await this.#parts.meta();
    const topic = await meta.topic(name);
    if (topic !== undefined) return topic;
    await this.#checkMetadata();
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
  async byId(id: string): Promise<TopicRecord | undefined> {
    return (await this.#parts.meta()).topicOf(id);
  }

  /** By name. @param options `internal`: the log's own, too. */
  async list({ internal = false }: { readonly internal?: boolean | undefined } = {}): Promise<TopicRecord[]> {
    await this.#checkMetadata();
    const topics = await (await this.#parts.meta()).topics();
    return internal ? topics : topics.filter(({ name }) => !isInternal(name));
  }

  /**
   * Changes settings of a topic. The rest stays; a writer goes by the new ones from its next batch on.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, INVALID_CONFIG, TOPIC_CONFLICT, STORAGE_FAILED
   */
  async alter(name: string, change: Partial<TopicConfig>): Promise<TopicRecord> {
    checkNotInternal(name);
    return this.#change(await this.find(name), (topic) => ({
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
    const known = await this.find(name);
    checkMorePartitions(known, partitions);
    return this.#change(known, (topic) => {
      // Where they are equal, an earlier call has got as far as the object store: what is known is behind.
      if (partitions < topic.partitions) throw notMore(topic);
      return { ...topic, partitions };
    });
  }

  /**
   * Deletes a topic: first that it is one, then its objects.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INTERNAL_TOPIC, LOG_IN_USE, STORAGE_FAILED
   */
  async delete(name: string): Promise<void> {
    checkNotInternal(name);
    const topic = await this.find(name);
    const writer = await this.#parts.writer();
    await this.#markDeleted(topic);
    await (await this.#parts.meta()).deleteTopic(topic.id);
    await writer.forget(topic);
    const { purgeTopic } = await import("./upkeep/sweep.js");
    await purgeTopic(this.#parts.store, this.#parts.place, topic.id);
  }

  /**
   * Writes a topic's description anew: first in the object store, by compare-and-set, which two processes go by; then in
   * the metadata, where the one that was written later stays.
   */
  async #change(known: TopicRecord, change: (topic: TopicRecord) => TopicRecord): Promise<TopicRecord> {
    const { store } = this.#parts;
    const uri = this.#parts.place.topic(known.id);
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
      await (await this.#parts.meta()).changeTopic(topic);
      return topic;
    }
    throw topicConflict(known.name);
  }

  /** @throws LakehouseError LOG_METADATA_LOST where it knows no topic and there are some. */
  async #checkMetadata(): Promise<void> {
    if (this.#isMetadataThere) return;
    const { store, place } = this.#parts;
    const known = await (await this.#parts.meta()).topics();
    if (known.every(({ name }) => isInternal(name))) await checkNoTopics(store, place);
    this.#isMetadataThere = true;
  }

  /** From here on nobody writes to the topic, whatever the metadata says. */
  async #markDeleted(topic: TopicRecord): Promise<void> {
    const mark = this.#parts.place.deleted(topic.id);
    try {
      await this.#parts.store.put(mark, new Uint8Array());
    } catch (error) {
      // A put may fail after it was done.
      if ((await this.#parts.store.head(mark).catch(() => undefined)) === undefined) throw error;
    }
  }
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

/** @throws LakehouseError INVALID_PARTITIONS where a topic has as many already, or cannot have so many. */
export function checkMorePartitions(topic: TopicRecord, partitions: number): void {
  checkPartitionCount(topic.name, partitions);
  if (partitions <= topic.partitions) throw notMore(topic);
}

function notMore({ name, partitions }: TopicRecord) {
  return invalidPartitions(
    name,
    `The topic ${name} already has ${partitions} partition${partitions === 1 ? "" : "s"}.`,
    "Give a larger number: a topic cannot have fewer than before.",
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
