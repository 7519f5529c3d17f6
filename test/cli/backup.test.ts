import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-backup-")));
  for (const name of ["SLH_PROFILE", "SLH_CATALOG"]) vi.stubEnv(name, "");
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args, folder);

async function fill(): Promise<void> {
  const lake = await openLakehouse();
  await (await lake.createTable("s.t", { schema: defineSchema({ n: int() }) })).append([{ n: 1 }, { n: 2 }]);
  await (await lake.createTable("s.u", { schema: defineSchema({ n: int() }) })).append([{ n: 3 }]);
  await lake.branch("etl");
  await lake.close();
}

const rowsOf = async (table: string) =>
  JSON.parse((await slh("sql", `select n from ${table} order by n`, "--json")).out) as unknown;

describe("slh backup, backups and restore", () => {
  test("take the lakehouse to another place and bring it back at a third", async () => {
    await fill();
    const made = await slh("backup", "--to", "safe");
    expect(made).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(/^Backup \S+: \d+ files, .* had to be copied\.\n$/),
    });
    expect((await slh("backup", "--to", "safe")).out).toContain("nothing had to be copied");
    const list = await slh("backups", "safe");
    expect(list.out.trim().split("\n")).toHaveLength(2);
    expect(list.out).toContain("the lakehouse, 2 branches and tags");
    expect((await slh("backups", "safe", "--keep", "1")).out).toMatch(
      /^Removed 1 backup and 0 objects .*, and kept 1\.\n$/,
    );
    expect((await slh("restore", "--from", "safe", "--verify")).out).toContain(
      "all of them are as they were written",
    );
    await slh("sql", "insert into s.u values (4)");
    expect(await slh("restore", "--from", "safe")).toMatchObject({
      code: 1,
      err: expect.stringContaining("is not empty"),
    });
    vi.stubEnv("SLH_LAKE", join(folder, "other"));
    const back = await slh("restore", "--from", "safe");
    expect(back).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(/^Restored 2 tables, 2 branches and tags from /),
    });
    expect(await rowsOf("s.t")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("of single tables, beside those that are there", async () => {
    await fill();
    const { tables } = JSON.parse((await slh("backup", "s.t", "--to", "safe", "--json")).out);
    expect(tables).toEqual(["s.t"]);
    expect((await slh("restore", "s.t", "--from", "safe")).err).toContain("RESTORE_REFUSED");
    expect((await slh("restore", "s.t", "--from", "safe", "--as", "old.t")).out).toContain(
      "Restored 1 table from",
    );
    expect(await rowsOf("old.t")).toEqual([{ n: 1 }, { n: 2 }]);
    expect((await slh("restore", "s.t", "--from", "safe", "--overwrite", "--ref", "etl")).code).toBe(0);
    expect((await slh("restore", "s.u", "--from", "safe")).err).toContain("NO_SUCH_TABLE");
    vi.stubEnv("SLH_LAKE", join(folder, "other"));
    expect((await slh("restore", "--from", "safe")).code).toBe(0);
    expect(await rowsOf("s.t")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("pack it into one file, and make a lakehouse of that", async () => {
    await fill();
    expect((await slh("pack", "lake.tar")).out).toMatch(/^Packed \d+ files, .* to lake\.tar\.\n$/);
    expect((await slh("unpack", "lake.tar", "--verify")).code).toBe(0);
    expect((await slh("unpack", "lake.tar", "s.t", "--as", "s.again")).out).toContain("Restored 1 table");
    vi.stubEnv("SLH_LAKE", join(folder, "other"));
    expect((await slh("unpack", "lake.tar")).out).toContain("Restored 2 tables");
    expect(await rowsOf("s.t")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("say what is wrong: no place, no backup, a damaged object", async () => {
    await fill();
    expect((await slh("backup")).code).toBe(2);
    expect(await slh("backups", "nowhere")).toMatchObject({
      code: 0,
      out: "There is no backup at nowhere.\n",
    });
    expect((await slh("restore", "--from", "nowhere")).err).toContain("NO_SUCH_BACKUP");
    await slh("backup", "--to", "safe");
    expect((await slh("restore", "--from", "safe", "--ref", "etl")).err).toContain(
      "--ref is for single tables",
    );
    const objects = join(folder, "safe", "objects");
    const files = (await readdir(objects, { recursive: true })).filter((name) => name.length > 60).sort();
    for (const file of files) await writeFile(join(objects, file), "");
    expect(await slh("restore", "--from", "safe", "--verify")).toMatchObject({
      code: 1,
      err: expect.stringContaining("BACKUP_CORRUPT"),
    });
  });
});
