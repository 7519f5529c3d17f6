import fc from "fast-check";
import { expect, test } from "vitest";
import { defineSchema, double, float, int } from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { catalog, engine, newName } from "../support/lake.js";

const schema = defineSchema({ k: int(), f: float().optional(), d: double().optional() });
const properties = Object.fromEntries(
  ["f", "d"].map((name) => [`write.parquet.bloom-filter-enabled.column.${name}`, "true"]),
);

/** All equal values once: -0 is 0 for SQL, and NaN is NaN. */
const VALUES = [0, -0, 1.5, -2.25, 7, Number.NaN, Number.POSITIVE_INFINITY];
const equals = (a: number | null, b: number) =>
  a !== null && (a === b || (Number.isNaN(a) && Number.isNaN(b)));
const literal = (value: number, type: string) => `'${Object.is(value, -0) ? "-0" : value}'::${type}`;

// A Bloom filter knows values by their bytes, and DuckDB asks it for those of the constant.
test("a Bloom filter loses no float that has other bytes than what it equals", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.constantFrom(...VALUES)), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      async (values, repeated) => {
        const name = newName();
        const created = await catalog.createTable(name, { schema, properties });
        // Few values among many are in a dictionary; those that come once may not be.
        const all = repeated ? values.flatMap((value) => [value, value, value]) : values;
        await created.append(all.map((value, k) => ({ k, f: value, d: value })));
        for (const wanted of VALUES) {
          const expected = all.flatMap((value, k) => (equals(value, wanted) ? [k] : []));
          for (const where of [
            `d = ${literal(wanted, "double")}`,
            `f = ${literal(wanted, "float")}`,
            `f = ${literal(wanted, "double")}`,
            `d IN (${literal(wanted, "double")}, -9::double)`,
          ]) {
            const rows = await (await engine.sql(`select k from ${name} where ${where} order by k`)).rows();
            expect([where, rows.map(({ k }) => k)]).toEqual([where, expected]);
          }
        }
      },
    ),
    {
      numRuns: runs(8),
      examples: [
        [[-0], false],
        [[0, 5], true],
        [[-0, 1.5], true],
      ],
    },
  ));
