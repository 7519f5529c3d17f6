import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveProfile } from "../../lib/lakehouse/profile.js";
import { reset } from "../../lib/lakehouse/reset.js";
import { slhInProcess } from "./in-process.js";

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-reset-")));
  root = join(folder, "data");
  for (const name of ["SLH_PROFILE", "SLH_CATALOG"]) vi.stubEnv(name, "");
  vi.stubEnv("SLH_LAKE", root);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args, folder);

async function fill(options = {}): Promise<void> {
  const lake = await openLakehouse(options);
  await (await lake.createTable("s.t", { schema: defineSchema({ n: int() }) })).append([{ n: 1 }]);
  await lake.sql("select * from s.t").rows();
  await lake.log.createTopic("t", { ifExists: "keep" });
  await lake.close();
}

describe("slh reset", () => {
  test("deletes a lakehouse that slh init made, after it was told to", async () => {
    await slh("init");
    await fill();
    const before = (await readdir(root)).sort();
    const dry = await slh("reset", "--dry-run");
    expect(dry.code).toBe(0);
    for (const name of before) expect(dry.out).toContain(`  ${join(root, name)}\n`);
    expect(await slh("reset")).toMatchObject({ code: 1, out: "", err: expect.stringContaining("add --yes") });
    expect((await readdir(root)).sort()).toEqual(before);
    expect(await slh("reset", "--yes")).toEqual({
      code: 0,
      out: `Deleted the lakehouse in ${root}.\n`,
      err: "",
    });
    expect(await readdir(folder)).toEqual(["slh.config.json"]);
    expect((await slh("reset", "--yes")).out).toBe(`There is nothing to delete in ${root}.\n`);
    expect((await slh("init")).out).toContain("Made a lakehouse in");
  });

  test("leaves what is not the lakehouse's, and what a link leads to", async () => {
    await fill();
    const elsewhere = join(folder, "elsewhere");
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, "kept"), "");
    await symlink(elsewhere, join(root, "warehouse", "link"));
    await writeFile(join(root, ".gitignore"), "node_modules\n");
    await mkdir(join(root, "notebooks"));
    await writeFile(join(root, "notes.md"), "");
    const { out } = await slh("reset", "--yes", "--json");
    const report = JSON.parse(out);
    expect(report.leaves.sort()).toEqual([".gitignore", "notebooks", "notes.md"]);
    expect(report.deletes).toContain(join(root, "warehouse"));
    expect((await readdir(root)).sort()).toEqual([".gitignore", "notebooks", "notes.md"]);
    expect(existsSync(join(elsewhere, "kept"))).toBe(true);
  });

  test("refuses a folder that is no lakehouse's", async () => {
    await mkdir(join(root, "warehouse"), { recursive: true });
    await mkdir(join(root, "cache"));
    const refused = await slh("reset", "--yes");
    expect(refused).toMatchObject({ code: 1, out: "", err: expect.stringContaining("NO_SUCH_LAKE") });
    expect((await readdir(root)).sort()).toEqual(["cache", "warehouse"]);
  });

  test("refuses while another process has the lakehouse open", async () => {
    await fill();
    const lake = await openLakehouse();
    await lake.tables();
    const refused = await slh("reset", "--yes");
    expect(refused).toMatchObject({ code: 1, out: "", err: expect.stringContaining("CATALOG_UNAVAILABLE") });
    expect(await lake.countRows(await lake.table("s.t"))).toBe(1n);
    await lake.close();
    expect((await slh("reset", "--yes")).code).toBe(0);
  });

  test("refuses where the catalog is kept elsewhere, and leaves tables that are", async () => {
    vi.stubEnv("SLH_CATALOG", `sqlite:${join(folder, "other", "catalog.db")}`);
    await fill();
    const refused = await slh("reset", "--yes");
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("outside of its folder") });
    expect(existsSync(join(root, "warehouse", "s"))).toBe(true);
    vi.stubEnv("SLH_CATALOG", "");
    const away = join(folder, "away");
    await writeFile(join(folder, "slh.config.json"), JSON.stringify({ warehouse: away }));
    await fill({ warehouse: away });
    expect((await slh("reset", "--yes")).out).toContain(`Files of tables stay in ${away}.`);
    expect(existsSync(join(away, "s"))).toBe(true);
  });

  test("is a way out of a damaged catalog", async () => {
    await fill();
    await writeFile(join(root, "catalog.db"), "torn");
    expect((await slh("tables")).code).toBe(1);
    expect((await slh("reset", "--yes")).code).toBe(0);
    expect(existsSync(root)).toBe(false);
  });
});

test("in a checkout it deletes what notebooks left, too", async () => {
  vi.stubEnv("SLH_LAKE", "");
  root = join(folder, ".lake");
  await writeFile(join(folder, "package.json"), JSON.stringify({ workspaces: [] }));
  await mkdir(join(folder, "milestones"));
  await mkdir(join(root, "notebooks/m01"), { recursive: true });
  await writeFile(join(root, "lake-id"), "");
  expect((await slh("reset", "--yes")).code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual(["milestones", "package.json"]);
});

test("what the disk refuses to delete has a code, and the remedy is to run it again", async () => {
  await mkdir(root);
  const unheard = join(root, "x".repeat(300)); // longer than a name may be
  const work = reset(resolveProfile(), { root, deletes: [unheard], leaves: [], warehouseLeft: undefined });
  await expect(work).rejects.toMatchObject({
    code: "STORAGE_FAILED",
    subject: unheard,
    remedy: expect.stringContaining("run slh reset again"),
  });
});
