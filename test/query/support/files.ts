import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isLakehouseError, type Lakehouse, type LakehouseError, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll } from "vitest";

/*
 * Files to load from, and a lakehouse to load them into, of its own for each test file that imports this. They are there
 * from the file's first `beforeAll` on, and go after its last `afterAll`.
 */

/** The files lie in here. */
export let folder: string;
export let lake: Lakehouse;

let tables = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "files-"));
  lake = await openLakehouse({ root: join(folder, "lake") });
});

afterAll(async () => {
  await lake.close();
  rmSync(folder, { recursive: true });
});

/** Where it is. */
export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A name that no table has. */
export const newName = () => `t.t${tables++}`;

/** What work is refused with. */
export async function refusal(work: Promise<unknown>): Promise<LakehouseError> {
  const error = await work.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isLakehouseError(error)) throw error ?? new Error("Nothing was refused.");
  return error;
}
