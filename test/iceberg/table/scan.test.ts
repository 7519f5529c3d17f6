import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Expression } from "../../../lib/lakehouse/iceberg/index.js";
import { bind } from "../../../lib/lakehouse/iceberg/model/expressions/bind.js";
import {
  and,
  eq,
  gt,
  isIn,
  isNan as isNaNValue,
  isNull,
  lt,
  not,
  notEq,
  or,
  startsWith,
} from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import { rowFilter } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";
import { bucket, day, identity, truncate } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  defineSchema,
  double,
  int,
  long,
  string,
  timestamp,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { UpdatePartitionSpec } from "../../../lib/lakehouse/iceberg/table/evolution/update-partition-spec.js";
import { runs } from "../../support/runs.js";
import { createTable, scratch } from "../support/tables.js";

const SCHEMA = defineSchema({
  id: int(),
  at: timestamp().optional(),
  s: string().optional(),
  d: double().optional(),
  n: long().optional(),
});

interface Row extends Record<string, unknown> {
  id: number;
  at: string | null;
  s: string | null;
  d: number | null;
  n: bigint | null;
}

const times = fc.constantFrom(
  "1969-12-31T23:59:59",
  "1970-01-01T00:00:00",
  "2001-01-01T12:00:00",
  "2001-01-02T00:00:00",
  "2001-02-01T05:00:00",
);
const texts = fc.constantFrom(
  "",
  "a",
  "ab",
  "abc",
  "abd",
  "b",
  "é",
  "zzzzzzzzzzzzzzzzzzzzzz",
  "zzzzzzzzzzzzzzzzzzzzzy",
);
const doubles = fc.constantFrom(Number.NaN, -0, 0, 1.5, -1e300, Number.POSITIVE_INFINITY);
const longs = fc.constantFrom(-(2n ** 63n), -1n, 0n, 7n, 2n ** 60n);

const rows: fc.Arbitrary<Row[]> = fc
  .array(
    fc.record({ at: fc.option(times), s: fc.option(texts), d: fc.option(doubles), n: fc.option(longs) }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => list.map((row, id) => ({ id, ...row })));

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  times.chain((v) => fc.constantFrom(eq("at", v), lt("at", v), gt("at", v), notEq("at", v))),
  texts.chain((v) =>
    fc.constantFrom(
      eq("s", v),
      lt("s", v),
      gt("s", v),
      notEq("s", v),
      startsWith("s", v),
      not(startsWith("s", v)),
    ),
  ),
  doubles.chain((v) => fc.constantFrom(eq("d", v), lt("d", v), gt("d", v), notEq("d", v))),
  longs.chain((v) => fc.constantFrom(eq("n", v), lt("n", v), gt("n", v), notEq("n", v), isIn("n", [v, 5n]))),
  fc.constantFrom(isNull("at"), isNull("s"), not(isNull("n")), isNaNValue("d"), not(isNaNValue("d"))),
);
const filters: fc.Arbitrary<Expression> = fc.letrec<{ filter: Expression }>((tie) => ({
  filter: fc.oneof(
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => and(a, b)) },
    { weight: 1, arbitrary: fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => or(a, b)) },
    { weight: 1, arbitrary: tie("filter").map((a) => not(a)) },
  ),
})).filter;

describe("pruning", () => {
  test("never leaves out a file with a matching row, and residuals keep the filter's meaning", () =>
    fc.assert(
      fc.asyncProperty(rows, fc.array(filters, { minLength: 12, maxLength: 12 }), (data, some) =>
        scratch(async (directory) => {
          // One file a row: what was planned tells row by row what was kept.
          const { table } = await createTable<Row>(directory, {
            schema: SCHEMA,
            partitionSpec: [identity("id"), day("at"), truncate("s", 2), bucket("n", 4)],
          });
          const after = await table.append(data);
          for (const filter of some) {
            const matches = rowFilter(bind(SCHEMA, filter));
            const { tasks } = await after.scan({ filter }).planAll();
            const planned = new Map(
              tasks.map((task) => [task.dataFile.partition[0] as number, task.residual]),
            );
            for (const row of data) {
              const residual = planned.get(row.id);
              if (matches(row)) expect(residual, JSON.stringify({ filter, id: row.id }, text)).toBeDefined();
              if (residual !== undefined) expect(rowFilter(bind(SCHEMA, residual))(row)).toBe(matches(row));
            }
          }
        }),
      ),
      { numRuns: runs(12) },
    ));
});

function text(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

describe("scans", () => {
  test("plan across partition specs, each manifest by its own", () =>
    scratch(async (directory) => {
      const { table } = await createTable<Row>(directory, { schema: SCHEMA, partitionSpec: [identity("s")] });
      const row = (id: number, s: string): Row => ({ id, at: "2001-01-01T00:00:00", s, d: 1, n: 1n });
      const before = await table.append([row(1, "a"), row(2, "b")]);
      const evolved = await before.update([new UpdatePartitionSpec().removeField("s").addField(day("at"))]);
      const after = await evolved.append([row(3, "a"), row(4, "b")]);
      const { tasks, report } = await after.scan({ filter: eq("s", "a") }).planAll();
      expect(tasks.map((task) => task.spec.specId).sort()).toEqual([0, 1]);
      expect(report).toMatchObject({ totalDataFiles: 3, skippedDataFiles: 1 });
      expect(tasks.find((task) => task.spec.specId === 0)?.residual.type).toBe("true");
      expect(tasks.find((task) => task.spec.specId === 1)?.residual.type).toBe("eq");
    }));

  test("stop at a limit where rows are sure, and not where a filter may take them away", () =>
    scratch(async (directory) => {
      const { table } = await createTable<Row>(directory, {
        schema: SCHEMA,
        partitionSpec: [identity("id")],
      });
      const data = Array.from({ length: 10 }, (_, id): Row => ({ id, at: null, s: "x", d: id, n: 1n }));
      const after = await table.append(data);
      const count = async (options: Parameters<typeof after.scan>[0]) =>
        (await after.scan(options).planAll()).tasks.length;
      expect(await count({ limit: 3 })).toBe(3);
      expect(await count({ limit: 0 })).toBe(0);
      // The partition proves the first filter, so its rows count; of the second only bounds speak.
      expect(await count({ limit: 3, filter: lt("id", 8) })).toBe(3);
      expect(await count({ limit: 3, filter: lt("d", 8) })).toBe(8);
    }));

  test("refuse a Date that is none", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: defineSchema({ n: int() }) });
      const appended = await table.append([{ n: 1 }]);
      expect(() => appended.scan({ asOf: new Date("2026-13-01") })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", subject: "asOf" }),
      );
    }));

  test("give the selected columns, and refuse unknown ones", () =>
    scratch(async (directory) => {
      const { table } = await createTable<Row>(directory, { schema: SCHEMA });
      expect(
        table
          .scan({ select: ["n", "id"] })
          .schema.fields.map((field) => field.name)
          .sort(),
      ).toEqual(["id", "n"]);
      expect(table.scan({ select: ["ID"], caseSensitive: false }).schema.fields).toHaveLength(1);
      expect(() => table.scan({ select: ["nope"] })).toThrow(/nope/);
      await expect(table.scan({ filter: eq("nope", 1) }).planAll()).rejects.toMatchObject({
        code: "INVALID_EXPRESSION",
      });
    }));
});
