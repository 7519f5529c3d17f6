import * as arrow from "apache-arrow";
import { type LakehouseError, unsupported } from "../../errors.js";
import { arrowFieldId } from "../format/arrow-data.js";
import { type ParquetPhysicalType, physicalTypeNumber } from "../format/schema.js";
import type { ThriftStruct, ThriftValue } from "../format/thrift.js";
import { i8, i32, struct, text } from "../format/thrift-values.js";

const EXTENSION_KEY = "ARROW:extension:name";

/** How the values of a leaf lie in Arrow's buffers, and so how they are taken out of them. */
export type LeafStorage =
  | "bits"
  | "int8"
  | "int16"
  | "uint8"
  | "uint16"
  | "words"
  | "double-words"
  | "decimal"
  | "text"
  | "fixed";

/** How the values of a leaf compare (parquet.thrift, ColumnOrder): what its bounds mean. */
export type LeafOrder = "signed" | "unsigned" | "float" | "bytes" | "decimal-bytes";

/** One leaf column of a Parquet file. Plain data: it crosses to the encoder's thread. */
export interface LeafColumn {
  readonly path: readonly string[];
  readonly fieldId?: number | undefined;
  readonly physicalType: ParquetPhysicalType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value; 0 for other types. */
  readonly typeLength: number;
  readonly storage: LeafStorage;
  readonly order: LeafOrder;
  /** True for text: its bounds are cut between characters. */
  readonly text: boolean;
  /** The definition level of a value that is there, and the repetition level of one inside its innermost list. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** The tree of columns as records are shredded along it. `leaf` is an index into `FileLayout.leaves`. */
export interface ColumnTree {
  readonly name: string;
  readonly optional: boolean;
  readonly kind: "leaf" | "struct" | "list";
  readonly leaf: number;
  /** The repetition level inside this list. */
  readonly repetition: number;
  readonly children: readonly ColumnTree[];
}

/** What an Arrow schema becomes in Parquet. */
export interface FileLayout {
  readonly columns: readonly ColumnTree[];
  readonly leaves: readonly LeafColumn[];
  /** The schema as the footer has it: SchemaElement structs, depth first, the root ahead. */
  readonly elements: readonly ThriftValue[];
}

/** parquet.thrift, FieldRepetitionType. */
const REQUIRED = 0;
const OPTIONAL = 1;
const REPEATED = 2;

/**
 * Lays an Arrow schema out as Parquet columns: lists and maps in three levels (LogicalTypes.md, "Nested Types"),
 * decimals by their precision as Iceberg asks (spec, appendix A, "Parquet"), field ids at every depth.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for a type that has no place in Parquet.
 */
export function fileLayout(schema: arrow.Schema): FileLayout {
  const leaves: LeafColumn[] = [];
  const root = struct([4, text("schema")], [5, i32(schema.fields.length)]);
  const elements: ThriftValue[] = [root];

  const group = (name: string, repetition: number, children: number, field?: arrow.Field): ThriftStruct => {
    const element = struct([3, i32(repetition)], [4, text(name)], [5, i32(children)]);
    const id = field && arrowFieldId(field);
    if (id !== undefined) element.value.set(9, i32(id));
    elements.push(element);
    return element.value;
  };

  const column = (
    field: arrow.Field,
    name: string,
    above: readonly string[],
    definition: number,
    repetition: number,
  ): ColumnTree => {
    const { type } = field;
    const path = [...above, name];
    const optional = field.nullable;
    const own = definition + (optional ? 1 : 0);
    const repeats = optional ? OPTIONAL : REQUIRED;
    const base = { name: path.join("."), optional, leaf: -1, repetition };
    if (arrow.DataType.isStruct(type)) {
      if (type.children.length === 0) throw noSuchType(field, path);
      const element = group(name, repeats, type.children.length, field);
      // Version 1 of the encoding (parquet.thrift, `VariantType`).
      if (field.metadata.get(EXTENSION_KEY) === "arrow.parquet.variant")
        element.set(10, struct([16, struct([1, i8(1)])]));
      const children = type.children.map((child) => column(child, child.name, path, own, repetition));
      return { ...base, kind: "struct", children };
    }
    if (arrow.DataType.isList(type) || arrow.DataType.isFixedSizeList(type)) {
      const element = group(name, repeats, 1, field);
      element.set(6, i32(3));
      element.set(10, struct([3, struct()]));
      group("list", REPEATED, 1);
      const item = type.children[0] as arrow.Field;
      const child = column(item, "element", [...path, "list"], own + 1, repetition + 1);
      return { ...base, kind: "list", repetition: repetition + 1, children: [child] };
    }
    if (arrow.DataType.isMap(type)) {
      const element = group(name, repeats, 1, field);
      element.set(6, i32(1));
      element.set(10, struct([2, struct()]));
      group("key_value", REPEATED, 2);
      const [key, value] = (type.children[0] as arrow.Field<arrow.Struct>).type.children as [
        arrow.Field,
        arrow.Field,
      ];
      const below = [...path, "key_value"];
      const required = key.nullable ? key.clone({ nullable: false }) : key;
      const entries: ColumnTree = {
        name: below.join("."),
        optional: false,
        leaf: -1,
        repetition: repetition + 1,
        kind: "struct",
        children: [
          column(required, "key", below, own + 1, repetition + 1),
          column(value, "value", below, own + 1, repetition + 1),
        ],
      };
      return { ...base, kind: "list", repetition: repetition + 1, children: [entries] };
    }
    const leaf = leafOf(field);
    if (!leaf) throw noSuchType(field, path);
    const { element, ...shape } = leaf;
    const id = arrowFieldId(field);
    element.set(1, i32(physicalTypeNumber(shape.physicalType)));
    if (shape.typeLength > 0) element.set(2, i32(shape.typeLength));
    element.set(3, i32(repeats));
    element.set(4, text(name));
    if (id !== undefined) element.set(9, i32(id));
    elements.push({ type: "struct", value: element });
    leaves.push({
      ...shape,
      path,
      fieldId: id,
      maxDefinition: own,
      maxRepetition: repetition,
    });
    return { ...base, kind: "leaf", leaf: leaves.length - 1, children: [] };
  };

  const columns = schema.fields.map((field) => column(field, field.name, [], 0, 0));
  return { columns, leaves, elements };
}

type LeafShape = Omit<LeafColumn, "path" | "fieldId" | "maxDefinition" | "maxRepetition"> & {
  /** The logical and converted type; the rest of the SchemaElement is added by the caller. */
  readonly element: ThriftStruct;
};

function leafOf(field: arrow.Field): LeafShape | undefined {
  const type = plainType(field.type);
  const shape = (
    physicalType: ParquetPhysicalType,
    storage: LeafStorage,
    order: LeafOrder,
    logical: {
      converted?: number | undefined;
      logical?: readonly [number, ThriftStruct] | undefined;
      typeLength?: number;
    } = {},
  ): LeafShape => {
    const element: ThriftStruct = new Map();
    if (logical.converted !== undefined) element.set(6, i32(logical.converted));
    if (logical.logical)
      element.set(10, struct([logical.logical[0], { type: "struct", value: logical.logical[1] }]));
    return {
      physicalType,
      storage,
      order,
      text: logical.logical?.[0] === 1,
      typeLength: logical.typeLength ?? 0,
      element,
    };
  };
  const none: ThriftStruct = new Map();
  if (arrow.DataType.isBool(type)) return shape("BOOLEAN", "bits", "unsigned");
  if (arrow.DataType.isInt(type)) return intShape(type, shape);
  if (arrow.DataType.isFloat(type)) {
    if (type.precision === arrow.Precision.SINGLE) return shape("FLOAT", "words", "float");
    if (type.precision === arrow.Precision.DOUBLE) return shape("DOUBLE", "double-words", "float");
    return undefined;
  }
  if (arrow.DataType.isDecimal(type) && type.bitWidth === 128) {
    const { precision, scale } = type;
    const physical = precision <= 9 ? "INT32" : precision <= 18 ? "INT64" : "FIXED_LEN_BYTE_ARRAY";
    const made = shape(physical, "decimal", precision <= 18 ? "signed" : "decimal-bytes", {
      converted: 5,
      logical: [5, struct([1, i32(scale)], [2, i32(precision)]).value],
      typeLength: precision > 18 ? decimalBytes(precision) : 0,
    });
    made.element.set(7, i32(scale)).set(8, i32(precision));
    return made;
  }
  if (arrow.DataType.isDate(type) && type.unit === arrow.DateUnit.DAY)
    return shape("INT32", "words", "signed", { converted: 6, logical: [6, none] });
  if (arrow.DataType.isTime(type) && type.unit !== arrow.TimeUnit.SECOND) {
    const millis = type.unit === arrow.TimeUnit.MILLISECOND;
    return shape(millis ? "INT32" : "INT64", millis ? "words" : "double-words", "signed", {
      logical: [7, timeUnit(type.unit, false)],
    });
  }
  if (arrow.DataType.isTimestamp(type) && type.unit !== arrow.TimeUnit.SECOND) {
    const zoned = Boolean(type.timezone);
    // The older converted types mean instants, so a local timestamp has none; neither has any of nanoseconds.
    const converted = { [arrow.TimeUnit.MILLISECOND]: 9, [arrow.TimeUnit.MICROSECOND]: 10 }[
      type.unit as number
    ];
    return shape("INT64", "double-words", "signed", {
      converted: zoned ? converted : undefined,
      logical: [8, timeUnit(type.unit, zoned)],
    });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type))
    return shape("BYTE_ARRAY", "text", "bytes", { converted: 0, logical: [1, none] });
  if (arrow.DataType.isBinary(type) || arrow.DataType.isLargeBinary(type))
    return shape("BYTE_ARRAY", "text", "bytes");
  if (arrow.DataType.isFixedSizeBinary(type) && type.byteWidth > 0) {
    const uuid = field.metadata.get(EXTENSION_KEY) === "arrow.uuid" && type.byteWidth === 16;
    return shape("FIXED_LEN_BYTE_ARRAY", "fixed", "bytes", {
      typeLength: type.byteWidth,
      logical: uuid ? [14, none] : undefined,
    });
  }
  return undefined;
}

