import { expect, test } from "vitest";
import type { TopicRecord } from "../../lib/lakehouse/log/meta/log-meta.js";
import type { SqliteMeta } from "../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../lib/lakehouse/log/meta/topic-config.js";
import type { Ack } from "../../lib/lakehouse/log/partition/partition.js";
import { Place } from "../../lib/lakehouse/log/partition/place.js";
import { readRecords } from "../../lib/lakehouse/log/records/read-records.js";
import type { StoredSegment } from "../../lib/lakehouse/log/segment/layout.js";
import { readBlock, verifySegment } from "../../lib/lakehouse/log/segment/segment-reader.js";
import type { UpkeepAction } from "../../lib/lakehouse/log/upkeep/upkeep.js";
import { Writer } from "../../lib/lakehouse/log/writer.js";
import { runs } from "../support/runs.js";
import { follow } from "./support/follower.js";
import { drive, emptyMeta, recovered, simulate } from "./support/histories.js";
import { batchOf } from "./support/records.js";
import { World } from "./support/world.js";

// A deterministic simulation: a seed decides the order of everything, which requests fail, and when the process is killed.
// A failing history is run again by its seed: SLH_SEED=123 npx vitest run test/log/simulation.test.ts

const HISTORIES = runs(150);
const PARTITIONS = 2;

const SETTINGS = {
  compression: "none",
  segmentBytes: 1024,
  segmentMs: 200,
  storedLingerMs: 10,
  fileDeleteDelayMs: 40,
} as const;
const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "simulated",
  partitions: PARTITIONS,
  config: topicConfig(SETTINGS),
  createdAt: 0,
  version: 1,
};
/** Of a few topics old records go. */
const RETENTIONS = [{ retentionBytes: 1_500 }, { retentionMs: 300 }];

interface Acknowledged {
  readonly offset: bigint;
  readonly ack: Ack;
}

/** Where a partition was asked to begin. */
interface Begun {
  asked: bigint;
  answered: bigint;
}

/** What was done to the partitions of all histories. */
const done = new Map<string, number>();

