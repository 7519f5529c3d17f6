import type { TransformKind } from "../../../lib/lakehouse/iceberg/model/transforms/types.js";

/** Texts of each kind of transform, so that the compiler asks for those of a new one: tests of all transforms take them. */
export const TRANSFORM_TEXTS: Readonly<Record<TransformKind, readonly string[]>> = {
  identity: ["identity"],
  bucket: ["bucket[2]", "bucket[7]"],
  truncate: ["truncate[1]", "truncate[2]", "truncate[10]"],
  year: ["year"],
  month: ["month"],
  day: ["day"],
  hour: ["hour"],
  void: ["void"],
  unknown: ["zorder[3]"],
};

/** Those that rows can be written by. */
export const WRITTEN_TEXTS: readonly string[] = Object.entries(TRANSFORM_TEXTS).flatMap(([kind, texts]) =>
  kind === "unknown" ? [] : texts,
);
