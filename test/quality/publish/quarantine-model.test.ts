import fc from "fast-check";
import { defineSchema, double, int, long, struct } from "sololakehouse";
import { expect, test } from "vitest";
import { type Check, notNull, range, references, unique } from "../../../lib/lakehouse/quality/index.js";
import { runs } from "../../support/runs.js";
import { lake } from "../support/lake.js";

const SCHEMA = defineSchema({
  id: long(),
  a: int().optional(),
  b: int().optional(),
  x: double().optional(),
  place: struct({ zip: int().optional() }).optional(),
  v: int().optional(),
});

interface Row {
  readonly id: number;
  readonly a: number | null;
  readonly b: number | null;
  readonly x: number | null;
  readonly place: { readonly zip: number | null } | null;
  readonly v: number | null;
}

/** Few values, so that rows meet in several keys, one row in one key and another in the next. */
const value = fc.option(fc.nat(6), { freq: 8 });
const rowsOf = (first: number, maxLength: number) =>
  fc
    .array(
      fc.record({
        a: value,
        b: value,
        x: fc.option(fc.constantFrom(0, -0, Number.NaN, 1.5, -2), { freq: 8 }),
        place: fc.option(fc.record({ zip: value }), { freq: 8 }),
        v: value,
      }),
      { minLength: 1, maxLength },
    )
    .map((rows) => rows.map((row, i): Row => ({ id: first + i, ...row })));

const KEYS: Readonly<Record<string, (row: Row) => number | null>> = {
  a: ({ a }) => a,
  b: ({ b }) => b,
  x: ({ x }) => x,
  "place.zip": ({ place }) => place?.zip ?? null,
};
const WHERE: Readonly<Record<string, (row: Row) => boolean>> = {
  "v > 1": ({ v }) => v !== null && v > 1,
  "a is null or v < 5": ({ a, v }) => a === null || (v !== null && v < 5),
};

interface Key {
  readonly columns: readonly string[];
  readonly where: string | undefined;
}
const key: fc.Arbitrary<Key> = fc.record({
  columns: fc.uniqueArray(fc.constantFrom(...Object.keys(KEYS)), { minLength: 1, maxLength: 2 }),
  where: fc.option(fc.constantFrom(...Object.keys(WHERE)), { nil: undefined, freq: 2 }),
});

/** A check that tells of a row whether it fails, by itself and by the rows that the table had. */
interface RowCheck {
  readonly check: (table: string) => Check;
  readonly fails: (row: Row, there: readonly Row[]) => boolean;
}
const ROW_CHECKS: readonly RowCheck[] = [
  { check: () => notNull("b", { where: "v > 1" }), fails: (row) => row.b === null && (row.v ?? 0) > 1 },
  { check: () => range("v", { max: 4 }), fails: ({ v }) => v !== null && v > 4 },
  {
    check: (table) => references("a", table, "b", { where: "v = 0" }),
    fails: ({ a, v }, there) => v === 0 && a !== null && !there.some(({ b }) => b === a),
  },
];

interface Judged {
  readonly row: Row;
  /** Names of the checks that it fails; none of a row that is kept. */
  readonly why: readonly string[];
}

/** One row after the other: it is kept if nothing is wrong with it, and its keys are not there and not with a row that was kept. */
function judge(
  there: readonly Row[],
  rows: readonly Row[],
  checks: readonly { readonly name: string; readonly fails: RowCheck["fails"] }[],
  keys: readonly (Key & { readonly name: string })[],
): Judged[] {
  const kept = [...there];
  return rows.map((row) => {
    const own = checks.filter(({ fails }) => fails(row, there)).map(({ name }) => name);
    const taken = keys.filter((each) => kept.some((other) => haveOneKey(each, row, other)));
    const why = own.length > 0 ? own : taken.map(({ name }) => name);
    if (why.length === 0) kept.push(row);
    return { row, why };
  });
}

function haveOneKey({ columns, where }: Key, one: Row, other: Row): boolean {
  const isMeant = (row: Row) => where === undefined || WHERE[where]?.(row) === true;
  return (
    isMeant(one) &&
    isMeant(other) &&
    columns.every((column) => {
      const [left, right] = [KEYS[column]?.(one) ?? null, KEYS[column]?.(other) ?? null];
      return left !== null && (left === right || (Number.isNaN(left) && Number.isNaN(right)));
    })
  );
}

let made = 0;

/** Publishes the batches in turn, and compares what is kept and what is set aside with the plain judgement. */
async function holds(
  batches: readonly (readonly Row[])[],
  keys: readonly Key[],
  own: readonly RowCheck[],
  order: number,
): Promise<void> {
  const name = `q.model_${made++}`;
  await lake.createTable(name, { schema: SCHEMA });
  const uniques = keys.map(({ columns, where }, i) => unique(columns, { where, name: `key ${i}` }));
  const named = own.map(({ check, fails }) => ({ check: check(name), fails, name: check(name).name }));
  const all = [...named.map(({ check }) => check), ...uniques];
  // As they might as well have been written.
  const checks = [...all.slice(order % all.length), ...all.slice(0, order % all.length)];
  const kept: Row[] = [];
  const aside: Judged[] = [];
  for (const rows of batches) {
    const judged = judge(
      kept,
      rows,
      named,
      keys.map((each, i) => ({ ...each, name: `key ${i}` })),
    );
    const bad = judged.filter(({ why }) => why.length > 0);
    const { rejected } = await lake.quality.publish(name, rows, { quarantine: true, checks });
    expect(rejected).toBe(bad.length);
    kept.push(...judged.filter(({ why }) => why.length === 0).map(({ row }) => row));
    aside.push(...bad);
    const ids = await lake.sql(`select id from ${name} order by id`).rows();
    expect(ids.map(({ id }) => Number(id))).toEqual(kept.map(({ id }) => id));
  }
  const { results } = await lake.quality.check(name, { checks: uniques, record: false });
  expect(results.map(({ failing }) => failing)).toEqual(uniques.map(() => 0));
  if (aside.length === 0) return;
  const found = await lake
    .sql(`select id, list_sort(rejected_because) as why from ${name}_rejected order by id`)
    .rows();
  expect(found.map(({ id, why }) => ({ id: Number(id), why }))).toEqual(
    aside.map(({ row, why }) => ({ id: row.id, why: [...why].sort() })),
  );
}

test("in quarantine each row is kept that is right and whose keys no row has that was kept before it", async () => {
  await fc.assert(
    fc.asyncProperty(
      rowsOf(0, 30),
      rowsOf(100, 20),
      fc.array(key, { minLength: 1, maxLength: 3 }),
      fc.subarray([...ROW_CHECKS]),
      fc.nat(5),
      (first, second, keys, own, order) => holds([first, second], keys, own, order),
    ),
    { numRuns: runs(6) },
  );
});

test("in quarantine a row that another key keeps out takes no key from the rows after it", async () => {
  const rows = [1, 2, 3, 4, 5, 6].map((i) => ({
    id: i,
    a: Math.ceil(i / 2),
    b: Math.floor(i / 2),
    x: null,
    place: null,
    v: null,
  }));
  // Each row shares a with one neighbour, and b with the other: the first, third and fifth are kept.
  const keys = [
    { columns: ["a"], where: undefined },
    { columns: ["b"], where: undefined },
  ];
  for (const order of [0, 1]) await holds([rows], keys, [], order);
});
