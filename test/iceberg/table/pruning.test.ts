import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  and,
  type BoundExpression,
  bind,
  buildPartitionSpec,
  date,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  type FieldSummary,
  gt,
  gtEq,
  identity,
  int,
  isIn,
  isNaN as isNan,
  isNull,
  long,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  type PartitionSpec,
  type PrimitiveType,
  type PrimitiveValue,
  startsWith,
  string,
  timestamp,
  toBinary,
  truncate,
} from "../../../lib/lakehouse/iceberg/index.js";
import { unbind } from "../../../lib/lakehouse/iceberg/model/expressions/bind.js";
import { evaluator, partitionFilter } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";
import {
  type FileMetrics,
  inclusiveMetricsEvaluator,
  manifestEvaluator,
  strictMetricsEvaluator,
} from "../../../lib/lakehouse/iceberg/model/expressions/metrics.js";
import {
  inclusiveProjection,
  strictProjection,
} from "../../../lib/lakehouse/iceberg/model/expressions/project.js";
import { residualEvaluator } from "../../../lib/lakehouse/iceberg/model/expressions/residual.js";
import { partitioner, partitionFieldType } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { canTransform, parseTransform } from "../../../lib/lakehouse/iceberg/model/partitioning/transform.js";
import { type Comparator, comparatorOf } from "../../../lib/lakehouse/iceberg/model/values/compare.js";
import { runs } from "../../support/runs.js";

const schema = defineSchema({
  i: int().optional(),
  l: long().optional(),
  d: double().optional(),
  s: string().optional(),
  p: decimal(9, 2).optional(),
  dt: date().optional(),
  ts: timestamp().optional(),
});
const NAMES = ["i", "l", "d", "s", "p", "dt", "ts"] as const;
type Name = (typeof NAMES)[number];
const typeOf = (name: string) => schema.fields.find((field) => field.name === name)!.type as PrimitiveType;

/** A row by canonical values, few of them, so that literals and values often meet. Extremes are among them. */
type Row = Record<Name, PrimitiveValue | null>;
const domain: Record<Name, fc.Arbitrary<PrimitiveValue>> = {
  i: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: -25, max: 25 }) },
    fc.constantFrom(-2147483648, -2147483647, 2147483647),
  ),
  l: fc.oneof(
    { weight: 5, arbitrary: fc.bigInt({ min: -25n, max: 25n }) },
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n),
  ),
  d: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: -3, max: 3 }) },
    fc.constantFrom(Number.NaN, -0, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  ),
  s: fc.string({ unit: fc.constantFrom("a", "b", "\uffff", "\u{1F600}"), maxLength: 4 }),
  p: fc.bigInt({ min: -250n, max: 250n }),
  dt: fc.integer({ min: -800, max: 800 }),
  ts: fc.bigInt({ min: -400n, max: 400n }).map((hours) => hours * 3_599_999_999n),
};
const rowOf: fc.Arbitrary<Row> = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, fc.option(domain[name], { freq: 4 })])) as Record<
    Name,
    fc.Arbitrary<PrimitiveValue | null>
  >,
);

/** Literals are given as the canonical forms that binding takes; decimals as text. */
const literal = (name: Name) =>
  domain[name].map((value) => (name === "p" ? `${Number(value as bigint) / 100}` : value));
const predicate: fc.Arbitrary<Expression> = fc.constantFrom(...NAMES).chain((name) => {
  const comparisons = [eq, notEq, lt, ltEq, gt, gtEq].map((build) =>
    literal(name).map((value) => build(name, value)),
  );
  const sets = [isIn, notIn].map((build) =>
    fc.array(literal(name), { maxLength: 3 }).map((values) => build(name, values)),
  );
  const more: fc.Arbitrary<Expression>[] = [fc.constant(isNull(name)), fc.constant(notNull(name))];
  if (name === "d") more.push(fc.constant(isNan(name)), fc.constant(not(isNan(name))));
  if (name === "s") {
    more.push(
      ...[startsWith, notStartsWith].map((build) =>
        (domain.s as fc.Arbitrary<string>).map((value) => build(name, value)),
      ),
    );
    more.push(
      literal("s").map((value) => gtEq(truncate("s", 2), value)),
      literal("s").map((value) => eq(truncate("s", 1), value)),
    );
  }
  return fc.oneof(...comparisons, ...sets, ...more);
});
const expressionOf: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    predicate,
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => and(a, b)),
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => or(a, b)),
    tie("tree").map(not),
  ),
})).tree;

