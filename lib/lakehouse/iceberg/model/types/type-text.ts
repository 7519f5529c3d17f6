import { invalidSchema } from "../../errors.js";

import type {
  EdgeAlgorithm,
  IcebergType,
  NestedType,
  PrimitiveKind,
  PrimitiveType,
  TypeOf,
} from "./types.js";

const EDGE_ALGORITHMS: ReadonlySet<string> = new Set([
  "spherical",
  "vincenty",
  "thomas",
  "andoyer",
  "karney",
]);

export const DEFAULT_CRS = "OGC:CRS84";

/** Highest precision of a decimal (spec, "Primitive Types"). */
export const MAX_DECIMAL_PRECISION = 38;

export function isNestedType(type: IcebergType): type is NestedType {
  return type.type === "struct" || type.type === "list" || type.type === "map";
}

export function isPrimitiveType(type: IcebergType): type is PrimitiveType {
  return !isNestedType(type);
}

export function isFloat({ type }: IcebergType): boolean {
  return type === "float" || type === "double";
}

function invalidType(text: string, why: string): never {
  throw invalidSchema(
    text,
    `"${text}" is not an Iceberg type: ${why}.`,
    "The spec's primitive types are the ones to use.",
  );
}

/** Everything that depends on which type it is, but its values, which have tables of their own. */
interface PrimitiveDefinition<Type extends PrimitiveType = PrimitiveType> {
  /** The type of a text without spaces around it, as Appendix C writes it; `undefined` for any other. */
  parse(text: string): Type | undefined;
  toText(type: Type): string;
  /** Compares the parameters. */
  same(a: Type, b: Type): boolean;
  /** The first format version that has it. */
  readonly since: 1 | 3;
  /**
   * Values that are neither compared nor bounded here, and so are no partition values, sort keys or literals, and have no
   * defaults but null.
   */
  readonly opaque: boolean;
}

type Plain = Exclude<PrimitiveKind, "decimal" | "fixed" | "geometry" | "geography">;

/** A type without parameters. */
function plain<Kind extends Plain>(
  kind: Kind,
  since: 1 | 3 = 1,
  opaque = false,
): PrimitiveDefinition<TypeOf<Kind>> {
  return {
    parse: (text) => (text === kind ? ({ type: kind } as unknown as TypeOf<Kind>) : undefined),
    toText: () => kind,
    same: () => true,
    since,
    opaque,
  };
}

const crsOf = ({ crs }: TypeOf<"geometry" | "geography">) => crs ?? DEFAULT_CRS;

/** The definition of each primitive type (spec, "Primitive Types"). */
const PRIMITIVES: { readonly [Kind in PrimitiveKind]: PrimitiveDefinition<TypeOf<Kind>> } = {
  boolean: plain("boolean"),
  int: plain("int"),
  long: plain("long"),
  float: plain("float"),
  double: plain("double"),
  decimal: {
    parse: (text) => {
      const match = /^decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(text);
      return match ? decimalType(Number(match[1]), Number(match[2])) : undefined;
    },
    toText: ({ precision, scale }) => `decimal(${precision}, ${scale})`,
    same: (a, b) => a.precision === b.precision && a.scale === b.scale,
    since: 1,
    opaque: false,
  },
  date: plain("date"),
  time: plain("time"),
  timestamp: plain("timestamp"),
  timestamptz: plain("timestamptz"),
  timestamp_ns: plain("timestamp_ns", 3),
  timestamptz_ns: plain("timestamptz_ns", 3),
  string: plain("string"),
  uuid: plain("uuid"),
  fixed: {
    parse: (text) => {
      const match = /^fixed\s*\[\s*(\d+)\s*\]$/.exec(text);
      return match ? fixedType(Number(match[1])) : undefined;
    },
    toText: ({ length }) => `fixed[${length}]`,
    same: (a, b) => a.length === b.length,
    since: 1,
    opaque: false,
  },
  binary: plain("binary"),
  unknown: plain("unknown", 3, true),
  variant: plain("variant", 3, true),
  geometry: {
    parse: (text) => {
      const match = /^geometry(?:\s*\(\s*(.*?)\s*\))?$/.exec(text);
      return match ? { type: "geometry", crs: match[1] || undefined } : undefined;
    },
    toText: ({ crs }) => (crs === undefined ? "geometry" : `geometry(${crs})`),
    same: (a, b) => crsOf(a) === crsOf(b),
    since: 3,
    opaque: true,
  },
  geography: {
    parse: (text) => {
      const match = /^geography(?:\s*\(\s*(.*?)\s*(?:,\s*([A-Za-z]*)\s*)?\))?$/.exec(text);
      return match ? geographyType(text, match[1], match[2]) : undefined;
    },
    toText: (type) => {
      if (type.crs === undefined && type.algorithm === undefined) return "geography";
      return `geography(${crsOf(type)}${type.algorithm ? `, ${type.algorithm}` : ""})`;
    },
    same: (a, b) => crsOf(a) === crsOf(b) && (a.algorithm ?? "spherical") === (b.algorithm ?? "spherical"),
    since: 3,
    opaque: true,
  },
};

