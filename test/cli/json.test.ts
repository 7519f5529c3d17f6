import { mkdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import * as kit from "../../lib/kit/cli/commands.js";
import { serializeNotebook } from "../../lib/kit/notebook/index.js";
import { buildProgram } from "../../lib/lakehouse/cli.js";
import { notebookFolder, notebookOf } from "../notebook/support/notebooks.js";
import { slhInProcess } from "./in-process.js";
import { slhUntilLine } from "./process.js";

/** Commands whose output is no result. */
const WITHOUT: Readonly<Record<string, string>> = {
  shell: "a session: .mode says how rows are printed",
  "completion bash": "a script for the shell",
  "completion zsh": "a script for the shell",
  "completion fish": "a script for the shell",
  "completion candidates": "words for those scripts",
  lab: "Jupyter takes the terminal",
};

/** Each way that a command is asked. */
const ASKED: readonly (readonly string[])[] = [
  ["sql", "select 1 as a", "--json"],
  ["sql", "select 1 as a", "-o", "rows.csv", "--json"],
  ["tables", "--json"],
  ["check", "s.t", "--suite", "schema.yml", "--json"],
  ["describe", "s.t", "--json"],
  ["layout", "s.t", "--json"],
  ["compact", "s.t", "--dry-run", "--json"],
  ["compact", "s.t", "--all", "--json"],
  ["maintain", "--dry-run", "--json"],
  ["branch", "--json"],
  ["branch", "etl", "--json"],
  ["branch", "-d", "etl", "--json"],
  ["tag", "v1", "--json"],
  ["tag", "--json"],
  ["log", "--json"],
  ["log", "--graph", "--json"],
  ["diff", "main~1", "main", "--json"],
  ["merge", "main", "--dry-run", "--json"],
  ["cherry-pick", "main", "--into", "old", "--json"],
  ["revert", "main", "--json"],
  ["rollback", "main~1", "--json"],
  ["reflog", "--json"],
  ["gc", "--json"],
  ["init", "--json"],
  ["health", "--json"],
  ["metrics", "--json"],
  ["lake", "relocate", "--json"],
  ["config", "--json"],
  ["new", "my/first", "--json"],
  ["notebook", "export", "my/first.ipynb", "--json"],
  ["notebook", "export", "my/first.ipynb", "-o", "first.ts", "--json"],
  ["notebook", "import", "first.ts", "--json"],
  ["notebook", "check", "empty.ipynb", "--json"],
  ["stack", "status", "--json"],
  ["stack", "down", "--json"],
  ["stack", "logs", "etcd", "--json"],
  ["stack", "open", "mlflow", "--json"],
  ["stack", "compose", "compose", "--json"],
  ["run", "--json"],
  ["content", "check", "--json"],
  ["content", "setup", "--author", "Ada", "--json"],
  ["content", "plan", "--json"],
  ["interview", "estimate", "rows_a_day=1e9", "--json"],
  ["interview", "drill", "--json"],
  ["interview", "mock", "--json"],
  ["interview", "design", "--json"],
  ["status", "--json"],
  ["reset", "--dry-run", "--json"],
  ["import", "rows.json", "--table", "s.u", "--dry-run", "--json"],
  ["experiments", "list", "--json"],
  ["experiments", "list", "e", "--json"],
  ["experiments", "show", "latest", "--json"],
  ["reproduce", "latest", "--json"],
  ["backup", "--to", "saved", "--json"],
  ["backups", "saved", "--json"],
  ["restore", "s.t", "--from", "saved", "--as", "s.v", "--json"],
  ["pack", "saved.tar", "--json"],
  ["unpack", "saved.tar", "--verify", "--json"],
  ["pipeline", "graph", "--json"],
  ["pipeline", "run", "--json"],
  ["pipeline", "watch", "--once", "--json"],
  ["pipeline", "backfill", "--from", "2001-03-04", "--json"],
  ["pipeline", "step", "p", "s", "--key", "k", "--json"],
  ["pipeline", "publish", "p", "--key", "k", "--json"],
  ["pipeline", "export", "--to", "systemd", "--json"],
  ["pipeline", "list", "--json"],
  ["pipeline", "show", "--json"],
];

const orchestration = new URL("../../lib/lakehouse/dist/orchestration.js", import.meta.url);
const PIPELINES = `import { definePipeline, onSnapshot, step } from "${orchestration}";
const triggers = [onSnapshot("s.t")];
export default definePipeline({ name: "p", triggers, steps: [step({ name: "s", sliced: true, run: () => 1 })] });`;

const SERVERS = ["catalog serve", "storage serve", "content serve", "studio"];

let folder: string;
let lake: Lakehouse;

beforeAll(async () => {
  folder = await realpath(await notebookFolder());
  await writeFile(join(folder, "package.json"), JSON.stringify({ workspaces: [] }));
  await mkdir(join(folder, "milestones"));
  await mkdir(join(folder, "blog"));
  await writeFile(
    join(folder, "blog/site.yaml"),
    "title: Test\nsentence: A test.\nurl: https://example.org\nauthor: Nobody\n",
  );
  const suite = "models: [{ name: t, columns: [{ name: n, data_tests: [not_null] }] }]";
  await writeFile(join(folder, "schema.yml"), suite);
  await writeFile(join(folder, "slh.pipelines.mjs"), PIPELINES);
  await writeFile(join(folder, "rows.json"), '[{"n":1}]');
  await writeFile(join(folder, "task.mjs"), "export const train = (run) => run.logMetrics({ m: 1 });");
  await writeFile(join(folder, "empty.ipynb"), serializeNotebook(notebookOf("")));
});
beforeEach(async () => {
  for (const name of ["SLH_LAKE", "SLH_CATALOG", "SLH_PROFILE"]) vi.stubEnv(name, "");
  vi.stubEnv("SLH_STACK", join(folder, "stack"));
  lake = await openLakehouse({ root: join(folder, ".lake") });
  const options = { schema: defineSchema({ n: int() }), ifExists: "replace" } as const;
  await (await lake.createTable("s.t", options)).append([{ n: 1 }]);
});
afterEach(async () => {
  await lake.close();
  vi.unstubAllEnvs();
});

const slh = (...words: string[]) => slhInProcess(words, folder);

function leavesOf(command: Command, above: readonly string[] = []): { name: string; command: Command }[] {
  if (command.commands.length === 0) return [{ name: above.join(" "), command }];
  return command.commands.flatMap((child) => leavesOf(child, [...above, child.name()]));
}

const hasJson = ({ options }: Command): boolean =>
  options.some(({ long, argChoices }) => long === "--json" || argChoices?.includes("ndjson") === true);

describe("JSON", () => {
  test("can be had of every command that prints a result", async () => {
    const leaves = leavesOf(await buildProgram(kit));
    expect(leaves.length).toBeGreaterThan(30);
    const without = leaves.filter(({ command }) => !hasJson(command)).map(({ name }) => name);
    expect(without.sort()).toEqual(Object.keys(WITHOUT).sort());
    const asked = [...ASKED.map((words) => words.join(" ")), ...SERVERS];
    const rows = ["table read", "table inspect", "table verify"];
    const held = (name: string) =>
      name in WITHOUT || rows.includes(name) || asked.some((words) => words.startsWith(name));
    expect(leaves.map(({ name }) => name).filter((name) => !held(name))).toEqual([
      "content build", // content/commands.test.ts
      "content video", // site/video.test.ts
      "interview talk", // interview/interview.test.ts
      "stack up", // stack/live/core.test.ts
      "stack doctor", // stack/live/lifecycle.test.ts
      "stack env", // stack/live/support.ts
      "stack drill", // stack/live/long/drills.test.ts
      "pipeline retry", // cli/pipeline.test.ts
    ]);
  });

  test.each(ASKED)("is all that slh %s %s %s prints", async (...words) => {
    if (words.includes("old")) await lake.branch("old", { from: "main~1" });
    if (words.includes("latest"))
      await lake.experiments.run({ experiment: "e", task: "task.mjs#train" }, (run) =>
        run.logMetrics({ m: 1 }),
      );
    const { code, out, err } = await slh(...words);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toBeTypeOf("object");
  });

  test.each(SERVERS)("is the line with which slh %s says where it is", async (words) => {
    await mkdir(join(folder, "dist/site"), { recursive: true });
    await writeFile(join(folder, "dist/site/index.html"), "");
    const { out, err, code } = await slhUntilLine([...words.split(" "), "--port", "0", "--json"], folder);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    const { uri, endpoint, url } = JSON.parse(out);
    expect(uri ?? endpoint ?? url).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  });

  test.each([["read"], ["inspect"], ["verify"]])("comes line by line from slh table %s", async (word) => {
    const { metadataLocation } = await lake.table("s.t");
    const { out, code } = await slh("table", word, metadataLocation, "--format", "ndjson");
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect({ code, lines: lines.length }).toEqual({ code: 0, lines: 1 });
  });
});

describe("an error", () => {
  const errorOf = async (...words: string[]) => {
    const { code, out, err } = await slh(...words);
    expect(out).toBe("");
    return { code, ...JSON.parse(err).error };
  };

  test("is JSON with code, subject and remedy where JSON was asked for", async () => {
    expect(await errorOf("describe", "s.tt", "--json")).toEqual({
      code: "NO_SUCH_TABLE",
      subject: "s.tt",
      message: expect.stringMatching(/^There is no table s\.tt\b.*\.$/),
      remedy: expect.stringContaining("s.t"),
    });
    for (const words of [
      ["sql", "selec 1", "--format", "ndjson"],
      ["sql", "selec 1", "--format=json"],
    ])
      expect(await errorOf(...words)).toMatchObject({ code: "INVALID_SQL", message: expect.any(String) });
    expect(await errorOf("table", "read", "nowhere", "--format", "ndjson")).toMatchObject({
      code: "NO_SUCH_TABLE",
      remedy: expect.any(String),
    });
    expect(await errorOf("notebook", "export", "nowhere.ipynb", "--json")).toMatchObject({
      code: "INVALID_CONFIG",
      subject: expect.stringContaining("nowhere.ipynb"),
    });
  });

  test("in the command line itself is JSON, too", async () => {
    const { code: exit, out, err } = await slh("tables", "--josn", "--json");
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expect(JSON.parse(err).error).toEqual({
      code: "USAGE",
      subject: "--josn",
      message: "unknown option '--josn'\n(Did you mean --json?)",
      remedy: "Add --help for what it takes.",
    });
    expect(JSON.parse((await slh("tabels", "--json")).err).error.message).toContain("(Did you mean tables?)");
  });

  test("is text for people otherwise", async () => {
    expect((await slh("describe", "s.tt")).err).toMatch(/^error {2}NO_SUCH_TABLE: /);
    expect((await slh("describe", "--", "--json")).err).toMatch(/^error {2}/);
  });
});
