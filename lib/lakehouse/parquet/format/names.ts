/** parquet.thrift, CompressionCodec, by number. */
export const CODECS = ["UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"] as const;

/** The codec of a chunk in words; its number where the format has none of that number. */
export function codecName(codec: number): string {
  return CODECS[codec] ?? `codec ${codec}`;
}

/** parquet.thrift, Encoding, by number; 1 was never in use. */
const ENCODINGS: readonly (string | undefined)[] = [
  "PLAIN",
  undefined,
  "PLAIN_DICTIONARY",
  "RLE",
  "BIT_PACKED",
  "DELTA_BINARY_PACKED",
  "DELTA_LENGTH_BYTE_ARRAY",
  "DELTA_BYTE_ARRAY",
  "RLE_DICTIONARY",
  "BYTE_STREAM_SPLIT",
];

/** An encoding in words; its number where the format has none of that number. */
export function encodingName(encoding: number): string {
  return ENCODINGS[encoding] ?? `encoding ${encoding}`;
}
