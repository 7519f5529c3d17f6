import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-experiments-")));
  for (const name of ["SLH_LAKE", "SLH_CATALOG", "SLH_PROFILE", "SLH_EXPERIMENTS"]) vi.stubEnv(name, "");
  const lake = await openLakehouse({ root: join(folder, ".lake") });
  await lake.experiments.run({ experiment: "e" }, async (run) => {
    await run.logMetrics({ loss: 3, odd: Number.NaN, far: Number.POSITIVE_INFINITY });
    await run.logMetrics({ loss: 1 }, 1);
  });
  await lake.close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const reproduce = (...args: string[]) => slhInProcess(["reproduce", "latest", ...args], folder);
const task = (name: string, first: number) =>
  writeFile(
    join(folder, name),
    `export async function train(run) {
      await run.logMetrics({ loss: ${first}, odd: NaN, far: Infinity });
      await run.logMetrics({ loss: 1 }, 1);
    }`,
  );

test("slh reproduce says of each metric whether all of its values are the same", async () => {
  await task("other.mjs", 2);
  const other = await reproduce("--task", "other.mjs#train", "--json");
  expect(other.code).toBe(1);
  expect(JSON.parse(other.out).metrics).toEqual([
    { key: "far", step: 0, was: "Infinity", is: "Infinity", same: true },
    { key: "loss", step: 0, was: 3, is: 2, same: false },
    { key: "odd", step: 0, was: "NaN", is: "NaN", same: true },
  ]);
  // The newest is the one that was made just now.
  await task("same.mjs", 2);
  const { code, out } = await reproduce("--task", "same.mjs#train");
  expect(code).toBe(0);
  expect(out).toContain("The same: 3 metrics, 0 models.");
});

test.each([
  [[], "does not say by which function it was made"],
  [["--task", "nowhere.mjs#train"], "is not there"],
  [["--task", "broken.mjs#train"], "cannot be loaded"],
  [["--task", "broken.mjs"], "names no function"],
])("slh reproduce %j says what is wrong", async (words, why) => {
  await writeFile(join(folder, "broken.mjs"), "export const train = (");
  const { code, err } = await reproduce(...words);
  expect(code).toBe(1);
  expect(err).toContain("NOT_REPRODUCIBLE");
  expect(err).toContain(why);
});
