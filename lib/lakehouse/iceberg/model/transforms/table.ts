import { bucket } from "./bucket.js";
import type { TransformDefinition, TransformOf } from "./definition.js";
import { identity } from "./identity.js";
import { day, hour, month, year } from "./times.js";
import { truncate } from "./truncate.js";
import type { Transform, TransformKind } from "./types.js";
import { unknown } from "./unknown.js";
import { voidTransform } from "./void.js";

/** The definition of each transform. A new one is its file, its member of the union, and its line here. */
const TRANSFORMS: { readonly [Kind in TransformKind]: TransformDefinition<TransformOf<Kind>> } = {
  identity,
  bucket,
  truncate,
  year,
  month,
  day,
  hour,
  void: voidTransform,
  unknown,
};

/** The definition of a transform's kind. */
export function definitionOf(transform: Transform): TransformDefinition {
  return TRANSFORMS[transform.transform] as TransformDefinition;
}

export const DEFINITIONS = Object.values(TRANSFORMS) as readonly TransformDefinition[];
