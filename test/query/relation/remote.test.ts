import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, long, string, timestamptzNs } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { type ByteRange, LocalStore, type ObjectStore } from "../../../lib/lakehouse/storage/index.js";

/** What the way here does to bytes. */
let damage = (_: string, bytes: Uint8Array): Uint8Array => bytes;
/** Requests for objects so far, in order. */
const requests: string[] = [];

/** The store, but its objects are not files on this machine, as far as anyone can tell. */
function farAway(store: LocalStore): ObjectStore {
  return new Proxy(store, {
    get(target, key) {
      if (key === "localPath") return () => undefined;
      if (key === "read") {
        return async (uri: string, range?: ByteRange) => {
          requests.push(uri);
          return damage(uri, await target.read(uri, range));
        };
      }
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

/** Files of a cache, where it keeps them. */
async function cachedFiles(cache: string): Promise<string[]> {
  const names = await readdir(cache, { recursive: true });
  return names.filter((name) => name.endsWith(".parquet")).map((name) => join(cache, name));
}

describe("a store elsewhere", () => {
  test("gives right rows whatever bit of its cached files flips", async () => {
    const cache = { dir: join(dir, "cache-flips"), maxBytes: 1 << 30 };
    const engine = await engineWith(cache);
    const sum = async () => (await (await engine.sql("select sum(id) as s from n.one")).rows())[0];
    expect(await sum()).toEqual({ s: 3n });
    const [first] = await cachedFiles(cache.dir);
    const { length } = await readFile(first as string);
    for (let place = 0; place < length; place += Math.ceil(length / 60)) {
      const [file = ""] = await cachedFiles(cache.dir);
      const bytes = await readFile(file);
      const { atime, mtime } = await stat(file);
      bytes[place]! ^= 1 << (place % 8);
      await writeFile(file, bytes);
      await utimes(file, atime, mtime);
      expect(await sum()).toEqual({ s: 3n });
      await expect.poll(() => cachedFiles(cache.dir)).toHaveLength(1);
    }
  });

  test("gives right rows where a body comes damaged once, and names the object where it always does", async () => {
    const table = await catalog.loadTable("n.one");
    const { filePath } = (await table.inspect.files())[0]!;
    const local = new LocalStore(join(dir, "warehouse"), { durable: false });
    const good = await local.read(filePath);
    const page = 30; // in the first page: the file begins with its magic and a header
    for (const [damages, outcome] of [
      [1, "right"],
      [100, "CORRUPT_FILE"],
    ] as const) {
      let left: number = damages;
      damage = (uri, bytes) => {
        if (uri !== filePath || bytes.length !== good.length || left-- <= 0) return bytes;
        const bad = bytes.slice();
        bad[page]! ^= 4;
        return bad;
      };
      const engine = await engineWith({ dir: join(dir, `cache-damaged-${damages}`), maxBytes: 1 << 30 });
      const rows = engine.sql("select sum(id) as s from n.one").then((result) => result.rows());
      if (outcome === "right") expect(await rows).toEqual([{ s: 3n }]);
      else await expect(rows).rejects.toMatchObject({ code: outcome, subject: filePath });
    }
    damage = (_, bytes) => bytes;
  });

  test.each([
    ["small", 3, {}],
    ["of several mebibytes", 200_000, {}],
    ["read with another footer", 4, { at: timestamptzNs().optional() }],
  ])("is asked once for each data file that is %s", async (_, rows, more) => {
    const name = `n.asked_${rows}`;
    const schema = defineSchema({ id: long(), text: string(), ...(more as object) });
    const table = await catalog.createTable(name, { schema, formatVersion: 3 });
    const row = (_: unknown, i: number) => ({
      id: BigInt(i),
      text: createHash("md5").update(`${i}`).digest("hex"),
    });
    const all = Array.from({ length: rows }, row);
    await (await table.append(all.slice(1))).append(all.slice(0, 1));
    const files = (await (await catalog.loadTable(name)).inspect.files()).map(({ filePath }) => filePath);
    const engine = await engineWith({ dir: join(dir, `cache-${name}`), maxBytes: 1 << 30 });
    requests.length = 0;
    const read = await (
      await engine.sql(`select count(*) as n, md5(string_agg(text, '' order by id)) as texts from ${name}`)
    ).rows();
    const texts = createHash("md5")
      .update(all.map(({ text }) => text).join(""))
      .digest("hex");
    expect(read).toEqual([{ n: BigInt(rows), texts }]);
    expect(requests.filter((uri) => files.includes(uri)).sort()).toEqual(files.sort());
  });

  test("is read through the cache, also when the cache is too small to keep anything", async () => {
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

  test("is refused without a cache, with the remedy", async () => {
    const engine = await engineWith();
    await expect(engine.sql("select * from n.one")).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    expect(await (await engine.sql("select 1 as x")).rows()).toEqual([{ x: 1 }]);
  });
});

test.each(["/", [""], [3]])("takes no %j for the folders that SQL may read", async (allowedDirectories) => {
  const opening = openQueryEngine({
    resolve: async () => undefined,
    allowedDirectories: allowedDirectories as string[],
  });
  await expect(opening).rejects.toMatchObject({ code: "INVALID_CONFIG", subject: "allowedDirectories" });
});

test("keeps SQL from files outside the allowed directories", async () => {
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