/** The truth, from the expression and the row alone. */
const truth = (expression: BoundExpression, row: Row) =>
  evaluator<Row>(expression, (term) => (each) => {
    const value = each[term.field.name as Name];
    const { transform } = term.transform;
    if (transform === "truncate" && value !== null)
      return [...(value as string)].slice(0, term.transform.width).join("");
    return value;
  })(row);

/** Metrics as a writer makes them; bounds of text cut to `cut` code points, outwards. */
function metricsOf(rows: readonly Row[], cut: number, leaveOut: ReadonlySet<string>): FileMetrics {
  const valueCounts = new Map<number, bigint>();
  const nullValueCounts = new Map<number, bigint>();
  const nanValueCounts = new Map<number, bigint>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  for (const { id, name } of schema.fields) {
    const type = typeOf(name);
    const values = rows.map((row) => row[name as Name]);
    const [low, high] = extremes(values, comparatorOf(type));
    if (!leaveOut.has("counts")) {
      valueCounts.set(id, BigInt(values.length));
      nullValueCounts.set(id, BigInt(values.filter((value) => value === null).length));
    }
    if (name === "d" && !leaveOut.has("nans"))
      nanValueCounts.set(id, BigInt(values.filter(Number.isNaN).length));
    if (leaveOut.has(name) || low === undefined || high === undefined) continue;
    const [lower, upper] =
      name === "s" ? [cutDown(low as string, cut), cutUp(high as string, cut)] : [low, high];
    lowerBounds.set(id, toBinary(type, lower));
    if (upper !== undefined) upperBounds.set(id, toBinary(type, upper));
  }
  return {
    recordCount: BigInt(rows.length),
    valueCounts,
    nullValueCounts,
    nanValueCounts,
    lowerBounds,
    upperBounds,
  };
}

function extremes(values: readonly (PrimitiveValue | null)[], compare: Comparator) {
  const known = values
    .filter((value): value is PrimitiveValue => value !== null && !Number.isNaN(value))
    .sort(compare);
  return [known[0], known.at(-1)] as const;
}
const cutDown = (text: string, length: number) => [...text].slice(0, length).join("");
function cutUp(text: string, length: number): string | undefined {
  const points = [...text];
  if (points.length <= length) return text;
  const kept = points.slice(0, length);
  for (let i = kept.length - 1; i >= 0; i -= 1) {
    const next = (kept[i]!.codePointAt(0) as number) + 1;
    const valid = next >= 0xd800 && next <= 0xdfff ? 0xe000 : next;
    if (valid <= 0x10ffff) return [...kept.slice(0, i), String.fromCodePoint(valid)].join("");
  }
  return undefined;
}

const specOf: fc.Arbitrary<PartitionSpec> = fc
  .array(
    fc.tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom(
        "identity",
        "bucket[3]",
        "truncate[10]",
        "truncate[2]",
        "year",
        "month",
        "day",
        "hour",
        "void",
      ),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => ({
    specId: 0,
    fields: parts
      .filter(([name, transform]) => canTransform(parseTransform(transform), typeOf(name)))
      .map(([name, transform], i) => ({
        sourceIds: [schema.fields.find((field) => field.name === name)!.id] as const,
        fieldId: 1000 + i,
        name: `f${i}`,
        transform: parseTransform(transform),
      })),
  }));

const tupleOf = (spec: PartitionSpec, row: Row) =>
  partitioner(spec, schema)((id) => row[schema.fields.find((field) => field.id === id)!.name as Name]);

const often = { numRuns: runs(1500) };

