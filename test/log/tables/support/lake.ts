import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Lakehouse, openLakehouse } from "../../../../lib/lakehouse/index.js";

/** A lakehouse in a folder of its own, closed after the test. */
export async function openLake(root = lakeFolder()): Promise<Lakehouse> {
  const lake = await openLakehouse({ root });
  onTestFinished(() => lake.close());
  return lake;
}

export function lakeFolder(): string {
  const root = mkdtempSync(join(tmpdir(), "slh-topic-table-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return root;
}
