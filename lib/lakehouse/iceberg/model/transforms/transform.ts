import { invalidArgument } from "../../../errors.js";
import { isPrimitiveType, typeToString } from "../types/type-text.js";
import type { IcebergType, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { humanValue } from "../values/human.js";
import { DEFINITIONS, definitionOf } from "./table.js";
import type { Transform } from "./types.js";

/** Parses `day`, `bucket[16]`, …; text that this version does not know becomes an `unknown` transform, to be ignored in planning. */
export function parseTransform(text: string): Transform {
  const plain = text.trim().toLowerCase();
  for (const definition of DEFINITIONS) {
    const transform = definition.parse(plain);
    if (transform !== undefined) return transform;
  }
  return { transform: "unknown", name: text };
}

/** The text of a transform in JSON: `day`, `bucket[16]`. */
export function transformToString(transform: Transform): string {
  return definitionOf(transform).toText(transform);
}

export function sameTransform(a: Transform, b: Transform): boolean {
  return transformToString(a) === transformToString(b);
}

/** True for the transform that leaves values as they are. */
export function isIdentity({ transform }: Transform): boolean {
  return transform === "identity";
}

/** True when the transform can be applied to values of the type. */
export function canTransform(transform: Transform, type: IcebergType): boolean {
  return definitionOf(transform).takes(type);
}

/** Type of a transformed value. Throws `INVALID_ARGUMENT` when the transform cannot be applied to the type. */
export function transformResultType(transform: Transform, source: IcebergType): PrimitiveType {
  if (!canTransform(transform, source)) {
    throw invalidArgument(
      transformToString(transform),
      `The transform ${transformToString(transform)} cannot be applied to ${typeToString(source)}.`,
    );
  }
  return definitionOf(transform).result(isPrimitiveType(source) ? source : undefined);
}

/** Turns a canonical value into its transformed canonical value; null stays null. */
export type TransformFunction = (value: PrimitiveValue | null) => PrimitiveValue | null;

/**
 * The function of a transform on values of `source`. Of an unknown transform it always gives null: nobody may write
 * with it. Throws `INVALID_ARGUMENT` when the transform cannot be applied to the type.
 */
export function transformFunction(transform: Transform, source: IcebergType): TransformFunction {
  // Checks the source type.
  transformResultType(transform, source);
  const apply = definitionOf(transform).apply(transform, source as PrimitiveType);
  if (apply === undefined) return () => null;
  return (value) => (value === null ? null : apply(value));
}

/** A partition value as people and paths read it, spelled as the reference implementation spells it: `2017-11`, `null`. */
export function humanPartitionValue(
  transform: Transform,
  result: PrimitiveType,
  value: PrimitiveValue | null,
): string {
  if (value === null) return "null";
  return definitionOf(transform).human?.(value) ?? humanValue(result, value);
}
