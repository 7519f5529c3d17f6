import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  alwaysTrue,
  defineSchema,
  eq,
  isLakehouseError,
  type Lakehouse,
  long,
  openLakehouse,
  openLakehouseCatalog,
  string,
  type Table,
} from "sololakehouse";
import {
  type Catalog,
  ObjectStoreBackend,
  openCatalog,
  openNessieCatalog,
  openRestCatalog,
  serveRestCatalog,
} from "sololakehouse/catalog";
import { LocalStore } from "sololakehouse/storage";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { methodsOf } from "./support/methods.js";

const schema = defineSchema({ k: long(), v: string() });
const rows = [1, 2, 3].map((k) => ({ k: BigInt(k), v: `v${k}` }));

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "closed-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const openHere = () => openLakehouse({ root, profile: "embedded" });

/** What became of a call: a code, or what it was instead. */
async function outcome(call: () => unknown): Promise<string> {
  try {
    const answer = await call();
    return `answered ${String(answer)}`;
  } catch (error) {
    return isLakehouseError(error) ? error.code : `threw ${String(error)}`;
  }
}

async function outcomes(
  object: object,
  calls: Readonly<Record<string, readonly unknown[]>>,
  but: readonly string[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of methodsOf(object, but)) {
    const method = (object as Record<string, (...given: unknown[]) => unknown>)[name];
    found[name] = await outcome(() => method?.apply(object, [...(calls[name] ?? ["s.t", {}, {}])]));
  }
  return found;
}

const allClosed = (found: Record<string, string>) =>
  Object.fromEntries(Object.keys(found).map((name) => [name, "CLOSED"]));

const CATALOG_CALLS = {
  createNamespace: ["n"],
  listNamespaces: [],
  listNamespacesPage: [{}],
  loadNamespace: ["s"],
  namespaceExists: ["s"],
  updateNamespace: ["s", { set: { a: "b" } }],
  dropNamespace: ["s"],
  createTable: ["s.u", { schema }],
  listTables: ["s"],
  listTablesPage: ["s", {}],
  listViews: ["s"],
  listViewsPage: ["s", {}],
  renameTable: ["s.t", "s.u"],
  renameView: ["s.v", "s.w"],
  registerTable: ["s.u", "file:///nowhere/00000-a.metadata.json"],
  registerView: ["s.w", "file:///nowhere/00000-a.metadata.json"],
  createView: [
    "s.w",
    {
      schema,
      defaultNamespace: ["s"],
      representations: [{ type: "sql", sql: "select 1", dialect: "duckdb" }],
    },
  ],
  commitView: ["s.v", { requirements: [], updates: [] }],
  commitTransaction: [
    [{ table: "s.t", requirements: [], updates: [{ action: "set-properties", updates: { a: "b" } }] }],
  ],
  reference: ["main"],
  references: [],
  createBranch: ["b"],
  createTag: ["g"],
  assignReference: ["main", "main"],
  deleteReference: ["b"],
  reflog: ["main"],
  commitAt: [],
  log: [],
  entries: [],
  diff: ["main", "main"],
  merge: ["b"],
  transplant: ["main"],
  revert: ["main"],
  rollback: ["main"],
  hash: [],
  collectGarbage: [],
};

/** Of these nothing is asked before what they give is used. */
const VIEWS = ["on", "once", "close", "committer"];

