import { join } from "node:path";
import { isLakehouseError, restoreLakehouse } from "sololakehouse";
import { expect, test } from "vitest";
import { fill } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();

const KINDS = [undefined, null, 3, "x", {}, [], () => 1, [null], { a: null }, Number.NaN];

test("no error but our own comes out, whatever is given in the place of an option", async () => {
  const lake = await here.open("lake");
  await fill(lake);
  const at = join(here.folder, "backups");
  await lake.backup({ to: at });
  // What takes "x" for a path writes here.
  const before = process.cwd();
  process.chdir(here.folder);
  const calls: Record<string, readonly [(options: never) => Promise<unknown>, object]> = {
    backup: [lake.backup, { to: at }],
    list: [lake.backup.list, { from: at }],
    verify: [lake.backup.verify, { from: at }],
    restore: [lake.backup.restore, { from: at, tables: ["s.v1"], as: "s.new" }],
    prune: [lake.backup.prune, { from: at, keep: 1, dryRun: true }],
    restoreLakehouse: [restoreLakehouse, { from: at, ...here.at("lake") }],
  };
  const names = [
    "to",
    "from",
    "asOf",
    "tables",
    "as",
    "ref",
    "overwrite",
    "keep",
    "dryRun",
    "storage",
    "signal",
  ];
  const strange: string[] = [];
  for (const [name, [call, sound]] of Object.entries(calls)) {
    const given = [
      ...KINDS,
      ...names.flatMap((option) => KINDS.map((kind) => ({ ...sound, [option]: kind }))),
    ];
    for (const options of given) {
      await call(options as never).catch((error: unknown) => {
        if (!isLakehouseError(error)) strange.push(`${name} ${JSON.stringify(options)}: ${error}`);
      });
    }
  }
  process.chdir(before);
  expect(strange).toEqual([]);
});
