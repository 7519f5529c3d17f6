import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCatalog } from "../../lib/lakehouse/catalog/index.js";
import { LakehouseError } from "../../lib/lakehouse/errors.js";
import { eq, identity, type Table } from "../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import { openQueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore, type ObjectStore } from "../../lib/lakehouse/storage/index.js";
import { lines, schema } from "../query/support/rows.js";

/** A store of a process that is killed before its n-th write or delete: nothing that it asks for after that happens. */
function killedAt(inner: ObjectStore, limit: () => number, count: () => number): ObjectStore {
  const dying =
    <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      if (count() > limit()) throw new LakehouseError("STORAGE_FAILED", "process", "killed");
      return call(...given);
    };
  const own = { put: dying(inner.put.bind(inner)), delete: dying(inner.delete.bind(inner)) };
  return new Proxy(inner, {
    get: (target, key) => {
      const value = Reflect.get(own, key) ?? Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("killed at any write, a compaction leaves the rows, and nothing that is not cleaned up", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kills-"));
  const inner = new LocalStore(join(directory, "warehouse"), { durable: false });
  let limit = Number.POSITIVE_INFINITY;
  let writes = 0;
  const store = killedAt(
    inner,
    () => limit,
    () => ++writes,
  );
  const backend = join(directory, "catalog.db");
  const engine = await openQueryEngine({ resolve: async () => undefined });
  let catalog = await openCatalog({ backend, store });
  const ids = async (table: Table) =>
    (await (await engine.scan(table, table.scan({ select: ["id"] }))).rows())
      .map(({ id }) => Number(id))
      .sort();
  try {
    await catalog.createNamespace("n");
    let outcomes = "";
    for (let at = 0; !outcomes.endsWith("done"); at++) {
      limit = Number.POSITIVE_INFINITY;
      let table = (
        await catalog.createTable(`n.t${at}`, { schema, formatVersion: 3, partitionSpec: [identity("city")] })
      ).withEngine(engine) as Table;
      for (let i = 0; i < 3; i++)
        table = await table.append([
          ...lines(i * 10, i * 10 + 3, "ATL"),
          ...lines(i * 10 + 5, i * 10 + 8, "JFK"),
        ]);
      table = await table.deleteRows(eq("id", 1), { mode: "merge-on-read" });
      const expected = await ids(table);
      writes = 0;
      limit = at;
      outcomes += await compact(table, { rewriteAll: true, maxCommits: 2 }).then(
        () => "done",
        () => "killed ",
      );
      limit = Number.POSITIVE_INFINITY;
      // Another process: it knows only what is stored.
      await catalog.close();
      catalog = await openCatalog({ backend, store });
      table = (await catalog.loadTable(`n.t${at}`)).withEngine(engine);
      expect(await ids(table)).toEqual(expected);
      await compact(table, { rewriteAll: true });
      table = await table.refresh();
      expect(await ids(table)).toEqual(expected);
      await table.removeOrphans({ gracePeriodMs: 0 });
      expect(await ids(table)).toEqual(expected);
      const again = await table.removeOrphans({ gracePeriodMs: 0, dryRun: true });
      expect(again.files).toEqual([]);
    }
    // At each of its writes, of which there is a data file a partition, manifests, lists and metadata at the least.
    expect(outcomes.split(" ").length).toBeGreaterThan(8);
    expect((await readdir(directory)).length).toBeGreaterThan(1);
  } finally {
    await engine.close();
    await catalog.close();
    await rm(directory, { recursive: true, force: true });
  }
});
