import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bind,
  buildPartitionSpec,
  comparatorOf,
  defineSchema,
  type FieldSummary,
  identity,
  inclusiveMetricsEvaluator,
  inclusiveProjection,
  manifestEvaluator,
  not,
  partitionFieldType,
  partitionFilter,
  residualEvaluator,
  strictMetricsEvaluator,
  strictProjection,
  string,
  toBinary,
  unbind,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  expressionOf,
  extremes,
  metricsOf,
  NAMES,
  often,
  rowOf,
  schema,
  specOf,
  truth,
  tupleOf,
} from "../support/pruning.js";

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
