import { expect, onTestFinished, test } from "vitest";
import type { TopicRecord } from "../../lib/lakehouse/log/meta/log-meta.js";
import { SqliteMeta } from "../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../lib/lakehouse/log/meta/topic-config.js";
import type { Ack } from "../../lib/lakehouse/log/partition/partition.js";
import { Place } from "../../lib/lakehouse/log/partition/place.js";
import { OpenTransactions } from "../../lib/lakehouse/log/producers/open-transactions.js";
import { readRecords } from "../../lib/lakehouse/log/records/read-records.js";
import { recoverLog } from "../../lib/lakehouse/log/recover.js";
import { readBlock, verifySegment } from "../../lib/lakehouse/log/segment/segment-reader.js";
import { Writer } from "../../lib/lakehouse/log/writer.js";
import { runs } from "../support/runs.js";
import { follow } from "./support/follower.js";
import { batchOf } from "./support/records.js";
import { World } from "./support/world.js";

// A deterministic simulation: a seed decides the order of everything, which requests fail, and when the process is killed.
// A failing history is run again by its seed: SLH_SEED=123 npx vitest run test/log/simulation.test.ts

const HISTORIES = runs(150);
const PARTITIONS = 2;

const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "simulated",
  partitions: PARTITIONS,
  config: topicConfig({ compression: "none", segmentBytes: 1024, segmentMs: 200, storedLingerMs: 10 }),
  createdAt: 0,
  version: 1,
};

interface Acknowledged {
  readonly offset: bigint;
  readonly ack: Ack;
}

