import { keyOf } from "../../../keys.js";
import type { PartitionSpec, PartitionTuple } from "../partitioning/types.js";
import type { Schema } from "../types/types.js";
import { partitionFilter } from "./evaluate.js";
import { mapPredicates } from "./negate.js";
import { inclusiveProjection, strictProjection } from "./project.js";
import type { BoundExpression, BoundPredicate } from "./types.js";

/**
 * What is left of a filter for the rows of a partition: predicates that the partition proves true of all its rows, or
 * of none, are gone. The residual is true of the same rows as the filter, within that partition.
 */
export function residualEvaluator(
  expression: BoundExpression,
  spec: PartitionSpec,
  schema: Schema,
): (tuple: PartitionTuple) => BoundExpression {
  const inclusive = inclusiveProjection(spec, schema);
  const strict = strictProjection(spec, schema);
  const tests = new Map<
    BoundPredicate,
    { all: (tuple: PartitionTuple) => boolean; any: (tuple: PartitionTuple) => boolean }
  >();
  mapPredicates(expression, (predicate) => {
    tests.set(predicate, {
      all: partitionFilter(strict(predicate), spec),
      any: partitionFilter(inclusive(predicate), spec),
    });
    return predicate;
  });
  const known = new Map<string, BoundExpression>();
  return (tuple) => {
    const key = keyOf(tuple);
    let residual = known.get(key);
    if (residual === undefined) {
      residual = mapPredicates(expression, (predicate) => {
        const test = tests.get(predicate)!;
        if (test.all(tuple)) return { type: "true" };
        return test.any(tuple) ? predicate : { type: "false" };
      });
      known.set(key, residual);
    }
    return residual;
  };
}
