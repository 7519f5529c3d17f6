import { expect, test } from "vitest";
import { claimEpoch, firstEpoch } from "../../lib/lakehouse/log/claim-epoch.js";
import type { TopicRecord } from "../../lib/lakehouse/log/meta/log-meta.js";
import { topicConfig } from "../../lib/lakehouse/log/meta/topic-config.js";
import { PartitionReader } from "../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../lib/lakehouse/log/partition/segments.js";
import { nextOffset } from "../../lib/lakehouse/log/partition/tail.js";
import { leaderEpochOf } from "../../lib/lakehouse/log/records/header.js";
import { Writer } from "../../lib/lakehouse/log/writer.js";
import { runs } from "../support/runs.js";
import { drive, emptyMeta, recovered, simulate } from "./support/histories.js";
import { batchOf } from "./support/records.js";
import { World } from "./support/world.js";

// Histories in which a server alone is killed again and again, and loses its disk, against a list of what was appended:
// SLH_SEED=123 npx vitest run test/log/epochs.test.ts

const TOPIC = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "simulated",
  partitions: 1,
  createdAt: 0,
  version: 1,
};

/** A record that is there, be it that compaction has taken it since. */
interface Modelled {
  readonly value: string;
  readonly epoch: number;
}

/** Who has read the records before an offset, the last of them under that epoch. */
interface Consumer {
  readonly offset: bigint;
  readonly epoch: number;
  readonly read: readonly Modelled[];
}

/** What came about in all histories. */
const done = { truncated: 0, whole: 0, compacted: 0, restored: 0 };

