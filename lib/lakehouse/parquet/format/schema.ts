import { corrupt } from "./corrupt.js";
import type { ThriftStruct } from "./thrift.js";

/** parquet.thrift, Type: the number of each is its place. */
const PHYSICAL_TYPES = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
] as const;

export type ParquetPhysicalType = (typeof PHYSICAL_TYPES)[number];

export function physicalTypeNumber(type: ParquetPhysicalType): number {
  return PHYSICAL_TYPES.indexOf(type);
}

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
  readonly fieldId?: number | undefined;
  readonly repetition: "required" | "optional" | "repeated";
  readonly physicalType?: ParquetPhysicalType | undefined;
  /** Length in bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength?: number | undefined;
  readonly logicalType?: ParquetLogicalType | undefined;
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

const REPETITIONS = ["required", "optional", "repeated"] as const;

/** Builds the tree from the flat, depth-first list of schema elements (parquet.thrift, SchemaElement). */
export function readSchemaTree(elements: readonly ThriftStruct[], subject: string): ParquetNode {
  let next = 0;
  const read = (depth: number): ParquetNode => {
    const element = elements[next++];
    if (!element || depth > 200) {
      throw corrupt(subject, "its schema does not form a tree");
    }
    const childCount = int(element, 5) ?? 0;
    const physicalType = childCount === 0 ? PHYSICAL_TYPES[int(element, 1) ?? -1] : undefined;
    const children: ParquetNode[] = [];
    for (let i = 0; i < childCount; i++) children.push(read(depth + 1));
    return {
      name: text(element, 4) ?? "",
      repetition: REPETITIONS[int(element, 3) ?? 0] ?? "required",
      children,
      fieldId: int(element, 9),
      physicalType,
      typeLength: int(element, 2),
      logicalType: readLogicalType(element),
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

/** What is known of one logical type. */
interface LogicalDefinition {
  /** The member of the union that stands for it (parquet.thrift, LogicalType). */
  readonly id: number;
  /** What the values of byte arrays are: text, bytes that sort as the values do, or bytes that do not. */
  readonly bytes: "text" | "sorted" | "unsorted";
  /** Its parameters, where it has some. */
  readonly read?: (fields: ThriftStruct) => ParquetLogicalType;
}

type LogicalKind = ParquetLogicalType["kind"];

const LOGICAL_TYPES: Readonly<Record<LogicalKind, LogicalDefinition>> = {
  string: { id: 1, bytes: "text" },
  map: { id: 2, bytes: "sorted" },
  list: { id: 3, bytes: "sorted" },
  enum: { id: 4, bytes: "text" },
  decimal: { id: 5, bytes: "sorted", read: (fields) => decimal(int(fields, 1), int(fields, 2)) },
  date: { id: 6, bytes: "sorted" },
  time: { id: 7, bytes: "sorted", read: (fields) => temporal("time", fields) },
  timestamp: { id: 8, bytes: "sorted", read: (fields) => temporal("timestamp", fields) },
  // In the files of some it is there, in parquet.thrift it is reserved.
  interval: { id: 9, bytes: "unsorted" },
  int: { id: 10, bytes: "sorted", read: (fields) => integer(int(fields, 1) ?? 32, flag(fields, 2) ?? true) },
  null: { id: 11, bytes: "sorted" },
  json: { id: 12, bytes: "text" },
  bson: { id: 13, bytes: "sorted" },
  uuid: { id: 14, bytes: "sorted" },
  float16: { id: 15, bytes: "unsorted" },
  variant: { id: 16, bytes: "unsorted" },
  geometry: { id: 17, bytes: "unsorted" },
  geography: { id: 18, bytes: "unsorted" },
};

const KINDS_BY_ID = new Map(Object.entries(LOGICAL_TYPES).map(([kind, { id }]) => [id, kind as LogicalKind]));

/** What byte arrays of a logical type hold. Decimals, which are numbers, are told by their own. */
export function bytesMean(type: ParquetLogicalType | undefined): LogicalDefinition["bytes"] {
  return type === undefined ? "sorted" : LOGICAL_TYPES[type.kind].bytes;
}

const decimal = (scale = 0, precision = 0): ParquetLogicalType => ({ kind: "decimal", scale, precision });
const integer = (bits: number, signed: boolean): ParquetLogicalType => ({ kind: "int", bits, signed });

/** parquet.thrift, TimeType and TimestampType. */
function temporal(kind: "time" | "timestamp", fields: ThriftStruct): ParquetLogicalType {
  const unit = structAt(fields, 2);
  return {
    kind,
    unit: unit?.has(1) ? "millis" : unit?.has(3) ? "nanos" : "micros",
    adjustedToUtc: flag(fields, 1) ?? false,
  };
}

function readLogicalType(element: ThriftStruct): ParquetLogicalType | undefined {
  for (const [id, member] of structAt(element, 10) ?? []) {
    const kind = KINDS_BY_ID.get(id);
    if (kind === undefined) continue;
    const { read } = LOGICAL_TYPES[kind];
    if (!read) return { kind } as ParquetLogicalType;
    if (member.type === "struct") return read(member.value);
  }
  const converted = CONVERTED_TYPES[int(element, 6) ?? -1];
  return typeof converted === "function" ? converted(element) : converted;
}

// The converted types always meant instants; the local ones came with the logical types.
const instant = (kind: "time" | "timestamp", unit: ParquetTimeUnit): ParquetLogicalType => ({
  kind,
  unit,
  adjustedToUtc: true,
});

/** parquet.thrift, ConvertedType, by number. */
const CONVERTED_TYPES: readonly (ParquetLogicalType | ((element: ThriftStruct) => ParquetLogicalType))[] = [
  { kind: "string" },
  { kind: "map" },
  // MAP_KEY_VALUE, which some put on a map itself.
  { kind: "map" },
  { kind: "list" },
  { kind: "enum" },
  (element) => decimal(int(element, 7), int(element, 8)),
  { kind: "date" },
  instant("time", "millis"),
  instant("time", "micros"),
  instant("timestamp", "millis"),
  instant("timestamp", "micros"),
  integer(8, false),
  integer(16, false),
  integer(32, false),
  integer(64, false),
  integer(8, true),
  integer(16, true),
  integer(32, true),
  integer(64, true),
  { kind: "json" },
  { kind: "bson" },
  { kind: "interval" },
];

export function int(struct: ThriftStruct, id: number): number | undefined {
  const field = struct.get(id);
  return field?.type === "i32" || field?.type === "i16" || field?.type === "i8" ? field.value : undefined;
}

/** The numbers of a list field; none where the field is absent. */
export function ints(struct: ThriftStruct, id: number): number[] {
  const field = struct.get(id);
  if (field?.type !== "list") return [];
  return field.value.flatMap((item) => (item.type === "i32" ? [item.value] : []));
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
