import { join } from "node:path";
import { type Lakehouse, restoreLakehouse, type Table } from "sololakehouse";
import { openPlace } from "sololakehouse/backup";
import { LocalStore } from "sololakehouse/storage";
import { expect, test } from "vitest";
import { Dying } from "./support/dying.js";
import { contents, fill, rowsFrom } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();

/** Three backups, with the tables that each has. */
async function three(lake: Lakehouse, to: LocalStore) {
  await fill(lake);
  const taken = [];
  for (let i = 0; i < 3; i++) {
    await ((await lake.table("a.b.c.deep")) as unknown as Table).append(rowsFrom(i, i));
    const { id } = await lake.backup({ to });
    taken.push({ id, contents: await contents(lake) });
  }
  return taken;
}

const namesOf = async (store: LocalStore) => [...(await openPlace(store).objects()).keys()].sort();

test("what is removed is what the backups that stay do not need", async () => {
  const lake = await here.open("lake");
  const to = new LocalStore(join(here.folder, "backups"), { durable: false });
  const taken = await three(lake, to);
  // What a backup that was killed has left.
  await to.put(`${to.root}/objects/00/${"0".repeat(64)}`, Buffer.from("left"));
  const before = await namesOf(to);
  const dry = await lake.backup.prune({ from: to, keep: 2, dryRun: true });
  expect(await namesOf(to)).toEqual(before);
  const report = await lake.backup.prune({ from: to, keep: 2 });
  expect(report).toEqual({ ...dry, dryRun: false });
  expect(report.removed).toEqual([taken[0]?.id]);
  // Its index, and what was left: everything else of it was history of the others.
  expect(report.objects).toBe(2);
  for (const { id, contents: expected } of taken.slice(1)) {
    await restoreLakehouse({ from: to, asOf: id, ...here.at(id) });
    expect(await contents(await here.open(id))).toEqual(expected);
  }
  expect((await lake.backup.prune({ from: to, keep: 2 })).objects).toBe(0);
  await expect(lake.backup.prune({ from: to, keep: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("killed anywhere, it leaves every backup that it shows whole", async () => {
  const lake = await here.open("lake");
  const to = new LocalStore(join(here.folder, "backups"), { durable: false });
  await three(lake, to);
  for (let writes = 0; ; writes++) {
    const dying = new Dying();
    dying.killAfter(writes);
    const store = dying.watch(to, "put", "delete");
    const isDone = await lake.backup.prune({ from: store, keep: 1 }).then(
      () => true,
      () => false,
    );
    for (const { id } of await lake.backup.list({ from: to }))
      expect(await lake.backup.verify({ from: to, asOf: id })).toMatchObject({ corrupt: [] });
    for await (const { uri } of to.list(`${to.root}/running/`)) await to.delete([uri]);
    if (isDone) break;
  }
  expect(await lake.backup.list({ from: to })).toHaveLength(1);
});

test("beside a backup that is being made it gives way, and a backup beside a prune", async () => {
  const lake = await here.open("lake");
  const to = new LocalStore(join(here.folder, "backups"), { durable: false });
  await three(lake, to);
  const place = openPlace(to);
  await place.alone("backup", async () => {
    await expect(lake.backup.prune({ from: to, keep: 1 })).rejects.toMatchObject({ code: "BACKUP_BUSY" });
    await lake.backup({ to });
  });
  await place.alone("prune", async () => {
    await expect(lake.backup({ to })).rejects.toMatchObject({ code: "BACKUP_BUSY" });
    await expect(lake.backup.prune({ from: to, keep: 1 })).rejects.toMatchObject({ code: "BACKUP_BUSY" });
  });
  expect((await lake.backup.prune({ from: to, keep: 1 })).removed).toHaveLength(3);
});

test("a backup that stays and is damaged keeps it from removing anything", async () => {
  const lake = await here.open("lake");
  const to = new LocalStore(join(here.folder, "backups"), { durable: false });
  await three(lake, to);
  const place = openPlace(to);
  const { index } = await place.find();
  await to.put(place.uriOf(index), Buffer.from("damaged"));
  await expect(lake.backup.prune({ from: to, keep: 1 })).rejects.toMatchObject({ code: "BACKUP_CORRUPT" });
  expect(await lake.backup.list({ from: to })).toHaveLength(3);
});

test("of backups that were made within a second the newest is the last", async () => {
  const lake = await here.open("lake");
  const to = new LocalStore(join(here.folder, "backups"), { durable: false });
  const made: string[] = [];
  for (let i = 0; i < 6; i++) made.unshift((await lake.backup({ to })).id);
  expect((await lake.backup.list({ from: to })).map(({ id }) => id)).toEqual(made);
});
