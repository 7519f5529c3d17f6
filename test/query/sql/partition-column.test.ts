import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bucket,
  day,
  defineSchema,
  type FormatVersion,
  identity,
  int,
  long,
  month,
  type PartitionFieldInit,
  string,
  type Table,
  timestamp,
  truncate,
  UpdatePartitionSpec,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { transformFunction } from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import { runs } from "../../support/runs.js";
import { catalog, engine, newName } from "../support/lake.js";

// `_partition` in SQL: the partition values of a row's file, over all specs.

const schema = defineSchema({
  k: long(),
  n: int().optional(),
  City: string().optional(),
  at: timestamp().optional(),
});

type Row = {
  readonly k: bigint;
  readonly n: number | null;
  readonly City: string | null;
  readonly at: string | null;
};

/** Partition fields, and what a row's value of each is: in Iceberg's types, as text. */
const FIELDS: readonly {
  readonly name: string;
  readonly field: PartitionFieldInit<keyof Row & string>;
  readonly of: (row: Row) => string | null;
}[] = [
  { name: "City", field: identity("City"), of: ({ City }) => City },
  {
    name: "city",
    field: truncate("City", 2, "city"),
    of: ({ City }) => City && [...City].slice(0, 2).join(""),
  },
  { name: "at_day", field: day("at"), of: ({ at }) => at?.slice(0, 10) ?? null },
  {
    name: "at_month",
    field: month("at"),
    of: ({ at }) => at && String((Number(at.slice(0, 4)) - 1970) * 12 + Number(at.slice(5, 7)) - 1),
  },
  { name: "n_bucket", field: bucket("n", 4), of: ({ n }) => bucketOf(n) },
];

function bucketOf(n: number | null): string | null {
  const value = transformFunction({ transform: "bucket", numBuckets: 4 }, { type: "int" })(n);
  return value === null ? null : String(value);
}

const rowsOf = async (sql: string) => (await engine.sql(sql)).rows();
const made = async (
  formatVersion: FormatVersion,
  fields: readonly PartitionFieldInit<keyof Row & string>[] = [],
) => (await catalog.createTable(newName(), { schema, formatVersion, partitionSpec: fields })) as Table;

const values: fc.Arbitrary<Omit<Row, "k">> = fc.record({
  n: fc.option(fc.integer({ min: -5, max: 5 })),
  City: fc.option(fc.constantFrom("", "Zürich", "Bern", "Basel", "🙂'x", 'a"b')),
  at: fc.option(fc.constantFrom("1969-12-31T23:59:59", "2001-02-03T04:05:06", "2001-02-28T00:00:00")),
});
/** What partitions the table from then on, by their numbers, and the rows that come then. */
const steps = fc.array(fc.tuple(fc.uniqueArray(fc.nat(FIELDS.length - 1)), fc.array(values)), {
  maxLength: 4,
});

test("has the values of each file by its own spec, and null for the fields of the others", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom<FormatVersion>(1, 2, 3), steps, async (version, evolution) => {
      let table = await made(version);
      const expected: Record<string, string | null>[] = [];
      const ever = new Set<number>();
      let now: readonly number[] = [];
      for (const [wanted, given] of evolution) {
        // Days and months of one column are not to be had together.
        const next = wanted.filter((i) => i !== 3 || !wanted.includes(2));
        const update = new UpdatePartitionSpec();
        for (const i of now) if (!next.includes(i)) update.removeField(FIELDS[i]?.name as string);
        for (const i of next) if (!now.includes(i)) update.addField(FIELDS[i]?.field as PartitionFieldInit);
        table = await table.update([update]);
        now = next;
        for (const i of next) ever.add(i);
        const first = expected.length;
        const rows = given.map((row, i): Row => ({ ...row, k: BigInt(first + i) }));
        for (const row of rows) {
          const known = next.map((i) => FIELDS[i] as (typeof FIELDS)[number]);
          expected.push({
            k: String(row.k),
            ...Object.fromEntries(known.map(({ name, of }) => [name, of(row)])),
          });
        }
        table = await table.append(rows);
      }
      const found = await rowsOf(`select k, _partition as p from ${table.name} order by k`);
      const names = [...ever].map((i) => FIELDS[i]?.name as string);
      const plain = found.map(({ k, p }) => {
        const struct = Object.entries((p ?? {}) as Record<string, unknown>);
        // In v1 a field that is dropped and added again is another, and stays beside it.
        const shown: Record<string, string | null> = {};
        for (const [said, value] of struct) {
          const name = said.replace(/#.*|_\d+$/, "");
          shown[name] = text(value) ?? shown[name] ?? null;
        }
        return { k: String(k), ...shown };
      });
      const none = Object.fromEntries(names.map((name) => [name, null]));
      expect(plain).toEqual(expected.map((row) => ({ ...none, ...row })));
    }),
    { numRuns: runs(30) },
  );
});