describe("after close()", () => {
  test("every method of a lakehouse is CLOSED, and of its tables all that asks for more", async () => {
    const lake = await openHere();
    const table = (await lake.createTable("s.t", { schema })) as unknown as Table;
    await table.append(rows);
    const full = await lake.table("s.t");
    const files = await readdir(root, { recursive: true });
    await lake.close();
    await lake.close();
    const found = await outcomes(
      lake,
      {
        sql: ["select 1"],
        read: [full],
        changes: [full],
        countRows: [full],
        createTable: ["s.u", { schema }],
        createOrReplaceTable: ["s.t", { schema, data: rows }],
        tables: [],
        branch: ["b"],
        tag: ["g"],
        refs: [],
        deleteRef: ["b"],
        diff: ["main", "main"],
        merge: ["b"],
        transplant: ["main"],
        revert: ["main"],
        rollback: ["main"],
        reflog: [],
        gc: [],
        hash: [],
        commits: [],
        history: [],
      },
      ["on", "close", "health", "metrics"],
    );
    expect(found).toEqual(allClosed(found));
    expect(Object.keys(found).length).toBeGreaterThan(15);
    expect((await lake.health()).map(({ part, ok }) => `${part} ${ok}`)).toEqual([
      "storage true",
      "catalog false",
      "query false",
      "log true",
    ]);

    const changes = {
      refresh: () => full.refresh(),
      append: () => full.append(rows),
      overwrite: () => full.overwrite(rows, { where: alwaysTrue }),
      deleteRows: () => full.deleteRows(eq("k", 1n)),
      updateRows: () => full.updateRows(eq("k", 1n), { v: "w" }),
      upsert: () => full.upsert(rows, { on: ["k"] }),
      rowDelta: () => full.rowDelta({ on: ["k"], deletes: [{ k: 1n }], rows: [] }),
      truncate: () => full.truncate(),
      addFiles: () => full.addFiles([]),
      createRef: () => full.createRef("b", { type: "branch" }),
      transaction: async () => {
        const transaction = full.begin();
        await transaction.append(rows);
        await transaction.commit();
      },
    };
    const made: Record<string, string> = {};
    for (const [name, change] of Object.entries(changes)) made[name] = await outcome(change);
    expect(made).toEqual(allClosed(made));
    expect(
      (await readdir(root, { recursive: true }))
        .filter((name) => !/(-wal|-shm|lock\.sqlite)$/.test(name))
        .sort(),
    ).toEqual(files.filter((name) => !/(-wal|-shm|lock\.sqlite)$/.test(name)).sort());
  });

  const catalogs: Record<string, () => Promise<{ catalog: Catalog; end: () => Promise<void> }>> = {
    "in SQLite": async () => {
      const { catalog } = await openLakehouseCatalog({ root, profile: "embedded" });
      return { catalog, end: async () => {} };
    },
    "in an object store": async () => {
      const store = new LocalStore(root);
      const backend = new ObjectStoreBackend(store, `${store.root}/catalog`);
      return { catalog: await openCatalog({ backend, store }), end: async () => {} };
    },
    "over REST": async () => {
      const served = await openLakehouseCatalog({ root, profile: "embedded" });
      const server = await serveRestCatalog({ ...served, port: 0 });
      const end = async () => {
        await server.close();
        await server.close();
        await served.catalog.close();
      };
      return { catalog: await openRestCatalog({ uri: server.uri }), end };
    },
    "over Nessie's API": async () => {
      const served = await openLakehouseCatalog({ root, profile: "embedded" });
      const server = await serveRestCatalog({ ...served, port: 0 });
      const end = async () => {
        await server.close();
        await served.catalog.close();
      };
      return { catalog: await openNessieCatalog({ uri: `${server.uri}/api/v2`, store: served.store }), end };
    },
  };
  test.each(Object.keys(catalogs))("every method of a catalog %s is CLOSED", async (name) => {
    const { catalog, end } = await (catalogs[name] as (typeof catalogs)[string])();
    await catalog.createNamespace("s");
    await catalog.createTable("s.t", { schema });
    await catalog.loadTable("s.t");
    await catalog.close();
    await catalog.close();
    const found = await outcomes(catalog, CATALOG_CALLS, VIEWS);
    const unsupported = ["collectGarbage", "reflog"].filter(
      (method) => found[method] === "UNSUPPORTED_FEATURE",
    );
    if (name === "over Nessie's API") for (const method of unsupported) delete found[method];
    expect(found).toEqual(allClosed(found));
    expect(await outcome(() => catalog.committer("s.t").load())).toBe("CLOSED");
    await end();
  });
});

describe("close()", () => {
  const LONG = "select sum(a.range * b.range)::double as n from range(200000) a, range(200000) b";

  async function running(lake: Lakehouse): Promise<string> {
    return outcome(async () => (await lake.sql(LONG)).rows());
  }

  test("stops queries that run, which say that they were closed", async () => {
    const lake = await openHere();
    await lake.sql("select 1");
    const queries = [running(lake), running(lake), running(lake)];
    await new Promise((resolve) => setTimeout(resolve, 200));
    await lake.close();
    expect(await Promise.all(queries)).toEqual(["CLOSED", "CLOSED", "CLOSED"]);
  });

  test("ends results that were not read to their end, and leaves those that were", async () => {
    const lake = await openHere();
    const whole = await lake.sql("select 7 as n");
    const kept = await lake.sql("select range as n from range(300000)");
    await kept.toArrow();
    const half = await lake.sql("select range as n from range(3000000)");
    const batches = half.batches();
    await batches.next();
    const unread = await lake.sql("select range as n from range(3000000)");
    await lake.close();
    expect(await whole.rows()).toEqual([{ n: 7 }]);
    expect((await kept.toArrow()).numRows).toBe(300_000);
    expect(
      await outcome(async () => {
        for await (const _ of batches);
      }),
    ).toBe("CLOSED");
    expect(await outcome(() => unread.rows())).toBe("CLOSED");
  });

  test("leaves a table as it was where a change is under way", async () => {
    const lake = await openHere();
    const table = (await lake.createTable("s.t", { schema })) as unknown as Table;
    const filled = await table.append(Array.from({ length: 20_000 }, (_, k) => ({ k: BigInt(k), v: "v" })));
    const change = outcome(() => filled.updateRows(eq("v", "v"), { v: { sql: "concat(v, 'w')" } } as never));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await lake.close();
    expect(["CLOSED", "answered [object Object]"]).toContain(await change);
    const again = await openHere();
    const [row] = await (await again.sql("select count(*)::int as n from s.t")).rows();
    expect(row).toEqual({ n: 20_000 });
    await again.close();
  });
});