describe("pruning never changes a result", () => {
  test("by column metrics: a file that is skipped has no match, one that is taken whole has nothing else", () => {
    const leaveOut = fc.subarray(["counts", "nans", ...NAMES], { maxLength: 3 });
    let skipped = 0;
    let whole = 0;
    fc.assert(
      fc.property(
        expressionOf,
        fc.array(rowOf, { maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        leaveOut,
        (expression, rows, cut, out) => {
          const bound = bind(schema, expression);
          const metrics = metricsOf(rows, cut, new Set(out));
          const matched = rows.filter((row) => truth(bound, row) === true).length;
          if (!inclusiveMetricsEvaluator(bound)(metrics)) {
            expect(matched).toBe(0);
            skipped += 1;
          }
          if (strictMetricsEvaluator(bound)(metrics)) {
            expect(matched).toBe(rows.length);
            whole += 1;
          }
        },
      ),
      often,
    );
    // The property must have had something to say.
    expect(Math.min(skipped, whole)).toBeGreaterThan(50);
  });

  test("by partition: inclusive projections keep every match, strict ones nothing else, residuals the same rows", () => {
    let excluded = 0;
    let proven = 0;
    fc.assert(
      fc.property(
        expressionOf,
        specOf,
        fc.array(rowOf, { minLength: 1, maxLength: 5 }),
        (expression, spec, rows) => {
          const bound = bind(schema, expression);
          const inclusive = partitionFilter(inclusiveProjection(spec, schema)(bound), spec);
          const strict = partitionFilter(strictProjection(spec, schema)(bound), spec);
          const residual = residualEvaluator(bound, spec, schema);
          for (const row of rows) {
            const tuple = tupleOf(spec, row);
            const matched = truth(bound, row) === true;
            if (matched) expect(inclusive(tuple)).toBe(true);
            else if (!inclusive(tuple)) excluded += 1;
            if (strict(tuple)) {
              expect(matched).toBe(true);
              proven += 1;
            }
            expect(truth(residual(tuple), row) === true).toBe(matched);
          }
        },
      ),
      often,
    );
    expect(Math.min(excluded, proven)).toBeGreaterThan(50);
  });

  test("by partition: what is remembered of one partition is not told of another", () => {
    const two = defineSchema({ s: string(), t: string() });
    const spec = buildPartitionSpec(two, [identity("s"), identity("t")]);
    const residual = residualEvaluator(bind(two, { type: "eq", term: "s", value: "x" }), spec, two);
    expect(residual(["x\0string:y", "z"])).toEqual({ type: "false" });
    expect(residual(["x", "y\0string:z"])).toEqual({ type: "true" });
  });

  test("by manifest: one that is skipped holds no file with a match", () => {
    let skipped = 0;
    fc.assert(
      fc.property(
        expressionOf,
        specOf,
        fc.array(rowOf, { minLength: 1, maxLength: 4 }),
        (expression, spec, rows) => {
          const bound = bind(schema, expression);
          const tuples = rows.map((row) => tupleOf(spec, row));
          const summaries = spec.fields.map((field, i): FieldSummary => {
            const type = partitionFieldType(field, schema);
            const values = tuples.map((tuple) => tuple[i] ?? null);
            const [low, high] = extremes(values, comparatorOf(type));
            return {
              containsNull: values.includes(null),
              containsNan: values.some(Number.isNaN),
              lowerBound: low === undefined ? undefined : toBinary(type, low),
              upperBound: high === undefined ? undefined : toBinary(type, high),
            };
          });
          const evaluate = manifestEvaluator(inclusiveProjection(spec, schema)(bound), spec, schema);
          expect(evaluate(undefined)).toBe(true);
          if (evaluate(summaries)) return;
          skipped += 1;
          for (const row of rows) expect(truth(bound, row)).not.toBe(true);
        },
      ),
      often,
    );
    expect(skipped).toBeGreaterThan(50);
  });

  test("and three-valued logic holds: an expression and its opposite part the rows in true, false and unknown", () => {
    fc.assert(
      fc.property(expressionOf, rowOf, (expression, row) => {
        const is = truth(bind(schema, expression), row);
        const isNot = truth(bind(schema, not(expression)), row);
        expect(isNot).toBe(is === null ? null : !is);
        expect(truth(bind(schema, unbind(bind(schema, expression))), row) === true).toBe(is === true);
      }),
      often,
    );
  });
});

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
