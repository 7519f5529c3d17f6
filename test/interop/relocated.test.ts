import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RestServer, serveRestCatalog } from "../../lib/lakehouse/catalog/index.js";
import {
  type LakehouseCatalog,
  openLakehouse,
  openLakehouseCatalog,
  relocateLakehouse,
  type Table,
} from "../../lib/lakehouse/index.js";
import { Engine } from "./engine.js";
import { appendedTo, deleteKey, expectFollowed, fillMoved } from "./moved-lake.js";

/** Engines that follow every location by themselves, on a lake that was moved and then relocated. */
describe.each([2, 3] as const)("a relocated lake of v%s tables, by REST", (formatVersion) => {
  const appended = appendedTo(formatVersion);
  let directory: string;
  let place: { root: string; profile: "embedded" };
  let served: LakehouseCatalog;
  let server: RestServer;
  let spark: Engine;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "relocated-"));
    const old = { root: join(directory, "old"), profile: "embedded" as const };
    const lake = await openLakehouse(old);
    await fillMoved(lake, formatVersion);
    await lake.close();
    place = { root: join(directory, "new"), profile: "embedded" };
    await rename(old.root, place.root);
    const moved = await openLakehouse(place);
    await deleteKey((await moved.table("ns.t")) as Table, 7n);
    await moved.close();
    await relocateLakehouse(place);
    served = await openLakehouseCatalog(place);
    server = await serveRestCatalog({
      ...served,
      port: 0,
      auth: { clients: { ada: "lovelace" }, tokens: ["t"] },
    });
  });
  afterAll(async () => {
    await spark?.close();
    await server?.close();
    await served?.catalog.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("PyIceberg reads it with its deletes and its past, and writes to it", () =>
    expectFollowed(served, place.root, formatVersion));

  test("Spark reads it with its deletes and its past, and deletes from it; we read what it wrote", async () => {
    spark = new Engine("spark_rest.py");
    await spark.call("start", { uri: server.uri, credential: "ada:lovelace", folder: directory });
    const keys = async (from: string) =>
      ((await spark.call("query", { sql: `select k from ${from} order by k` })) as { k: number }[]).map(
        ({ k }) => Number(k),
      );
    expect(await keys("lake.ns.t")).toEqual([2, 3, 4, 5, 6, 8, ...appended]);
    const { snapshotId } = (await served.catalog.loadTable("ns.t")).metadata.snapshots[0] as {
      snapshotId: bigint;
    };
    expect(await keys(`lake.ns.t version as of ${snapshotId}`)).toEqual([1, 2, 3, 4, 5, 6]);
    await spark.call("run", {
      statements: [
        "alter table lake.ns.t set tblproperties ('write.delete.mode'='merge-on-read')",
        "delete from lake.ns.t where k = 2",
        "insert into lake.ns.t values (30, 'spark')",
      ],
    });
    expect(await keys("lake.ns.t")).toEqual([3, 4, 5, 6, 8, ...appended, 30]);
    const lake = await openLakehouse(place);
    const rows = await (await lake.sql("select k::int as k from ns.t order by k")).rows();
    expect(rows.map(({ k }) => k)).toEqual([3, 4, 5, 6, 8, ...appended, 30]);
    await lake.close();
  });
});
