import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll } from "vitest";

/** A lakehouse of its own for each test file that imports this. */
export let lake: Lakehouse;
/** Its folder. */
export let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "quality-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});
