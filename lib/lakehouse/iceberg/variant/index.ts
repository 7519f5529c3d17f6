/** The variant type of v3 (spec, "Semi-structured Types"), in Parquet's binary encoding. */
export { decodeVariant, type VariantValue } from "./decode.js";
export { type EncodedVariant, encodeVariant, type VariantInput } from "./encode.js";
