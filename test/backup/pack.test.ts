import { execFileSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { restoreLakehouse } from "sololakehouse";
import { fromPack, packInto } from "sololakehouse/backup";
import { expect, test } from "vitest";
import { runs } from "../support/runs.js";
import { contents, fill } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();

test("a pack is a tar that becomes the lakehouse that it was", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const file = join(here.folder, "lake.tar");
  const { id, files } = await packInto(file, (to) => lake.backup({ to }));
  expect((await readdir(here.folder)).sort()).toEqual(["lake", "lake.tar"]);
  const members = execFileSync("tar", ["-tf", file], { encoding: "utf8" }).trim().split("\n");
  expect(members.at(-1)).toBe(`backups/${id}.json`);
  expect(members.length).toBeGreaterThan(files / 2);
  await fromPack(file, (from) => restoreLakehouse({ from, ...here.at("other") }));
  expect(await contents(await here.open("other"))).toEqual(await contents(lake));
  await fromPack(file, (from) => lake.backup.restore({ from, tables: ["s.v2"], as: "s.again" }));
  expect(await fromPack(file, (from) => lake.backup.verify({ from }))).toMatchObject({ corrupt: [] });
});

test("a pack that is damaged anywhere, or cut short, is told from a whole one, and nothing is restored", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const file = join(here.folder, "lake.tar");
  await packInto(file, (to) => lake.backup({ to }));
  const whole = await readFile(file);
  let round = 0;
  const cut = fc.integer({ min: 0, max: whole.length - 1 }).map((length) => whole.subarray(0, length));
  const flipped = fc.record({ at: fc.nat(whole.length - 1), bit: fc.nat(7) }).map(({ at, bit }) => {
    const bytes = Uint8Array.from(whole);
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    return bytes;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, flipped), async (bytes) => {
      await writeFile(file, bytes);
      const name = `other${round++}`;
      const outcome = await fromPack(file, (from) => restoreLakehouse({ from, ...here.at(name) })).catch(
        (error: { code: string }) => error.code,
      );
      const there = await here.open(name);
      if (typeof outcome === "string") {
        expect(["BACKUP_CORRUPT", "NO_SUCH_BACKUP"]).toContain(outcome);
        expect(await there.tables()).toEqual([]);
      } else {
        // A bit of the padding, which holds nothing.
        expect(await contents(there)).toEqual(await contents(lake));
      }
      await here.close(there);
    }),
    { numRuns: runs(25) },
  );
});

test("a pack that fails leaves the one that there was", async () => {
  const lake = await here.open("lake");
  const file = join(here.folder, "lake.tar");
  await packInto(file, (to) => lake.backup({ to }));
  const before = await readFile(file);
  await expect(packInto(file, (to) => lake.backup({ to, tables: ["s.none"] }))).rejects.toMatchObject({
    code: "NO_SUCH_TABLE",
  });
  expect(await readFile(file)).toEqual(before);
  expect((await readdir(here.folder)).sort()).toEqual(["lake", "lake.tar"]);
  await expect(fromPack(join(here.folder, "none.tar"), async () => {})).rejects.toMatchObject({
    code: "OBJECT_NOT_FOUND",
  });
});