test("what was acknowledged is there once, at its offset, whatever fails and whenever the process dies", async () => {
  const { isWhole } = await simulate(HISTORIES, history);
  if (isWhole)
    for (const what of ["expire", "merge", "forget", "delete"])
      expect(done.get(what) ?? 0, what).toBeGreaterThan(0);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  let meta = emptyMeta();
  const retention = world.chance(0.2) ? RETENTIONS[world.below(RETENTIONS.length)] : undefined;
  const timestampType = world.chance(0.3) ? "LogAppendTime" : "CreateTime";
  const topic = { ...TOPIC, config: topicConfig({ ...SETTINGS, ...retention, timestampType }) };
  await meta.createTopic(topic);
  world.objects.set(place.topic(topic.id), Buffer.from(JSON.stringify(topic)));
  const begun = Array.from({ length: PARTITIONS }, (): Begun => ({ asked: 0n, answered: 0n }));
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
    const note = (actions: readonly UpkeepAction[]) => {
      for (const { what } of actions) done.set(what, (done.get(what) ?? 0) + 1);
    };
    for (let step = 0; isLast || step < steps; step++) {
      if (writer !== undefined && step < steps && world.chance(0.05))
        appends.push(writer.upkeep.run().then(note).catch(expected));
      if (writer !== undefined && step < steps && world.chance(0.03)) {
        const partition = world.below(PARTITIONS);
        appends.push(
          deleteRecords(world, writer, topic, partition, begun[partition] as Begun).catch(expected),
        );
      }
      if (writer !== undefined && step < steps && world.chance(0.4)) {
        const partition = world.below(PARTITIONS);
        const ack: Ack = world.chance(0.5) ? "wal" : "stored";
        const values = Array.from({ length: 1 + world.below(3) }, () =>
          `${sent++}`.padEnd(world.below(200), "."),
        );
        appends.push(
          append(world, writer, partition, values, ack, acknowledged[partition] as Map<string, Acknowledged>),
        );
      }
      if (isLast && step === steps) {
        await drive(world, opening);
        // All are answered, before the log is closed: nobody waits for memory that was not given back.
        await drive(world, Promise.all(appends));
        await drive(world, (writer as unknown as Writer).flush());
        for (let isIdle = false; !isIdle; ) {
          world.now += 1_000;
          const actions = (writer as unknown as Writer).upkeep.run();
          await drive(world, actions.then(note));
          isIdle = (await actions).length === 0;
        }
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
  const again = await recovered(world, place);
  const left = new Set([place.topic(TOPIC.id), place.epoch]);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const segments = await meta.segments(TOPIC.id, partition);
    const start = (await meta.manifest(TOPIC.id, partition))?.start ?? 0n;
    const { asked, answered } = begun[partition] as Begun;
    expect(start >= answered, `${start} is not before ${answered}`).toBe(true);
    if (retention === undefined) expect(start <= asked, `${start} is not behind ${asked}`).toBe(true);
    const records = storedRecords(world, place, segments, start);
    check(records, start, acknowledged[partition] as Map<string, Acknowledged>);
    for (const [offset, value] of seen[partition] as Map<bigint, string>)
      if (offset >= start)
        expect(records[Number(offset - start)]?.value, `offset ${offset}, which a reader saw`).toBe(value);
    expect(await again.segments(TOPIC.id, partition)).toEqual(segments);
    for (const segment of segments) left.add(place.object(segment));
    if (world.objects.has(place.manifest(TOPIC.id, partition))) left.add(place.manifest(TOPIC.id, partition));
  }
  // Nothing is left that nobody knows.
  expect(new Set(world.objects.keys())).toEqual(left);
}

async function openUntilItDoes(world: World, parts: { meta: SqliteMeta; place: Place }): Promise<Writer> {
  for (;;) {
    try {
      const { store, clock, disk } = world;
      const bufferBytes = world.chance(0.5) ? 4_096 : 300;
      return await Writer.open({
        store,
        clock,
        disk,
        bufferBytes,
        keptBytes: 300,
        mergeAt: 3,
        onFailure: expected,
        ...parts,
      });
    } catch (error) {
      if ((error as { code?: string }).code !== "STORAGE_FAILED") throw error;
    }
  }
}

/** What may befall anyone when requests fail, and when the process ends. */
function expected(error: unknown): void {
  if (!/^(STORAGE_FAILED|CLOSED)$/.test((error as { code?: string }).code ?? "")) throw error;
}

async function deleteRecords(world: World, writer: Writer, topic: TopicRecord, number: number, begun: Begun) {
  const partition = await writer.partition(topic, number);
  const before = BigInt(world.below(Number(partition.highWatermark) + 1));
  if (before > begun.asked) begun.asked = before;
  await writer.upkeep.deleteRecords(topic, number, before);
  if (before > begun.answered) begun.answered = before;
}

async function append(
  world: World,
  writer: Writer,
  partition: number,
  values: readonly string[],
  ack: Ack,
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  try {
    const batch = await batchOf(values.map((value) => ({ value, timestamp: world.now })));
    const { baseOffset } = await (await writer.partition(TOPIC, partition)).append(batch, ack);
    for (const [i, value] of values.entries())
      acknowledged.set(value, { offset: baseOffset + BigInt(i), ack });
  } catch (error) {
    expected(error);
  }
}

function storedRecords(world: World, place: Place, segments: readonly StoredSegment[], start: bigint) {
  const records: { offset: bigint; value: string }[] = [];
  for (const segment of segments) {
    const uri = place.object(segment);
    const body = world.objects.get(uri) as Buffer;
    for (const entry of verifySegment(body, uri).blocks)
      for (const { bytes } of readBlock(
        body.subarray(entry.position, entry.position + entry.bytes),
        entry,
        uri,
      ))
        for (const { offset, value } of readRecords(bytes, uri))
          if (offset >= start) records.push({ offset, value: Buffer.from(value ?? []).toString() });
  }
  return records;
}

function check(
  records: readonly { offset: bigint; value: string }[],
  start: bigint,
  acknowledged: Map<string, Acknowledged>,
): void {
  expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => start + BigInt(i)));
  const offsets = new Map(records.map(({ offset, value }) => [value, offset]));
  expect(offsets.size).toBe(records.length);
  for (const [value, { offset }] of acknowledged)
    if (offset >= start) expect(offsets.get(value), `record ${value}`).toBe(offset);
}
