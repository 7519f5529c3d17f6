import { type FileHandle, open } from "node:fs/promises";
import Database from "better-sqlite3";
import { closed, isLakehouseError } from "../../errors.js";
import { keep, openSqlite } from "../../sqlite.js";
import { storageFailed } from "../../storage/index.js";
import { thereIsOne } from "../errors.js";
import type { Manifest } from "../manifest/manifest.js";
import type { StoredSegment } from "../segment/layout.js";
import type { KnownManifest, LogMeta, PartitionSize, TopicRecord, Writing } from "./log-meta.js";
import { DEFAULT_CONFIG } from "./topic-config.js";

const SCHEMA = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  create table if not exists topics (
    id text primary key, name text not null unique, partitions integer not null, config text not null,
    created_at integer not null, version integer not null
  );
  create table if not exists segments (
    topic text not null, partition integer not null, base_offset integer not null, next_offset integer not null,
    sequence integer not null, epoch integer not null, records integer not null,
    max_timestamp integer not null, last_stable integer not null, bytes integer not null, last_sequence integer not null, object text not null,
    stored_at integer not null,
    primary key (topic, partition, sequence)
  ) without rowid;
  create index if not exists by_offset on segments (topic, partition, base_offset);
  create table if not exists manifests (
    topic text not null, partition integer not null, revision integer not null, start integer not null,
    next integer not null, cleaned integer not null, primary key (topic, partition)
  ) without rowid;
  create table if not exists writers (epoch integer primary key, id integer not null unique);
