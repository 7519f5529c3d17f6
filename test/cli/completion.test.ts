import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { needs } from "../support/needs.js";
import { slhInProcess } from "./in-process.js";
import { inTerminal, needsTerminal, SLH } from "./terminal.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-completion-"));
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  const lake = await openLakehouse();
  await lake.createTable("flights.silver", { schema: defineSchema({ n: int() }) });
  await lake.createTable(["we ird", "t'x:y"].join("."), { schema: defineSchema({ odd: int() }) });
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

  test("knows what an option or argument wants, whoever else uses its name", async () => {
    expect(await candidates("sql", "--format=nd")).toEqual(["--format=ndjson"]);
    expect(await candidates("sql", "--ref=e")).toEqual(["--ref=etl"]);
    expect(await candidates("merge", "etl", "--take", "f")).toEqual(["flights.silver"]);
    expect(await candidates("cherry-pick", "e")).toEqual(["etl"]);
    for (const [command, option] of [
      ["lake relocate", "--from"],
      ["notebook import", "--to"],
      ["sql", "-f"],
    ] as const)
      expect(await candidates(...command.split(" "), option, "")).toEqual([]);
  });
});

/** A folder with a program `slh` in it, for a shell's PATH. */
async function withProgram(): Promise<Record<string, string>> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "slh"), `#!/bin/sh\nexec "${process.execPath}" "${SLH}" "$@"\n`, { mode: 0o755 });
  await writeFile(join(folder, "query.sql"), "select 6 * 7 as answer");
  return {
    PATH: `${bin}:${process.env.PATH}`,
    SLH_LAKE: join(folder, "lake"),
    NO_COLOR: "1",
    PS1: "$ ",
    TERM: "xterm",
    HOME: folder,
    ZDOTDIR: folder,
    XDG_CONFIG_HOME: folder,
  };
}

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

/** What a person types, with Tab, and what comes of it; the shell is in the folder that has query.sql. */
const TYPED = (script: string) => [
  { until: "$ ", type: `cd "$HOME"; ${script}\r` },
  { until: "$ ", type: "slh desc\t" },
  { until: "describe", type: "fl\t" },
  { until: "flights.silver", type: "\r" },
  { until: "n  int", type: "slh describe we\t" },
  { until: "ird", type: "\r" },
  { until: "odd  int", type: "slh sql --ref=et\t" },
  { until: "etl", type: "--form\t" },
  { until: "--format", type: "cs\t" },
  { until: "csv", type: "-f que\t" },
  { until: "ry.sql", type: "\r" },
  { until: "42", type: "exit\r" },
];

describe("completion in the shells themselves", () => {
  describe("bash and zsh", needsTerminal, () => {
    test("bash", needs(has("bash"), "bash"), async () => {
      const steps = TYPED('eval "$(slh completion bash)"');
      const ran = await inTerminal(["bash", "--noprofile", "--norc", "-i"], steps, {
        env: await withProgram(),
      });
      expect(ran.screen).toContain("answer\r\n42\r\n");
    });

    test("zsh", needs(has("zsh"), "zsh"), async () => {
      const steps = TYPED('autoload -Uz compinit; compinit -u; eval "$(slh completion zsh)"');
      const ran = await inTerminal(["zsh", "-f", "-i"], steps, { env: await withProgram() });
      expect(ran.screen).toContain("answer\r\n42\r\n");
    });
  });

  test("fish", needs(has("fish"), "fish"), async () => {
    const asked = ["slh desc", "slh describe ", "slh sql --ref=et", "slh sql -f que"];
    const script = `slh completion fish | source; ${asked.map((line) => `complete -C '${line}'`).join("; ")}`;
    const env = { ...process.env, ...(await withProgram()) };
    const ran = spawnSync("fish", ["--no-config", "-c", script], { encoding: "utf8", cwd: folder, env });
    expect(ran.stdout).toBe("describe\nflights.silver\nwe ird.t'x:y\n--ref=etl\nquery.sql\n");
  });
});
