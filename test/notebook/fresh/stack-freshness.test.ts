import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { stackFactsOf, stackFactsPath, writeStackFacts } from "../../../lib/kit/notebook/file/stack-facts.js";
import { currentFingerprint } from "../../../lib/kit/notebook/fresh/place.js";
import { madeFrom } from "../../../lib/kit/notebook/fresh/stack-freshness.js";
import { type NotebookPlace, onStack, serializeNotebook } from "../../../lib/kit/notebook/index.js";
import { executeOnStack } from "../../../lib/kit/notebook/run/execute-on-stack.js";
import { notebookFolder, notebookOf } from "../support/notebooks.js";

let root: string;
let place: NotebookPlace;

beforeEach(async () => {
  root = await notebookFolder();
  const source = join(root, "milestones/m42-answer/notebook.ipynb");
  const executed = join(root, ".lake/notebooks/m42/notebook.ipynb");
  place = { id: "m42", source, executed, root, datasets: [], timeoutSeconds: 60 };
  await mkdir(dirname(source), { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

const writeSource = (...cells: string[]) => writeFile(place.source, serializeNotebook(notebookOf(...cells)));

/** As a run on the stack of just now would have left them. */
const ranOnStack = (...cells: string[]) =>
  writeStackFacts(place.source, {
    services: { seaweedfs: "4.53" },
    made: madeFrom(currentFingerprint(place, notebookOf(...cells))),
    datasets: [],
    files: [],
    facts: { "rows.all": { value: 3, unit: "rows" }, "time.all": { value: 1.5, unit: "s", volatile: true } },
  });

test("facts of the stack are missing, then fresh on each profile, and stale when what they are of changes", async () => {
  await writeSource("const a = 1;");
  expect(await onStack(place)).toMatchObject({ state: "missing", recorded: undefined });
  await ranOnStack("const a = 1;");
  const { state, recorded } = await onStack(place);
  expect({ state, facts: recorded?.facts["rows.all"] }).toEqual({
    state: "fresh",
    facts: { value: 3, unit: "rows" },
  });
  vi.stubEnv("SLH_PROFILE", "stack");
  vi.stubEnv("SLH_CATALOG", "etcd://127.0.0.1:2379/other");
  expect((await onStack(place)).state).toBe("fresh");
  await writeSource("const a = 2;");
  expect(await onStack(place)).toMatchObject({ state: "stale", reasons: ["its cells have changed"] });
  await writeSource("const a = 1;");
  await writeFile(join(root, "package-lock.json"), JSON.stringify({ packages: { "node_modules/x": {} } }));
  expect(await onStack(place)).toMatchObject({ reasons: ["package-lock.json has other versions"] });
});

test("a damaged file is named, and each fact is a line of it", async () => {
  await writeSource("1");
  await ranOnStack("1");
  const path = stackFactsPath(place.source);
  const text = await readFile(path, "utf8");
  expect(text.split("\n")).toContain('    "rows.all": {"value":3,"unit":"rows"},');
  await writeFile(path, text.slice(0, -9));
  await expect(onStack(place)).rejects.toMatchObject({ code: "INVALID_CONFIG", subject: path });
});

test("values that each run measures anew stay as they were, where their unit has", () => {
  const cell = { id: "c", index: 0, executionCount: 1 };
  const fact = (name: string, value: number, unit: string, volatile: boolean) =>
    [name, { name, value, unit, volatile, cell }] as const;
  const before = {
    time: { value: 1, unit: "s", volatile: true },
    turned: { value: 1, unit: "s", volatile: true },
    rows: { value: 1, unit: "rows" },
  } as const;
  const facts = new Map([
    fact("time", 2, "s", true),
    fact("turned", 2, "ms", true),
    fact("rows", 2, "rows", false),
  ]);
  expect(stackFactsOf({ facts }, before)).toEqual({
    time: { value: 1, unit: "s", volatile: true },
    turned: { value: 2, unit: "ms", volatile: true },
    rows: { value: 2, unit: "rows" },
  });
});

test("without a stack it is said how to start one, and the environment is as it was", async () => {
  await writeSource("1");
  vi.stubEnv("SLH_STACK", join(root, "no-stack"));
  const before = { ...process.env };
  await expect(executeOnStack(projectAt(root), place)).rejects.toMatchObject({
    code: "STACK_UNREADY",
    remedy: expect.stringContaining("slh stack up"),
  });
  expect(process.env).toEqual(before);
});
