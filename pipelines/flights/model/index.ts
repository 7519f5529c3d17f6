/**
 * The model of late flights: whether a flight comes in late, and by how many minutes, from Gold. What M7 stands on.
 */
export {
  BOOSTING,
  type Boosted,
  type BoostingOptions,
  boost,
  importanceOf,
  type Matrix,
  scoresOf,
} from "./boosting.js";
export { modelCard } from "./card.js";
export { auc, type CalibrationBin, type HourError, probability, type RocPoint, rocOf } from "./evaluate.js";
export { type Examples, examplesOf, FEATURES, matrixOf, part, pick, placesOf } from "./features.js";
export { cutsOf, daysOf, trainLate } from "./late.js";
