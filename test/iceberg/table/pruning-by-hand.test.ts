import { describe, expect, test } from "vitest";
import {
  bind,
  type Expression,
  eq,
  type FileMetrics,
  gt,
  gtEq,
  inclusiveMetricsEvaluator,
  inclusiveProjection,
  isIn,
  isNull,
  lt,
  ltEq,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  type PartitionSpec,
  type PrimitiveValue,
  parseTransform,
  partitionFilter,
  startsWith,
  strictMetricsEvaluator,
  strictProjection,
  toBinary,
} from "../../../lib/lakehouse/iceberg/index.js";
import { type Name, type Row, schema, truth, tupleOf } from "../support/pruning.js";

describe("pruning by hand", () => {
  const metrics: FileMetrics = {
    recordCount: 10n,
    valueCounts: new Map([
      [1, 10n],
      [3, 10n],
    ]),
    nullValueCounts: new Map([
      [1, 0n],
      [3, 0n],
    ]),
    nanValueCounts: new Map(),
    lowerBounds: new Map([
      [1, toBinary({ type: "int" }, 10)],
      [3, toBinary({ type: "double" }, 1)],
    ]),
    upperBounds: new Map([
      [1, toBinary({ type: "int" }, 20)],
      [3, toBinary({ type: "double" }, 2)],
    ]),
  };
  const might = (expression: Expression) => inclusiveMetricsEvaluator(bind(schema, expression))(metrics);
  const must = (expression: Expression) => strictMetricsEvaluator(bind(schema, expression))(metrics);

  test("a bound at the literal is decided exactly", () => {
    expect([might(lt("i", 10)), might(ltEq("i", 10)), might(gt("i", 20)), might(gtEq("i", 20))]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([must(lt("i", 20)), must(ltEq("i", 20)), must(gt("i", 10)), must(gtEq("i", 10))]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([
      might(isNull("i")),
      must(notNull("i")),
      might(isIn("i", [1, 30])),
      must(notIn("i", [1, 30])),
    ]).toEqual([false, true, false, true]);
  });

  test("NaN that the metrics do not exclude is kept above every bound", () => {
    expect([might(gt("d", 5)), might(lt("d", 0)), must(lt("d", 3))]).toEqual([true, false, false]);
  });

  test("an empty file never matches", () => {
    expect(inclusiveMetricsEvaluator(bind(schema, isNull("i")))({ ...metrics, recordCount: 0n })).toBe(false);
  });

  test("bounds that cannot be read exclude nothing", () => {
    const broken = { ...metrics, lowerBounds: new Map([[1, new Uint8Array(3)]]), upperBounds: new Map() };
    expect(inclusiveMetricsEvaluator(bind(schema, eq("i", 5)))(broken)).toBe(true);
  });

  test("days before 1970 that old writers misfiled by one are kept", () => {
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceIds: [7], fieldId: 1000, name: "d", transform: { transform: "day" } }],
    };
    const filter = partitionFilter(
      inclusiveProjection(spec, schema)(bind(schema, eq("ts", "1969-12-30T10:00:00"))),
      spec,
    );
    expect([filter([-2]), filter([-1]), filter([-3]), filter([0])]).toEqual([true, true, false, false]);
  });

  /** Every value against every literal: the projections of a predicate on one column. */
  function exhaust(
    name: Name,
    transform: string,
    values: readonly PrimitiveValue[],
    expressions: readonly Expression[],
  ) {
    const { id } = schema.fields.find((field) => field.name === name)!;
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceIds: [id], fieldId: 1000, name: "f", transform: parseTransform(transform) }],
    };
    for (const expression of expressions) {
      const bound = bind(schema, expression);
      const inclusive = partitionFilter(inclusiveProjection(spec, schema)(bound), spec);
      const strict = partitionFilter(strictProjection(spec, schema)(bound), spec);
      for (const value of values) {
        const row = { [name]: value } as Row;
        const matched = truth(bound, row) === true;
        const tuple = tupleOf(spec, row);
        if (matched) expect(inclusive(tuple), `${name} ${String(value)}`).toBe(true);
        if (strict(tuple)) expect(matched, `${name} ${String(value)}`).toBe(true);
      }
    }
  }

  test("prefixes shorter than, as long as and longer than the width of truncation", () => {
    const texts = [""];
    for (const text of texts) if (text.length < 4) texts.push(`${text}a`, `${text}b`);
    for (const width of [1, 2, 3]) {
      exhaust(
        "s",
        `truncate[${width}]`,
        texts,
        texts.flatMap((text) => [
          startsWith("s", text),
          notStartsWith("s", text),
          lt("s", text),
          gt("s", text),
        ]),
      );
    }
  });

  test("integers next to the lowest, whose truncation wraps around", () => {
    const ints = [...Array(25).keys()].flatMap((n) => [-2147483648 + n, 2147483647 - n, n - 12]);
    const all = [lt, ltEq, gt, gtEq, eq, notEq];
    exhaust(
      "i",
      "truncate[10]",
      ints,
      ints.flatMap((n) => all.map((build) => build("i", n))),
    );
    const longs = [...Array(25).keys()].flatMap((n) => [
      -(2n ** 63n) + BigInt(n),
      2n ** 63n - 1n - BigInt(n),
      BigInt(n - 12),
    ]);
    exhaust(
      "l",
      "truncate[10]",
      longs,
      longs.flatMap((n) => all.map((build) => build("l", n))),
    );
  });
});