function text(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value);
}

test("is a struct: its fields are read, filtered and grouped by, and a star does not give it", async () => {
  const table = await made(2, [day("at"), identity("City")]);
  await table.append([
    { k: 1n, n: 1, City: "Bern", at: "2001-01-01T10:00:00" },
    { k: 2n, n: 1, City: null, at: "2001-01-02T10:00:00" },
  ]);
  const t = table.name;
  expect(await rowsOf(`select k from ${t} where _partition.city = 'Bern'`)).toEqual([{ k: 1n }]);
  expect(await rowsOf(`select x.k from ${t} as x where x._partition.at_day = date '2001-01-02'`)).toEqual([
    { k: 2n },
  ]);
  expect(
    await rowsOf(`select _partition.City as c, count(*) as n from ${t} group by all order by all`),
  ).toEqual([
    { c: "Bern", n: 1n },
    { c: null, n: 1n },
  ]);
  expect(await rowsOf(`select count(*) as n from ${t} group by _partition`)).toEqual([{ n: 1n }, { n: 1n }]);
  const { schema: shown } = await engine.sql(`select * from ${t} where _partition is not null`);
  expect(shown.fields.map(({ name }) => name)).toEqual(["k", "n", "City", "at"]);
  const scanned = await engine.scan(
    table,
    (await catalog.loadTable(t)).scan({ select: ["k", "_partition"] }),
  );
  expect(
    (await scanned.rows()).map(({ k, _partition: p }) => [k, text((p as { City: string }).City)]),
  ).toEqual([
    [1n, "Bern"],
    [2n, null],
  ]);
});

test("is null where nothing partitions, with files and without", async () => {
  const table = await made(2);
  expect(await rowsOf(`select _partition from ${table.name}`)).toEqual([]);
  await table.append([{ k: 1n, n: null, City: null, at: null }]);
  expect(await rowsOf(`select k, _partition from ${table.name}`)).toEqual([{ k: 1n, _partition: null }]);
});

test("keeps fields whose column was dropped, widened or renamed", async () => {
  const table = await made(2, [identity("n"), identity("City")]);
  let now = await table.append([{ k: 1n, n: 7, City: "Bern", at: null }]);
  now = await now.update([new UpdatePartitionSpec().removeField("City")]);
  now = await now.update([
    new UpdateSchema().updateType("n", { type: "long" }).dropColumn("City").renameColumn("k", "key"),
  ]);
  await now.append([{ key: 2n, n: 8n, at: null }] as never);
  expect(await rowsOf(`select key, _partition as p from ${now.name} order by key`)).toEqual([
    { key: 1n, p: { n: 7n, City: "Bern" } },
    { key: 2n, p: { n: 8n, City: null } },
  ]);
});

test("a column of its own of that name comes first", async () => {
  const own = await made(2, [identity("City")]);
  await own.append([{ k: 1n, n: null, City: "Bern", at: null }]);
  const past = await engine.sql(`select s._partition from (select k as _partition from ${own.name}) as s`);
  expect(await past.rows()).toEqual([{ _partition: 1n }]);
});
