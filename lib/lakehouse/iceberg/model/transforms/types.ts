/** A partition transform (spec, "Partition Transforms"). `unknown` keeps the text of one that this version does not know. */
export type Transform =
  | { readonly transform: "identity" }
  | { readonly transform: "bucket"; readonly numBuckets: number }
  | { readonly transform: "truncate"; readonly width: number }
  | { readonly transform: "year" }
  | { readonly transform: "month" }
  | { readonly transform: "day" }
  | { readonly transform: "hour" }
  | { readonly transform: "void" }
  | { readonly transform: "unknown"; readonly name: string };

export type TransformKind = Transform["transform"];
