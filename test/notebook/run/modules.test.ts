import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { writeNotebook } from "../../../lib/kit/notebook/file/store.js";
import { ownPlace } from "../../../lib/kit/notebook/fresh/place.js";
import {
  executeNotebook,
  type Notebook,
  readRecorded,
  runNotebook,
} from "../../../lib/kit/notebook/index.js";
import { modulesOf } from "../../../lib/kit/notebook/run/modules.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

const exercise = (starter: string): Notebook =>
  notebookOf(
    'import { check } from "@sololakehouse/kit";',
    cell("export const given = 1;", { tags: ["module:../small/add.ts"] }),
    starter,
    'await check("add", (t) => t.equal(add(1, 2), 3));',
    cell("export function add(a: number, b: number): number {\n  return a + b;\n}", {
      tags: ["solution:add", "module:../small/add.ts"],
    }),
  );

test("a module is the learner's own cell once its check passes, and the solution until then", async () => {
  const folder = await notebookFolder();
  const open = await runNotebook(
    exercise("export function add(a: number, b: number): number {\n  return 0 * a * b;\n}"),
    { folder, root: folder },
  );
  expect(modulesOf(open.notebook, "m01").get("../small/add.ts")).toBe(
    "// Written by slh run from the cells of m01 that have the tag module:../small/add.ts.\n\nexport const given = 1;\n\n" +
      "export function add(a: number, b: number): number {\n  return a + b;\n}\n",
  );
  const own = "export function add(a: number, b: number): number {\n  return b + a; // mine\n}";
  const solved = await runNotebook(exercise(own), { folder, root: folder });
  expect(modulesOf(solved.notebook, "m01").get("../small/add.ts")).toContain(
    `export const given = 1;\n\n${own}\n`,
  );
});

test("a run leaves its modules where notebooks of other folders find them", async () => {
  const project = projectAt(await notebookFolder());
  const path = join(project.root, "one", "first.ipynb");
  await writeNotebook(path, exercise("export const add = (a: number, b: number): number => 0 * a * b;"));
  await executeNotebook(ownPlace(path, project));
  // A module that leads to another, which lies somewhere else again.
  await mkdir(join(project.root, "else"));
  await writeFile(
    join(project.root, "else", "twice.ts"),
    'import { add } from "../small/add.js";\nexport const twice = (n: number): number => add(n, n);\n',
  );
  const next = join(project.root, "two", "second.ipynb");
  await writeNotebook(next, notebookOf('import { twice } from "../else/twice.js";\nconsole.log(twice(21));'));
  const place = ownPlace(next, project);
  expect((await executeNotebook(place)).run).toMatchObject({ status: "ok" });
  const { cells, fingerprint } = await readRecorded(place.executed);
  expect(cells[0]?.outputs).toEqual([{ output_type: "stream", name: "stdout", text: "42\n" }]);
  expect(Object.keys(fingerprint?.library ?? {})).toEqual(["else/twice.ts", "small/add.ts"]);
  expect(await readFile(join(project.root, "small", "add.ts"), "utf8")).toContain("return a + b");
});
