import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { needs } from "../support/needs.js";
import { slhInProcess } from "./in-process.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-completion-"));
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  const lake = await openLakehouse();
  await lake.createTable("flights.silver", { schema: defineSchema({ n: int() }) });
  await lake.branch("etl");
  await lake.close();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const candidates = async (...words: string[]) => {
  const { out, err, code } = await slhInProcess(["completion", "candidates", "--", ...words]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  return out.split("\n").filter((line) => line !== "");
};

describe("slh completion", () => {
  test("completes commands, options, choices, tables and branches", async () => {
    expect(await candidates("desc")).toEqual(["describe"]);
    expect(await candidates("catalog", "")).toEqual(["serve"]);
    expect(await candidates("sql", "--fo")).toEqual(["--format"]);
    expect(await candidates("sql", "--format", "")).toEqual([
      "table",
      "json",
      "ndjson",
      "csv",
      "parquet",
      "arrow",
    ]);
    expect(await candidates("describe", "fl")).toEqual(["flights.silver"]);
    expect(await candidates("sql", "--ref", "")).toEqual(["etl", "main"]);
    expect(await candidates("merge", "et")).toEqual(["etl"]);
    expect(await candidates("")).toContain("shell");
  });

  test("is quiet where there is no lake", async () => {
    vi.stubEnv("SLH_LAKE", join(folder, "none"));
    expect(await candidates("describe", "")).toEqual([]);
    vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  });

  const hasBash = spawnSync("bash", ["--version"]).status === 0;
  test("works in bash", needs(hasBash, "bash"), async () => {
    const { out } = await slhInProcess(["completion", "bash"]);
    const script = `slh() { printf '%s\\n' describe diff; }
${out}
COMP_LINE="slh d"; COMP_POINT=5; COMP_WORDS=(slh d); COMP_CWORD=1; _slh; echo "\${COMPREPLY[@]}"`;
    const ran = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(ran).toMatchObject({ status: 0, stdout: "describe diff\n", stderr: "" });
  });
});
