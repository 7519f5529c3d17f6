import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  and,
  day,
  defineSchema,
  gtEq,
  identity,
  int,
  isLakehouseError,
  type Lakehouse,
  long,
  lt,
  openLakehouse,
  type RowOf,
  resolveProfile,
  string,
  type Table,
  timestamp,
} from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const schema = defineSchema({ at: timestamp(), delay: int().optional(), origin: string() });
type Row = RowOf<typeof schema>;
const january = (dayOfMonth: number, delay: number, origin = "ATL") => ({
  at: `2001-01-${String(dayOfMonth).padStart(2, "0")}T10:00:00`,
  delay,
  origin,
});

let root: string;
let lake: Lakehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lakehouse-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});

afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const count = async (from: string) => {
  const [row] = await (
    await lake.sql(`select count(*)::int as n, sum(delay)::int as delay from ${from}`)
  ).rows();
  return row;
};

describe("a lakehouse on the embedded profile", () => {
  test("says which folder it cannot make, and how to choose another", async () => {
    const file = join(root, "a-file");
    await writeFile(file, "");
    for (const taken of [file, join(file, "below")]) {
      await expect(openLakehouse({ root: taken, profile: "embedded" })).rejects.toMatchObject({
        code: "INVALID_CONFIG",
        subject: taken,
      });
    }
  });

  test("says which table SQL may mean", async () => {
    await lake.createTable("hints.Birds", { schema, formatVersion: 3 });
    for (const name of ["hints.birds", "birds", "hints.Birds.foo"]) {
      await expect(lake.sql(`select * from ${name}`)).rejects.toMatchObject({
        code: "NO_SUCH_TABLE",
        remedy: "Did you mean hints.Birds? SHOW TABLES lists them all.",
      });
    }
    await expect(lake.sql("select nope from hints.Birds")).rejects.toMatchObject({ remedy: undefined });
  });

  test("creates, appends, queries, and goes back in time", async () => {
    const table = await lake.createTable("front.flights", { schema, partitionSpec: [day("at")] });
    const first = await table.append([january(1, 5), january(2, 10)]);
    await first.append([january(3, 20)]);
    expect(await count("front.flights")).toEqual({ n: 3, delay: 35 });
    expect(await count(`front.flights FOR VERSION AS OF ${first.currentSnapshot?.snapshotId}`)).toEqual({
      n: 2,
      delay: 15,
    });
    expect((await lake.tables()).map(({ name }) => name)).toContain("flights");
  });

  test("overwrites one day and leaves the others alone, however often", async () => {
    const table = await lake.createTable("front.overwrite", { schema, partitionSpec: [day("at")] });
    await table.append([january(1, 1), january(2, 1), january(2, 2)]);
    const secondDay = and(gtEq("at", "2001-01-02T00:00:00"), lt("at", "2001-01-03T00:00:00"));
    for (let run = 0; run < 2; run++) {
      await (await lake.table<Row>("front.overwrite")).overwrite([january(2, 100)], { where: secondDay });
      expect(await count("front.overwrite")).toEqual({ n: 2, delay: 101 });
    }
  });

  test("deletes rows by a predicate that cuts through a file", async () => {
    const table = await lake.createTable("front.deletes", { schema });
    await table.append([january(1, 1), january(2, 50), { at: "2001-01-03T10:00:00", origin: "ORD" }]);
    await (await lake.table("front.deletes")).deleteRows(gtEq("delay", 10));
    // The row without a delay is not known to match, so it stays.
    expect(await count("front.deletes")).toEqual({ n: 2, delay: 1 });
  });

  test("keeps, replaces or refuses a table that exists, as asked", async () => {
    const table = await lake.createTable("front.exists", { schema });
    await table.append([january(1, 1)]);
    await expect(lake.createTable("front.exists", { schema })).rejects.toMatchObject({
      code: "TABLE_EXISTS",
    });
    const kept = await lake.createTable("front.exists", { schema, ifExists: "keep" });
    expect(kept.metadata.tableUuid).toBe(table.metadata.tableUuid);
    await lake.createTable("front.exists", { schema, ifExists: "replace" });
    expect(await count("front.exists")).toEqual({ n: 0, delay: null });
  });

  test("makes a table with its rows, and another one of it, in a commit each, with its history", async () => {
    const name = "front.replaced";
    const one = await lake.createOrReplaceTable(name, { schema, data: [january(1, 1), january(2, 50)] });
    expect(await count(name)).toEqual({ n: 2, delay: 51 });
    expect(one.metadata.snapshots).toHaveLength(1);
    expect(one.metadata.metadataLog).toEqual([]);
    const other = defineSchema({ origin: string(), flights: long() });
    const replacement = { schema: other, partitionSpec: [identity("origin")], formatVersion: 3 as const };
    const two = await lake.createOrReplaceTable(name, {
      ...replacement,
      data: [{ origin: "ATL", flights: 2n }],
    });
    expect(two.metadata.metadataLog).toHaveLength(1);
    expect(two.metadata).toMatchObject({ tableUuid: one.metadata.tableUuid, formatVersion: 3 });
    expect(await (await lake.sql(`SELECT * FROM ${name}`)).rows()).toEqual([{ origin: "ATL", flights: 2n }]);
    const snapshotId = one.currentSnapshot?.snapshotId ?? 0n;
    const old = await lake.read(two as unknown as Table, two.scan({ snapshotId }));
    expect(await old.rows()).toHaveLength(2);
    await two.setBranch(snapshotId);
    const oldSchema = `SELECT delay FROM ${name} FOR VERSION AS OF ${snapshotId}`;
    expect(await (await lake.sql(oldSchema)).rows()).toHaveLength(2);
    // With a filter that cuts through a file: the table can read its own rows.
    await (
      await lake.createOrReplaceTable(name, { schema, data: [january(1, 1), january(2, 50)] })
    ).deleteRows(gtEq("delay", 10));
    expect(await count(name)).toEqual({ n: 1, delay: 1 });
    expect((await lake.createOrReplaceTable(name, { schema })).currentSnapshot).toBeUndefined();
  });

  test("makes no table of rows that do not fit, and an empty one of none", async () => {
    const name = "front.unmade";
    const wrong = [{ at: "2001-01-01T00:00:00", delay: "late", origin: "ATL" }] as never;
    await expect(lake.createOrReplaceTable(name, { schema, data: wrong })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
    });
    await expect(lake.table(name)).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    expect((await lake.createOrReplaceTable(name, { schema, data: [] })).currentSnapshot).toBeUndefined();
    expect(await count(name)).toEqual({ n: 0, delay: null });
  });

  test("names the row, the column, what was expected and what was found", async () => {
    const table = await lake.createTable("front.mismatch", { schema });
    // @ts-expect-error a row that the schema does not allow does not compile
    const wrong = table.append([january(1, 1), { at: "2001-01-01T00:00:00", delay: "late", origin: "ATL" }]);
    const error = await wrong.catch((caught: unknown) => caught);
    expect(isLakehouseError(error, "SCHEMA_MISMATCH")).toBe(true);
    expect(String(error)).toMatch(/row 1.*delay.*int.*late/is);
    expect((await lake.table("front.mismatch")).currentSnapshot).toBeUndefined();
  });

  test("shows another branch by name and by option", async () => {
    const table = await lake.createTable("front.branches", { schema });
    await table.append([january(1, 1)]);
    await lake.branch("etl");
    await (await lake.on("etl").table<Row>("front.branches")).append([january(2, 2)]);
    expect(await count("front.branches")).toEqual({ n: 1, delay: 1 });
    expect(await count("front.branches@etl")).toEqual({ n: 2, delay: 3 });
    const [row] = await (await lake.sql("select count(*)::int n from front.branches", { ref: "etl" })).rows();
    expect(row).toEqual({ n: 2 });
  });

  test("reports every part healthy", async () => {
    const health = await lake.health();
    expect(health.map(({ part }) => part)).toEqual(expect.arrayContaining(["storage", "catalog", "query"]));
    expect(health.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("asks for a namespace where a name has none", async () => {
    await expect(lake.createTable("flights", { schema })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("profiles", () => {
  test("come from the environment, and an unknown one is refused", () => {
    expect(resolveProfile({}, { SLH_PROFILE: "stack", SLH_LAKE: "/lake" })).toMatchObject({
      name: "stack",
      root: "/lake",
      warehouse: "s3://lakehouse/warehouse",
    });
    expect(resolveProfile({ root: "/lake" }, { SLH_CATALOG: "" }).catalog).toBe("sqlite:/lake/catalog.db");
    const catalog = "rest:http://127.0.0.1:8181/iceberg/etl?warehouse=lake";
    expect(resolveProfile({}, { SLH_CATALOG: catalog })).toMatchObject({ name: "embedded", catalog });
    const nessie = "http://127.0.0.1:19120/api/v2";
    expect(resolveProfile({}, { SLH_NESSIE_URI: nessie }).catalog).toBe(`nessie:${nessie}`);
    const etcd = "etcd://127.0.0.1:2379,127.0.0.1:2380/lake";
    expect(resolveProfile({}, { SLH_ETCD_URI: etcd }).catalog).toBe(etcd);
    const both = { SLH_NESSIE_URI: nessie, SLH_CATALOG: etcd };
    expect(() => resolveProfile({}, both)).toThrow(/two places/);
    expect(resolveProfile({ catalog }, both).catalog).toBe(catalog);
    expect(() => resolveProfile({}, { SLH_PROFILE: "cloud" })).toThrow(/no profile "cloud"/);
  });
});
