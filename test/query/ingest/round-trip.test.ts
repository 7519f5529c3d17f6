import * as arrow from "apache-arrow";
import fc from "fast-check";
import {
  boolean,
  date,
  decimal,
  defineSchema,
  double,
  int,
  list,
  long,
  type RowOf,
  type Source,
  string,
  struct,
  timestamp,
  timestamptz,
} from "sololakehouse";
import { expect, test } from "vitest";
import { runs } from "../../support/runs.js";
import { file, lake, newName } from "../support/files.js";

const FLAT = {
  b: boolean().optional(),
  i: int().optional(),
  l: long().optional(),
  d: double().optional(),
  m: decimal(12, 3).optional(),
  day: date().optional(),
  ts: timestamp().optional(),
  tz: timestamptz().optional(),
  s: string().optional(),
};
const flat = defineSchema(FLAT);
const nested = defineSchema({
  ...FLAT,
  odd: struct({ 'a/b~"': long().optional(), x: string().optional() }).optional(),
  list: list(string().optional()).optional(),
});

const pad = (n: number, width: number) => String(n).padStart(width, "0");
const days = fc
  .record({
    y: fc.integer({ min: 1, max: 9999 }),
    m: fc.integer({ min: 1, max: 12 }),
    d: fc.integer({ min: 1, max: 28 }),
  })
  .map(({ y, m, d }) => `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`);
const moments = fc
  .tuple(days, fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999 }))
  .map(
    ([day, s, us]) =>
      `${day}T${pad(Math.floor(s / 3600), 2)}:${pad(Math.floor(s / 60) % 60, 2)}:${pad(s % 60, 2)}.${pad(us, 6)}`,
  );
// Text with what delimits, quotes and ends lines; no NUL, at which texts of others end.
const texts = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(",", '"', "\n", "\r\n", "\\", " ", "#", "'", ";", "\t", "ü", "🙂", "null", "NaN"),
      fc.string({ unit: "grapheme", maxLength: 1 }),
    ),
  })
  .map((text) => text.replaceAll("\0", ""));
const decimals = fc.bigInt({ min: -(10n ** 12n) + 1n, max: 10n ** 12n - 1n }).map(
  (n) =>
    `${n < 0n ? "-" : ""}${String(n < 0n ? -n : n)
      .padStart(4, "0")
      .replace(/(\d{3})$/, ".$1")}`,
);
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 4 });
const FLAT_VALUES = {
  b: maybe(fc.boolean()),
  i: maybe(fc.integer()),
  l: maybe(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  d: maybe(fc.double({ noNaN: true, noDefaultInfinity: true })),
  m: maybe(decimals),
  day: maybe(days),
  ts: maybe(moments),
  tz: maybe(moments.map((moment) => `${moment}Z`)),
  s: maybe(texts),
};
const flatRows = fc.array(fc.record(FLAT_VALUES), { maxLength: 12 });
const nestedRows = fc.array(
  fc.record({
    ...FLAT_VALUES,
    odd: maybe(
      fc.record({ 'a/b~"': maybe(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), x: maybe(texts) }),
    ),
    list: maybe(fc.array(maybe(texts), { maxLength: 3 })),
  }),
  { maxLength: 12 },
);

/** RFC 4180, of this test's own. */
function csv(rows: readonly Record<string, unknown>[]): string {
  const cell = (value: unknown) =>
    value === null
      ? ""
      : typeof value === "string"
        ? `"${value.replaceAll('"', '""')}"`
        : Object.is(value, -0)
          ? "-0"
          : String(value);
  return [Object.keys(FLAT), ...rows.map((row) => Object.keys(FLAT).map((key) => cell(row[key])))]
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("");
}

/** JSON with big integers as numbers, which JSON.stringify does not write. */
function json(value: unknown): string {
  if (typeof value === "bigint" || Object.is(value, -0)) return Object.is(value, -0) ? "-0.0" : String(value);
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${json(item)}`)
    .join(",")}}`;
}

async function check<Row>(
  schema: { readonly fields: readonly unknown[] } & Parameters<typeof lake.createTable<Row>>[1]["schema"],
  rows: readonly Row[],
  texts: Readonly<Record<string, string>>,
): Promise<void> {
  const direct = await (await lake.createTable<Row>(newName(), { schema })).append(rows);
  const expected = await direct.rows();
  const result = await (await lake.read(direct as never)).toArrow();
  const sources: Source[] = [
    arrow.tableToIPC(result, "file"),
    arrow.tableToIPC(result, "stream"),
    result,
    `select * from ${direct.name}`,
  ];
  const { tasks } = await direct.scan().planAll();
  if (tasks.length > 0) {
    const paths = tasks.map(({ dataFile }) => dataFile.filePath);
    sources.push({ parquet: paths });
  }
  for (const [name, text] of Object.entries(texts)) sources.push(file(name, text));
  for (const source of sources) {
    const table = await lake.createTable<Row>(newName(), { schema });
    const after = await table.appendFrom(source as Source<Row>);
    expect(await after.rows()).toEqual(expected);
  }
}

test("rows written as CSV, Arrow and Parquet and appended are those that were appended directly", async () => {
  await fc.assert(
    fc.asyncProperty(flatRows, async (rows) => {
      await check<RowOf<typeof flat>>(flat, rows, { "r.csv": csv(rows) });
    }),
    { numRuns: runs(6) },
  );
});

test("rows written as JSON and NDJSON and appended are those that were appended directly", async () => {
  await fc.assert(
    fc.asyncProperty(nestedRows, async (rows) => {
      await check<RowOf<typeof nested>>(nested, rows, {
        "r.json": json(rows),
        "r.ndjson": rows.map((row) => `${json(row)}\n`).join(""),
      });
    }),
    { numRuns: runs(6) },
  );
});
