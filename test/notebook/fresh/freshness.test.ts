import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { reachedSources } from "../../../lib/kit/notebook/fresh/imports.js";
import {
  executeNotebook,
  type NotebookPlace,
  notebookStatus,
  parseNotebook,
  readRecorded,
  serializeNotebook,
} from "../../../lib/kit/notebook/index.js";
import { committedForm } from "../../../lib/kit/notebook/run/execute.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

let root: string;
let place: NotebookPlace;

beforeEach(async () => {
  root = await notebookFolder();
  place = {
    id: "m42",
    source: join(root, "milestones/m42-answer/notebook.ipynb"),
    executed: join(root, ".lake/notebooks/m42/notebook.ipynb"),
    root,
    datasets: [],
    timeoutSeconds: 60,
  };
});

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

const writeSource = (...cells: Parameters<typeof notebookOf>) =>
  write("milestones/m42-answer/notebook.ipynb", serializeNotebook(notebookOf(...cells)));

const machine = async () => (await notebookStatus(place)).machine;

describe("staleness", () => {
  test("goes from not started over missing to fresh, and to stale when its cells change; the committed notebook stays as it is", async () => {
    expect(await machine()).toEqual({ state: "not started", reasons: [] });

    const first = cell("const a = 1;", { id: "first" });
    const note = cell("a", { id: "note" });
    const last = cell("a + 1", { id: "last" });
    await writeSource(first, note, last);
    expect(await machine()).toMatchObject({ state: "missing" });

    const committed = await readFile(place.source, "utf8");
    const { run, cells, facts } = await executeNotebook(place);
    expect({ status: run.status, cells, facts }).toEqual({ status: "ok", cells: 3, facts: 0 });
    expect(await machine()).toMatchObject({ state: "fresh", reasons: [] });
    expect(await readFile(place.source, "utf8")).toBe(committed);
    expect(existsSync(place.executed)).toBe(true);

    await writeSource(cell("const a = 2;", { id: "first" }), cell("text", { type: "markdown" }), last, "a");
    expect((await machine()).reasons).toEqual([
      "code cell 1 (first) changed",
      "code cell 3 (c4) is new",
      "the code cell note is gone",
    ]);
    await writeSource(note, first, last);
    expect((await machine()).reasons).toEqual(["the code cells stand in another order"]);
  });

  test("names the library file that changed, and leaves alone what the notebook never reaches", async () => {
    await write(
      "lib/lakehouse/index.ts",
      'export { a } from "./room/index.js";\nexport { b } from "./other.js";\n',
    );
    await write("lib/lakehouse/room/index.ts", 'export { a } from "./a.js";\n');
    await write("lib/lakehouse/room/a.ts", 'import { deep } from "./deep.js";\nexport const a = deep;\n');
    await write("lib/lakehouse/room/deep.ts", "export const deep = 1;\n");
    await write("lib/lakehouse/other.ts", "export const b = 1;\n");
    await writeSource('const { LakehouseError: a } = require("sololakehouse");', "1");
    await executeNotebook(place);
    expect(await machine()).toMatchObject({ state: "fresh" });
    await write("lib/lakehouse/room/deep.ts", "export const deep = 2;\n");
    expect(await machine()).toMatchObject({
      state: "stale",
      reasons: ["lib/lakehouse/room/deep.ts changed"],
    });
  });

  test("counts locked versions, data sets, profile and Node, the last two on this machine only", async () => {
    await writeSource('import { dataset } from "@sololakehouse/kit"; void dataset("airports");');
    await executeNotebook(place, { save: true });
    expect(await notebookStatus(place)).toMatchObject({
      machine: { state: "fresh" },
      committed: { state: "fresh" },
    });

    for (const path of [place.executed, place.source]) {
      const notebook = JSON.parse(await readFile(path, "utf8"));
      const { fingerprint } = notebook.metadata.sololakehouse;
      expect(Object.keys(fingerprint.datasets)).toEqual(["airports"]);
      fingerprint.versions.node = 18;
      fingerprint.datasets.airports = "0";
      fingerprint.profile = "stack";
      await writeFile(path, JSON.stringify(notebook));
    }
    const everywhere = ["package-lock.json has other versions", "the data set airports changed"];
    const packages = {
      "node_modules/a": { version: "2.0.0" },
      "node_modules/linter": { version: "1.0.0", dev: true },
    };
    await write("package-lock.json", JSON.stringify({ packages }));
    const status = await notebookStatus(place);
    expect(status.committed.reasons).toEqual(everywhere);
    expect(status.machine.reasons).toEqual([
      ...everywhere,
      `Node was 18 and is ${process.versions.node.split(".")[0]}`,
      "the profile was stack and is embedded",
    ]);
  });

  test("keeps a failed run apart, and neither saves it nor calls it fresh", async () => {
    await writeSource("1", 'throw new Error("no");');
    const before = await readFile(place.source, "utf8");
    const { run } = await executeNotebook(place, { save: true });
    expect(run).toMatchObject({
      status: "failed",
      failure: { message: "no", line: 1, cell: { executionCount: 2 } },
    });
    expect(await machine()).toMatchObject({ state: "failed", reasons: ["cell [2]: Error: no"] });
    expect(await readFile(place.source, "utf8")).toBe(before);
    expect((await readRecorded(place.executed)).run?.status).toBe("failed");
  });
});