test("who has read what a lost disk took is told where that begins, and nobody else is", async () => {
  const { isWhole } = await simulate(runs(40), history);
  if (isWhole) for (const [what, count] of Object.entries(done)) expect(count, what).toBeGreaterThan(0);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  const config = topicConfig({
    compression: "none",
    segmentBytes: 1_024,
    segmentMs: 2_000,
    minCleanableDirtyRatio: 0,
    ...(world.chance(0.5) && { cleanupPolicy: "compact" as const }),
  });
  const topic: TopicRecord = { ...TOPIC, config };
  let meta = emptyMeta();
  await meta.createTopic(topic);
  world.objects.set(place.topic(topic.id), Buffer.from(JSON.stringify(topic)));
  const model: Modelled[] = [];
  const consumers: Consumer[] = [];
  const epochs = new Set<number>();

  const lives = 2 + world.below(5);
  for (let life = 0; life < lives; life++) {
    const { store, clock, disk } = world;
    const writer = await drive(
      world,
      Writer.open({ store, clock, disk, meta, place, bufferBytes: 8_192, keptBytes: 400, mergeAt: 3 }),
    );
    const partition = await drive(world, writer.partition(topic, 0));
    if (partition.stored < partition.durable) done.restored++;
    expect(partition.durable, "the model has what the log has").toBe(BigInt(model.length));
    expect(epochs.has(partition.epoch), "an epoch is nobody's before").toBe(false);
    epochs.add(partition.epoch);
    const parts = { meta, segments: new Segments(store, place, 4_000), clock };
    const reader = new PartitionReader(topic, 0, { ...parts, writer: () => partition });
    const outside = new PartitionReader(topic, 0, { ...parts, writer: () => undefined });

    const check = async () => {
      for (const asked of [...epochs].slice(-4)) {
        expect(await drive(world, reader.endOfEpoch(asked)), `epoch ${asked}`).toEqual(
          expected(model, asked, partition.epoch),
        );
        const stored = model.slice(0, Number(partition.stored));
        const last = stored.at(-1)?.epoch ?? -1;
        if (asked <= last)
          expect(await drive(world, outside.endOfEpoch(asked))).toEqual(expected(stored, asked, last));
      }
      for (const { offset, epoch, read } of consumers) {
        const { endOffset } = await drive(world, reader.endOfEpoch(epoch));
        const common = read.findIndex((one, i) => model[i]?.value !== one.value);
        if (common >= 0) expect(endOffset, "where the lost records begin").toBe(BigInt(common));
        else expect(endOffset >= offset, "all that was read is there").toBe(true);
        done[common >= 0 ? "truncated" : "whole"]++;
      }
    };

    await check();
    for (let step = world.below(8); step > 0; step--) {
      if (world.chance(0.6)) {
        const values = Array.from({ length: 1 + world.below(3) }, (_, i) => `${seed}-${life}-${step}-${i}`);
        const batch = await batchOf(values.map((value) => ({ key: `${world.below(3)}`, value })));
        const ack = world.chance(0.6) ? "wal" : "stored";
        await drive(world, partition.append(batch, ack));
        model.push(...values.map((value) => ({ value, epoch: partition.epoch })));
      } else if (world.chance(0.5) && model.length > 0) {
        const from = BigInt(world.below(model.length));
        const [batch] = await drive(world, reader.batches(from, 1));
        // Where compaction has taken all that is behind it, there is none.
        if (batch === undefined) continue;
        const offset = nextOffset(batch);
        consumers.push({ offset, epoch: leaderEpochOf(batch.bytes), read: model.slice(0, Number(offset)) });
      } else {
        const actions = await drive(world, writer.upkeep.run());
        if (actions.some(({ what }) => what === "compact")) done.compacted++;
        await check();
      }
      for (let i = world.chance(0.3) ? 10 : 0; i > 0; i--) await world.step();
    }
    world.crash();
    if (!world.chance(0.5)) continue;
    world.files.clear();
    meta = await recovered(world, place);
    model.length = Number((await meta.lastSegment(topic.id, 0))?.nextOffset ?? 0n);
  }
}

/** As Kafka's leader answers OffsetForLeaderEpoch. */
function expected(model: readonly Modelled[], asked: number, current: number) {
  if (asked > current) return { epoch: -1, endOffset: -1n };
  const later = model.findIndex(({ epoch }) => epoch > asked);
  const before = later < 0 ? model : model.slice(0, later);
  const isLast = asked === current;
  return { epoch: isLast ? asked : (before.at(-1)?.epoch ?? asked), endOffset: BigInt(before.length) };
}

test("of those who claim an epoch at the same time, and fail, no two get the same one", async () => {
  await simulate(runs(30), async (seed) => {
    const world = new World(seed);
    world.failing = 0.2;
    const place = new Place(world.store);
    const parts = { store: world.store, clock: world.clock, place };
    const claims = Array.from({ length: 12 }, (_, i) => claimEpoch(parts, i % 3 === 0 ? 5 : 0));
    await drive(world, Promise.allSettled(claims));
    const claimed = (await Promise.allSettled(claims)).flatMap((one) =>
      one.status === "fulfilled" ? [one.value] : [],
    );
    expect(new Set(claimed).size).toBe(claimed.length);
    world.failing = 0;
    const next = await drive(world, claimEpoch(parts, 0));
    expect(next).toBeGreaterThan(Math.max(0, ...claimed));
  });
});

test("a count of epochs that was lost goes on by the clock, which fits 31 bits to 2088", async () => {
  expect(firstEpoch(Date.UTC(2020, 0, 1, 0, 1))).toBe(60);
  expect(firstEpoch(0)).toBe(1);
  expect(firstEpoch(Date.UTC(2100, 0, 1))).toBe(firstEpoch(Date.UTC(2088, 0, 1)));
  // A clock that is ahead of all leaves some to count on.
  const world = new World(1);
  world.now = Date.UTC(3000, 0, 1);
  const parts = { store: world.store, clock: world.clock, place: new Place(world.store) };
  const first = await drive(world, claimEpoch(parts, 0));
  expect(await drive(world, claimEpoch(parts, 0))).toBe(first + 1);
  expect(first).toBeLessThan(2 ** 31 - 1);
});

test("a damaged count of epochs ends the opening of the log with what to do", async () => {
  const world = new World(1);
  const place = new Place(world.store);
  world.objects.set(place.epoch, Buffer.from('{"epoch":9'));
  const parts = { store: world.store, clock: world.clock, place };
  await expect(drive(world, claimEpoch(parts, 0))).rejects.toMatchObject({ code: "CORRUPT_FILE" });
});
