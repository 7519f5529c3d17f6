/** Row filters: built, read from SQL, bound to a schema, evaluated, and turned into proofs about files that need not be read. */
export { bind, referencedFieldIds, unbind } from "./bind.js";
export {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gtEq,
  isIn,
  isNan as isNaN,
  isNull,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
  type TermInput,
} from "./builders.js";
export { type ColumnStats, mightMatch, mustMatch } from "./column-stats.js";
export {
  evaluator,
  partitionFilter,
  predicateTest,
  rowFilter,
  type Truth,
  type ValueReader,
} from "./evaluate.js";
export { expressionFromJson, expressionToJson } from "./json.js";
export {
  type FileMetrics,
  inclusiveMetricsEvaluator,
  manifestEvaluator,
  strictMetricsEvaluator,
} from "./metrics.js";
export { boundAnd, boundOr, mapPredicates, negate, testPredicates } from "./negate.js";
export { inclusiveProjection, type Projection, strictProjection } from "./project.js";
export { residualEvaluator } from "./residual.js";
export { parsePredicate } from "./sql.js";
export { expressionToString } from "./text.js";
