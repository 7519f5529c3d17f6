import { randomUUID } from "node:crypto";
import { isBranchingCatalog } from "./catalog/index.js";
import type { Lakehouse } from "./lakehouse.js";

/** What one part of the lakehouse said when it was asked to do its job once. */
export interface PartHealth {
  readonly part: "storage" | "catalog" | "query";
  readonly ok: boolean;
  /** What answered: a store's root, a branch's head, an engine's version; or what went wrong. */
  readonly detail: string;
  /** Milliseconds until the answer. */
  readonly milliseconds: number;
}

/** Puts each part to work once: write, read and delete an object; ask the catalog; run a query. */
export function checkHealth(lake: Lakehouse): Promise<PartHealth[]> {
  return Promise.all([
    probe("storage", async () => {
      const uri = `${lake.store.root}/.health-${randomUUID()}`;
      const sent = Buffer.from(uri);
      await lake.store.put(uri, sent, { ifAbsent: true });
      try {
        if (!sent.equals(await lake.store.read(uri)))
          throw new Error("what was read is not what was written");
      } finally {
        await lake.store.delete([uri]);
      }
      return lake.store.root.startsWith("file:") ? "a local directory" : lake.store.root;
    }),
    probe("catalog", async () => {
      const { catalog } = lake;
      if (isBranchingCatalog(catalog)) return `${catalog.ref} at ${(await catalog.hash()).slice(0, 12)}`;
      const { length } = await catalog.listNamespaces();
      return `${length} namespaces`;
    }),
    probe("query", async () => {
      const [row] = await (await lake.sql("select version() as version")).rows();
      return `DuckDB ${String(row?.version).replace(/^v/, "")}`;
    }),
  ]);
}

async function probe(part: PartHealth["part"], work: () => Promise<string>): Promise<PartHealth> {
  const start = performance.now();
  const done = (ok: boolean, detail: string) => ({
    part,
    ok,
    detail,
    milliseconds: performance.now() - start,
  });
  try {
    return done(true, await work());
  } catch (error) {
    return done(false, error instanceof Error ? error.message : String(error));
  }
}
