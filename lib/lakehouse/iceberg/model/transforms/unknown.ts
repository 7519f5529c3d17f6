import type { TransformDefinition, TransformOf } from "./definition.js";

/**
 * A transform of a newer spec (spec, "Partition Transforms"): its text is kept, its results are not interpreted.
 * Nothing follows from it, and nobody may write with it.
 */
export const unknown: TransformDefinition<TransformOf<"unknown">> = {
  parse: () => undefined,
  toText: ({ name }) => name,
  suffix: "_unknown",
  takes: () => true,
  result: () => ({ type: "string" }),
  apply: () => undefined,
  preservesOrder: false,
  project: "nothing",
  projectResult: "nothing",
  family: "own",
  datesPromote: "no-source",
};
