import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import {
  date,
  defineSchema,
  int,
  long,
  string,
  type Table,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { duckdb, lake } from "../support/statements.js";

/*
 * Columns that are called like types and units, each by two that differ by case, in expressions that have those words. The
 * model is a table of DuckDB's own, whose columns are called by numbers.
 */

const NAMES = ["date", "Date", "day", "DAY", "timestamp", "Timestamp", "varchar", "VarChar"] as const;
type Name = (typeof NAMES)[number];

const schema = defineSchema({
  k: long(),
  date: date().optional(),
  Date: date().optional(),
  day: int().optional(),
  DAY: int().optional(),
  timestamp: timestamp().optional(),
  Timestamp: timestamp().optional(),
  varchar: string().optional(),
  VarChar: string().optional(),
});
const VALUES = [
  ["2024-01-01", "2024-01-03", 1, 3, "2024-01-01T00:00:00", "2023-12-31T12:00:00", "1", "x"],
  ["2024-02-01", "2024-01-01", 2, 0, "2024-02-01T10:00:00", "2024-01-01T00:00:00", "x", "1"],
  ["2024-01-03", null, null, 3, null, "2024-01-03T00:00:00", null, "day"],
] as const;

let table: Table;
beforeAll(async () => {
  table = (await lake.createTable("n.words", { schema })) as unknown as Table;
  await duckdb.run(
    "CREATE TABLE n.words (k BIGINT, c0 DATE, c1 DATE, c2 INTEGER, c3 INTEGER, c4 TIMESTAMP, c5 TIMESTAMP, c6 VARCHAR, c7 VARCHAR)",
  );
  const rows = VALUES.map((values, k) => ({
    k: BigInt(k),
    ...Object.fromEntries(NAMES.map((name, i) => [name, values[i] ?? null])),
  }));
  table = await table.append(rows);
  for (const [k, values] of VALUES.entries()) {
    const list = values.map((value) => (value === null ? "NULL" : `'${value}'`));
    await duckdb.run(`INSERT INTO n.words VALUES (${[k, ...list].join(", ")})`);
  }
});

/** Predicates. `D`, `I`, `T` and `V` in braces are columns of a type. */
const TEMPLATES = [
  "{D}::date > date '2024-01-02'",
  "CAST({D} AS date) = {D}::DATE",
  "{D} + interval '1' day > {D}",
  "{D} + interval 1 day > {T}::Date",
  "extract(day from {T}) >= {I}",
  "{T}::timestamp::date = {D}",
  "timestamp '2024-01-01 00:00:00' <= {T}",
  "date_diff('day', {D}, {T}::date) < {I}",
  "day({D}) > {I}",
  "{V}::varchar || {I}::VARCHAR = 'x1'",
  "struct_pack(date := {D}, day := {I}).date = {D}",
  "{'date': {D}, 'DAY': {I}}.date IS NOT DISTINCT FROM {D}",
  "{I}::int IN (SELECT day FROM (SELECT 1 AS day UNION ALL SELECT 3))",
  "CASE WHEN {I} > 1 THEN {D} ELSE {D} END = {D}::date",
  "try_cast({V} AS int) = {I} /* date */ -- day",
  "list_contains([{D}, date '2024-01-01'], {D}) AND {V} <> 'day'",
  "substring({V} FROM 1 FOR 1) = {V}",
];
const OF_TYPE: Readonly<Record<string, readonly Name[]>> = {
  D: ["date", "Date"],
  I: ["day", "DAY"],
  T: ["timestamp", "Timestamp"],
  V: ["varchar", "VarChar"],
};

/** A template's text for us and for DuckDB's own table. */
const predicates = fc
  .tuple(
    fc.constantFrom(...TEMPLATES),
    fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 4, maxLength: 4 }),
  )
  .map(([template, picks]) => {
    const fill = (say: (name: Name, quoted: boolean) => string) => {
      let n = 0;
      return template.replaceAll(/\{([DITV])\}/g, (_, type: string) => {
        const [second = false, quoted = false] = picks[n++ % picks.length] ?? [];
        return say(OF_TYPE[type]?.[second ? 1 : 0] as Name, quoted);
      });
    };
    return {
      ours: fill((name, quoted) => (quoted ? `"${name}"` : name)),
      native: fill((name) => `c${NAMES.indexOf(name)}`),
    };
  });

const keys = (rows: readonly { readonly k?: unknown }[]) => rows.map(({ k }) => String(k)).sort();

test("are columns where a column can stand, and words elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(predicates, async ({ ours, native }) => {
      const reader = await duckdb.runAndReadAll(`SELECT k FROM n.words WHERE ${native}\n`);
      const expected = reader
        .getRowsJson()
        .map(([k]) => String(k))
        .sort();
      expect(keys(await (await lake.read(table, table.scan(), { where: ours })).rows()), ours).toEqual(
        expected,
      );
      expect(keys(await lake.sql(`SELECT k FROM n.words WHERE ${ours}\n`).rows()), ours).toEqual(expected);
      const selected = `SELECT k FROM (SELECT k, ${ours}\n AS found FROM n.words) WHERE found`;
      expect(keys(await lake.sql(selected).rows()), selected).toEqual(expected);
    }),
    { numRuns: runs(40) },
  );
});

test("are so in what rows are set to", async () => {
  const set = await table.updateRows(
    { type: "eq", term: "k", value: 0n },
    { Date: { sql: "date::date + interval '1' day" }, day: { sql: "DAY::int + day(Date::DATE)" } },
  );
  const [row] = await (
    await lake.read(set, set.scan({ filter: { type: "eq", term: "k", value: 0n } }))
  ).rows();
  expect(row).toMatchObject({ Date: "2024-01-02", day: 6, date: "2024-01-01", DAY: 3 });
});
