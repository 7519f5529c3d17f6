import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  openCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import { schemaToArrow } from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { python } from "./installed.js";

const run = promisify(execFile);
const script = fileURLToPath(new URL("python/rest_catalog.py", import.meta.url));

/** PyIceberg's own REST client on our server, and what it wrote read back by us. */
describe("PyIceberg on the REST server", () => {
  let directory: string;
  let catalog: BranchingCatalog;
  let server: RestServer;
  let engine: QueryEngine;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "rest-pyiceberg-"));
    const store = new LocalStore(join(directory, "warehouse"));
    catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
    server = await serveRestCatalog({
      catalog,
      store,
      port: 0,
      auth: { tokens: ["letmein"], clients: { ada: "lovelace" } },
    });
    engine = await openQueryEngine({
      resolve: (name, { ref }) =>
        catalog.on(ref ?? "main").loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" }),
    });
  });
  afterAll(async () => {
    await engine?.close();
    await server?.close();
    await catalog?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs one step of the script; what it prints is its answer. */
  async function pyiceberg(
    step: string,
    uri: string,
    options: object = { token: "letmein" },
  ): Promise<unknown> {
    const { stdout } = await run(python, [script, uri, step, JSON.stringify(options)]);
    return stdout === "" ? undefined : JSON.parse(stdout);
  }

  const onMain = [
    { flight: 1, origin: "ATL", delay: null },
    { flight: 3, origin: "ATL", delay: null },
    { flight: 5, origin: "ATL", delay: 1.5 },
    { flight: 7, origin: "SEA", delay: null },
  ];

  test("creates, writes, evolves, renames, registers and drops", async () => {
    await pyiceberg("write", server.uri);
    const table = await catalog.loadTable("py.flights");
    expect(table.properties).toMatchObject({ a: "1", b: "2" });
    expect(schemaToArrow(table.schema).fields.map(({ name }) => name)).toEqual(["flight", "origin", "delay"]);
    const result = await engine.sql("select * from py.flights order by flight");
    expect(JSON.parse(await result.format("json"))).toEqual(onMain);
    expect(await catalog.listTables("py.deep")).toEqual([{ namespace: ["py", "deep"], name: "a.b/c d" }]);
  });

  test("works on a branch, and main does not see it until it is merged", async () => {
    await catalog.createBranch("etl");
    const credential = { credential: "ada:lovelace", scope: "catalog" };
    await pyiceberg("append", `${server.uri}/iceberg/etl`, credential);
    const onBranch = [...onMain, { flight: 100, origin: "BOS", delay: 0.5 }];
    expect(await pyiceberg("read", server.uri)).toMatchObject({ rows: onMain });
    expect(await pyiceberg("read", `${server.uri}/iceberg/etl`, credential)).toMatchObject({
      rows: onBranch,
    });
    expect(await catalog.tableExists("py.only_here")).toBe(false);
    await catalog.merge("etl");
    expect(await pyiceberg("read", server.uri)).toMatchObject({ rows: onBranch });
  });

  test("sees views, and drops them", async () => {
    await catalog.createView("py.late", {
      schema: (await catalog.loadTable("py.flights")).schema,
      defaultNamespace: ["py"],
      representations: [{ type: "sql", dialect: "duckdb", sql: "select * from flights where delay > 1" }],
    });
    expect(await pyiceberg("views", server.uri)).toEqual({ views: [["py", "late"]], exists: true });
    expect(await catalog.viewExists("py.late")).toBe(false);
  });
});
