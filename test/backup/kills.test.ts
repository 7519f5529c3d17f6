import { join } from "node:path";
import { defineSchema, eq, int, long, openLakehouse, string, struct, type Table } from "sololakehouse";
import { openPlace, restoreLake } from "sololakehouse/backup";
import { SqliteBackend } from "sololakehouse/catalog";
import { LocalStore } from "sololakehouse/storage";
import { expect, test } from "vitest";
import { Dying } from "./support/dying.js";
import { contents, rowsFrom } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();
const schema = defineSchema({ k: long(), v: string(), at: struct({ x: int() }).optional() });

/** A small lake: with deletes of both kinds, a branch and a tag. */
async function small() {
  const lake = await here.open("lake");
  let table = (await lake.createTable("s.t", { schema, formatVersion: 2 })) as unknown as Table;
  table = await table.append(rowsFrom(1, 5));
  table = await table.deleteRows(eq("k", 1n), { mode: "merge-on-read" });
  await table.rowDelta({ on: ["k"], deletes: [{ k: 2n }], rows: [] });
  await lake.tag("then");
  await ((await (await lake.branch("etl")).table("s.t")) as unknown as Table).append(rowsFrom(6, 7));
  return lake;
}

test("a backup that is killed at any write is none, and the next one goes on where it stopped", async () => {
  const lake = await small();
  const expected = await contents(lake);
  const to = join(here.folder, "backups");
  const inner = new LocalStore(to, { durable: false });
  let kills = 0;
  for (;;) {
    const dying = new Dying();
    // Three more objects get through each time: those of the runs before are not copied again.
    dying.killAfter(3);
    const store = dying.watch(inner, "put", "delete");
    const taken = await lake.backup({ to: store }).catch(() => undefined);
    const list = await lake.backup.list({ from: inner });
    expect(list).toHaveLength(taken === undefined ? 0 : 1);
    if (taken !== undefined) break;
    kills += 1;
  }
  expect(kills).toBeGreaterThan(5);
  const place = openPlace(inner);
  const backend = new SqliteBackend(join(here.folder, "other", "catalog.db"));
  const store = new LocalStore(join(here.folder, "other", "warehouse"));
  await restoreLake(place, await place.find(), { backend, store });
  await backend.close();
  expect(await contents(await here.open("other"))).toEqual(expected);
});

test("a restore that is killed at any write shows no branch that is not whole, and goes on", async () => {
  const lake = await small();
  const expected = await contents(lake);
  const to = join(here.folder, "backups");
  await lake.backup({ to });
  const place = openPlace(to);
  const backup = await place.find();
  let isDone = false;
  for (let at = 0; !isDone; at += 1) {
    const target = here.at(`other${at}`);
    const warehouse = new LocalStore(join(target.root, "warehouse"), { durable: false });
    const restore = async (limit: number): Promise<boolean> => {
      const dying = new Dying();
      dying.killAfter(limit);
      const inner = new SqliteBackend(join(target.root, "catalog.db"));
      const backend = dying.watch(inner, "put", "moveRef", "deleteObjects");
      const store = dying.watch(warehouse, "put", "delete");
      const isWhole = await restoreLake(place, backup, { backend, store }).then(
        () => true,
        () => false,
      );
      await inner.close();
      return isWhole;
    };
    isDone = await restore(at);
    const there = await openLakehouse({ ...target, create: true });
    const shown = await contents(there);
    await there.close();
    for (const [ref, content] of Object.entries(shown)) {
      if (Object.hasOwn(expected, ref)) expect(content).toEqual(expected[ref]);
      else expect(content).toEqual({});
    }
    if (isDone) expect(shown).toEqual(expected);
    expect(await restore(Number.POSITIVE_INFINITY)).toBe(true);
    const whole = await openLakehouse(target);
    expect(await contents(whole)).toEqual(expected);
    await whole.close();
  }
});
