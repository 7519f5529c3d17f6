import { expect, onTestFinished, test } from "vitest";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { Isolation } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { nextOffset } from "../../../lib/lakehouse/log/partition/tail.js";
import type { NewRecord } from "../../../lib/lakehouse/log/records/batch-builder.js";
import type { Compression } from "../../../lib/lakehouse/log/records/compression.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { recoverLog } from "../../../lib/lakehouse/log/recover.js";
import { verifySegment } from "../../../lib/lakehouse/log/segment/segment-reader.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { runs } from "../../support/runs.js";
import { simulate } from "../support/histories.js";
import { openLog, readAll, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";
import { World } from "../support/world.js";

const DELETE_RETENTION_MS = 10_000;
const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "lz4", "zstd"];

interface Sent {
  readonly offset: bigint;
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: bigint;
  readonly producerId: bigint | undefined;
}

/** What a reader makes of records: the latest value of each key. */
function apply(map: Map<string, string>, { key, value }: Pick<Sent, "key" | "value">): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

/** One partition of a compacted topic, in a world of its own, beside all that was ever sent to it. */
class Compacted {
  readonly sent: Sent[] = [];
  readonly aborted = new Set<bigint>();
  readonly meta = new SqliteMeta(":memory:");
  readonly world: World;
  readonly place: Place;
  readonly topic: TopicRecord;
  /** The sequence number of each producer's next record. */
  readonly #sequences = new Map<bigint, number>();
  #writer: Writer | undefined;

  constructor(seed: number) {
    onTestFinished(() => this.meta.close());
    this.world = new World(seed);
    this.place = new Place(this.world.store);
    this.topic = {
      id: "01234567-89ab-cdef-0123-456789abcdef",
      name: "compacted",
      partitions: 1,
      config: topicConfig({
        cleanupPolicy: "compact",
        segmentMs: 20,
        storedLingerMs: 5,
        deleteRetentionMs: DELETE_RETENTION_MS,
        minCleanableDirtyRatio: this.world.chance(0.5) ? 0 : 0.3,
        minCompactionLagMs: this.world.chance(0.3) ? 500 : 0,
        fileDeleteDelayMs: 100,
      }),
      createdAt: 0,
      version: 1,
    };
  }

  async open(): Promise<void> {
    await this.meta.createTopic(this.topic);
    this.world.objects.set(this.place.topic(this.topic.id), Buffer.from(JSON.stringify(this.topic)));
    await this.#start();
  }

