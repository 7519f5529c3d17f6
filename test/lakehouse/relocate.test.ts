import { cp, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  defineSchema,
  eq,
  type Lakehouse,
  long,
  openLakehouse,
  openLakehouseCatalog,
  openTable,
  relocateLakehouse,
  string,
  type Table,
} from "sololakehouse";
import { serveRestCatalog } from "sololakehouse/catalog";
import { openQueryEngine } from "sololakehouse/query";
import { fileUri } from "sololakehouse/storage";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AvroFile } from "../../lib/lakehouse/iceberg/files/avro/container.js";
import { compileDecoder } from "../../lib/lakehouse/iceberg/files/avro/decode.js";

const schema = defineSchema({ k: long(), v: string() });
const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ k: BigInt(from + i), v: `v${from + i}` }));
const MERGE_ON_READ = { mode: "merge-on-read" } as const;

let folder: string;
let open: { close(): Promise<void> }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relocate-"));
  open = [];
});

afterEach(async () => {
  for (const one of open) await one.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => ({ root: join(folder, name), profile: "embedded" as const });

async function openAt(name: string): Promise<Lakehouse> {
  const lake = await openLakehouse(at(name));
  open.push(lake);
  return lake;
}

async function closed(lake: Lakehouse): Promise<void> {
  open.splice(open.indexOf(lake), 1);
  await lake.close();
}

async function keys(lake: Lakehouse, from = "s.t"): Promise<number[]> {
  const result = await lake.sql(`select k::int as k from ${from} order by k`);
  return (await result.rows()).map(({ k }) => k as number);
}

/** The keys as a reader has them that knows neither catalog nor move, and follows the locations in the metadata. */
async function keysByFiles(metadataLocation: string, snapshotId?: bigint): Promise<number[]> {
  const engine = await openQueryEngine({ resolve: async () => undefined });
  try {
    const table = await openTable(metadataLocation);
    const result = await engine.scan(table, table.scan({ snapshotId, select: ["k"] }));
    return (await result.rows()).map(({ k }) => Number(k)).sort((a, b) => a - b);
  } finally {
    await engine.close();
  }
}

/** A lake with deletes of either kind, a branch, a tag, and a view. */
async function make(name: string, formatVersion: 2 | 3): Promise<{ hash: string }> {
  const lake = await openAt(name);
  let table = (await lake.createTable("s.t", { schema, formatVersion })) as unknown as Table;
  table = await table.append(rows(1, 6));
  const hash = await lake.hash();
  table = await table.append(rows(7, 9));
  table = await table.deleteRows(eq("k", 1n), MERGE_ON_READ);
  table = await table.rowDelta({ on: ["k"], deletes: [{ k: 2n }], rows: [] });
  await lake.branch("etl");
  await (await lake.on("etl").table("s.t")).deleteRows(eq("k", 9n), MERGE_ON_READ);
  await lake.tag("first", { from: `@${hash}` });
  await lake.catalog.createView("s.v", {
    schema: table.schema,
    representations: [{ type: "sql", sql: "select * from s.t", dialect: "duckdb" }],
    defaultNamespace: ["s"],
  });
  await closed(lake);
  return { hash };
}

/** Everything below a folder that holds a text, Avro blocks unpacked. */
async function holding(name: string, text: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.startsWith("catalog.db")) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    const texts = [bytes.toString("latin1")];
    if (entry.name.endsWith(".avro")) {
      const file = new AvroFile(bytes, entry.name);
      texts.push(inspect(file.records(compileDecoder(file.schema())), { depth: 9, maxStringLength: null }));
    }
    if (texts.some((one) => one.includes(text))) found.push(entry.name);
  }
  return found;
}

const RELOCATED = /-r[0-9a-f]{8}\./;

