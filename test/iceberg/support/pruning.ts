import fc from "fast-check";
import {
  and,
  type BoundExpression,
  date,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  gt,
  gtEq,
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
import { evaluator } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";
import type { FileMetrics } from "../../../lib/lakehouse/iceberg/model/expressions/metrics.js";
import { partitioner } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { canTransform, parseTransform } from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import { type Comparator, comparatorOf } from "../../../lib/lakehouse/iceberg/model/values/compare.js";
import { runs } from "../../support/runs.js";
import { WRITTEN_TEXTS } from "./transforms.js";
export const schema = defineSchema({
  i: int().optional(),
  l: long().optional(),
  d: double().optional(),
  s: string().optional(),
  p: decimal(9, 2).optional(),
  dt: date().optional(),
  ts: timestamp().optional(),
});
export const NAMES = ["i", "l", "d", "s", "p", "dt", "ts"] as const;
export type Name = (typeof NAMES)[number];
export const typeOf = (name: string) =>
  schema.fields.find((field) => field.name === name)!.type as PrimitiveType;

/** A row by canonical values, few of them, so that literals and values often meet. Extremes are among them. */
export type Row = Record<Name, PrimitiveValue | null>;
export const domain: Record<Name, fc.Arbitrary<PrimitiveValue>> = {
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
export const rowOf: fc.Arbitrary<Row> = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, fc.option(domain[name], { freq: 4 })])) as Record<
    Name,
    fc.Arbitrary<PrimitiveValue | null>
  >,
);

/** Literals are given as the canonical forms that binding takes; decimals as text. */
export const literal = (name: Name) =>
  domain[name].map((value) => (name === "p" ? `${Number(value as bigint) / 100}` : value));
export const predicate: fc.Arbitrary<Expression> = fc.constantFrom(...NAMES).chain((name) => {
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
export const expressionOf: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    predicate,
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => and(a, b)),
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => or(a, b)),
    tie("tree").map(not),
  ),
})).tree;

/** The truth, from the expression and the row alone. */
export const truth = (expression: BoundExpression, row: Row) =>
  evaluator<Row>(expression, (term) => (each) => {
    const value = each[term.field.name as Name];
    const { transform } = term.transform;
    if (transform === "truncate" && value !== null)
      return [...(value as string)].slice(0, term.transform.width).join("");
    return value;
  })(row);

/** Metrics as a writer makes them; bounds of text cut to `cut` code points, outwards. */
export function metricsOf(rows: readonly Row[], cut: number, leaveOut: ReadonlySet<string>): FileMetrics {
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

export function extremes(values: readonly (PrimitiveValue | null)[], compare: Comparator) {
  const known = values
    .filter((value): value is PrimitiveValue => value !== null && !Number.isNaN(value))
    .sort(compare);
  return [known[0], known.at(-1)] as const;
}
export const cutDown = (text: string, length: number) => [...text].slice(0, length).join("");
export function cutUp(text: string, length: number): string | undefined {
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

export const specOf: fc.Arbitrary<PartitionSpec> = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...WRITTEN_TEXTS)), {
    minLength: 1,
    maxLength: 3,
  })
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

export const tupleOf = (spec: PartitionSpec, row: Row) =>
  partitioner(spec, schema)((id) => row[schema.fields.find((field) => field.id === id)!.name as Name]);

export const often = { numRuns: runs(1500) };