test("what was acknowledged is there once, at its offset, whatever fails and whenever the process dies", async () => {
  const only = process.env.SLH_SEED;
  const seeds = only === undefined ? Array.from({ length: HISTORIES }, (_, i) => i + 1) : [Number(only)];
  for (const seed of seeds) {
    try {
      await history(seed);
    } catch (error) {
      throw new Error(`the history of SLH_SEED=${seed} failed`, { cause: error });
    }
  }
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  let meta = emptyMeta();
  await meta.createTopic(TOPIC);
  world.objects.set(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  const acknowledged = Array.from({ length: PARTITIONS }, () => new Map<string, Acknowledged>());
  const seen = Array.from({ length: PARTITIONS }, () => new Map<bigint, string>());
  const faults: string[] = [];
  let sent = 0;

  const life = async (failing: number, steps: number, isLast: boolean) => {
    world.failing = failing;
    let writer: Writer | undefined;
    const opening = openUntilItDoes(world, { meta, place }).then((opened) => {
      writer = opened;
    });
    opening.catch(() => undefined);
    const appends: Promise<void>[] = [];
    const isBeside = world.chance(0.3);
    for (const [partition, map] of seen.entries())
      void follow({
        world,
        topic: TOPIC,
        partition,
        meta,
        place,
        writer: () => (isBeside ? undefined : writer?.opened(TOPIC.id, partition)),
        seen: map,
        faults,
      });
    for (let step = 0; isLast || step < steps; step++) {
      if (writer !== undefined && step < steps && world.chance(0.4)) {
        const partition = world.below(PARTITIONS);
        const ack: Ack = world.chance(0.5) ? "wal" : "stored";
        const values = Array.from({ length: 1 + world.below(3) }, () =>
          `${sent++}`.padEnd(world.below(200), "."),
        );
        appends.push(
          append(writer, partition, values, ack, acknowledged[partition] as Map<string, Acknowledged>),
        );
      }
      if (isLast && step === steps) {
        await drive(world, opening);
        // All are answered, before the log is closed: nobody waits for memory that was not given back.
        await drive(world, Promise.all(appends));
        await drive(world, (writer as unknown as Writer).flush());
        await drive(world, (writer as unknown as Writer).close());
        expect([...world.files.keys()]).toEqual([]);
        return;
      }
      if (!(await world.step()) && writer === undefined) break;
    }
  };

  const lives = 1 + world.below(3);
  for (let i = 0; i < lives; i++) {
    await life(world.chance(0.5) ? 0 : 0.15, 20 + world.below(80), false);
    world.crash();
    if (!world.chance(0.2)) continue;
    // The machine is gone, with its disk.
    world.files.clear();
    world.failing = 0;
    meta = await recovered(world, place);
    for (const [partition, map] of acknowledged.entries()) {
      const stored = (await meta.lastSegment(TOPIC.id, partition))?.nextOffset ?? 0n;
      for (const [value, { offset, ack }] of map) if (ack === "wal" && offset >= stored) map.delete(value);
      const before = seen[partition] as Map<bigint, string>;
      for (const offset of before.keys()) if (offset >= stored) before.delete(offset);
    }
  }
  await life(0, 10, true);
  expect(faults).toEqual([]);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = await storedRecords(world, meta, place, partition);
    check(records, acknowledged[partition] as Map<string, Acknowledged>);
    for (const [offset, value] of seen[partition] as Map<bigint, string>)
      expect(records[Number(offset)]?.value, `offset ${offset}, which a reader saw`).toBe(value);
  }
  const again = await recovered(world, place);
  for (let partition = 0; partition < PARTITIONS; partition++)
    expect(await again.lastSegment(TOPIC.id, partition)).toEqual(await meta.lastSegment(TOPIC.id, partition));
}

async function openUntilItDoes(world: World, parts: { meta: SqliteMeta; place: Place }): Promise<Writer> {
  for (;;) {
    try {
      const { store, clock, disk } = world;
      const bufferBytes = world.chance(0.5) ? 4_096 : 300;
      const transactions = new OpenTransactions();
      return await Writer.open({ store, clock, disk, bufferBytes, keptBytes: 300, transactions, ...parts });
    } catch (error) {
      if ((error as { code?: string }).code !== "STORAGE_FAILED") throw error;
    }
  }
}

async function append(
  writer: Writer,
  partition: number,
  values: readonly string[],
  ack: Ack,
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  try {
    const batch = await batchOf(values.map((value) => ({ value })));
    const { baseOffset } = await (await writer.partition(TOPIC, partition)).append(batch, ack);
    for (const [i, value] of values.entries())
      acknowledged.set(value, { offset: baseOffset + BigInt(i), ack });
  } catch (error) {
    if (!/^(STORAGE_FAILED|CLOSED)$/.test((error as { code?: string }).code ?? "")) throw error;
  }
}

/** Lets things happen until the promise is settled. */
async function drive(world: World, promise: Promise<unknown>): Promise<void> {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let i = 0; !isSettled && i < 100_000; i++) await world.step();
  expect(isSettled).toBe(true);
  await promise;
}

async function storedRecords(world: World, meta: SqliteMeta, place: Place, partition: number) {
  const records: { offset: bigint; value: string }[] = [];
  const last = await meta.lastSegment(TOPIC.id, partition);
  for (let sequence = 0; sequence <= (last?.sequence ?? -1); sequence++) {
    const uri = place.segment(TOPIC.id, partition, sequence);
    const body = world.objects.get(uri) as Buffer;
    for (const entry of verifySegment(body, uri).blocks)
      for (const { bytes } of readBlock(
        body.subarray(entry.position, entry.position + entry.bytes),
        entry,
        uri,
      ))
        for (const { offset, value } of readRecords(bytes, uri))
          records.push({ offset, value: Buffer.from(value ?? []).toString() });
  }
  return records;
}

function check(
  records: readonly { offset: bigint; value: string }[],
  acknowledged: Map<string, Acknowledged>,
): void {
  expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
  const offsets = new Map(records.map(({ offset, value }) => [value, offset]));
  expect(offsets.size).toBe(records.length);
  for (const [value, { offset }] of acknowledged) expect(offsets.get(value), `record ${value}`).toBe(offset);
}

function emptyMeta(): SqliteMeta {
  const meta = new SqliteMeta(":memory:");
  onTestFinished(() => meta.close());
  return meta;
}

/** The metadata, from the objects alone. */
async function recovered(world: World, place: Place): Promise<SqliteMeta> {
  const meta = emptyMeta();
  await drive(world, recoverLog(world.store, place, meta));
  return meta;
}
