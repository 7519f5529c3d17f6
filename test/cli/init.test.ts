import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-init-")));
  for (const name of ["SLH_LAKE", "SLH_PROFILE", "SLH_CATALOG"]) vi.stubEnv(name, "");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args, folder);
const configured = async () => JSON.parse(await readFile(join(folder, "slh.config.json"), "utf8"));

describe("slh init", () => {
  test("makes a lakehouse, and the file by which it is found from below", async () => {
    const made = await slh("init");
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(made.out).toContain(`Made a lakehouse in ${join(folder, ".lake")}.`);
    expect(await configured()).toEqual({ root: ".lake" });
    expect(await readFile(join(folder, ".lake/.gitignore"), "utf8")).toBe("*\n");
    await mkdir(join(folder, "a/b"), { recursive: true });
    const tables = await slhInProcess(["tables"], join(folder, "a/b"));
    expect(tables).toEqual({ code: 0, out: "There are no tables yet.\n", err: "" });
  });

  test("never overwrites, and makes what a config file describes", async () => {
    await slh("init", "--root", "data");
    expect(await configured()).toEqual({ root: "data" });
    expect((await slh("init")).out).toContain("There is a lakehouse in");
    const refused = await slh("init", "--root", "other");
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("is not overwritten") });
    expect(await configured()).toEqual({ root: "data" });
    await rm(join(folder, "data"), { recursive: true });
    expect(JSON.parse((await slh("init", "--json")).out)).toMatchObject({
      root: join(folder, "data"),
      isNew: true,
    });
  });

  test("writes no file when the lakehouse cannot be made", async () => {
    await writeFile(join(folder, "taken"), "");
    expect(await slh("init", "--root", "taken/lake")).toMatchObject({ code: 1, out: "" });
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  test("takes another folder, and a root outside of it as it is", async () => {
    expect((await slh("init", "sub/project", "--root", "elsewhere")).code).toBe(0);
    const file = await readFile(join(folder, "sub/project/slh.config.json"), "utf8");
    expect(JSON.parse(file)).toEqual({ root: join(folder, "elsewhere") });
  });
});

describe("what reads makes no lake", () => {
  test.each([
    [["tables"]],
    [["sql", "select 1"]],
    [["log"]],
    [["branch"]],
    [["branch", "etl"]],
    [["tag"]],
    [["diff", "main", "etl"]],
    [["reflog"]],
    [["gc", "--dry-run"]],
    [["merge", "etl"]],
    [["health"]],
    [["lake", "relocate"]],
    [["catalog", "serve"]],
    [["storage", "serve"]],
  ])("slh %j", async (args) => {
    const expected = { code: 1, out: "", err: expect.stringContaining("NO_SUCH_LAKE: There is no lake at ") };
    expect(await slh(...args)).toMatchObject(expected);
    expect(await readdir(folder)).toEqual([]);
    vi.stubEnv("SLH_LAKE", join(folder, "typo"));
    const { err } = await slh(...args);
    expect(err).toContain(`There is no lake at ${join(folder, "typo")}.`);
    expect(err).toContain('"slh init" makes a new one');
    vi.stubEnv("SLH_CATALOG", `file://${folder}/no-catalog`);
    expect(await slh(...args)).toMatchObject(expected);
    expect(await readdir(folder)).toEqual([]);
  });

  test("openLakehouse, where it shall not", async () => {
    const root = join(folder, "lake");
    await expect(openLakehouse({ root, create: false })).rejects.toMatchObject({ code: "NO_SUCH_LAKE" });
    expect(existsSync(root)).toBe(false);
    await (await openLakehouse({ root })).close();
    await (await openLakehouse({ root, create: false })).close();
  });
});

test.skipIf(!existsSync("/proc/self"))(
  "a folder that cannot be made is an error, and no endless loop",
  async () => {
    const error = { code: "INVALID_CONFIG", subject: "/proc/nobody/lake" };
    await expect(openLakehouse({ root: "/proc/nobody/lake" })).rejects.toMatchObject(error);
  },
);