  async #start(): Promise<void> {
    const { store, clock, disk } = this.world;
    const parts = {
      store,
      clock,
      disk,
      place: this.place,
      meta: this.meta,
      bufferBytes: 1e6,
      keptBytes: 200,
    };
    const mostKeys = this.world.chance(0.3) ? 3 : undefined;
    this.#writer = await this.drive(Writer.open({ ...parts, mergeAt: 3, mostKeys }));
  }

  get writer(): Writer {
    return this.#writer as Writer;
  }

  reader(isMemory: boolean): PartitionReader {
    return new PartitionReader(this.topic, 0, {
      meta: this.meta,
      segments: new Segments(this.world.store, this.place, 10_000),
      clock: this.world.clock,
      writer: () => (isMemory ? this.writer.opened(this.topic.id, 0) : undefined),
    });
  }

  async append(
    records: readonly { key: string; value: string | null }[],
    producerId?: bigint,
  ): Promise<void> {
    const { world } = this;
    const timestamp = world.now;
    const compression = COMPRESSIONS[world.below(COMPRESSIONS.length)];
    const baseSequence = producerId === undefined ? -1 : (this.#sequences.get(producerId) ?? 0);
    if (producerId !== undefined) {
      this.#sequences.set(producerId, baseSequence + records.length);
    }
    const batch = await batchOf(
      records.map((record): NewRecord => ({ ...record, timestamp })),
      compression,
      0n,
      producerId === undefined
        ? undefined
        : { producerId, producerEpoch: 0, baseSequence, kind: "transactional" },
    );
    const partition = await this.drive(this.writer.partition(this.topic, 0));
    if (producerId !== undefined)
      await this.drive(partition.transactions.learn({ producerId, epoch: 0 }, async () => 1));
    const { baseOffset } = await this.drive(partition.append(batch, world.chance(0.7) ? "stored" : "wal"));
    for (const [i, record] of records.entries())
      this.sent.push({ ...record, offset: baseOffset + BigInt(i), timestamp: BigInt(timestamp), producerId });
  }

  /** Ends a producer's transaction. */
  async end(producerId: bigint, isCommitted: boolean): Promise<void> {
    const partition = await this.drive(this.writer.partition(this.topic, 0));
    if (!isCommitted) {
      const since = partition.openTransactions.find((one) => one.producerId === producerId)?.openSince;
      for (const { offset, producerId: by } of this.sent)
        if (by === producerId && since !== undefined && offset >= since) this.aborted.add(offset);
    }
    await this.drive(partition.appendMarker(producerId, 0, isCommitted ? "commit" : "abort", "stored"));
  }

  async upkeep(): Promise<void> {
    await this.drive(this.writer.upkeep.run());
  }

  /** Upkeep of which some requests fail. */
  async failingUpkeep(): Promise<void> {
    this.world.failing = 0.1;
    const run = this.writer.upkeep.run();
    await this.drive(run.catch(({ code }: { code?: string }) => expect(code).toBe("STORAGE_FAILED")));
    this.world.failing = 0;
  }

  /** The process dies in the midst of upkeep, and another goes on. */
  async crash(): Promise<void> {
    this.writer.upkeep.run().catch(() => undefined);
    for (let steps = this.world.below(80); steps > 0; steps--) await this.world.step();
    this.world.crash();
    await this.#start();
  }

  /** What is there before the last stable offset: nothing of it was aborted. */
  expectedMap(lastStable: bigint): Map<string, string> {
    const map = new Map<string, string>();
    for (const one of this.sent)
      if (one.offset < lastStable && !this.aborted.has(one.offset)) apply(map, one);
    return map;
  }

  /** Some batches, and where it goes on. */
  async read(reader: PartitionReader, from: bigint, isolation: Isolation) {
    const batches = await this.drive(reader.batches(from, 400, { isolation }));
    const committed = isolation === "read_committed" ? await this.drive(reader.committed(batches)) : batches;
    const records = committed
      .flatMap(({ bytes }) => readRecords(bytes, "compacted"))
      .filter(({ offset }) => offset >= from)
      .map(({ offset, key, value, timestamp }) => ({
        offset,
        timestamp,
        key: text(key) as string,
        value: text(value),
      }));
    const last = batches.at(-1);
    return { records, next: last === undefined ? undefined : nextOffset(last) };
  }

  async readAll(reader: PartitionReader, isolation: Isolation) {
    const all: Awaited<ReturnType<Compacted["read"]>>["records"] = [];
    for (let from = 0n; ; ) {
      const { records, next } = await this.read(reader, from, isolation);
      all.push(...records);
      if (next === undefined) return all;
      from = next;
    }
  }

  async drive<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let i = 0; !isSettled && i < 100_000; i++) await this.world.step();
    expect(isSettled).toBe(true);
    return promise;
  }
}

/** It began to read at some time, and is slow: within `deleteRetentionMs` it misses nothing. */
class SlowReader {
  readonly map = new Map<string, string>();
  readonly until: number;
  readonly #partition: Compacted;
  readonly #reader: PartitionReader;
  #from = 0n;

  constructor(partition: Compacted) {
    this.#partition = partition;
    this.#reader = partition.reader(partition.world.chance(0.5));
    this.until = partition.world.now + DELETE_RETENTION_MS;
  }

  async step(): Promise<boolean> {
    const { records, next } = await this.#partition.read(this.#reader, this.#from, "read_committed");
    for (const record of records) apply(this.map, record);
    if (next !== undefined) this.#from = next;
    return next !== undefined;
  }

