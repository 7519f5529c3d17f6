import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../lib/lakehouse/catalog/index.js";
import { defineSchema, long } from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore, type ObjectStore } from "../../lib/lakehouse/storage/index.js";

/** The store, but its objects are not files on this machine, as far as anyone can tell. */
function farAway(store: LocalStore): ObjectStore {
  return new Proxy(store, {
    get(target, key) {
      if (key === "localPath") return () => undefined;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as ObjectStore;
}

let dir: string;
let catalog: BranchingCatalog;
const engines: QueryEngine[] = [];

async function engineWith(cache?: { dir: string; maxBytes: number }): Promise<QueryEngine> {
  const engine = await openQueryEngine({
    resolve: (name) => catalog.loadTable(name.join(".")),
    ...(cache && { cache }),
  });
  engines.push(engine);
  return engine;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "query-remote-"));
  const store = farAway(new LocalStore(join(dir, "warehouse"), { durable: false }));
  catalog = await openCatalog({ backend: join(dir, "catalog.db"), store });
  await catalog.createNamespace(["n"]);
  const schema = defineSchema({ id: long() });
  for (const name of ["one", "two"]) {
    const table = await catalog.createTable(`n.${name}`, { schema });
    await table.append([{ id: 1n }, { id: name === "one" ? 2n : 5n }]);
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await catalog.close();
  await rm(dir, { recursive: true });
});

describe("a store elsewhere", () => {
  it("is read through the cache, also when the cache is too small to keep anything", async () => {
    for (const maxBytes of [1 << 30, 1]) {
      const engine = await engineWith({ dir: join(dir, `cache-${maxBytes}`), maxBytes });
      for (let round = 0; round < 3; round++) {
        for (const [name, sum] of [
          ["one", 3n],
          ["two", 6n],
        ]) {
          const result = await engine.sql(`select sum(id) as s from n.${name}`);
          expect(await result.rows()).toEqual([{ s: sum }]);
        }
      }
    }
  });

  it("is refused without a cache, with the remedy", async () => {
    const engine = await engineWith();
    await expect(engine.sql("select * from n.one")).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    expect(await (await engine.sql("select 1 as x")).rows()).toEqual([{ x: 1 }]);
  });
});

it("keeps SQL from files outside the allowed directories", async () => {
  const engine = await openQueryEngine({
    resolve: async () => undefined,
    allowedDirectories: [join(dir, "warehouse")],
  });
  engines.push(engine);
  await expect(engine.sql("select * from '/etc/passwd'")).rejects.toMatchObject({ code: "INVALID_SQL" });
  await expect(engine.sql("select * from read_text('/etc/passwd')")).rejects.toMatchObject({
    code: "INVALID_SQL",
  });
});
