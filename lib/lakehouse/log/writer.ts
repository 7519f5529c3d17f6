/** What writes a log on this machine: the write-ahead log, and the partitions that it brings into the object store. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { closed } from "../errors.js";
import { openSqlite } from "../sqlite.js";
import type { ObjectStore } from "../storage/index.js";
import { fenced, logInUse, noSuchTopic, topicDeleted } from "./errors.js";
import { firstManifest, type Manifest } from "./manifest/manifest.js";
import { ManifestFile } from "./manifest/manifest-file.js";
import type { LogMeta, TopicRecord, Writing } from "./meta/log-meta.js";
import { Budget } from "./partition/budget.js";
import type { Clock } from "./partition/clock.js";
import { Partition, type PartitionEnd } from "./partition/partition.js";
import { type Place, segmentName } from "./partition/place.js";
import { checkFirst } from "./recover.js";
import { type StoredSegment, summaryOf } from "./segment/layout.js";
import { readFooterOf, tailOf } from "./segment/segment-reader.js";
import { type ProducerEntry, readProducers } from "./segment/segment-state.js";
import { NEVER_MORE, takeUp } from "./take-up.js";
import { Upkeep } from "./upkeep/upkeep.js";
import { type Disk, unusableFolder } from "./wal/disk.js";
import { partitionKey, Wal } from "./wal/wal.js";

export interface WriterOptions {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly clock: Clock;
  readonly disk: Disk;
  /** The most bytes of record batches that wait for the object store: who appends more, waits. */
  readonly bufferBytes: number;
  readonly keptBytes?: number | undefined;
  /** How long a partition knows a producer that does not append. A day where not given. */
  readonly producerIdExpirationMs?: number | undefined;
  /** How long after one upkeep the next is, in milliseconds; none in the background where not given. */
  readonly upkeepMs?: number | undefined;
  /** How many small segments become one, at least. 8 where not given. */
  readonly mergeAt?: number | undefined;
  /** How many keys compaction looks at in one round. Two millions where not given. */
  readonly mostKeys?: number | undefined;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #wal: Wal;
  readonly #identity: Writing;
  readonly #budget: Budget;
  readonly #opening: Map<string, Promise<Partition>>;
  readonly #partitions: Map<string, Partition>;
  readonly upkeep: Upkeep;
  #isClosed = false;

  private constructor(
    options: WriterOptions,
    wal: Wal,
    identity: Writing,
    partitions: Map<string, Partition>,
  ) {
    this.#options = options;
    this.#wal = wal;
    this.#identity = identity;
    this.#budget = new Budget(options.bufferBytes, () => {
      for (const partition of partitions.values()) partition.relieve();
    });
    this.#partitions = partitions;
    this.#opening = new Map();
    this.upkeep = new Upkeep({
      ...options,
      writerId: identity.writerId,
      opened: (topicId, number) => this.opened(topicId, number),
      partition: (topic, number) => this.partition(topic, number),
      forget: (topic) => this.forget(topic),
    });
  }

  /**
   * Takes up what an earlier process has left in the write-ahead log.
   *
   * @throws LakehouseError CORRUPT_WAL, STORAGE_FAILED
   */
  static async open(options: WriterOptions): Promise<Writer> {
    const partitions = new Map<string, Partition>();
    const { wal, entries } = await Wal.open(options.disk, {
      onRefused: (error) => {
        for (const partition of partitions.values()) partition.rollBack(error);
      },
    });
    const writer = new Writer(options, wal, await options.meta.beginWriting(), partitions);
    try {
      await takeUp(
        { ...options, wal, partition: (topic, number) => writer.partition(topic, number) },
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

  /** The writer of a partition, where it is open. */
  opened(topicId: string, partition: number): Partition | undefined {
    return this.#partitions.get(partitionKey(topicId, partition));
  }

  /** The writer of a partition. @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED, FENCED */
  async partition(topic: TopicRecord, number: number): Promise<Partition> {
    if (this.#isClosed) throw closed("log");
    const key = partitionKey(topic.id, number);
    let opening = this.#opening.get(key);
    if (opening === undefined) {
      opening = this.#open(topic, number);
      this.#opening.set(key, opening);
      opening.catch(() => this.#opening.delete(key));
    }
    return opening;
  }

  /** The same, by the topic's id. @throws LakehouseError NO_SUCH_TOPIC, CORRUPT_SEGMENT, STORAGE_FAILED, FENCED */
  async partitionById(topicId: string, number: number): Promise<Partition> {
    const opened = this.opened(topicId, number);
    if (opened !== undefined) return opened;
    const topic = (await this.#options.meta.topics()).find(({ id }) => id === topicId);
    if (topic === undefined) throw topicDeleted(topicId);
    return this.partition(topic, number);
  }

  /** The partitions with open transactions, of those that `leads` says are led here. */
  async leftOpen(leads: (topicId: string, partition: number) => boolean): Promise<Partition[]> {
    const { meta } = this.#options;
    for (const topic of await meta.topics())
      for (let number = 0; number < topic.partitions; number++) {
        if (!leads(topic.id, number)) continue;
        const last = await meta.lastSegment(topic.id, number);
        if (last !== undefined && last.lastStable < last.nextOffset) await this.partition(topic, number);
      }
    return [...this.#partitions.values()].filter(({ openTransactions }) => openTransactions.length > 0);
  }

  /** Stops writing to a topic that is deleted. */
  async forget(topic: TopicRecord): Promise<void> {
    for (let number = 0; number < topic.partitions; number++) {
      const key = partitionKey(topic.id, number);
      const partition = await this.#opening.get(key)?.catch(() => undefined);
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
    await Promise.allSettled(this.#opening.values());
    await Promise.all([...this.#partitions.values()].map((partition) => partition.close()));
    await this.#wal.close();
  }

  async #open(topic: TopicRecord, number: number): Promise<Partition> {
    const { store, place } = this.#options;
    const manifest = new ManifestFile(store, place.manifest(topic.id, number), this.#identity.writerId);
    const end = await this.#adopt(topic, number, manifest);
    // Who looked the topic up before it was deleted must not write to what is left of it.
    if ((await this.#options.meta.topic(topic.name))?.id !== topic.id) throw topicDeleted(topic.name);
    const partition = new Partition(topic, number, end, {
      ...this.#options,
      wal: this.#wal,
      budget: this.#budget,
      manifest,
      ...this.#identity,
    });
    this.#partitions.set(partitionKey(topic.id, number), partition);
    return partition;
  }

  /** Makes segments known that an earlier process had put, and not yet made known; then says where the next one goes. */
  async #adopt(topic: TopicRecord, number: number, manifest: ManifestFile): Promise<PartitionEnd> {
    const { meta, store, place } = this.#options;
    if ((await store.head(place.deleted(topic.id))) !== undefined)
      throw noSuchTopic(
        topic.name,
        `The topic ${topic.name} is deleted, and some of its objects are still there.`,
        "Call deleteTopic again, which ends that.",
      );
    const current =
      (await manifest.read()) ?? (await manifest.create(await this.#firstManifest(topic, number)));
    await meta.setManifest(topic.id, number, current);
    const { start, next, nextOffset } = current;
    const last = await meta.lastSegment(topic.id, number);
    const isBehind = last === undefined || last.lastSequence < next;
    let offset = isBehind ? nextOffset : last.nextOffset;
    let sequence = isBehind ? next : last.lastSequence + 1;
    let producers = last === undefined ? [] : await this.#producersOf(last);
    for (;;) {
      const uri = place.segment(topic.id, number, sequence);
      const info = await store.head(uri);
      if (info === undefined) return { start, offset, sequence, producers };
      const wanted = { topicId: topic.id, partition: number, sequence };
      const footer = readFooterOf(await store.read(uri, tailOf(info.size)), info.size, uri, wanted);
      if (footer.baseOffset !== offset)
        throw fenced(
          uri,
          `The segment ${uri} begins at offset ${footer.baseOffset}, where the one before ends at ${offset}.`,
          "Make the log's metadata again from the object store, with recover.",
        );
      const storedAt = info.lastModified.getTime();
      await meta.addSegments([
        { ...summaryOf(footer), lastSequence: sequence, object: segmentName(sequence), storedAt },
      ]);
      producers = await readProducers(store, uri, footer);
      offset = footer.nextOffset;
      sequence++;
    }
  }

  /** The metadata knows what a manifest has said that is lost. */
  async #firstManifest(topic: TopicRecord, number: number): Promise<Manifest> {
    const { id, name } = topic;
    const { meta, store, place } = this.#options;
    // What is behind a deletion must not begin anew.
    if ((await store.head(place.topic(id))) === undefined) throw topicDeleted(name);
    const known = await meta.manifest(id, number);
    if (known === undefined) {
      for await (const { uri } of store.list(place.partition(id, number)))
        if (uri.endsWith(".segment")) {
          await checkFirst(store, place, topic, number);
          break;
        }
      return firstManifest();
    }
    const { revision, ...rest } = known;
    const all = await meta.segments(id, number);
    const segments = all.filter(({ sequence }) => sequence < known.next);
    const behind = all.find(({ sequence }) => sequence >= known.next);
    const nextOffset = behind?.baseOffset ?? segments.at(-1)?.nextOffset ?? known.start;
    return { ...firstManifest(), ...rest, revision: revision + 1, nextOffset, segments };
  }

  async #producersOf(segment: StoredSegment): Promise<ProducerEntry[]> {
    const { store, place } = this.#options;
    const uri = place.object(segment);
    const tail = await store.read(uri, tailOf(segment.bytes));
    return readProducers(store, uri, readFooterOf(tail, segment.bytes, uri, segment));
  }
}

/**
 * Lets one process write a log at a time. The lock is the operating system's, by SQLite: it goes with the process.
 *
 * @returns what gives it back.
 * @throws LakehouseError LOG_IN_USE; STORAGE_FAILED where the disk fails or is full
 */
export function lockWriter(folder: string): () => void {
  try {
    const lock = openSqlite(join(folder, "writer.lock"), { timeout: 0 }, (db) =>
      db.exec(
        "pragma locking_mode = exclusive; begin exclusive; create table if not exists held (anything); commit;",
      ),
    );
    return () => void lock.close();
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError)) throw cause;
    if (!cause.code.startsWith("SQLITE_BUSY")) throw unusableFolder(folder, cause);
    throw logInUse(
      folder,
      `Another process writes the log in ${folder}.`,
      "Append by that process, or wait until it is done. Reading is possible from here.",
      cause,
    );
  }
}
