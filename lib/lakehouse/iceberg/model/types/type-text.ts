import { invalidSchema } from "../../errors.js";

import type { EdgeAlgorithm, IcebergType, NestedType, PrimitiveType } from "./types.js";

const PLAIN = new Set([
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "date",
  "time",
  "timestamp",
  "timestamptz",
  "timestamp_ns",
  "timestamptz_ns",
  "string",
  "uuid",
  "binary",
  "unknown",
  "variant",
]);

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

/** Parses the text of a primitive type as Appendix C writes it; spaces around parameters are accepted. Throws `INVALID_SCHEMA`. */
export function parsePrimitiveType(text: string): PrimitiveType {
  const plain = text.trim();
  if (PLAIN.has(plain)) return { type: plain } as PrimitiveType;
  const decimal = /^decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(plain);
  if (decimal) return decimalType(Number(decimal[1]), Number(decimal[2]));
  const fixed = /^fixed\s*\[\s*(\d+)\s*\]$/.exec(plain);
  if (fixed) return fixedType(Number(fixed[1]));
  const geometry = /^geometry(?:\s*\(\s*(.*?)\s*\))?$/.exec(plain);
  if (geometry) return geometry[1] ? { type: "geometry", crs: geometry[1] } : { type: "geometry" };
  const geography = /^geography(?:\s*\(\s*(.*?)\s*(?:,\s*([A-Za-z]*)\s*)?\))?$/.exec(plain);
  if (geography) return geographyType(text, geography[1], geography[2]);
  return invalidType(text, "no type of the spec has this name");
}

/** Throws `INVALID_SCHEMA` when precision or scale are outside the spec's limits. */
export function decimalType(precision: number, scale: number): PrimitiveType {
  if (!Number.isInteger(precision) || precision < 1 || precision > MAX_DECIMAL_PRECISION) {
    return invalidType(`decimal(${precision},${scale})`, `precision must be 1 to ${MAX_DECIMAL_PRECISION}`);
  }
  if (!Number.isInteger(scale) || scale < 0 || scale > precision) {
    return invalidType(`decimal(${precision},${scale})`, "scale must be 0 to the precision");
  }
  return { type: "decimal", precision, scale };
}

/** Throws `INVALID_SCHEMA` when the length is no positive integer. */
export function fixedType(length: number): PrimitiveType {
  if (!Number.isInteger(length) || length < 1)
    return invalidType(`fixed[${length}]`, "length must be positive");
  return { type: "fixed", length };
}

function geographyType(text: string, crs: string | undefined, algorithm: string | undefined): PrimitiveType {
  const edges = algorithm?.toLowerCase();
  if (edges !== undefined && !EDGE_ALGORITHMS.has(edges))
    invalidType(text, `"${algorithm}" is no edge algorithm`);
  return {
    type: "geography",
    ...(crs ? { crs } : {}),
    ...(edges ? { algorithm: edges as EdgeAlgorithm } : {}),
  };
}

/** Canonical text of a type: Appendix C's for primitives, `struct<1: a: required int>` and the like for nested ones. */
export function typeToString(type: IcebergType): string {
  switch (type.type) {
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "fixed":
      return `fixed[${type.length}]`;
    case "geometry":
      return type.crs === undefined ? "geometry" : `geometry(${type.crs})`;
    case "geography": {
      if (type.crs === undefined && type.algorithm === undefined) return "geography";
      return `geography(${type.crs ?? DEFAULT_CRS}${type.algorithm ? `, ${type.algorithm}` : ""})`;
    }
    case "struct": {
      const fields = type.fields.map(
        (field) =>
          `${field.id}: ${field.name}: ${field.required ? "required" : "optional"} ${typeToString(field.type)}`,
      );
      return `struct<${fields.join(", ")}>`;
    }
    case "list":
      return `list<${typeToString(type.element)}>`;
    case "map":
      return `map<${typeToString(type.key)}, ${typeToString(type.value)}>`;
    default:
      return type.type;
  }
}

/** True when the types are the same with their parameters, and, where nested, with their ids, names and nullability. */
export function sameType(a: IcebergType, b: IcebergType): boolean {
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
    case "decimal":
      return b.type === "decimal" && a.precision === b.precision && a.scale === b.scale;
    case "fixed":
      return b.type === "fixed" && a.length === b.length;
    case "geometry":
      return b.type === "geometry" && (a.crs ?? DEFAULT_CRS) === (b.crs ?? DEFAULT_CRS);
    case "geography":
      return (
        b.type === "geography" &&
        (a.crs ?? DEFAULT_CRS) === (b.crs ?? DEFAULT_CRS) &&
        (a.algorithm ?? "spherical") === (b.algorithm ?? "spherical")
      );
    default:
      return a.type === b.type;
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
  switch (type.type) {
    case "timestamp_ns":
    case "timestamptz_ns":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return 3;
    default:
      return 1;
  }
}
