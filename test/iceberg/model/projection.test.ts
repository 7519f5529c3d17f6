import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BoundExpression,
  bind,
  type ComparisonOperation,
  type Expression,
  type LiteralInput,
  type PartitionSpec,
  type PrimitiveType,
  type PrimitiveValue,
  type Schema,
  type SetOperation,
  type Term,
  type Transform,
  type UnaryOperation,
} from "../../../lib/lakehouse/iceberg/index.js";
import { evaluator, partitionFilter } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";
import { toLiteralInput } from "../../../lib/lakehouse/iceberg/model/expressions/literals.js";
import {
  inclusiveProjection,
  strictProjection,
} from "../../../lib/lakehouse/iceberg/model/expressions/project.js";
import {
  canTransform,
  parseTransform,
  transformFunction,
} from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import type { TransformKind } from "../../../lib/lakehouse/iceberg/model/transforms/types.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";
import { runs } from "../../support/runs.js";
import { TRANSFORM_TEXTS } from "../support/transforms.js";

const bytes = fc.uint8Array({ maxLength: 3, max: 2 });
const near = <T>(...values: T[]) => fc.constantFrom(...values);
const micros = fc.oneof(
  near(0n, -1n, 1n, -86_400_000_000n, 86_400_000_000n, -3_600_000_000n, 3_599_999_999n),
  fc.bigInt({ min: -200_000_000_000_000n, max: 200_000_000_000_000n }),
);
const text = fc.string({ unit: near("a", "b", "é", "😀"), maxLength: 3 });

const TYPES: readonly (readonly [string, fc.Arbitrary<PrimitiveValue>])[] = [
  ["boolean", fc.boolean()],
  ["int", fc.oneof(fc.integer({ min: -12, max: 12 }), near(-2147483648, -2147483643, 2147483647))],
  [
    "long",
    fc.oneof(fc.bigInt({ min: -12n, max: 12n }), near(-(2n ** 63n), -(2n ** 63n) + 5n, 2n ** 63n - 1n)),
  ],
  ["double", near(-1.5, -0, 0, 1, 2.5, Number.NaN, Number.POSITIVE_INFINITY)],
  ["decimal(4, 1)", fc.bigInt({ min: -30n, max: 30n })],
  ["date", fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -900, max: 900 }))],
  ["time", fc.bigInt({ min: 0n, max: 5n })],
  ["timestamp", micros],
  ["timestamptz", micros],
  ["timestamp_ns", micros.map((value) => value * 1000n + 1n)],
  ["string", text],
  ["uuid", near("00000000-0000-0000-0000-000000000001", "f79c3e09-677c-4bbd-a479-3f349cb785e7")],
  ["fixed[2]", fc.uint8Array({ minLength: 2, maxLength: 2, max: 2 })],
  ["binary", bytes],
];

const schemaOf = (type: PrimitiveType): Schema => ({
  schemaId: 0,
  fields: [{ id: 1, name: "x", required: false, type }],
  identifierFieldIds: [],
});

const specOf = (transform: Transform): PartitionSpec => ({
  specId: 0,
  fields: [{ sourceIds: [1], fieldId: 1000, name: "f", transform }],
});

const UNARY: readonly UnaryOperation[] = ["is-null", "not-null"];
const COMPARISONS: readonly ComparisonOperation[] = ["eq", "not-eq", "lt", "lt-eq", "gt", "gt-eq"];
const PREFIXES: readonly ComparisonOperation[] = ["starts-with", "not-starts-with"];
const SETS: readonly SetOperation[] = ["in", "not-in"];

/** Every operation that values of a type have. */
function predicates(type: PrimitiveType, term: Term, literals: readonly LiteralInput[]): Expression[] {
  const [value] = literals as [LiteralInput];
  const floating = type.type === "float" || type.type === "double";
  return [
    ...UNARY.map((operation): Expression => ({ type: operation, term })),
    ...(floating ? (["is-nan", "not-nan"] as const) : []).map((type): Expression => ({ type, term })),
    ...COMPARISONS.map((operation): Expression => ({ type: operation, term, value })),
    ...(type.type === "string" ? PREFIXES : []).map(
      (operation): Expression => ({ type: operation, term, value }),
    ),
    ...SETS.map((operation): Expression => ({ type: operation, term, values: literals })),
  ];
}

