import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { defineSchema, int, openLakehouse } from "sololakehouse";

import { run } from "sololakehouse/terminal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addLakehouseCommands } from "../../lib/lakehouse/room-commands.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-lake-"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("SLH_LAKE", join(folder, "before"));
  const lake = await openLakehouse();
  await (await lake.createTable("s.t", { schema: defineSchema({ n: int() }) })).append([{ n: 1 }, { n: 2 }]);
  await lake.close();
  await rename(join(folder, "before"), join(folder, "after"));
  vi.stubEnv("SLH_LAKE", join(folder, "after"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The command line itself, in this process. */
async function slh(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  vi.spyOn(console, "log").mockImplementation((line = "") => void out.push(`${line}\n`));
  vi.spyOn(console, "error").mockImplementation((line = "") => void err.push(`${line}\n`));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  try {
    const program = new Command("slh");
    await addLakehouseCommands(program);
    const code = await run(program, [process.execPath, "slh", ...args]);
    return { code, out: out.join(""), err: err.join("") };
  } finally {
    process.exitCode = 0;
    vi.restoreAllMocks();
  }
}

describe("slh, on a lake that was moved", () => {
  test("reads it, does not serve it before it is relocated, and says how", async () => {
    expect((await slh("tables")).out).toMatch(/^s\.t {2}2 rows {2}1 file/);
    expect((await slh("sql", "select sum(n)::int as n from s.t", "--format", "csv")).out).toBe("n\n3\n");
    const refused = await slh("catalog", "serve", "--port", "0");
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("LAKE_MOVED");
    expect(refused.err).toContain('Run "slh lake relocate" first');

    const report = await slh("lake", "relocate");
    expect(report).toMatchObject({ code: 0, err: "" });
    expect(report.out).toMatch(
      /^Relocated from file:\/\/.*\/before\/warehouse to file:\/\/.*\/after\/warehouse: /,
    );
    expect(report.out).toContain("wrote 2 metadata files, 4 files in all.");
    expect((await slh("lake", "relocate")).out).toMatch(
      /^All locations are below .*\/after\/warehouse already\.\n$/,
    );
    expect(JSON.parse((await slh("lake", "relocate", "--json")).out)).toMatchObject({ files: 0 });
    expect((await slh("sql", "select sum(n)::int as n from s.t", "--format", "csv")).out).toBe("n\n3\n");
  });
});

describe("slh, on any lake", () => {
  test("puts each part to work, and says which one does not answer", async () => {
    const { code, out } = await slh("health");
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    const parts = lines.map((line) => line.split(/ {2,}/).slice(0, 2).join(" "));
    expect(parts).toEqual(expect.arrayContaining(["ok storage", "ok catalog", "ok query"]));
    expect(parts.filter((part) => !part.startsWith("ok "))).toEqual([]);
    const warehouse = join(folder, "after/warehouse");
    await rm(warehouse, { recursive: true });
    await writeFile(warehouse, "in the way");
    const failed = await slh("health", "--json");
    expect(failed.code).toBe(1);
    const report = JSON.parse(failed.out) as { part: string; ok: boolean }[];
    const answers = Object.fromEntries(report.map(({ part, ok }) => [part, ok]));
    expect(answers).toMatchObject({ storage: false, catalog: true, query: true });
  });

  test("says with --stats what a command did", async () => {
    const { code, out, err } = await slh(
      "sql",
      "select sum(n)::int as n from s.t",
      "--format",
      "csv",
      "--stats",
    );
    expect({ code, out }).toEqual({ code: 0, out: "n\n3\n" });
    expect(err).toMatch(/^query\.files {2,}1$/m);
    expect(err).toMatch(/^query\.duration +sql ok +1 × [\d.]+ ms +at most [\d.]+ ms$/m);
    expect(err).toMatch(/^storage\.bytes +read +[\d.]+ kB$/m);
    expect((await slh("sql", "select 1")).err).toBe("");
  });
});
