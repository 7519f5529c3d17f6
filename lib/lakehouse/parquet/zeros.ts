import { CREATED_BY } from "./encode/file.js";
import { type ParquetSummary, parseFooter } from "./format/footer.js";
import type { ParquetNode } from "./format/schema.js";

/**
 * Whether a column of floats has a Bloom filter that may know 0 and not -0, or one NaN and not another: a filter knows bytes,
 * and other writers put the values into it as they are (parquet-format, BloomFilter.md). Ours has all forms.
 *
 * @throws LakehouseError CORRUPT_FILE, UNSUPPORTED_FEATURE, as `readFooter` does.
 */
export function tellsZerosApart(summary: ParquetSummary, subject: string): boolean {
  const { schema, metadata, fileSize } = summary;
  if (
    !hasFloats(schema) ||
    Buffer.from(metadata.buffer, metadata.byteOffset, metadata.length).includes(CREATED_BY)
  )
    return false;
  const { columns, rowGroups } = parseFooter(metadata, subject, fileSize);
  const floats = columns.map(({ node }) => isFloat(node));
  return rowGroups.some((group) =>
    group.columns.some(({ bloomFilterOffset }, i) => floats[i] && bloomFilterOffset !== undefined),
  );
}

function hasFloats(node: ParquetNode): boolean {
  return isFloat(node) || node.children.some(hasFloats);
}

function isFloat({ physicalType }: ParquetNode): boolean {
  return physicalType === "FLOAT" || physicalType === "DOUBLE";
}
