import { expect, test } from "vitest";
import { readHeader, setBaseOffset } from "../../lib/lakehouse/log/records/header.js";
import { readRecords } from "../../lib/lakehouse/log/records/read-records.js";
import type { WalEntry } from "../../lib/lakehouse/log/wal/layout.js";
import { Wal } from "../../lib/lakehouse/log/wal/wal.js";
import { runs } from "../support/runs.js";
import { drive, simulate } from "./support/histories.js";
import { batchOf } from "./support/records.js";
import { World } from "./support/world.js";

// Flushes overlap: a crash may find a later one on the disk, and an earlier one not. A failing history is run again by its
// seed, as those of simulation.test.ts are.

const TOPIC = "01234567-89ab-cdef-0123-456789abcdef";
const LIVES = 4;

/** What was seen in all histories. */
const seen = { overlaps: 0, refusals: 0 };

test("what was acknowledged comes back in its order, with nothing missing before it, whenever the process dies", async () => {
  const { isWhole } = await simulate(runs(400), history);
  if (!isWhole) return;
  expect(seen.overlaps).toBeGreaterThan(0);
  expect(seen.refusals).toBeGreaterThan(0);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const acknowledged = new Map<bigint, string>();
  let sent = 0;
  for (let life = 0; life < LIVES; life++) {
    world.failing = 0;
    const { wal, entries } = await drive(world, Wal.open(world.disk, { onRefused, fileBytes: 1_000 }));
    check(entries, acknowledged);
    /** Of the next record, and of the next that is not on the disk: refused ones are given again. */
    let [next, durable] = [BigInt(entries.length), BigInt(entries.length)];
    let isDead = false;
    function onRefused() {
      next = durable;
      seen.refusals++;
    }
    world.failing = world.chance(0.5) ? 0 : 0.03;
    for (let steps = world.below(120); steps > 0; steps--) {
      if (world.chance(0.6)) {
        const value = `${sent++}`;
        const batch = await batchOf([{ value }]);
        const offset = next++;
        setBaseOffset(batch, offset);
        void wal.append({ topicId: TOPIC, partition: 0, batch }).then(
          () => {
            if (isDead) return;
            expect(offset).toBe(durable);
            durable++;
            acknowledged.set(offset, value);
          },
          () => undefined,
        );
      }
      await world.step();
      const unsynced = [...world.files.values()].filter((file) => file.unsynced.length > 1);
      if (unsynced.length > 0) seen.overlaps++;
    }
    isDead = true;
    world.crash();
  }
}

function check(entries: readonly WalEntry[], acknowledged: ReadonlyMap<bigint, string>): void {
  const offsets = entries.map(({ batch }) => readHeader(batch, 0, "test").baseOffset);
  expect(offsets).toEqual(offsets.map((_, i) => BigInt(i)));
  const values = entries.map(({ batch }) =>
    Buffer.from(readRecords(batch, "test")[0]?.value ?? []).toString(),
  );
  for (const [offset, value] of acknowledged) expect(values[Number(offset)]).toBe(value);
}
