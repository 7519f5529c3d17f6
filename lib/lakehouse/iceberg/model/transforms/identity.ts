import { isPrimitiveType } from "../types/type-text.js";
import type { PrimitiveType } from "../types/types.js";
import type { TransformDefinition, TransformOf } from "./definition.js";
import { parsePlain } from "./parse.js";

/** Types whose values cannot stand in a partition tuple or be sorted by. */
const UNFIT: ReadonlySet<PrimitiveType["type"]> = new Set(["geometry", "geography", "variant", "unknown"]);

export const identity: TransformDefinition<TransformOf<"identity">> = {
  parse: parsePlain("identity"),
  toText: () => "identity",
  suffix: "",
  takes: (type) => isPrimitiveType(type) && !UNFIT.has(type.type),
  result: (source) => source ?? { type: "unknown" },
  apply: () => (value) => value,
  preservesOrder: true,
  project: "same",
  projectResult: "same",
  family: "own",
  datesPromote: false,
};
