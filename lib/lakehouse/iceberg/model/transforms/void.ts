import type { TransformDefinition, TransformOf } from "./definition.js";
import { parsePlain } from "./parse.js";

/** Null for all: what stays of a partition field that was removed from a v1 table. */
export const voidTransform: TransformDefinition<TransformOf<"void">> = {
  parse: parsePlain("void"),
  toText: () => "void",
  suffix: "_null",
  takes: () => true,
  result: (source) => source ?? { type: "unknown" },
  apply: () => undefined,
  preservesOrder: false,
  project: "nothing",
  projectResult: "nothing",
  family: "own",
  datesPromote: "no-source",
};
