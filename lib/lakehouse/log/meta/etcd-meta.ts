/**
 * The metadata of a log that several servers share. Topics are in etcd, and every server knows them by its watch. What each
 * partition has is not: the object store says that, and a server keeps what it has learned of it in a file of its own
 * (`learn.ts` says how), as it keeps a copy of the topics there.
 */

import { thereIsOne, topicConflict, topicExists } from "../errors.js";
import type { Manifest } from "../manifest/manifest.js";
import type { StoredSegment } from "../segment/layout.js";
import type { KnownManifest, LogMeta, PartitionSize, TopicRecord, Writing } from "./log-meta.js";
import type { EtcdMirror } from "./mirror.js";
import { DEFAULT_CONFIG } from "./topic-config.js";

const TOPICS = "topic/";
/** How often a change is tried where others make some at the same time. */
const TRIES = 20;

/** What a server knows of a topic that is gone. */
type Gone = (topic: TopicRecord) => void;

export class EtcdMeta implements LogMeta {
  readonly #mirror: EtcdMirror;
  readonly #local: LogMeta;
  readonly #byName = new Map<string, TopicRecord>();
  readonly #byId = new Map<string, TopicRecord>();
  readonly #goneListeners = new Set<Gone>();
  /** The copy is changed in order, right behind what it is a copy of. */
  #copying: Promise<void> = Promise.resolve();

  /**
   * @param mirror not started yet.
   * @param local of this server alone: what it has of segments is this server's to learn.
   */
  constructor(mirror: EtcdMirror, local: LogMeta) {
    this.#mirror = mirror;
    this.#local = local;
    mirror.onChange((changes) => {
      for (const { key, value } of changes)
        if (key.startsWith(TOPICS)) this.#take(key.slice(TOPICS.length), value);
    });
  }

  /** Reads all topics. @throws LakehouseError STORAGE_FAILED */
  async start(): Promise<void> {
    await this.#mirror.start();
    await this.#copying;
    // What was deleted while this server was away.
    for (const { id } of await this.#local.topics())
      if (!this.#byId.has(id)) await this.#local.deleteTopic(id);
  }

  /** Calls when a topic is deleted, here or elsewhere. */
  onGone(listener: Gone): void {
    this.#goneListeners.add(listener);
  }

  async createTopic(topic: TopicRecord): Promise<void> {
    const key = keyOf(topic.name);
    for (let tries = 0; tries < TRIES; tries++) {
      const put = { key, value: JSON.stringify(topic) };
      if (await this.#mirror.change([{ key, revision: 0 }], [put])) return this.#copied();
      const there = this.#byName.get(topic.name);
      // An earlier try may have made it, and its answer been lost.
      if (there?.id === topic.id) return this.#copied();
      if (there !== undefined) throw thereIsOne(topic.name);
    }
    throw topicConflict(topic.name);
  }

  async changeTopic(topic: TopicRecord): Promise<void> {
    const key = keyOf(topic.name);
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = this.#mirror.get(key) ?? (await this.#mirror.read(key));
      const known = entry === undefined ? undefined : topicOf(entry.value);
      if (entry === undefined || known === undefined || known.id !== topic.id) return this.#copied();
      if (known.version >= topic.version) return this.#copied();
      const put = { key, value: JSON.stringify(topic) };
      if (await this.#mirror.change([{ key, revision: entry.revision }], [put])) return this.#copied();
    }
    throw topicConflict(topic.name);
  }

  async topic(name: string): Promise<TopicRecord | undefined> {
    // Another server may have made it a moment ago.
    if (!this.#byName.has(name)) {
      await this.#mirror.read(keyOf(name));
      await this.#copied();
    }
    return this.#byName.get(name);
  }

  async topicOf(id: string): Promise<TopicRecord | undefined> {
    return this.#byId.get(id);
  }

  async topics(): Promise<TopicRecord[]> {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** With who has led its partitions. */
  async deleteTopic(id: string): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const topic = this.#byId.get(id);
      if (topic === undefined) return this.#copied();
      const key = keyOf(topic.name);
      const revision = this.#mirror.get(key)?.revision ?? 0;
      const isDone = await this.#mirror.change(
        [{ key, revision }],
        [
          { key, value: undefined },
          { key: `leader/${id}/`, value: undefined },
        ],
      );
      if (isDone) return this.#copied();
    }
    throw topicConflict(id);
  }

  beginWriting(): Promise<Writing> {
    return this.#local.beginWriting();
  }

  hasWritten(writerId: bigint): Promise<boolean> {
    return this.#local.hasWritten(writerId);
  }

  addSegments(segments: readonly StoredSegment[]): Promise<void> {
    return this.#local.addSegments(segments);
  }

  setManifest(topicId: string, partition: number, manifest: Manifest): Promise<void> {
    return this.#local.setManifest(topicId, partition, manifest);
  }

  manifest(topicId: string, partition: number): Promise<KnownManifest | undefined> {
    return this.#local.manifest(topicId, partition);
  }

  segments(topicId: string, partition: number): Promise<StoredSegment[]> {
    return this.#local.segments(topicId, partition);
  }

  sizes(topicId: string): Promise<PartitionSize[]> {
    return this.#local.sizes(topicId);
  }

  lastSegment(topicId: string, partition: number): Promise<StoredSegment | undefined> {
    return this.#local.lastSegment(topicId, partition);
  }

  segmentOf(topicId: string, partition: number, offset: bigint): Promise<StoredSegment | undefined> {
    return this.#local.segmentOf(topicId, partition, offset);
  }

  segmentSince(topicId: string, partition: number, timestamp: bigint): Promise<StoredSegment | undefined> {
    return this.#local.segmentSince(topicId, partition, timestamp);
  }

  async close(): Promise<void> {
    await this.#mirror.stop();
    await this.#copied();
    await this.#local.close();
  }

  #take(name: string, value: string | undefined): void {
    const before = this.#byName.get(name);
    const now = value === undefined ? undefined : topicOf(value);
    if (before !== undefined && before.id !== now?.id) {
      this.#byName.delete(name);
      this.#byId.delete(before.id);
      this.#copy(() => this.#local.deleteTopic(before.id));
      for (const listener of this.#goneListeners) listener(before);
    }
    if (now === undefined) return;
    this.#byName.set(name, now);
    this.#byId.set(now.id, now);
    this.#copy(() => this.#copyTopic(now));
  }

  async #copyTopic(topic: TopicRecord): Promise<void> {
    const there = await this.#local.topic(topic.name);
    if (there?.id === topic.id) return this.#local.changeTopic(topic);
    if (there !== undefined) await this.#local.deleteTopic(there.id);
    try {
      await this.#local.createTopic(topic);
    } catch (error) {
      // Another process of this machine copies, too.
      if (!topicExists.is(error)) throw error;
    }
  }

  #copy(work: () => Promise<void>): void {
    this.#copying = this.#copying.then(work);
    // Who needs the copy hears of it.
    this.#copying.catch(() => undefined);
  }

  async #copied(): Promise<void> {
    const copying = this.#copying;
    try {
      await copying;
    } catch (error) {
      if (this.#copying === copying) this.#copying = Promise.resolve();
      throw error;
    }
  }
}

function keyOf(name: string): string {
  return `${TOPICS}${name}`;
}

function topicOf(text: string): TopicRecord {
  const topic = JSON.parse(text) as TopicRecord;
  return { ...topic, config: { ...DEFAULT_CONFIG, ...topic.config } };
}
