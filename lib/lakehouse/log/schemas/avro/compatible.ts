/** Which data a reader's Avro schema can read (Avro spec, "Schema Resolution"). */
import type { AvroNode, AvroNodeOf, AvroPrimitiveKind, AvroRecordNode } from "./types.js";

/** What else a reader of each type takes. */
const PROMOTED: Readonly<Partial<Record<AvroPrimitiveKind, readonly AvroPrimitiveKind[]>>> = {
  long: ["int"],
  float: ["int", "long"],
  double: ["int", "long", "float"],
  bytes: ["string"],
  string: ["bytes"],
};

/** @returns what a reader with `reader` could not read of what was written with `writer`, each with its place. */
export function avroRefusals(reader: AvroNode, writer: AvroNode): string[] {
  return compare(reader, writer, "/", new Map());
}

/** Pairs that are compared further out are taken to fit: a type that contains itself is compared once. */
type Open = Map<AvroNode, Set<AvroNode>>;

function compare(reader: AvroNode, writer: AvroNode, path: string, open: Open): string[] {
  const compared = open.get(reader);
  if (compared?.has(writer)) return [];
  open.set(reader, new Set(compared).add(writer));
  try {
    return compareOnce(reader, writer, path, open);
  } finally {
    open.get(reader)?.delete(writer);
  }
}

function compareOnce(reader: AvroNode, writer: AvroNode, path: string, open: Open): string[] {
  if (writer.kind === "union")
    return writer.branches.flatMap((branch, i) =>
      compare(reader, branch, reader.kind === "union" ? path : `${path}${i}/`, open),
    );
  if (reader.kind === "union") {
    const fits = reader.branches.some((branch) => compare(branch, writer, path, open).length === 0);
    return fits ? [] : [`${path}: MISSING_UNION_BRANCH: the reader has no branch for ${nameOf(writer)}`];
  }
  if (reader.kind !== writer.kind) {
    const promoted = PROMOTED[reader.kind as AvroPrimitiveKind]?.includes(writer.kind as AvroPrimitiveKind);
    return promoted ? [] : [`${path}: TYPE_MISMATCH: ${nameOf(writer)} is read as ${nameOf(reader)}`];
  }
  switch (reader.kind) {
    case "record":
      return [
        ...names(reader, writer as AvroRecordNode, path),
        ...fields(reader, writer as AvroRecordNode, path, open),
      ];
    case "enum": {
      const { symbols } = writer as AvroNodeOf<"enum">;
      const missing = symbols.filter((symbol) => !reader.symbols.includes(symbol));
      return [
        ...names(reader, writer as AvroNodeOf<"enum">, path),
        ...(missing.length > 0 && reader.default === undefined
          ? [`${path}symbols: MISSING_ENUM_SYMBOLS: ${missing.join(", ")}`]
          : []),
      ];
    }
    case "fixed": {
      const { size } = writer as AvroNodeOf<"fixed">;
      return [
        ...names(reader, writer as AvroNodeOf<"fixed">, path),
        ...(size === reader.size
          ? []
          : [`${path}size: FIXED_SIZE_MISMATCH: ${size} is read as ${reader.size}`]),
      ];
    }
    case "array":
      return compare(reader.items, (writer as AvroNodeOf<"array">).items, `${path}items/`, open);
    case "map":
      return compare(reader.values, (writer as AvroNodeOf<"map">).values, `${path}values/`, open);
    default:
      return decimals(reader, writer, path);
  }
}

/** Decimals of another scale would be other numbers. */
function decimals(reader: AvroNode, writer: AvroNode, path: string): string[] {
  if (!("logicalType" in reader) || !("logicalType" in writer)) return [];
  if (reader.logicalType !== "decimal" || writer.logicalType !== "decimal") return [];
  const fits =
    (reader.scale ?? 0) === (writer.scale ?? 0) && (reader.precision ?? 0) >= (writer.precision ?? 0);
  return fits ? [] : [`${path}: DECIMAL_MISMATCH: precision or scale differ`];
}

type NamedNode = AvroNodeOf<"record" | "enum" | "fixed">;

/** Names go by their last part, or by the reader's aliases. */
function names(reader: NamedNode, writer: NamedNode, path: string): string[] {
  const last = (name: string) => name.slice(name.lastIndexOf(".") + 1);
  const fits = last(reader.name) === last(writer.name) || reader.aliases.includes(writer.name);
  return fits ? [] : [`${path}name: NAME_MISMATCH: ${writer.name} is read as ${reader.name}`];
}

function fields(reader: AvroRecordNode, writer: AvroRecordNode, path: string, open: Open): string[] {
  return reader.fields.flatMap(({ name, aliases, type, hasDefault }, i) => {
    const written =
      writer.fields.find((field) => field.name === name) ??
      writer.fields.find((field) => aliases.includes(field.name));
    if (written !== undefined) return compare(type, written.type, `${path}fields/${i}/type/`, open);
    if (hasDefault) return [];
    return [`${path}fields/${i}: READER_FIELD_MISSING_DEFAULT_VALUE: ${name}`];
  });
}

function nameOf(node: AvroNode): string {
  return "name" in node ? `${node.kind} ${node.name}` : node.kind;
}
