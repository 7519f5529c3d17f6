import { beforeAll, describe, expect, test } from "vitest";
import {
  and,
  type Expression,
  encodeVariant,
  eq,
  gt,
  gtEq,
  isIn,
  isNaN as isNotANumber,
  isNull,
  lt,
  ltEq,
  not,
  notNull,
  or,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { field, schemaOf } from "../support/adopted-tables.js";
import { tables } from "../support/awkward-tables.js";

describe("values", () => {
  const everything = schemaOf(
    field(1, "b", "boolean"),
    field(2, "l", "long"),
    field(3, "f", "float"),
    field(4, "d", "double"),
    field(5, "dec", { type: "decimal", precision: 38, scale: 10 }),
    field(6, "date", "date"),
    field(7, "time", "time"),
    field(8, "ts", "timestamp"),
    field(9, "tz", "timestamptz"),
    field(10, "ns", "timestamp_ns"),
    field(11, "nz", "timestamptz_ns"),
    field(12, "u", "uuid"),
    field(13, "fx", { type: "fixed", length: 3 }),
    field(14, "bin", "binary"),
    field(15, "none", "unknown"),
    field(16, "v", "variant"),
    field(17, "g", "geometry"),
    field(18, "st", { type: "struct", fields: [field(19, "at", "timestamptz_ns"), field(20, "n", "int")] }),
    field(21, "m", {
      type: "map",
      keyId: 22,
      key: { type: "string" },
      valueId: 23,
      valueRequired: false,
      value: { type: "uuid" },
    }),
  );
  const uuid = "00112233-4455-6677-8899-aabbccddeeff";
  const point = "0101000000000000000000f03f0000000000000040";
  let table: Table;
  beforeAll(async () => {
    table = await (await tables.create(everything, { formatVersion: 3 })).append([
      {
        b: true,
        l: 9007199254740993n,
        f: 0.1,
        d: Number.NaN,
        dec: "1234567890123456789012345678.0123456789",
        date: "2024-03-01",
        time: "13:33:20.000001",
        ts: "2024-03-01T13:33:20.123456",
        tz: "2024-03-01T13:33:20.123456+00:00",
        ns: "2024-03-01T13:33:20.123456789",
        nz: "2024-03-01T13:33:20.123456789+00:00",
        u: uuid,
        fx: new Uint8Array([1, 2, 255]),
        bin: new Uint8Array([0]),
        v: encodeVariant({ a: [1, null, "x"], b: 9007199254740993n }),
        g: Buffer.from(point, "hex"),
        st: { at: "1969-12-31T23:59:59.999999999+00:00", n: 1 },
        m: new Map([
          ["k", uuid],
          ["z", null],
        ]),
      },
      {},
    ]);
  });

  test("of every type come out exactly", async () => {
    const [full, empty] = await tables.rows(table);
    expect(full).toEqual({
      b: true,
      l: "9007199254740993",
      f: 0.1,
      d: "NaN",
      dec: "1234567890123456789012345678.0123456789",
      date: "2024-03-01",
      time: "13:33:20.000001",
      ts: "2024-03-01T13:33:20.123456",
      tz: "2024-03-01T13:33:20.123456+00:00",
      ns: "2024-03-01T13:33:20.123456789",
      nz: "2024-03-01T13:33:20.123456789+00:00",
      u: uuid,
      fx: "0102ff",
      bin: "00",
      none: null,
      v: { a: [1, null, "x"], b: "9007199254740993" },
      g: point,
      st: { at: "1969-12-31T23:59:59.999999999+00:00", n: 1 },
      m: [
        ["k", uuid],
        ["z", null],
      ],
    });
    expect(new Set(Object.values(empty as object))).toEqual(new Set([null]));
  });

  test.each<[string, Expression]>([
    ["b", eq("b", true)],
    ["b = true", eq("b", true)],
    ["l = 9007199254740993", eq("l", 9007199254740993n)],
    ["f < 0.2", lt("f", 0.2)],
    ["isnan(d)", isNotANumber("d")],
    ["d > 1e308", gt("d", 1e308)],
    ["dec = 1234567890123456789012345678.0123456789", eq("dec", "1234567890123456789012345678.0123456789")],
    [
      "date between '2024-02-29' and '2024-03-01'",
      and(gtEq("date", "2024-02-29"), ltEq("date", "2024-03-01")),
    ],
    ["time = '13:33:20.000001'", eq("time", "13:33:20.000001")],
    ["ts >= '2024-03-01T13:33:20.123456'", gtEq("ts", "2024-03-01T13:33:20.123456")],
    ["tz = '2024-03-01T14:33:20.123456+01:00'", eq("tz", "2024-03-01T14:33:20.123456+01:00")],
    ["ns = '2024-03-01T13:33:20.123456789'", eq("ns", "2024-03-01T13:33:20.123456789")],
    ["nz > '2024-03-01T13:33:20.123456788+00:00'", gt("nz", "2024-03-01T13:33:20.123456788+00:00")],
    [`u in ('${uuid}')`, isIn("u", [uuid])],
    ["fx = '\\x01\\x02\\xff'", eq("fx", Uint8Array.of(1, 2, 255))],
    ["bin = '\\x00'", eq("bin", Uint8Array.of(0))],
    ["st.n = 1", eq("st.n", 1)],
    ["st.at < '1970-01-01T00:00:00+00:00'", lt("st.at", "1970-01-01T00:00:00+00:00")],
    [
      "v is not null and g is not null and none is null and m is not null",
      and(notNull("v"), notNull("g"), isNull("none"), notNull("m")),
    ],
    ["not (l < 0)", not(lt("l", 0))],
    ["b is true and not (l = 5 or f > 1)", and(eq("b", true), not(or(eq("l", 5), gt("f", 1))))],
  ])("are found by %s, in SQL and as an expression, and nulls are not", async (where, filter) => {
    const found = [{ l: "9007199254740993" }];
    expect(await tables.rows(table, { select: ["l"], filter })).toEqual(found);
    expect(await tables.rows(table, { select: ["l"], where })).toEqual(found);
  });

  test("are found by any other SQL predicate too", async () => {
    for (const where of [
      "upper(hex(bin)) = '00'",
      "l % 2 = 1",
      "st.n + 1 = 2",
      "cast(date as varchar) like '%-03-%'",
    ]) {
      expect(await tables.rows(table, { select: ["b"], where }), where).toEqual([{ b: true }]);
    }
    await expect(tables.rows(table, { where: "nosuch > 1" })).rejects.toMatchObject({ code: "INVALID_SQL" });
  });

  test("are given with where their rows are", async () => {
    const [row] = await tables.rows(table, {
      select: ["b", "_pos", "_row_id", "_file"],
      filter: eq("b", true),
    });
    expect(row).toMatchObject({ b: true, _pos: 0, _row_id: 0 });
    expect((row as { _file: string })._file).toMatch(/\/data\/.*\.parquet$/);
  });

  test("at the ends of the range are read as they were written, and are no infinity", async () => {
    const ends = schemaOf(
      field(1, "ts", "timestamp"),
      field(2, "tz", "timestamptz"),
      field(3, "ns", "timestamp_ns"),
      field(4, "date", "date"),
      field(5, "tzs", {
        type: "list",
        elementId: 6,
        element: { type: "timestamptz" },
        elementRequired: false,
      }),
    );
    const row = (ts: string, ns: string, date: string) => ({
      ts,
      tz: `${ts}+00:00`,
      ns,
      date,
      tzs: [`${ts}+00:00`],
    });
    const rows = [
      row("294247-01-10T04:00:54.775807", "2262-04-11T23:47:16.854775807", "5881580-07-11"),
      row("-290308-12-21T19:59:05.224193", "1677-09-21T00:12:43.145224193", "-5877641-06-24"),
    ];
    const made = await (await tables.create(ends, { formatVersion: 3 })).append(rows);
    expect(await tables.rows(made)).toEqual(rows);
    for (const [i, name] of [0, 1].flatMap((i) =>
      ["ts", "tz", "ns", "date"].map((name) => [i, name] as const),
    )) {
      const value = rows[i]?.[name as "ts"] as string;
      expect(await tables.rows(made, { filter: eq(name, value) }), value).toEqual([rows[i]]);
    }
  });
});
