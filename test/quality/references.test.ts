import fc from "fast-check";
import { defineSchema, double, float, int, long, string } from "sololakehouse";
import { expect, test } from "vitest";
import { type Check, notNull, references } from "../../lib/lakehouse/quality/index.js";
import { runs } from "../support/runs.js";
import { lake } from "./support/lake.js";

/** Values of which several of one type equal one of another: beyond 2^24 and 2^53, and where text is read as a number. */
const VALUES = {
  i: [1, 2 ** 24, 2 ** 24 + 1, null],
  l: [1n, 2n ** 53n, 2n ** 53n + 1n, null],
  f: [1, 2 ** 24, Number.NaN, null],
  d: [1, 2 ** 24 + 1, 2 ** 53, Number.NaN, null],
  s: ["1", "01", "a", null],
} as const;
type Name = keyof typeof VALUES;
type Row = { readonly [Each in Name]: (typeof VALUES)[Each][number] };

const SCHEMA = defineSchema({
  i: int().optional(),
  l: long().optional(),
  f: float().optional(),
  d: double().optional(),
  s: string().optional(),
});
const NAMES = Object.keys(VALUES) as Name[];

/** Whether two values are one where DuckDB compares them: in the wider of their types, which has float wider than long. */
function equal(a: Name, one: unknown, b: Name, other: unknown): boolean {
  if (a === b) return Object.is(one, other);
  const isDouble = a === "d" || b === "d";
  const isFloat = !isDouble && (a === "f" || b === "f");
  const as = (value: unknown) =>
    isFloat ? Math.fround(Number(value)) : isDouble ? Number(value) : BigInt(value as number);
  return Object.is(as(one), as(other));
}

const row = fc.record({
  i: fc.constantFrom(...VALUES.i),
  l: fc.constantFrom(...VALUES.l),
  f: fc.constantFrom(...VALUES.f),
  d: fc.constantFrom(...VALUES.d),
  s: fc.constantFrom(...VALUES.s),
});

test("keys of any two types that go together count each row once, also beside other checks", async () => {
  const numbers = NAMES.filter((name) => name !== "s");
  const pairs = [...numbers.flatMap((a) => numbers.map((b) => [a, b] as const)), ["s", "s"] as const];
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 6 }),
      fc.array(row, { maxLength: 6 }),
      async (own, others) => {
        made += 1;
        await (await lake.createTable(`r.own${made}`, { schema: SCHEMA })).append(own);
        await (await lake.createTable(`r.others${made}`, { schema: SCHEMA })).append(others);
        const checks = [
          ...pairs.map(([a, b]) => references(a, `r.others${made}`, b, { name: `${a} ${b}` })),
          references(["s", "l"], `r.others${made}`, ["s", "d"], { name: "two" }),
          notNull("i"),
        ];
        const fails = (columns: readonly (readonly [Name, Name])[]) => (mine: Row) =>
          columns.every(([a]) => mine[a] !== null) &&
          !others.some((their) =>
            columns.every(([a, b]) => their[b] !== null && equal(a, mine[a], b, their[b])),
          );
        const expected = [
          ...pairs.map((pair) => own.filter(fails([pair])).length),
          own.filter(
            fails([
              ["s", "s"],
              ["l", "d"],
            ]),
          ).length,
          own.filter(({ i }) => i === null).length,
        ];
        const { results } = await lake.quality.check(`r.own${made}`, { checks, record: false });
        expect(results.map(({ check, failing, rows }) => [check.name, failing, rows])).toEqual(
          checks.map(({ name }, at) => [name, expected[at], own.length]),
        );
      },
    ),
    { numRuns: runs(8) },
  );
});

test("keys that are text and numbers do not go together", async () => {
  await (await lake.createTable("r.a", { schema: SCHEMA })).append([{ l: 1 }]);
  await (await lake.createTable("r.b", { schema: SCHEMA })).append([{ s: "1" }, { s: "01" }]);
  const run = (check: Check) => lake.quality.check("r.a", { checks: [notNull("l"), check], record: false });
  for (const check of [references("l", "r.b", "s"), references("s", "r.b", "l")])
    await expect(run(check)).rejects.toMatchObject({ code: "INVALID_CHECK", subject: check.name });
});

test("a key that the other table has no column of is none of the rows' own", async () => {
  await lake.createTable("r.narrow", { schema: defineSchema({ id: long() }) });
  await (await lake.createTable("r.wide", { schema: SCHEMA })).append([{ l: 1 }]);
  const checks = [references("l", "r.narrow", "l")];
  await expect(lake.quality.check("r.wide", { checks, record: false })).rejects.toMatchObject({
    code: "INVALID_CHECK",
  });
});