const DEFINITIONS = Object.values(PRIMITIVES) as readonly PrimitiveDefinition[];

function definitionOf(type: PrimitiveType): PrimitiveDefinition {
  return PRIMITIVES[type.type] as PrimitiveDefinition;
}

/** True of types whose values are neither compared nor bounded here, and are no partition values, sort keys or literals. */
export function isOpaque(type: PrimitiveType): boolean {
  return definitionOf(type).opaque;
}

/** Parses the text of a primitive type as Appendix C writes it; spaces around parameters are accepted. Throws `INVALID_SCHEMA`. */
export function parsePrimitiveType(text: string): PrimitiveType {
  const trimmed = text.trim();
  for (const definition of DEFINITIONS) {
    const type = definition.parse(trimmed);
    if (type !== undefined) return type;
  }
  return invalidType(text, "no type of the spec has this name");
}

/** Throws `INVALID_SCHEMA` when precision or scale are outside the spec's limits. */
export function decimalType(precision: number, scale: number): TypeOf<"decimal"> {
  if (!Number.isInteger(precision) || precision < 1 || precision > MAX_DECIMAL_PRECISION) {
    return invalidType(`decimal(${precision},${scale})`, `precision must be 1 to ${MAX_DECIMAL_PRECISION}`);
  }
  if (!Number.isInteger(scale) || scale < 0 || scale > precision) {
    return invalidType(`decimal(${precision},${scale})`, "scale must be 0 to the precision");
  }
  return { type: "decimal", precision, scale };
}

/** Throws `INVALID_SCHEMA` when the length is no positive integer. */
export function fixedType(length: number): TypeOf<"fixed"> {
  if (!Number.isInteger(length) || length < 1)
    return invalidType(`fixed[${length}]`, "length must be positive");
  return { type: "fixed", length };
}

function geographyType(
  text: string,
  crs: string | undefined,
  algorithm: string | undefined,
): TypeOf<"geography"> {
  const edges = algorithm?.toLowerCase();
  if (edges !== undefined && !EDGE_ALGORITHMS.has(edges))
    invalidType(text, `"${algorithm}" is no edge algorithm`);
  return { type: "geography", crs: crs || undefined, algorithm: (edges as EdgeAlgorithm) || undefined };
}

/** Text of a type, for people: Appendix C's for primitives, `struct<"a": int not null>` and the like for nested ones. */
export function typeToString(type: IcebergType): string {
  if (isPrimitiveType(type)) return definitionOf(type).toText(type);
  switch (type.type) {
    case "struct": {
      const fields = type.fields.map(
        ({ name, type, required }) =>
          `${JSON.stringify(name)}: ${typeToString(type)}${required ? " not null" : ""}`,
      );
      return `struct<${fields.join(", ")}>`;
    }
    case "list":
      return `list<${typeToString(type.element)}>`;
    case "map":
      return `map<${typeToString(type.key)}, ${typeToString(type.value)}>`;
  }
}

/** True when the types are the same with their parameters, and, where nested, with their ids, names and nullability. */
export function sameType(a: IcebergType, b: IcebergType): boolean {
  if (isPrimitiveType(a)) return a.type === b.type && definitionOf(a).same(a, b as PrimitiveType);
  switch (a.type) {
    case "struct":
      return (
        b.type === "struct" &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => {
          const other = b.fields[i]!;
          return (
            field.id === other.id &&
            field.name === other.name &&
            field.required === other.required &&
            field.doc === other.doc &&
            sameDefault(field.initialDefault, other.initialDefault) &&
            sameDefault(field.writeDefault, other.writeDefault) &&
            sameType(field.type, other.type)
          );
        })
      );
    case "list":
      return (
        b.type === "list" &&
        a.elementId === b.elementId &&
        a.elementRequired === b.elementRequired &&
        sameType(a.element, b.element)
      );
    case "map":
      return (
        b.type === "map" &&
        a.keyId === b.keyId &&
        a.valueId === b.valueId &&
        a.valueRequired === b.valueRequired &&
        sameType(a.key, b.key) &&
        sameType(a.value, b.value)
      );
  }
}

function sameDefault(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (a ?? null) === (b ?? null)) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Map && b instanceof Map) return sameDefault([...a.entries()], [...b.entries()]);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameDefault(item, b[i]));
  }
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => sameDefault(left[key], right[key]));
}

/** The first format version that has the type; nested types ask their parts. */
export function minFormatVersion(type: IcebergType): 1 | 3 {
  return isPrimitiveType(type) ? definitionOf(type).since : 1;
}
