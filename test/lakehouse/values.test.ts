import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  date,
  defineSchema,
  eq,
  fixed,
  int,
  isIn,
  type Lakehouse,
  long,
  openLakehouse,
  type Table,
  UpdateSchema,
} from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let root: string;
let lake: Lakehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lakehouse-values-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});

afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const sqlCount = async (name: string): Promise<bigint> => {
  const [row] = await (await lake.sql(`SELECT count(*) AS n FROM ${name}`)).rows();
  return row?.n as bigint;
};

describe("counts of rows", () => {
  const schema = defineSchema({ k: long() });
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ k: BigInt(from + i) }));

  test.each([2, 3] as const)(
    "in format version %i are those that a reader finds, after any deletes",
    async (formatVersion) => {
      const name = `counts.v${formatVersion}`;
      const properties = { "write.delete.mode": "merge-on-read" };
      let table = (await lake.createTable(name, { schema, formatVersion, properties })) as unknown as Table;
      const check = async (expected: number) => {
        table = await lake.table(name);
        expect(await sqlCount(name)).toBe(BigInt(expected));
        expect(await lake.countRows(table)).toBe(BigInt(expected));
      };
      await check(0);
      const start = await lake.hash();
      await table.append(rows(0, 10));
      await check(10);
      await table.append(rows(10, 20));
      await check(20);
      await table.deleteRows(isIn("k", [1n, 2n, 11n]));
      await check(17);
      await table.deleteRows(eq("k", 3n));
      await check(16);
      // One key that is there, one that is not, one that is deleted already.
      await table.rowDelta({ on: ["k"], deletes: [{ k: 4n }, { k: 99n }, { k: 1n }], rows: rows(4, 5) });
      await check(16);
      const diff = await lake.diff(`@${start}`, "main");
      expect(diff.find((each) => each.name === name)?.after?.rows).toBe(16n);
      await table.truncate();
      await check(0);
    },
  );
});

describe("a date that becomes a timestamp", () => {
  const schema = defineSchema({ d: date().optional() });
  const promoted = (type: "timestamp" | "timestamp_ns") => new UpdateSchema().updateType("d", { type });

  test("is refused where a bound shows that it would not fit, in transactions too", async () => {
    const empty = await lake.createTable("dates.bounded", { schema, formatVersion: 3 });
    const table = await empty.append([{ d: "2001-01-31" }, { d: "9999-12-31" }]);
    const refused = {
      code: "INVALID_SCHEMA",
      subject: "d",
      message: expect.stringContaining(
        "reach to 9999-12-31, and the type goes from 1677-09-22 to 2262-04-11",
      ),
    };
    await expect(table.update([promoted("timestamp_ns")])).rejects.toMatchObject(refused);
    await expect(table.begin().update(promoted("timestamp_ns"))).rejects.toMatchObject(refused);
    await table.update([promoted("timestamp")]);
    const read = await (await lake.sql("SELECT d FROM dates.bounded ORDER BY d")).rows();
    expect(read.map(({ d }) => d)).toEqual(["2001-01-31T00:00:00.000000", "9999-12-31T00:00:00.000000"]);
  });

  test("fails at the row that is read where nothing showed it before", async () => {
    const properties = { "write.metadata.metrics.default": "none" };
    const empty = await lake.createTable("dates.unbounded", { schema, formatVersion: 3, properties });
    const table = await empty.append([{ d: "2001-01-31" }, { d: null }, { d: "2262-04-12" }]);
    await table.update([promoted("timestamp_ns")]);
    await expect(lake.sql("SELECT d FROM dates.unbounded")).rejects.toThrow(
      /Row 2 of its file has the date 2262-04-12 in the column d, and timestamp_ns goes from 1677-09-22 to 2262-04-11/,
    );
    const fine = await (await lake.sql("SELECT count(*) AS n FROM dates.unbounded")).rows();
    expect(fine).toEqual([{ n: 3n }]);
  });
});

test("bytes of another length do not go into a fixed column by SQL", async () => {
  const schema = defineSchema({ k: int(), f: fixed(3) });
  const empty = await lake.createTable("bytes.fixed", { schema });
  const table = await empty.append([{ k: 1, f: Uint8Array.of(1, 2, 3) }]);
  await expect(table.updateRows(eq("k", 1), { f: { sql: "'ab'::BLOB" } })).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
    message: expect.stringContaining("expected fixed[3], found 2 bytes"),
  });
});