`;
const BUSY_MS = 30_000;

/** The metadata in one SQLite file, which any number of processes of one machine may have open. */
export class SqliteMeta implements LogMeta {
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  /** SQLite's write-ahead log, which is one file for as long as a connection is open. */
  #flushed: Promise<FileHandle> | undefined;

  /** @throws LakehouseError STORAGE_FAILED, BROKEN_INSTALL */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#db = openSqlite(path, { timeout: BUSY_MS }, (db) => db.exec(SCHEMA));
      this.#statements = keep(prepare(this.#db));
    } catch (cause) {
      throw isLakehouseError(cause) ? cause : this.#failure(cause);
    }
  }

  async createTopic({ id, name, partitions, config, createdAt, version }: TopicRecord): Promise<void> {
    this.#run(() => {
      try {
        this.#statements.addTopic.run(id, name, partitions, JSON.stringify(config), createdAt, version);
      } catch (cause) {
        if ((cause as { code?: string }).code !== "SQLITE_CONSTRAINT_UNIQUE") throw cause;
        throw thereIsOne(name, cause);
      }
    });
  }

  async changeTopic({ id, partitions, config, version }: TopicRecord): Promise<void> {
    this.#run(() =>
      this.#statements.changeTopic.run(partitions, JSON.stringify(config), version, id, version),
    );
  }

  async topic(name: string): Promise<TopicRecord | undefined> {
    const row = this.#run(() => this.#statements.topic.get(name) as TopicRow | undefined);
    return row === undefined ? undefined : toTopic(row);
  }

  async topicOf(id: string): Promise<TopicRecord | undefined> {
    const row = this.#run(() => this.#statements.topicOf.get(id) as TopicRow | undefined);
    return row === undefined ? undefined : toTopic(row);
  }

  async topics(): Promise<TopicRecord[]> {
    return this.#run(() => this.#statements.topics.all() as TopicRow[]).map(toTopic);
  }

  async deleteTopic(id: string): Promise<void> {
    this.#transact(() => {
      this.#statements.deleteTopic.run(id);
      this.#statements.deleteSegments.run(id);
      this.#statements.deleteManifests.run(id);
    });
  }

  async beginWriting(): Promise<Writing> {
    const { epoch, id } = this.#transact(() => this.#statements.addWriter.get() as WriterRow);
    return { epoch: Number(epoch), writerId: id };
  }

  async hasWritten(writerId: bigint): Promise<boolean> {
    return this.#run(() => this.#statements.writer.get(writerId)) !== undefined;
  }

  async addSegments(segments: readonly StoredSegment[]): Promise<void> {
    // Who reads what others lead looks for news again and again: where there are none, nobody waits for the disk.
    if (segments.length === 0) return;
    await this.#transactAside(() => this.#add(segments));
  }

  #add(segments: readonly StoredSegment[]): void {
    for (const s of segments)
      this.#statements.addSegment.run(
        s.topicId,
        s.partition,
        s.baseOffset,
        s.nextOffset,
        s.sequence,
        s.epoch,
        s.records,
        s.maxTimestamp,
        s.lastStable,
        s.bytes,
        s.lastSequence,
        s.object,
        s.storedAt,
      );
  }

  async setManifest(topicId: string, partition: number, manifest: Manifest): Promise<void> {
    const { revision, start, next, cleaned, segments } = manifest;
    await this.#transactAside(() => {
      // Its topic may be deleted by now, and its revision be behind what another has made known.
      const values = [topicId, partition, revision, start, next, cleaned];
      const isNewer = this.#statements.setManifest.run(...values, topicId);
      if (isNewer.changes === 0) return;
      this.#statements.dropSegments.run(topicId, partition, next);
      this.#add(segments);
    });
  }

  async manifest(topicId: string, partition: number): Promise<KnownManifest | undefined> {
    const row = this.#run(() => this.#statements.manifest.get(topicId, partition)) as ManifestRow | undefined;
    if (row === undefined) return undefined;
    const { revision, start, next, cleaned } = row;
    return { revision: Number(revision), start, next: Number(next), cleaned };
  }

  async segments(topicId: string, partition: number): Promise<StoredSegment[]> {
    return this.#run(() => this.#statements.segments.all(topicId, partition) as SegmentRow[]).map(toSegment);
  }

  async sizes(topicId: string): Promise<PartitionSize[]> {
    const rows = this.#run(() => this.#statements.sizes.all(topicId)) as Record<
      keyof PartitionSize,
      bigint
    >[];
    return rows.map(({ partition, segments, bytes }) => ({
      partition: Number(partition),
      segments: Number(segments),
      bytes: Number(bytes),
    }));
  }

  async lastSegment(topicId: string, partition: number): Promise<StoredSegment | undefined> {
    return this.#segment(() => this.#statements.last.get(topicId, partition));
  }

  async segmentOf(topicId: string, partition: number, offset: bigint): Promise<StoredSegment | undefined> {
    const segment = this.#segment(() => this.#statements.at.get(topicId, partition, offset));
    return segment !== undefined && offset < segment.nextOffset ? segment : undefined;
  }

  async segmentSince(
    topicId: string,
    partition: number,
    timestamp: bigint,
  ): Promise<StoredSegment | undefined> {
    return this.#segment(() => this.#statements.since.get(topicId, partition, timestamp));
  }

  async close(): Promise<void> {
    await (await this.#flushed?.catch(() => undefined))?.close();
    this.#db.close();
  }

  #segment(find: () => unknown): StoredSegment | undefined {
    const row = this.#run(find) as SegmentRow | undefined;
    return row === undefined ? undefined : toSegment(row);
  }

  /**
   * The same for what goes on while clients are served: another thread waits for the disk. As with SQLite's own
   * `synchronous = full`, which flushes its write-ahead log after each transaction, it is on the disk when this resolves; a
   * checkpoint flushes whatever it moves.
   */
  async #transactAside(work: () => void): Promise<void> {
    this.#run(() => {
      this.#db.exec("pragma synchronous = normal");
      try {
        this.#db.transaction(work).immediate();
      } finally {
        this.#db.exec("pragma synchronous = full");
      }
    });
    if (this.#db.memory) return;
    this.#flushed ??= open(`${this.#path}-wal`, "r+");
    const flushed = this.#flushed;
    try {
      await (await flushed).datasync();
    } catch (cause) {
      if (this.#flushed === flushed) this.#flushed = undefined;
      // A disk that fails is asked again and again: each time by another handle.
      await (await flushed.catch(() => undefined))?.close().catch(() => undefined);
      throw this.#failure(cause);
    }
  }

  #transact<T>(work: () => T): T {
    return this.#run(() => this.#db.transaction(work).immediate());
  }

  #run<T>(work: () => T): T {
    if (!this.#db.open) throw closed("log");
    try {
      return work();
    } catch (error) {
      throw error instanceof Database.SqliteError ? this.#failure(error) : error;
    }
  }

  #failure(cause: unknown) {
    return storageFailed(
      this.#path,
      `The log's metadata ${this.#path} cannot be used: ${(cause as Error).message}.`,
      "Look whether its disk is full or failing. If the file is lost, it can be made again from the object store.",
      cause,
    );
  }
}

