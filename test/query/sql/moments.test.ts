import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  date,
  defineSchema,
  lt,
  month,
  type Schema,
  timestamp,
  timestamptz,
} from "../../../lib/lakehouse/iceberg/index.js";
import { type Lakehouse, openLakehouse } from "../../../lib/lakehouse/index.js";
import { parseStatement } from "../../../lib/lakehouse/query/sql/parse.js";
import { predicateFilter } from "../../../lib/lakehouse/query/sql/pushdown.js";
import { toByteString } from "../../../lib/lakehouse/query/text/tokens.js";
import { runs } from "../../support/runs.js";

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(() => connection.closeSync());

const schema = defineSchema({ moment: timestamp(), day: date(), zoned: timestamptz() }) as unknown as Schema;

async function filterOf(sql: string) {
  const text = toByteString(`SELECT * FROM t WHERE (${sql}\n)`);
  return predicateFilter(await parseStatement(connection, text, text, (at) => at), schema.fields);
}

/** What DuckDB makes of it, as a day or a timestamp in ISO 8601; `undefined` for an error. */
async function inDuckDB(sql: string): Promise<string | undefined> {
  const asked = `SELECT CASE typeof(v) WHEN 'DATE' THEN v::VARCHAR ELSE strftime(v::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f') END FROM (SELECT ${sql} AS v)`;
  try {
    return String((await connection.runAndReadAll(asked)).getRows()[0]?.[0]);
  } catch {
    return undefined;
  }
}

const days = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true })
  .map((moment) => moment.toISOString().slice(0, 10));
const starts = fc.oneof(
  days.map((day) => `DATE '${day}'`),
  days.map((day) => `'${day}'::timestamp`),
  fc
    .tuple(days, fc.constantFrom("00:00:00", "23:59:59.999999", "12:34:56.7", "01:02:03"))
    .map(([day, time]) => `TIMESTAMP '${day} ${time}'`),
  fc.constantFrom(
    "DATE '2000-02-29'",
    "DATE '2001-01-31'",
    "TIMESTAMP '1900-03-31 00:00:00'",
    "DATE 'infinity'",
  ),
);
const units = fc.constantFrom(
  "year",
  "month",
  "week",
  "day",
  "hour",
  "minute",
  "second",
  "quarter",
  "decade",
);
const words = fc.oneof(units, fc.constantFrom("mon", "d", "DAY", "fortnight"));
const counts = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -1_000_001, max: 1_000_001 }));
const lengths = fc.oneof(
  fc
    .tuple(counts, words, fc.boolean())
    .map(([n, unit, isMany]) => `INTERVAL '${n} ${unit}${isMany ? "s" : ""}'`),
  fc
    .tuple(counts, units, counts, units)
    .map(([n, unit, m, other]) => `INTERVAL '${n} ${unit} ${m} ${other}s'`),
  fc.tuple(fc.nat(40), units).map(([n, unit]) => `INTERVAL ${n} ${unit}`),
  fc.tuple(counts, units).map(([n, unit]) => `INTERVAL '${n}' ${unit}`),
  fc.tuple(counts, units).map(([n, unit]) => `INTERVAL (${n}) ${unit}s`),
  fc.tuple(counts, units).map(([n, unit]) => `to_${unit}s(${n})`),
  fc.constantFrom(
    "INTERVAL (1.5) days",
    "INTERVAL '1.5 days'",
    "INTERVAL '1 day ago'",
    "INTERVAL '04:05:06'",
    "INTERVAL '1 day -1'",
    "INTERVAL (2 - 1) days",
    "to_days(NULL)",
  ),
  counts.map(String),
);
const sums: fc.Arbitrary<string> = fc.letrec<{ sum: string }>((tie) => ({
  sum: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(starts, fc.constantFrom("+", "-"), lengths).map((parts) => parts.join(" ")),
    fc.tuple(lengths, starts).map(([length, start]) => `${length} + ${start}`),
    fc
      .tuple(tie("sum"), fc.constantFrom("+", "-"), lengths)
      .map(([sum, sign, length]) => `(${sum}) ${sign} ${length}`),
    fc.tuple(tie("sum"), fc.constantFrom("DATE", "TIMESTAMP")).map(([sum, type]) => `(${sum})::${type}`),
  ),
})).sum;

