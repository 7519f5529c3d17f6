import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { ObjectStoreBackend } from "../../../lib/lakehouse/catalog/store/backends/object-store-backend.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { code, records, schema } from "../support/contents.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "before-move-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test.each([
  ["catalog/objects/", "CATALOG_UNAVAILABLE", "an object of the commit is put"],
  ["catalog/refs/", "COMMIT_STATE_UNKNOWN", "the ref itself is put"],
])("a store that fails at %s gives %s, for it fails when %s", async (part, expected) => {
  let fails = false;
  class Failing extends LocalStore {
    override put(...args: Parameters<LocalStore["put"]>) {
      if (!fails || !args[0].includes(part)) return super.put(...args);
      throw new LakehouseError("STORAGE_FAILED", args[0], "The store is tired.");
    }
  }
  const store = new Failing(directory);
  const backend = new ObjectStoreBackend(store, `${store.root}/catalog`);
  const catalog = await openCatalog({ backend, store, warehouse: `${store.root}/tables` });
  await catalog.createNamespace("ns");
  const table = await catalog.createTable("ns.t", { schema });
  fails = true;
  expect(await code(table.append(records(1)))).toBe(expected);
  fails = false;
  const after = await catalog.loadTable("ns.t");
  expect(after.metadataLocation).toBe(table.metadataLocation);
  // What may have happened may be read: the file stays. What has not, leaves nothing.
  const metadata = [];
  for await (const { uri } of store.list(`${table.metadata.location}/metadata/`))
    if (uri.endsWith(".metadata.json")) metadata.push(uri);
  expect(metadata).toHaveLength(expected === "COMMIT_STATE_UNKNOWN" ? 2 : 1);
  await catalog.close();
});