describe.each([2, 3] as const)("a lake of v%s tables that is relocated", (formatVersion) => {
  test("is right for readers that follow locations, in all of its history, and keeps its hashes", async () => {
    const { hash } = await make("a", formatVersion);
    await rename(join(folder, "a"), join(folder, "b"));
    const report = await relocateLakehouse(at("b"));
    expect(report.from).toBe(fileUri(join(folder, "a", "warehouse")));
    expect(report.to).toBe(fileUri(join(folder, "b", "warehouse")));

    const lake = await openAt("b");
    expect(lake.store.root).toBe(report.to);
    expect(await keys(lake)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(await keys(lake, "s.t@etl")).toEqual([3, 4, 5, 6, 7, 8]);
    expect(await keys(lake, "s.t@first")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await keys(lake, `s.t@"@${hash}"`)).toEqual([1, 2, 3, 4, 5, 6]);
    const table = await lake.table("s.t");
    expect(table.metadataLocation.startsWith(`${report.to}/`)).toBe(true);
    expect(await keysByFiles(table.metadataLocation)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    const lengths: number[] = [];
    for (const { snapshotId } of table.metadata.snapshots) {
      lengths.push((await keysByFiles(table.metadataLocation, snapshotId)).length);
    }
    expect(lengths).toEqual([6, 9, 8, 7]);
    for (const { metadataFile } of table.metadata.metadataLog) await openTable(metadataFile);
    expect((await lake.catalog.loadView("s.v")).metadata.location.startsWith(`${report.to}/`)).toBe(true);

    await lake.merge("etl");
    await (await lake.table("s.t")).deleteRows(eq("k", 3n), MERGE_ON_READ);
    expect(await keys(lake)).toEqual([4, 5, 6, 7, 8]);
    expect(await keysByFiles((await lake.table("s.t")).metadataLocation)).toEqual([4, 5, 6, 7, 8]);
    const still = await holding("b", fileUri(join(folder, "a")));
    expect(still.filter((name) => RELOCATED.test(name))).toEqual([]);
    // What it replaced is there as it was, for those who still read it.
    expect(still.length).toBeGreaterThan(0);
  });

  test("and moved again, back, and relocated again, is right each time", async () => {
    await make("a", formatVersion);
    let gone = [1, 2];
    const all = [3, 4, 5, 6, 7, 8, 9];
    for (const [from, to] of [
      ["a", "b"],
      ["b", "a"],
      ["a", "b"],
    ] as const) {
      await rename(join(folder, from), join(folder, to));
      const before = await openAt(to);
      const next = all.find((k) => !gone.includes(k)) as number;
      await (await before.table("s.t")).deleteRows(eq("k", BigInt(next)), MERGE_ON_READ);
      gone = [...gone, next];
      await closed(before);
      await relocateLakehouse(at(to));
      const lake = await openAt(to);
      const left = all.filter((k) => !gone.includes(k));
      expect(await keys(lake)).toEqual(left);
      expect(await keysByFiles((await lake.table("s.t")).metadataLocation)).toEqual(left);
      expect(await keys(lake, "s.t@first")).toEqual([1, 2, 3, 4, 5, 6]);
      await closed(lake);
      expect((await relocateLakehouse(at(to))).files).toBe(0);
    }
  });
});

describe("relocation", () => {
  test("into a folder of the old root, whose locations begin with it, is right", async () => {
    await make("a", 2);
    await rename(join(folder, "a"), join(folder, "between"));
    const deep = "a/warehouse/a";
    await cp(join(folder, "between"), join(folder, deep), { recursive: true });
    await relocateLakehouse(at(deep));
    const lake = await openAt(deep);
    await (await lake.table("s.t")).append(rows(20, 20));
    await closed(lake);
    await relocateLakehouse(at(deep));
    const again = await openAt(deep);
    expect(await keys(again)).toEqual([3, 4, 5, 6, 7, 8, 9, 20]);
    expect(await keysByFiles((await again.table("s.t")).metadataLocation)).toHaveLength(8);
  });

  test("of a copy leaves the original alone, and other engines may then be served", async () => {
    await make("a", 3);
    await cp(join(folder, "a"), join(folder, "b"), { recursive: true });
    const before = await readdir(join(folder, "a"), { recursive: true });
    const served = await openLakehouseCatalog(at("b"));
    const refusal = serveRestCatalog({ ...served, port: 0 });
    await expect(refusal).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await expect(refusal).rejects.toThrow("slh lake relocate");
    await served.catalog.close();
    await relocateLakehouse(at("b"));
    const relocated = await openLakehouseCatalog(at("b"));
    const server = await serveRestCatalog({ ...relocated, port: 0 });
    await server.close();
    await relocated.catalog.close();
    expect(await readdir(join(folder, "a"), { recursive: true })).toEqual(before);
    expect(await keys(await openAt("a"))).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  test("that fails half way changes nothing, and succeeds the next time", async () => {
    await make("a", 2);
    await rename(join(folder, "a"), join(folder, "b"));
    const files = await readdir(join(folder, "b"), { recursive: true });
    const list = join(folder, "b", files.findLast((name) => name.includes("snap-")) as string);
    await cp(list, join(folder, "kept"));
    await cp(join(folder, "b", "catalog.db"), list);
    await expect(relocateLakehouse(at("b"))).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    const after = await readdir(join(folder, "b"), { recursive: true });
    expect(after.filter((name) => RELOCATED.test(name))).toEqual([]);
    await cp(join(folder, "kept"), list);
    const between = await openAt("b");
    expect(await keys(between)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    await closed(between);
    await relocateLakehouse(at("b"));
    expect(await keys(await openAt("b"))).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  test("takes nothing any more from a process that had the lake open all the time, and says so", async () => {
    await make("a", 2);
    await rename(join(folder, "a"), join(folder, "b"));
    const stale = await openAt("b");
    const table = await stale.table("s.t");
    await relocateLakehouse(at("b"));
    const refused = table.deleteRows(eq("k", 3n), MERGE_ON_READ);
    await expect(refused).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await closed(stale);
    const lake = await openAt("b");
    await (await lake.table("s.t")).deleteRows(eq("k", 3n), MERGE_ON_READ);
    expect(await keys(lake)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(await keysByFiles((await lake.table("s.t")).metadataLocation)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test("twice at once ends at one place", async () => {
    await make("a", 3);
    await rename(join(folder, "a"), join(folder, "b"));
    const outcomes = await Promise.allSettled([relocateLakehouse(at("b")), relocateLakehouse(at("b"))]);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "REF_CONFLICT" });
    }
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    const lake = await openAt("b");
    expect(await keys(lake)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(await keysByFiles((await lake.table("s.t")).metadataLocation)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });
});
