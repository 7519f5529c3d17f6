import { corruptFile } from "../../errors.js";
import type { ThriftStruct } from "./thrift.js";

export type ParquetPhysicalType =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "INT96"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

export type ParquetTimeUnit = "millis" | "micros" | "nanos";

/** The logical types without parameters. */
type PlainLogicalKind =
  | "string"
  | "map"
  | "list"
  | "enum"
  | "date"
  | "interval"
  | "null"
  | "json"
  | "bson"
  | "uuid"
  | "float16"
  | "variant"
  | "geometry"
  | "geography";

/** What a column means. Read from the logical type where there is one, else from the older converted type. */
export type ParquetLogicalType =
  | { readonly kind: PlainLogicalKind }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "time" | "timestamp"; readonly unit: ParquetTimeUnit; readonly adjustedToUtc: boolean }
  | { readonly kind: "int"; readonly bits: number; readonly signed: boolean };

/** One element of the schema tree: a leaf has a physical type, a group has children. */
export interface ParquetNode {
  readonly name: string;
  readonly fieldId?: number;
  readonly repetition: "required" | "optional" | "repeated";
  readonly physicalType?: ParquetPhysicalType;
  /** Length in bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength?: number;
  readonly logicalType?: ParquetLogicalType;
  readonly children: readonly ParquetNode[];
}

/** A leaf column, in file order, with the path that leads to it. */
export interface ParquetColumn {
  readonly path: readonly string[];
  readonly node: ParquetNode & { readonly physicalType: ParquetPhysicalType };
  /** True below a list or a map: its values are not one per row. */
  readonly repeated: boolean;
  /** The highest definition and repetition level of its values (parquet-format, "Nested Encoding"). */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

const PHYSICAL_TYPES: readonly ParquetPhysicalType[] = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
];
const REPETITIONS = ["required", "optional", "repeated"] as const;

/** Builds the tree from the flat, depth-first list of schema elements (parquet.thrift, SchemaElement). */
export function readSchemaTree(elements: readonly ThriftStruct[], subject: string): ParquetNode {
  let next = 0;
  const read = (depth: number): ParquetNode => {
    const element = elements[next++];
    if (!element || depth > 200) {
      throw corruptFile(subject, `The Parquet schema of ${subject} does not form a tree.`);
    }
    const childCount = int(element, 5) ?? 0;
    const physicalType = childCount === 0 ? PHYSICAL_TYPES[int(element, 1) ?? -1] : undefined;
    const fieldId = int(element, 9);
    const typeLength = int(element, 2);
    const logicalType = readLogicalType(element);
    const children: ParquetNode[] = [];
    for (let i = 0; i < childCount; i++) children.push(read(depth + 1));
    return {
      name: text(element, 4) ?? "",
      repetition: REPETITIONS[int(element, 3) ?? 0] ?? "required",
      children,
      ...(fieldId !== undefined && { fieldId }),
      ...(physicalType && { physicalType }),
      ...(typeLength !== undefined && { typeLength }),
      ...(logicalType && { logicalType }),
    };
  };
  return read(0);
}

/** The leaves of a tree in file order: the order of the column chunks in every row group. */
export function leafColumns(root: ParquetNode): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  const walk = (node: ParquetNode, path: readonly string[], maxDefinition: number, maxRepetition: number) => {
    const { physicalType } = node;
    if (physicalType) {
      const repeated = maxRepetition > 0;
      columns.push({ path, node: { ...node, physicalType }, repeated, maxDefinition, maxRepetition });
    }
    for (const child of node.children) {
      const defined = child.repetition === "required" ? 0 : 1;
      const repeats = child.repetition === "repeated" ? 1 : 0;
      walk(child, [...path, child.name], maxDefinition + defined, maxRepetition + repeats);
    }
  };
  walk(root, [], 0, 0);
  return columns;
}

