import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { updateProperties } from "../../lib/lakehouse/iceberg/index.js";
import { eq, type Lakehouse, openLakehouse, type Table } from "../../lib/lakehouse/index.js";
import { slhInProcess } from "../cli/in-process.js";
import { lines, schema } from "../query/support/rows.js";

let folder: string;
let lake: Lakehouse;
let tables = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maintain-"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  lake = await openLakehouse();
});
afterAll(async () => {
  await lake.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A table that wants all kinds of upkeep. */
async function worn(properties: Record<string, string> = {}): Promise<Table> {
  let table = (await lake.createTable(`m.t${tables++}`, {
    schema,
    properties: { "write.delete.granularity": "partition", ...properties },
  })) as unknown as Table;
  for (let i = 0; i < 12; i++) table = await table.append(lines(i * 4, i * 4 + 4), { fast: true });
  for (const id of [1, 2]) table = await table.deleteRows(eq("id", id), { mode: "merge-on-read" });
  return table;
}

const rowsOf = async (table: Table): Promise<number[]> =>
  (await table.rows()).map(({ id }) => Number(id)).sort((a, b) => a - b);

describe("maintain", () => {
  test("says what a table wants, and changes nothing, in a dry run", async () => {
    const table = await worn({ "maintenance.steps": "position-deletes,compaction,manifests" });
    const before = await lake.hash();
    const { steps } = await lake.maintenance.maintain(table.name, { dryRun: true });
    expect(steps.map(({ step, done }) => [step, done])).toEqual([
      ["compaction", null],
      ["position-deletes", null],
      ["manifests", null],
    ]);
    expect(steps[0]?.why).toBe("12 files could be 1");
    expect(await lake.hash()).toBe(before);
  });

  test("does it, and then finds nothing more to do", async () => {
    const table = await worn({ "history.expire.max-snapshot-age-ms": "0" });
    const expected = await rowsOf(table);
    const { steps } = await lake.maintenance.maintain(table.name);
    expect(steps.map(({ step, error }) => [step, error])).toEqual([
      ["compaction", null],
      ["manifests", null],
      ["expiry", null],
    ]);
    const after = await table.refresh();
    expect(await rowsOf(after)).toEqual(expected);
    expect(after.metadata.snapshots).toHaveLength(1);
    expect((await lake.maintenance.maintain(table.name)).steps).toEqual([]);
  });

  test("keeps to the table's policy", async () => {
    const none = await worn({ "maintenance.steps": "none" });
    expect((await lake.maintenance.maintain(none.name)).steps).toEqual([]);
    const sorted = await worn({
      "maintenance.steps": "compaction",
      "maintenance.compaction.strategy": "z-order",
      "maintenance.compaction.by": "n, id",
    });
    expect((await lake.maintenance.maintain(sorted.name)).steps).toMatchObject([{ step: "compaction" }]);
    for (const wrong of [
      { "maintenance.steps": "compactoin" },
      { "maintenance.compaction.strategy": "zorder" },
      { "maintenance.compaction.min-input-files": "0" },
    ])
      await expect(worn(wrong)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const unsorted = await worn({
      "maintenance.steps": "compaction,manifests",
      "maintenance.compaction.strategy": "sort",
    });
    const right = { "maintenance.compaction.strategy": "bin-pack" };
    await expect(lake.maintenance.maintain(unsorted.name)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await unsorted.update([updateProperties({ set: right })]);
    expect((await lake.maintenance.maintain(unsorted.name)).steps[0]).toMatchObject({ error: null });
  });

  test("is what slh maintain, slh compact, slh layout and slh tables go by", async () => {
    const table = await worn();
    const slh = async (...args: string[]) => {
      const ran = await slhInProcess(args, folder);
      expect(ran).toMatchObject({ code: 0, err: "" });
      return ran.out;
    };
    expect(await slh("tables")).toMatch(new RegExp(`${table.name} .* wants compaction, position-deletes`));
    expect(await slh("layout", table.name)).toMatch(/12 files, .*48 rows stored[\s\S]*11 files too many/);
    expect(await slh("maintain", table.name, "--dry-run")).toContain("12 files could be 1");
    expect(await slh("compact", table.name, "--dry-run")).toMatch(
      /^Would rewrite 12 files .* to about 1\.$/m,
    );
    expect(await slh("compact", table.name)).toMatch(/^Rewrote 12 files .* to 1 .*, in 1 commit\.$/m);
    expect(await slh("compact", table.name)).toMatch(/as they should be/);
    expect(JSON.parse(await slh("maintain", table.name, "--json"))).toMatchObject([
      { steps: [{ step: "manifests", error: null }] },
    ]);
    expect(await rowsOf(await table.refresh())).toHaveLength(46);
  });
});

test("slh maintain, compact and layout look after a branch, and leave the others", async () => {
  const { name } = await worn();
  await lake.branch("aside");
  const slh = async (...args: string[]) => (await slhInProcess(args, folder)).out;
  expect(await slh("compact", name, "--ref", "aside", "--by", "n, id")).toMatch(
    /^Rewrote 12 files .* to 1 /m,
  );
  expect(await slh("layout", name, "--ref", "aside")).toMatch(/ 1 file, /);
  expect(await slh("layout", name)).toMatch(/ 12 files, /);
  expect(await slh("maintain", name, "--ref", "aside", "--dry-run")).not.toContain("12 files");
  // An order that is asked for is one of all rows, also where files have the right size.
  expect(await slh("compact", name, "--ref", "aside", "--by", "id")).toMatch(/^Rewrote 1 file /m);
  await lake.deleteRef("aside");
});

test("slh compact takes sizes as it prints them, and names the columns that there are", async () => {
  const { name } = await worn();
  const slh = (...args: string[]) => slhInProcess(["compact", name, "--dry-run", ...args], folder);
  for (const target of ["1GB", "1GiB"])
    expect((await slh("--target-size", target)).out).toMatch(/^Would rewrite 12 files .* to about 1\.$/m);
  for (const wrong of ["12", "1 MB", "0kB", "1mb", "99999999999GB"])
    expect((await slh("--target-size", wrong)).err).toContain("kB, MB, GB, KiB, MiB or GiB");
  for (const order of [
    ["--by", "nope"],
    ["--strategy", "z-order", "--by", "id,nope"],
  ])
    expect((await slh(...order)).err).toMatch(/nope[\s\S]*The columns are id, city, n\./);
});

test("layout tells sizes, partitions, deletes and waste", async () => {
  const table = await worn();
  const layout = await lake.maintenance.layout(table.name);
  expect(layout).toMatchObject({
    rows: 48,
    files: 12,
    partitions: 1,
    filesPerPartition: { min: 12, median: 12, max: 12 },
    deletes: { positionFiles: 2, vectors: 0, equalityFiles: 0 },
    snapshots: 14,
    otherSpecFiles: 0,
    waste: { files: 11, deleteFiles: 2 },
  });
  expect(layout.histogram.reduce((sum, { files }) => sum + files, 0)).toBe(12);
  expect(layout.histogram.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(layout.bytes);
});

test.each([
  [{ strategy: "zorder" }],
  [{ strategy: "z-order", by: ["id"] }],
  [{ strategy: "z-order", by: ["id", "nope"] }],
  [{ strategy: "sort" }],
  [{ by: ["nope"] }],
  [{ strategy: "bin-pack", by: ["id"] }],
  [{ targetFileSizeBytes: 0 }],
  [{ maxDeletedShare: 2 }],
  [{ minInputFile: 1 }],
])("compact refuses %j", async (options) => {
  const table = await worn();
  await expect(lake.maintenance.compact(table.name, options as never)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});
