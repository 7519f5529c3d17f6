import { expect, test } from "vitest";
import type { GroupCoordinator } from "../../../lib/lakehouse/log/groups/coordinator.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { recoverLog } from "../../../lib/lakehouse/log/recover.js";
import { runs } from "../../support/runs.js";
import { drive, emptyMeta, simulate } from "../support/histories.js";
import { World } from "../support/world.js";
import { Chronicle, endTransaction, GROUPS, openCoordinator, SimulatedClient } from "./simulated-groups.js";

// As in ../simulation.test.ts: a failing history is run again by its seed, SLH_SEED=123.

const HISTORIES = runs(25);

test("a partition has one owner in a generation, generations only grow, and offsets are those that were committed", async () => {
  const { results } = await simulate(HISTORIES, history);
  // Something happened.
  expect(results.reduce((sum, generations) => sum + generations, 0)).toBeGreaterThan(results.length);
});

async function history(seed: number): Promise<number> {
  const world = new World(seed);
  const place = new Place(world.store);
  let meta = emptyMeta();
  await meta.createTopic(GROUPS);
  world.objects.set(place.topic(GROUPS.id), Buffer.from(JSON.stringify(GROUPS)));
  const stateAck: Ack = world.chance(0.6) ? "wal" : "stored";
  const statics = world.chance(0.5) ? 0 : 2;
  const chronicle = new Chronicle(statics > 0);
  const clients = Array.from(
    { length: 2 + world.below(4) },
    (_, i) => new SimulatedClient(world, chronicle, `client-${i}`, i < statics),
  );

  const lives = 2 + world.below(3);
  for (let life = 0; life < lives; life++) {
    world.failing = world.chance(0.6) ? 0 : 0.05;
    const steps = 200 + world.below(300);
    let coordinator: GroupCoordinator | undefined;
    let failure: unknown;
    const opening = openCoordinator(world, meta, place, stateAck).then(async (opened) => {
      await chronicle.check(opened);
      if (chronicle.ending !== undefined) await endTransaction(world, opened, chronicle, chronicle.ending);
      coordinator = opened;
      chronicle.coordinator = opened;
    });
    opening.catch((error: unknown) => {
      failure = error;
    });
    for (let step = 0; step < steps; step++) {
      if (coordinator !== undefined) {
        for (const client of clients) if (world.chance(0.15)) void client.act(coordinator);
        if (chronicle.ending === undefined && world.chance(0.02))
          void endTransaction(world, coordinator, chronicle, world.chance(0.7) ? "commit" : "abort");
        if (world.chance(0.05)) await chronicle.check(coordinator);
      }
      await world.step();
    }
    expect(failure).toBeUndefined();
    expect(chronicle.faults).toEqual([]);
    chronicle.coordinator = undefined;
    world.crash();
    for (const client of clients) client.disconnect();
    if (stateAck !== "stored" || !world.chance(0.3)) continue;
    // The machine is gone, with its disk.
    world.files.clear();
    world.failing = 0;
    meta = emptyMeta();
    await drive(world, recoverLog({ store: world.store, place, meta, clock: world.clock }));
  }
  world.failing = 0;
  const last = await drive(world, openCoordinator(world, meta, place, stateAck));
  if (chronicle.ending !== undefined)
    await drive(world, endTransaction(world, last, chronicle, chronicle.ending));
  await chronicle.check(last);
  return chronicle.generation;
}
