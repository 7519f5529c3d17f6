import { expect, test } from "vitest";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { recoverLog } from "../../../lib/lakehouse/log/recover.js";
import { readBlock, verifySegment } from "../../../lib/lakehouse/log/segment/segment-reader.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { runs } from "../../support/runs.js";
import { drive, emptyMeta, simulate } from "../support/histories.js";
import { batchOf } from "../support/records.js";
import { Machine, World } from "../support/world.js";

// Two machines write one log. One is paused, at any moment and with its requests on their way, while the other takes the
// partition over, merges and deletes what both have written; then it goes on. Again by seed: SLH_SEED=123

const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "simulated",
  partitions: 1,
  config: topicConfig({ compression: "none", segmentMs: 50, storedLingerMs: 5, fileDeleteDelayMs: 10 }),
  createdAt: 0,
  version: 1,
};

/** What became of the writer that was paused, in all histories. */
const outcomes = new Map<string, number>();

test("of a paused writer and the one that took over, what is acknowledged as stored is there, or was deleted behind it", async () => {
  const { isWhole } = await simulate(runs(150), history);
  if (!isWhole) return;
  expect(outcomes.get("FENCED") ?? 0).toBeGreaterThan(0);
  expect(outcomes.get("late") ?? 0).toBeGreaterThan(0);
});

class Member {
  readonly acknowledged = new Map<string, bigint>();
  readonly refused: string[] = [];
  readonly #writer: Writer;

  private constructor(writer: Writer) {
    this.#writer = writer;
  }

  static async open(world: World, machine: Machine, place: Place, meta: SqliteMeta): Promise<Member> {
    const { store, clock, disk } = machine;
    const parts = { store, clock, disk, place, meta, bufferBytes: 10_000, mergeAt: 3 };
    return new Member(await drive(world, Writer.open(parts)));
  }

  async append(value: string): Promise<void> {
    try {
      const batch = await batchOf([{ value }]);
      const partition = await this.#writer.partition(TOPIC, 0);
      this.acknowledged.set(value, (await partition.append(batch, "stored")).baseOffset);
    } catch (error) {
      this.refused.push((error as { code: string }).code);
    }
  }

  /** Whoever is no longer the owner may be refused. */
  async upkeep(): Promise<void> {
    await this.#writer.upkeep.run().catch((error: { code?: string }) => this.refused.push(`${error.code}`));
  }

  async deleteRecords(before: (end: bigint) => bigint): Promise<void> {
    try {
      const { stored } = await this.#writer.partition(TOPIC, 0);
      await this.#writer.upkeep.deleteRecords(TOPIC, 0, before(stored));
    } catch (error) {
      this.refused.push((error as { code: string }).code);
    }
  }
}

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  world.objects.set(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  const first = emptyMeta();
  await first.createTopic(TOPIC);
  let sent = 0;
  const busy = async (member: Member, steps: number, keeps: number) => {
    const calls: Promise<void>[] = [];
    for (let step = 0; step < steps; step++) {
      if (world.chance(0.3)) calls.push(member.append(`${sent++}`));
      if (world.chance(keeps)) calls.push(member.upkeep());
      if (world.chance(keeps / 2))
        calls.push(member.deleteRecords((end) => BigInt(world.below(Number(end) + 1))));
      await world.step();
    }
    return calls;
  };

  const a = await Member.open(world, world.machine, place, first);
  const late = await busy(a, 5 + world.below(40), 0.05);
  world.machine.isPaused = true;

  const other = new Machine(world);
  const second = emptyMeta();
  await drive(world, recoverLog({ store: other.store, place, meta: second, clock: world.clock }));
  const b = await Member.open(world, other, place, second);
  await drive(world, Promise.all(await busy(b, 20 + world.below(100), 0.1)));
  world.now += TOPIC.config.fileDeleteDelayMs;
  await drive(world, b.upkeep());

  // It goes on, beside the other.
  world.machine.isPaused = false;
  const isAlone = world.chance(0.5);
  const before = a.acknowledged.size;
  late.push(...(await busy(a, 20, 0.1)));
  if (!isAlone) late.push(...(await busy(b, 20, 0.1)));
  await drive(world, Promise.all(late));
  if (a.acknowledged.size > before) outcomes.set("late", (outcomes.get("late") ?? 0) + 1);
  for (const code of a.refused) outcomes.set(code, (outcomes.get(code) ?? 0) + 1);

  const third = emptyMeta();
  await drive(world, recoverLog({ store: other.store, place, meta: third, clock: world.clock }));
  const records = new Map<bigint, string>();
  for (const segment of await third.segments(TOPIC.id, 0)) {
    const uri = place.object(segment);
    const body = world.objects.get(uri) as Buffer;
    for (const { position, bytes, ...entry } of verifySegment(body, uri).blocks)
      for (const batch of readBlock(
        body.subarray(position, position + bytes),
        { position, bytes, ...entry },
        uri,
      ))
        for (const { offset, value } of readRecords(batch.bytes, uri))
          records.set(offset, Buffer.from(value ?? []).toString());
  }
  const start = (await third.manifest(TOPIC.id, 0))?.start ?? 0n;
  const end = (await third.lastSegment(TOPIC.id, 0))?.nextOffset ?? 0n;
  for (let offset = start; offset < end; offset++) expect(records.has(offset), `offset ${offset}`).toBe(true);
  const given = new Set<bigint>();
  for (const { acknowledged } of [a, b])
    for (const [value, offset] of acknowledged) {
      expect(given.has(offset), `offset ${offset} was given once`).toBe(false);
      given.add(offset);
      if (offset >= start) expect(records.get(offset), `record ${value}`).toBe(value);
    }
}
