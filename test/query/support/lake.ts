import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

/*
 * A lake of its own for each test file that imports this: a catalog with the namespace `n`, and an engine that finds
 * its tables. It is there from the file's first `beforeAll` on, and goes after its last `afterAll`.
 */

/** All that the lake has lies in here. */
export let directory: string;
/** `warehouse` in the directory. */
export let store: LocalStore;
export let catalog: BranchingCatalog;
export let engine: QueryEngine;

let tables = 0;

/** A name that no table has. */
export function newName(): string {
  return `n.t${tables++}`;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-"));
  store = new LocalStore(join(directory, "warehouse"), { durable: false });
  catalog = await openCatalog({ backend: ":memory:", store });
  await catalog.createNamespace("n");
  engine = await openQueryEngine({
    resolve: (name, { ref }) =>
      (ref === undefined ? catalog : catalog.on(ref))
        .loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" })
        .catch((error: unknown) =>
          isLakehouseError(error, "NO_SUCH_TABLE") ? undefined : Promise.reject(error),
        ),
  });
});
afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});
