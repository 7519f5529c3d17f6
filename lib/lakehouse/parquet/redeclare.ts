import type { ParquetFooter } from "./format/footer.js";
import type { ParquetNode } from "./format/schema.js";
import { flag, int, structAt, structs } from "./format/schema.js";
import { readThriftStruct, type ThriftStruct, writeThriftStruct } from "./format/thrift.js";
import { boolean, i8, struct as structOf } from "./format/thrift-values.js";

/**
 * Whether a file has columns that not every reader reads whole as they are declared: instants in nanoseconds, and
 * shredded variants that are not called so, of which a reader sees a struct.
 *
 * @param variants field ids of the columns that are variants.
 */
export function needsRedeclaring(node: ParquetNode, variants: ReadonlySet<number>): boolean {
  const { logicalType } = node;
  if (logicalType?.kind === "timestamp" && logicalType.unit === "nanos" && logicalType.adjustedToUtc)
    return true;
  if (node.fieldId !== undefined && variants.has(node.fieldId) && isShreddedStruct(node)) return true;
  return node.children.some((child) => needsRedeclaring(child, variants));
}

/** A struct that has, as shredded variants do, a part with a type (Variant Shredding, "Shredding"). */
export function isShreddedStruct({ logicalType, children }: ParquetNode): boolean {
  return logicalType === undefined && children.some(({ name }) => name === "typed_value");
}

/**
 * The footer of the same file with these columns declared for readers that know them in one form alone: instants in
 * nanoseconds as local timestamps, which are the same numbers (parquet.thrift, `TimestampType.isAdjustedToUTC`), and
 * structs as the variants that they are.
 */
export function redeclared(
  { metadata }: ParquetFooter,
  subject: string,
  variants: ReadonlySet<number>,
): Uint8Array {
  const { struct } = readThriftStruct(metadata, subject);
  for (const element of structs(struct, SCHEMA) ?? []) {
    const id = int(element, FIELD_ID);
    const isGroup = (int(element, CHILD_COUNT) ?? 0) > 0;
    if (id !== undefined && isGroup && variants.has(id) && !element.has(LOGICAL_TYPE)) {
      element.set(LOGICAL_TYPE, structOf([VARIANT, structOf([SPECIFICATION_VERSION, i8(1)])]));
    }
    const timestamp = timestampOf(element);
    if (!timestamp || !structAt(timestamp, UNIT)?.has(NANOS)) continue;
    if (flag(timestamp, ADJUSTED)) timestamp.set(ADJUSTED, boolean(false));
  }
  return writeThriftStruct(struct);
}

/** Field ids of parquet.thrift: FileMetaData, SchemaElement, LogicalType, TimestampType, TimeUnit, VariantType. */
const SCHEMA = 2;
const CHILD_COUNT = 5;
const FIELD_ID = 9;
const LOGICAL_TYPE = 10;
const TIMESTAMP = 8;
const VARIANT = 16;
const ADJUSTED = 1;
const UNIT = 2;
const NANOS = 3;
const SPECIFICATION_VERSION = 1;

function timestampOf(element: ThriftStruct): ThriftStruct | undefined {
  const logical = structAt(element, LOGICAL_TYPE);
  return logical && structAt(logical, TIMESTAMP);
}
