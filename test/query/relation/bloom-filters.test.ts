import fc from "fast-check";
import { expect, test } from "vitest";
import { defineSchema, double, float, int } from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { AdoptedTables, field, schemaOf } from "../support/adopted-tables.js";
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

// DuckDB writes filters for all that it puts in a dictionary, and -0 as it is.
test("the Bloom filter of another writer loses none either", async () => {
  const tables = await AdoptedTables.open();
  try {
    const all = schemaOf(
      field(1, "k", "int"),
      field(2, "d", "double"),
      field(3, "s", { type: "struct", fields: [field(4, "f", "float")] }),
    );
    const value = (type: string) => `CASE WHEN range % 2 = 0 THEN '-0' ELSE '1.5' END::${type}`;
    const file = await tables.parquet(
      `SELECT range::INTEGER AS k, ${value("DOUBLE")} AS d, {'f': ${value("FLOAT")}} AS s FROM range(20)`,
      "FIELD_IDS {k: 1, d: 2, s: {__duckdb_field_id: 3, f: 4}}",
      // As a writer would say it that counts: without it nothing is looked for in the file's own words.
      { nanValueCounts: new Map([2, 4].map((id) => [id, 0n])) },
    );
    const table = await tables.with(await tables.create(all), file);
    for (const where of ["d = 0", "d = '-0'::DOUBLE", "s.f = 0::FLOAT", "d IN (0::DOUBLE, 7::DOUBLE)"]) {
      expect([where, (await tables.rows(table, { where })).length]).toEqual([where, 10]);
    }
    expect(await tables.rows(table, { where: "d = 2" })).toEqual([]);
  } finally {
    await tables.close();
  }
});
