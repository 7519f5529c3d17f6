import { join } from "node:path";
import fc from "fast-check";
import { restoreLakehouse } from "sololakehouse";
import { openPlace } from "sololakehouse/backup";
import { LocalStore } from "sololakehouse/storage";
import { expect, test } from "vitest";
import { runs } from "../support/runs.js";
import { fill } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();

const KINDS = [
  "index",
  "data",
  "metadata",
  "manifest-list",
  "manifest",
  "position-deletes",
  "equality-deletes",
] as const;

test("an object of any kind that is damaged, cut short or missing is named, and nothing is restored", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const to = join(here.folder, "backups");
  const store = new LocalStore(to, { durable: false });
  await lake.backup({ to: store });
  const place = openPlace(store);
  const backup = await place.find();
  const { files } = await place.index(backup);
  const objects = Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      kind === "index" ? [backup.index] : files.filter((file) => file.kind === kind),
    ]),
  );
  let round = 0;
  const damage = fc.record({
    pick: fc.nat(),
    how: fc.constantFrom("flip", "cut", "extend", "remove"),
    at: fc.nat(),
    bit: fc.nat(7),
  });
  for (const kind of KINDS) {
    const of = objects[kind] ?? [];
    expect(of.length).toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(damage, async ({ pick, how, at, bit }) => {
        const object = of[pick % of.length] as (typeof of)[number];
        const uri = place.uriOf(object);
        const bytes = await store.read(uri);
        if (how === "remove") await store.delete([uri]);
        else await store.put(uri, damaged(bytes, how, at, bit));
        const other = here.at(`other${round++}`);
        await expect(restoreLakehouse({ from: store, ...other })).rejects.toMatchObject({
          code: "BACKUP_CORRUPT",
          subject: uri,
        });
        const there = await here.open(`other${round - 1}`);
        expect(await there.tables()).toEqual([]);
        expect(await there.refs()).toHaveLength(1);
        if (kind === "index") {
          await expect(lake.backup.verify({ from: store })).rejects.toMatchObject({
            code: "BACKUP_CORRUPT",
            subject: uri,
          });
        } else {
          const { corrupt } = await lake.backup.verify({ from: store });
          expect(corrupt.map((one) => one.object)).toEqual([uri]);
        }
        await store.put(uri, bytes);
        await restoreLakehouse({ from: store, ...other });
      }),
      { numRuns: runs(3) },
    );
  }
});

test("a backup's own file that is damaged is named, and a new backup heals what is cut short", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const store = new LocalStore(join(here.folder, "backups"), { durable: false });
  const first = await lake.backup({ to: store });
  const uri = `${store.root}/backups/${first.id}.json`;
  const text = Buffer.from(await store.read(uri)).toString();
  for (const broken of [
    text.slice(0, -3),
    text.replace('"refs"', '"wrong"'),
    text.replace(/"format": 1/, '"format": 2'),
  ]) {
    await store.put(uri, Buffer.from(broken));
    await expect(lake.backup.list({ from: store })).rejects.toMatchObject({
      code: "BACKUP_CORRUPT",
      subject: uri,
    });
  }
  // Those before and after it can be restored.
  const second = await lake.backup({ to: store });
  await store.put(`${store.root}/backups/${second.id}.json`, Buffer.from("{}"));
  await store.put(uri, Buffer.from(text));
  expect(await openPlace(store).find(first.id)).toMatchObject({ id: first.id });
  await expect(lake.backup.list({ from: store })).rejects.toMatchObject({ code: "BACKUP_CORRUPT" });
  await store.delete([`${store.root}/backups/${second.id}.json`]);
  const place = openPlace(store);
  const [file] = (await place.index(first)).files;
  const object = place.uriOf(file as NonNullable<typeof file>);
  await store.put(object, (await store.read(object)).subarray(1));
  expect((await lake.backup({ to: store })).copied.files).toBe(1);
  expect(await lake.backup.verify({ from: store })).toMatchObject({ corrupt: [] });
});

function damaged(bytes: Uint8Array, how: string, at: number, bit: number): Uint8Array {
  if (how === "cut") return bytes.subarray(0, at % bytes.length);
  if (how === "extend") return Buffer.concat([bytes, Buffer.from([bit])]);
  const changed = Uint8Array.from(bytes);
  const place = at % bytes.length;
  changed[place] = (changed[place] as number) ^ (1 << bit);
  return changed;
}