describe("saving a notebook", () => {
  const timed = `import { fact } from "@sololakehouse/kit"; import { hrtime } from "node:process";
    fact("time", Number(hrtime.bigint() % 1000000007n), { unit: "ns", volatile: true }); fact("rows", 3);`;

  test("writes the same bytes when only volatile values differ", async () => {
    await writeSource(timed, cell("console.log(Math.random())", { tags: ["volatile"] }), "1 + 1");
    await executeNotebook(place, { save: true });
    const first = await readFile(place.source, "utf8");
    const run = await executeNotebook(place, { save: true });
    expect(await readFile(place.source, "utf8")).toBe(first);
    expect(first).not.toContain("finishedAt");
    expect(first).not.toContain("milliseconds");
    // The copy of this machine has the new values and the times.
    const copy = await readRecorded(place.executed);
    expect(copy.run?.milliseconds).toBe(run.run.milliseconds);
    expect(copy.facts.get("time")?.value).not.toBe(
      (await readRecorded(place.source)).facts.get("time")?.value,
    );
    // Asked for, they are saved.
    await executeNotebook(place, { save: true, volatile: true });
    expect((await readRecorded(place.source)).facts).toEqual((await readRecorded(place.executed)).facts);
    expect(await readFile(place.source, "utf8")).not.toBe(first);
  });

  test("takes new outputs from the first cell on that has other code than they are of", async () => {
    const volatile = (id: string) => cell("console.log(Math.random())", { id, tags: ["volatile"] });
    await writeSource(volatile("before"), cell("const by = 1;", { id: "by" }), volatile("after"));
    await executeNotebook(place, { save: true });
    const printed = async (path: string) => {
      const { cells } = parseNotebook(await readFile(path, "utf8"));
      return Object.fromEntries(cells.map(({ id, outputs }) => [id, JSON.stringify(outputs)]));
    };
    const first = await printed(place.source);
    // As an author edits: the outputs are still there.
    await writeFile(place.source, (await readFile(place.source, "utf8")).replace("by = 1", "by = 2"));
    await executeNotebook(place, { save: true });
    const saved = await printed(place.source);
    expect(saved).toEqual({ ...(await printed(place.executed)), before: first.before });
    expect(saved.after).not.toBe(first.after);
  });

  test("takes all new outputs of a cell in which something lasting changed", async () => {
    await writeSource(timed);
    await executeNotebook(place, { save: true });
    const committed = parseNotebook(await readFile(place.source, "utf8"));
    const text = await readFile(place.executed, "utf8");
    const changed = parseNotebook(
      text.replaceAll('"value": 3', '"value": 4').replaceAll(/"value": \d{4,}/g, '"value": 5'),
    );
    const saved = JSON.stringify(committedForm(changed, committed));
    expect(saved).toContain('"value":4');
    expect(saved).toContain('"value":5');
  });
});

