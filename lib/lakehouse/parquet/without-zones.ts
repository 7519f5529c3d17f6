import type { ParquetFooter } from "./footer.js";
import type { ParquetNode } from "./schema.js";
import { flag, structs } from "./schema.js";
import { readThriftStruct, type ThriftStruct, writeThriftStruct } from "./thrift.js";

/** Whether a column holds instants in nanoseconds, which not every reader knows. */
export function hasZonedNanoseconds(node: ParquetNode): boolean {
  const { logicalType } = node;
  if (logicalType?.kind === "timestamp" && logicalType.unit === "nanos" && logicalType.adjustedToUtc)
    return true;
  return node.children.some(hasZonedNanoseconds);
}

/**
 * The footer of the same file with its instants in nanoseconds declared as local timestamps: the same numbers, for
 * readers that know nanoseconds only there (parquet.thrift, `TimestampType.isAdjustedToUTC`).
 */
export function withoutNanosecondZones({ metadata }: ParquetFooter, subject: string): Uint8Array {
  const { struct } = readThriftStruct(metadata, subject);
  for (const element of structs(struct, SCHEMA) ?? []) {
    const timestamp = timestampOf(element);
    const unit = timestamp?.get(UNIT);
    if (!timestamp || unit?.type !== "struct" || !unit.value.has(NANOS)) continue;
    if (flag(timestamp, ADJUSTED)) timestamp.set(ADJUSTED, { type: "boolean", value: false });
  }
  return writeThriftStruct(struct);
}

/** Field ids of parquet.thrift: FileMetaData, SchemaElement, LogicalType, TimestampType, TimeUnit. */
const SCHEMA = 2;
const LOGICAL_TYPE = 10;
const TIMESTAMP = 8;
const ADJUSTED = 1;
const UNIT = 2;
const NANOS = 3;

function timestampOf(element: ThriftStruct): ThriftStruct | undefined {
  const logical = element.get(LOGICAL_TYPE);
  const timestamp = logical?.type === "struct" ? logical.value.get(TIMESTAMP) : undefined;
  return timestamp?.type === "struct" ? timestamp.value : undefined;
}