type Shape = (
  physicalType: ParquetPhysicalType,
  storage: LeafStorage,
  order: LeafOrder,
  logical?: { converted?: number; logical?: readonly [number, ThriftStruct] },
) => LeafShape;

/** How signed and unsigned integers of a width lie in Arrow's buffers. */
const INT_STORAGE: Readonly<
  Record<arrow.Int["bitWidth"], readonly [signed: LeafStorage, unsigned: LeafStorage]>
> = {
  8: ["int8", "uint8"],
  16: ["int16", "uint16"],
  32: ["words", "words"],
  64: ["double-words", "double-words"],
};

function intShape(type: arrow.Int, shape: Shape): LeafShape {
  const { bitWidth, isSigned } = type;
  const physical = bitWidth === 64 ? "INT64" : "INT32";
  const storage = INT_STORAGE[bitWidth][isSigned ? 0 : 1];
  if (isSigned && bitWidth >= 32) return shape(physical, storage, "signed");
  const converted = (isSigned ? 15 : 11) + Math.log2(bitWidth / 8);
  return shape(physical, storage, isSigned ? "signed" : "unsigned", {
    converted,
    logical: [10, struct([1, i8(bitWidth)], [2, { type: "boolean", value: isSigned }]).value],
  });
}

function timeUnit(unit: arrow.TimeUnit, adjustedToUtc: boolean): ThriftStruct {
  const id = unit === arrow.TimeUnit.MILLISECOND ? 1 : unit === arrow.TimeUnit.MICROSECOND ? 2 : 3;
  return struct([1, { type: "boolean", value: adjustedToUtc }], [2, struct([id, struct()])]).value;
}

/** The fewest bytes that hold every decimal of a precision (spec, appendix A, "Parquet"). */
function decimalBytes(precision: number): number {
  let bytes = 1;
  while (2n ** BigInt(8 * bytes - 1) <= 10n ** BigInt(precision)) bytes++;
  return bytes;
}

/** A dictionary-encoded column is written as its values: both make the same Parquet column. */
export function plainType(type: arrow.DataType): arrow.DataType {
  return arrow.DataType.isDictionary(type) ? type.dictionary : type;
}

function noSuchType(field: arrow.Field, path: readonly string[]): LakehouseError {
  return unsupported(
    path.join("."),
    `Parquet files are not written with columns of Arrow type ${field.type}, which "${path.join(".")}" has.`,
    "Cast the column first.",
  );
}