/** The naive model: the predicate of each row itself. */
function matches(bound: BoundExpression, type: PrimitiveType, value: PrimitiveValue | null): boolean {
  const test = evaluator<PrimitiveValue | null>(bound, (term) => transformFunction(term.transform, type));
  return test(value) === true;
}

/** All tuples that some writer files a row under: of negative times also the next one, where old writers rounded up. */
function filedUnder(transform: Transform, type: PrimitiveType, value: PrimitiveValue | null) {
  if (transform.transform === "unknown") return [null, "", "anything"];
  const result = transformFunction(transform, type)(value);
  const isTime = ["year", "month", "day", "hour"].includes(transform.transform);
  const exact = !isTime || (type.type === "date" && transform.transform === "day");
  return exact || result === null || (result as number) >= 0 ? [result] : [result, (result as number) + 1];
}

describe("a projection loses no row, and a strict one takes in none that does not match", () => {
  for (const kind of Object.keys(TRANSFORM_TEXTS) as TransformKind[]) {
    test(kind, () => {
      let excluded = 0;
      for (const [name, values] of TYPES) {
        const type = parsePrimitiveType(name);
        const schema = schemaOf(type);
        const transforms = TRANSFORM_TEXTS[kind]
          .map(parseTransform)
          .filter((each) => canTransform(each, type));
        for (const transform of transforms) {
          const spec = specOf(transform);
          const inclusive = inclusiveProjection(spec, schema);
          const strict = strictProjection(spec, schema);
          const literals = fc.array(values, { minLength: 1, maxLength: 3 });
          fc.assert(
            fc.property(
              fc.array(fc.option(values), { minLength: 1, maxLength: 8 }),
              literals,
              (rows, asked) => {
                const onSource = asked.map((value) => toLiteralInput(type, value));
                const all = predicates(type, "x", onSource);
                if (transform.transform !== "unknown" && transform.transform !== "void") {
                  const apply = transformFunction(transform, type);
                  const resultType = bindType(schema, transform);
                  const results = asked.map((value) => toLiteralInput(resultType, apply(value)!));
                  all.push(...predicates(resultType, { transform, source: "x" }, results));
                }
                for (const expression of all) {
                  const bound = bind(schema, expression);
                  const mayMatch = partitionFilter(inclusive(bound), spec);
                  const allMatch = partitionFilter(strict(bound), spec);
                  for (const row of rows) {
                    const matched = matches(bound, type, row);
                    for (const tuple of filedUnder(transform, type, row)) {
                      const told = `${name} ${JSON.stringify(expression.type)} ${String(row)}`;
                      if (matched) expect(mayMatch([tuple]), told).toBe(true);
                      else if (!mayMatch([tuple])) excluded += 1;
                      if (allMatch([tuple])) expect(matched, told).toBe(true);
                    }
                  }
                }
              },
            ),
            { numRuns: runs(15) },
          );
        }
      }
      // What is not known excludes nothing, and all else something.
      const tellsNothing = kind === "unknown" || kind === "void";
      expect(excluded > 0).toBe(!tellsNothing);
    });
  }
});

function bindType(schema: Schema, transform: Transform): PrimitiveType {
  const bound = bind(schema, { type: "is-null", term: { transform, source: "x" } });
  if (!("term" in bound)) throw new TypeError("always nullable");
  return bound.term.type;
}

describe("an unknown transform", () => {
  test("is refused in a predicate, which nobody can evaluate", () => {
    const schema = schemaOf({ type: "int" });
    const term = { transform: parseTransform("zorder[3]"), source: "x" };
    expect(() => bind(schema, { type: "is-null", term })).toThrow(/zorder\[3\].*not known/);
  });
});
