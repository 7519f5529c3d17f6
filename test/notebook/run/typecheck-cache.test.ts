import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { openCheckedNotebooks } from "../../../lib/kit/notebook/run/typecheck-cache.js";

let root: string;
const notebook = () => join(root, "milestones/m01-one/notebook.ipynb");
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-checked-"));
  await write("package-lock.json", "{}");
  await write("milestones/m01-one/notebook.ipynb", "{}");
  await write("milestones/m01-one/helper.ts", "export {};");
  await write("milestones/m02-two/helper.ts", "export {};");
  await write("node_modules/sololakehouse/dist/index.d.ts", "export {};");
  await write("node_modules/sololakehouse/dist/index.js", "");
  await write("node_modules/@sololakehouse/kit/dist/index.d.ts", "export {};");
  await write("node_modules/@sololakehouse/kit/dist/typecheck.js", "");
  const checked = await openCheckedNotebooks(projectAt(root));
  expect(await checked.has(notebook())).toBe(false);
  await checked.add(notebook());
  await checked.save();
});
afterEach(() => rm(root, { recursive: true }));

const isKnown = async () => (await openCheckedNotebooks(projectAt(root))).has(notebook());

test("knows a notebook that compiled until something changes that decides whether it does", async () => {
  expect(await isKnown()).toBe(true);
  for (const path of [
    "milestones/m01-one/notebook.ipynb",
    "milestones/m01-one/helper.ts",
    "node_modules/sololakehouse/dist/index.d.ts",
    "node_modules/sololakehouse/dist/new.d.ts",
    "node_modules/@sololakehouse/kit/dist/typecheck.js",
    "package-lock.json",
  ]) {
    const checked = await openCheckedNotebooks(projectAt(root));
    await checked.add(notebook());
    await checked.save();
    expect([path, await isKnown()]).toEqual([path, true]);
    await write(path, "changed");
    expect([path, await isKnown()]).toEqual([path, false]);
  }
});

test("knows it still when something else changes", async () => {
  await write("milestones/m02-two/helper.ts", "changed");
  await write("node_modules/sololakehouse/dist/index.js", "changed");
  expect(await isKnown()).toBe(true);
});

test("knows nothing of what a damaged record says", async () => {
  await write(".lake/checked-notebooks.json", '[["');
  expect(await isKnown()).toBe(false);
});