const SIMPLE_LOGICAL = new Map<number, PlainLogicalKind>([
  [1, "string"],
  [2, "map"],
  [3, "list"],
  [4, "enum"],
  [6, "date"],
  [9, "interval"],
  [11, "null"],
  [12, "json"],
  [13, "bson"],
  [14, "uuid"],
  [15, "float16"],
  [16, "variant"],
  [17, "geometry"],
  [18, "geography"],
]);

function readLogicalType(element: ThriftStruct): ParquetLogicalType | undefined {
  const union = element.get(10);
  if (union?.type !== "struct") return fromConvertedType(element);
  for (const [id, member] of union.value) {
    const kind = SIMPLE_LOGICAL.get(id);
    if (kind) return { kind };
    if (member.type !== "struct") continue;
    const fields = member.value;
    if (id === 5) return { kind: "decimal", scale: int(fields, 1) ?? 0, precision: int(fields, 2) ?? 0 };
    if (id === 7 || id === 8) {
      const unit = fields.get(2);
      const unitId = unit?.type === "struct" ? [...unit.value.keys()][0] : undefined;
      return {
        kind: id === 7 ? "time" : "timestamp",
        unit: unitId === 1 ? "millis" : unitId === 3 ? "nanos" : "micros",
        adjustedToUtc: flag(fields, 1) ?? false,
      };
    }
    if (id === 10) return { kind: "int", bits: int(fields, 1) ?? 32, signed: flag(fields, 2) ?? true };
  }
  return fromConvertedType(element);
}

function fromConvertedType(element: ThriftStruct): ParquetLogicalType | undefined {
  const converted = int(element, 6);
  switch (converted) {
    case undefined:
      return undefined;
    case 0:
      return { kind: "string" };
    case 1:
    case 2:
      return { kind: "map" };
    case 3:
      return { kind: "list" };
    case 4:
      return { kind: "enum" };
    case 5:
      return { kind: "decimal", scale: int(element, 7) ?? 0, precision: int(element, 8) ?? 0 };
    case 6:
      return { kind: "date" };
    // The converted types always meant instants; the local ones came with the logical types.
    case 7:
    case 8:
      return { kind: "time", unit: converted === 7 ? "millis" : "micros", adjustedToUtc: true };
    case 9:
    case 10:
      return { kind: "timestamp", unit: converted === 9 ? "millis" : "micros", adjustedToUtc: true };
    case 19:
      return { kind: "json" };
    case 20:
      return { kind: "bson" };
    case 21:
      return { kind: "interval" };
    default:
      // 11..14 are the unsigned, 15..18 the signed integers of 8, 16, 32 and 64 bits.
      if (converted >= 11 && converted <= 18) {
        return { kind: "int", bits: 8 << ((converted - 11) % 4), signed: converted >= 15 };
      }
      return undefined;
  }
}

export function int(struct: ThriftStruct, id: number): number | undefined {
  const field = struct.get(id);
  return field?.type === "i32" || field?.type === "i16" || field?.type === "i8" ? field.value : undefined;
}

export function long(struct: ThriftStruct, id: number): bigint | undefined {
  const field = struct.get(id);
  return field?.type === "i64" ? field.value : undefined;
}

export function flag(struct: ThriftStruct, id: number): boolean | undefined {
  const field = struct.get(id);
  return field?.type === "boolean" ? field.value : undefined;
}

export function binary(struct: ThriftStruct, id: number): Uint8Array | undefined {
  const field = struct.get(id);
  return field?.type === "binary" ? field.value : undefined;
}

const utf8 = new TextDecoder();

export function text(struct: ThriftStruct, id: number): string | undefined {
  const bytes = binary(struct, id);
  return bytes && utf8.decode(bytes);
}

export function structAt(struct: ThriftStruct, id: number): ThriftStruct | undefined {
  const field = struct.get(id);
  return field?.type === "struct" ? field.value : undefined;
}

/** The structs of a list field; `undefined` where the field is absent or is something else. */
export function structs(struct: ThriftStruct, id: number): ThriftStruct[] | undefined {
  const field = struct.get(id);
  if (field?.type !== "list") return undefined;
  return field.value.flatMap((item) => (item.type === "struct" ? [item.value] : []));
}