  /** Reads to the end, and has what is there then. */
  async finish(): Promise<void> {
    const endOf = async () => (await this.#partition.drive(this.#reader.offsets())).lastStable;
    let lastStable = await endOf();
    for (let before = -1n; before !== lastStable; lastStable = await endOf()) {
      before = lastStable;
      while (await this.step());
    }
    expect(this.map).toEqual(this.#partition.expectedMap(lastStable));
  }
}

async function history(seed: number): Promise<void> {
  const partition = new Compacted(seed);
  const { world } = partition;
  await partition.open();
  const open = new Set<bigint>();
  let readers: SlowReader[] = [];
  const steps = 20 + world.below(80);
  for (let step = 0; step < steps; step++) {
    const producerId = world.chance(0.4) ? BigInt(1 + world.below(2)) : undefined;
    const records = Array.from({ length: 1 + world.below(4) }, () => ({
      key: `k${world.below(6)}`,
      value: world.chance(0.25) ? null : `${step}-${world.below(1_000)}`,
    }));
    await partition.append(records, producerId);
    if (producerId !== undefined) open.add(producerId);
    for (const one of open)
      if (world.chance(0.3)) {
        await partition.end(one, world.chance(0.5));
        open.delete(one);
      }
    if (world.chance(0.2)) await partition.upkeep();
    if (world.chance(0.1)) await partition.failingUpkeep();
    if (world.chance(0.1)) await partition.crash();
    if (world.chance(0.3)) world.now += world.below(DELETE_RETENTION_MS / 2);
    if (world.chance(0.1)) readers.push(new SlowReader(partition));
    for (const reader of readers) if (world.now < reader.until && world.chance(0.5)) await reader.step();
    // Who was too slow may have missed that a key was deleted.
    readers = readers.filter(({ until }) => world.now < until);
    for (const reader of readers) if (world.chance(0.1)) await reader.finish();
  }
  for (const reader of readers) if (world.now < reader.until) await reader.finish();
  for (const one of open) await partition.end(one, true);
  await partition.upkeep();

  const bySent = new Map(partition.sent.map((one) => [one.offset, one]));
  for (const isolation of ["read_committed", "read_uncommitted"] as const) {
    const all = await partition.readAll(partition.reader(world.chance(0.5)), isolation);
    for (const [i, { offset, ...record }] of all.entries()) {
      const { key, value, timestamp } = bySent.get(offset) as Sent;
      expect(record).toEqual({ key, value, timestamp });
      if (i > 0) expect(offset > (all[i - 1]?.offset as bigint)).toBe(true);
    }
    const map = new Map<string, string>();
    for (const one of all) if (!partition.aborted.has(one.offset)) apply(map, one);
    expect(map).toEqual(partition.expectedMap(2n ** 62n));
  }

  // In the end, there is one record for each key, and none for those that were deleted.
  const before = (await partition.drive(partition.reader(true).offsets())).end;
  for (let round = 0; round < 3; round++) {
    world.now += DELETE_RETENTION_MS + 1_000;
    await partition.append([{ key: "last", value: "x".repeat(4_000) }]);
    await partition.drive(partition.writer.flush());
    await partition.append([{ key: "newest", value: `${round}` }]);
    await partition.drive(partition.writer.flush());
    world.now += 1_000;
    await partition.upkeep();
  }
  const left = await partition.readAll(partition.reader(true), "read_uncommitted");
  const old = left.filter(({ offset }) => offset < before);
  expect(new Map(old.map(({ key, value }) => [key, value]))).toEqual(partition.expectedMap(before));
  expect(old).toHaveLength(partition.expectedMap(before).size);
  for (const segment of await partition.meta.segments(partition.topic.id, 0)) {
    const uri = partition.place.object(segment);
    verifySegment(world.objects.get(uri) as Buffer, uri);
  }
  const again = new SqliteMeta(":memory:");
  onTestFinished(() => again.close());
  await partition.drive(
    recoverLog({ store: world.store, place: partition.place, meta: again, clock: world.clock }),
  );
  expect(await again.segments(partition.topic.id, 0)).toEqual(
    await partition.meta.segments(partition.topic.id, 0),
  );
}

test("a compacted partition is the map that it was, to every reader who is quick enough, and ends as one record a key", async () => {
  await simulate(runs(15), history);
});

test("a record without a key is refused where keys are compacted, and nothing of its call is appended", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("flights", { cleanupPolicy: "compact" });
  await expect(topic.append([{ key: "a", value: "1" }, { value: "2" }])).rejects.toMatchObject({
    code: "INVALID_RECORD",
  });
  expect(await readAll(topic)).toEqual([]);
  await log.alterTopic("flights", { cleanupPolicy: "compact,delete" });
  await expect(topic.append({ value: "2" })).rejects.toMatchObject({ code: "INVALID_RECORD" });
  await log.alterTopic("flights", { cleanupPolicy: "delete" });
  await topic.append({ value: "2" });
});
