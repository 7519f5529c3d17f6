import { expect, test } from "vitest";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { runs } from "../../support/runs.js";
import { drive, emptyMeta, recovered, simulate } from "../support/histories.js";
import { World } from "../support/world.js";
import { NUMBERS } from "./numbers.js";

// As in ../simulation.test.ts: a failing history is run again by its seed, SLH_SEED=123.

const HISTORIES = runs(80);
const KEYS = ["a", "b", "c", "d"];
const TOPIC = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "__simulated",
  partitions: 1,
  config: topicConfig({ compression: "none", segmentBytes: 1024, segmentMs: 200, storedLingerMs: 10 }),
  createdAt: 0,
  version: 1,
} satisfies TopicRecord;

/** What was written to one key, in the order of the calls. */
interface Written {
  readonly value: number | undefined;
  ack: Ack | undefined;
}

test("a map has what was acknowledged last, whatever fails and whenever the process dies", async () => {
  await simulate(HISTORIES, history);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  let meta = emptyMeta();
  await meta.createTopic(TOPIC);
  world.objects.set(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  const written = new Map<string, Written[]>(KEYS.map((key) => [key, [{ value: undefined, ack: "stored" }]]));
  let next = 0;

  const write = async (state: StateTopic<number>) => {
    const keys = KEYS.filter(() => world.chance(0.4));
    const ack: Ack = world.chance(0.8) ? "wal" : "stored";
    const changes = keys.map((key) => {
      const one: Written = { value: world.chance(0.2) ? undefined : next++, ack: undefined };
      (written.get(key) as Written[]).push(one);
      return [key, one] as const;
    });
    await state.write(
      changes.map(([key, { value }]) => [key, value]),
      ack,
    );
    for (const [, one] of changes) one.ack = ack;
  };

  const lives = 2 + world.below(3);
  for (let life = 0; life < lives; life++) {
    world.failing = world.chance(0.5) ? 0 : 0.1;
    const steps = 20 + world.below(80);
    let state: StateTopic<number> | undefined;
    const faults: unknown[] = [];
    const opening = open(world, meta, place).then((opened) => {
      state = opened;
      for (const key of KEYS) expectPossible(opened, key, written.get(key) as Written[]);
    });
    opening.catch((error) => faults.push(error));
    for (let step = 0; step < steps; step++) {
      if (state !== undefined && world.chance(0.4))
        write(state).catch((error: { code?: string }) => {
          if (!/^(STORAGE_FAILED|CLOSED)$/.test(error.code ?? "")) faults.push(error);
        });
      if (!(await world.step()) && state === undefined) break;
    }
    expect(faults).toEqual([]);
    world.crash();
    if (!world.chance(0.2)) continue;
    // The machine is gone, with its disk.
    world.files.clear();
    world.failing = 0;
    meta = await recovered(world, place);
    for (const list of written.values()) for (const one of list) if (one.ack === "wal") one.ack = undefined;
  }
  world.failing = 0;
  const last = await drive(world, open(world, meta, place));
  for (const key of KEYS) expectPossible(last, key, written.get(key) as Written[]);
}

/** The last that was acknowledged, or one after it whose answer never came. What a map once had is what it goes on with. */
function expectPossible(state: StateTopic<number>, key: string, list: Written[]): void {
  const since = list.findLastIndex(({ ack }) => ack !== undefined);
  const value = state.get(key);
  expect(list.slice(since).map((one) => one.value)).toContain(value);
}

async function open(world: World, meta: SqliteMeta, place: Place): Promise<StateTopic<number>> {
  const { store, clock, disk } = world;
  const sizes = { bufferBytes: 4_096, keptBytes: 300 };
  const writer = await untilItDoes(() => Writer.open({ store, clock, disk, meta, place, ...sizes }));
  const partition = await untilItDoes(() => writer.partition(TOPIC, 0));
  const segments = new Segments(store, place, 2_000);
  const reader = new PartitionReader(TOPIC, 0, { meta, segments, clock, writer: () => partition });
  const append = (batch: Uint8Array, ack: Ack) => partition.append(batch, ack);
  return untilItDoes(() => StateTopic.open({ topic: TOPIC, number: 0, append, reader }, NUMBERS, clock));
}

async function untilItDoes<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== "STORAGE_FAILED") throw error;
    }
  }
}