test("a sum of a day or a timestamp and lengths of time is what DuckDB makes of it, where it is folded", async () => {
  let [folded, left] = [0, 0];
  await fc.assert(
    fc.asyncProperty(sums, async (sum) => {
      const filter = await filterOf(`moment < ${sum}`);
      if (filter === undefined) {
        left++;
        return;
      }
      folded++;
      const value = await inDuckDB(sum);
      const [whole, fraction = ""] = String((filter as { value: unknown }).value).split(".");
      expect([sum, `${whole}.${fraction.padEnd(6, "0")}`]).toEqual([
        sum,
        value?.length === 10 ? `${value}T00:00:00.000000` : value,
      ]);
    }),
    { numRuns: runs(2000) },
  );
  expect(folded).toBeGreaterThan(left / 5);
});

test.each([
  ["day < DATE '2001-01-31' + INTERVAL 1 MONTH", lt("day", "2001-02-28")],
  ["day < DATE '2001-01-01' + 7", lt("day", "2001-01-08")],
  ["DATE '2001-03-01' - INTERVAL '1' DAY > day", lt("day", "2001-02-28")],
  ["moment < (TIMESTAMP '2001-01-01 10:00:00' + to_hours(20))::DATE", lt("moment", "2001-01-02T00:00:00")],
])("%s is pruned by", async (sql, filter) => {
  expect(await filterOf(sql)).toEqual(filter);
});

test.each([
  "zoned < TIMESTAMPTZ '2001-01-01 00:00:00+00' + INTERVAL 1 DAY",
  "moment < now() - INTERVAL 1 DAY",
  "moment < DATE '2001-01-01' + INTERVAL (random()) DAY",
  "moment < TRY_CAST('2001-01-01' AS DATE) + INTERVAL 1 DAY",
  "moment < DATE '9999-12-31' + INTERVAL 1 DAY",
  "moment < DATE '0001-01-01' - INTERVAL 1 DAY",
  "moment < DATE '2001-01-01' + INTERVAL '1 fortnight'",
  "moment < DATE '2001-01-01' + own.to_days(1)",
  // A day is compared with a time within a day as a timestamp.
  "day < DATE '2001-01-01' + INTERVAL 1 HOUR",
])("nothing is known of %s", async (sql) => {
  expect(await filterOf(sql)).toBeUndefined();
});

test("files are skipped that a sum leaves out, and no row with them", async () => {
  const root = await mkdtemp(join(tmpdir(), "moments-"));
  const lake: Lakehouse = await openLakehouse({ root, profile: "embedded" });
  try {
    const table = await lake.createTable("t.t", {
      schema: defineSchema({ moment: timestamp(), day: date() }),
      partitionSpec: [month("day")],
    });
    const rows = Array.from({ length: 365 }, (_, i) => {
      const day = new Date(Date.UTC(2001, 0, 1 + i)).toISOString().slice(0, 10);
      return { moment: `${day}T${String(i % 24).padStart(2, "0")}:00:00`, day };
    });
    await table.append(rows as never);
    for (const [where, isIn, most] of [
      [
        "day >= DATE '2001-06-01' AND day < DATE '2001-05-31' + INTERVAL 1 MONTH",
        (day: string) => day >= "2001-06-01" && day < "2001-06-30",
        1,
      ],
      [
        "moment BETWEEN TIMESTAMP '2001-03-01 00:00:00' - INTERVAL 2 DAYS AND DATE '2001-03-01' + 10",
        (_: string, moment: string) => moment >= "2001-02-27" && moment <= "2001-03-11T00:00:00",
        2,
      ],
    ] as const) {
      const result = await lake.sql(`SELECT day FROM t.t WHERE ${where} ORDER BY day`);
      const found = (await result.rows<{ day: string }>()).map(({ day }) => day);
      expect(found).toEqual(rows.filter(({ day, moment }) => isIn(day, moment)).map(({ day }) => day));
      expect(found).not.toEqual([]);
      expect(12 - ((await result.tables)[0]?.skippedDataFiles ?? 0)).toBe(most);
    }
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
});