describe("what code reaches", () => {
  const reached = (code: string) => reachedSources([code], root, join(root, "milestones/m42-answer"));

  beforeEach(async () => {
    await write(
      "lib/lakehouse/index.ts",
      [
        "/** The front. */",
        'export { type Shape, one } from "./one.js";',
        'export type { Two } from "./two.js";',
        "export {",
        "  three as drei,",
        '} from "./three/index.js";',
        'export * from "./four.js";',
        "",
      ].join("\n"),
    );
    await write(
      "lib/lakehouse/one.ts",
      'import type { Two } from "./two.js";\nexport const one = new URL("./data.json", import.meta.url);\n',
    );
    await write("lib/lakehouse/data.json", "{}");
    await write("lib/lakehouse/two.ts", "export interface Two {}\n");
    await write(
      "lib/lakehouse/three/index.ts",
      'export { three } from "./three.js";\nexport { extra } from "./extra.js";\n',
    );
    await write(
      "lib/lakehouse/three/three.ts",
      'export const three = async () => (await import("../late.js")).late;\n',
    );
    await write("lib/lakehouse/three/extra.ts", "export const extra = 1;\n");
    await write("lib/lakehouse/late.ts", 'import "./one.js";\nexport const late = 1;\n');
    await write("lib/lakehouse/four.ts", "export const four = 4;\n");
    await write("lib/kit/index.ts", 'export { fact } from "./notebook/index.js";\n');
    await write("lib/kit/notebook/index.ts", 'export { fact } from "./fact.js";\n');
    await write(
      "lib/kit/notebook/fact.ts",
      'import { one } from "sololakehouse";\nexport const fact = one;\n',
    );
    await write("milestones/m42-answer/helper.ts", "export const helper = 1;\n");
  });

  test.each([
    ['import { one } from "sololakehouse";', ["data.json", "index.ts", "one.ts"]],
    [
      'import { drei } from "sololakehouse";',
      ["data.json", "index.ts", "late.ts", "one.ts", "three/index.ts", "three/three.ts"],
    ],
    [
      'import { three } from "sololakehouse/three";',
      ["data.json", "late.ts", "one.ts", "three/index.ts", "three/three.ts"],
    ],
    ['import { four } from "sololakehouse";', ["four.ts", "index.ts"]],
    ['import type { Two } from "sololakehouse";', []],
    ['import { type Two, one } from "sololakehouse";', ["data.json", "index.ts", "one.ts"]],
    [
      'import * as all from "sololakehouse";',
      ["data.json", "four.ts", "index.ts", "late.ts", "one.ts", "three/index.ts", "three/three.ts"],
    ],
    [
      'const lake = await import("sololakehouse");',
      ["data.json", "four.ts", "index.ts", "late.ts", "one.ts", "three/index.ts", "three/three.ts"],
    ],
  ])("%s", (code, files) => {
    expect(reached(code)).toEqual(files.map((file) => `lib/lakehouse/${file}`));
  });

  test("finds the source of what is imported as it is built", async () => {
    await write("flows/dist/day/index.js", 'export { day } from "./day.js";\n');
    await write("flows/day/index.ts", 'export { day } from "./day.js";\n');
    await write("flows/day/day.ts", 'import { four } from "sololakehouse";\nexport const day = four;\n');
    expect(reached('import { day } from "../../flows/dist/day/index.js";')).toEqual([
      "flows/day/day.ts",
      "flows/day/index.ts",
      "lib/lakehouse/four.ts",
      "lib/lakehouse/index.ts",
    ]);
  });

  test("crosses from the kit to the lakehouse, and finds files beside the notebook", () => {
    expect(
      reached('import { fact } from "@sololakehouse/kit";\nimport { helper } from "./helper.js";'),
    ).toEqual([
      "lib/kit/index.ts",
      "lib/kit/notebook/fact.ts",
      "lib/kit/notebook/index.ts",
      "lib/lakehouse/data.json",
      "lib/lakehouse/index.ts",
      "lib/lakehouse/one.ts",
      "milestones/m42-answer/helper.ts",
    ]);
  });
});
