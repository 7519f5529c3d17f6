import { afterEach, expect } from "vitest";
import type { ConflictError } from "../../../lib/lakehouse/catalog/model/conflicts.js";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
export const backends: Backend[] = [];
afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close();
});

export async function open(now?: () => number): Promise<VersionStore> {
  const backend = new SqliteBackend(":memory:");
  backends.push(backend);
  const store = new VersionStore(backend, { author: "ada", ...(now ? { now } : {}) });
  await store.ensureBranch("main");
  return store;
}

export const head = async (store: VersionStore, name = "main") => (await store.resolve(name)).commit;
export const failure = async (promise: Promise<unknown>): Promise<ConflictError> =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error) => error,
  );
export const types = (error: ConflictError) => error.conflicts.map(({ type, key }) => [type, key?.join(".")]);
