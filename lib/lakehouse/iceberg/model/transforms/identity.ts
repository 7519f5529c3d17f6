import { isOpaque, isPrimitiveType } from "../types/type-text.js";
import type { TransformDefinition, TransformOf } from "./definition.js";
import { parsePlain } from "./parse.js";

export const identity: TransformDefinition<TransformOf<"identity">> = {
  parse: parsePlain("identity"),
  toText: () => "identity",
  suffix: "",
  takes: (type) => isPrimitiveType(type) && !isOpaque(type),
  result: (source) => source ?? { type: "unknown" },
  apply: () => (value) => value,
  preservesOrder: true,
  project: "same",
  projectResult: "same",
  family: "own",
  datesPromote: false,
};