interface TopicRow {
  readonly id: string;
  readonly name: string;
  readonly partitions: bigint;
  readonly config: string;
  readonly created_at: bigint;
  readonly version: bigint;
}

function toTopic({ id, name, partitions, config, created_at, version }: TopicRow): TopicRecord {
  return {
    id,
    name,
    partitions: Number(partitions),
    config: { ...DEFAULT_CONFIG, ...JSON.parse(config) },
    createdAt: Number(created_at),
    version: Number(version),
  };
}

interface WriterRow {
  readonly epoch: bigint;
  readonly id: bigint;
}

interface SegmentRow {
  readonly topic: string;
  readonly partition: bigint;
  readonly base_offset: bigint;
  readonly next_offset: bigint;
  readonly sequence: bigint;
  readonly epoch: bigint;
  readonly records: bigint;
  readonly max_timestamp: bigint;
  readonly last_stable: bigint;
  readonly bytes: bigint;
  readonly last_sequence: bigint;
  readonly object: string;
  readonly stored_at: bigint;
}

interface ManifestRow {
  readonly revision: bigint;
  readonly start: bigint;
  readonly next: bigint;
  readonly cleaned: bigint;
}

function toSegment(row: SegmentRow): StoredSegment {
  return {
    topicId: row.topic,
    partition: Number(row.partition),
    baseOffset: row.base_offset,
    nextOffset: row.next_offset,
    sequence: Number(row.sequence),
    epoch: Number(row.epoch),
    records: Number(row.records),
    maxTimestamp: row.max_timestamp,
    lastStable: row.last_stable,
    bytes: Number(row.bytes),
    lastSequence: Number(row.last_sequence),
    object: row.object,
    storedAt: Number(row.stored_at),
  };
}

function prepare(db: Database.Database) {
  const statement = (text: string) => keep(db.prepare(text).safeIntegers());
  const of = "from segments where topic = ? and partition = ?";
  return {
    addTopic: statement("insert into topics values (?, ?, ?, ?, ?, ?)"),
    changeTopic: statement(
      "update topics set partitions = ?, config = ?, version = ? where id = ? and version < ?",
    ),
    topic: statement("select * from topics where name = ?"),
    topicOf: statement("select * from topics where id = ?"),
    topics: statement("select * from topics order by name"),
    deleteTopic: statement("delete from topics where id = ?"),
    deleteSegments: statement("delete from segments where topic = ?"),
    deleteManifests: statement("delete from manifests where topic = ?"),
    setManifest: statement(
      `insert into manifests select ?, ?, ?, ?, ?, ? where exists (select 1 from topics where id = ?)
        on conflict do update set revision = excluded.revision, start = excluded.start, next = excluded.next,
          cleaned = excluded.cleaned
        where excluded.revision > revision`,
    ),
    manifest: statement("select * from manifests where topic = ? and partition = ?"),
    dropSegments: statement("delete from segments where topic = ? and partition = ? and sequence < ?"),
    segments: statement(`select * ${of} order by sequence`),
    sizes: statement(
      `select partition, count(*) segments, sum(bytes) bytes from segments where topic = ?
        group by partition order by partition`,
    ),
    addWriter: statement(
      // Made again from the objects, the metadata knows the epochs of segments alone.
      `insert into writers select max(
        (select coalesce(max(epoch), 0) from writers), (select coalesce(max(epoch), 0) from segments)
      ) + 1, abs(random() / 2) returning *`,
    ),
    writer: statement("select 1 from writers where id = ?"),
    addSegment: statement("insert or ignore into segments values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    last: statement(`select * ${of} order by sequence desc limit 1`),
    // An empty segment, which begins an epoch, has the base offset of the one behind it.
    at: statement(
      `select * ${of} and base_offset <= ? and next_offset > base_offset order by base_offset desc limit 1`,
    ),
    since: statement(`select * ${of} and max_timestamp >= ? order by sequence limit 1`),
  };
}
