import { invalidArgument } from "../../../errors.js";
import { isPrimitiveType, typeToString } from "../types/type-text.js";
import type { IcebergType, PrimitiveType } from "../types/types.js";
import type { Transform } from "./types.js";

const PLAIN = new Set(["identity", "year", "month", "day", "hour", "void"]);

/** Parses `day`, `bucket[16]`, …; text that this version does not know becomes an `unknown` transform, to be ignored in planning. */
export function parseTransform(text: string): Transform {
  const plain = text.trim().toLowerCase();
  if (PLAIN.has(plain)) return { transform: plain } as Transform;
  const match = /^(bucket|truncate)\s*\[\s*(\d+)\s*\]$/.exec(plain);
  if (match !== null) {
    const parameter = Number(match[2]);
    if (parameter > 0 && parameter <= 0x7fffffff) {
      return match[1] === "bucket"
        ? { transform: "bucket", numBuckets: parameter }
        : { transform: "truncate", width: parameter };
    }
  }
  return { transform: "unknown", name: text };
}

/** The text of a transform in JSON: `day`, `bucket[16]`. */
export function transformToString(transform: Transform): string {
  switch (transform.transform) {
    case "bucket":
      return `bucket[${transform.numBuckets}]`;
    case "truncate":
      return `truncate[${transform.width}]`;
    case "unknown":
      return transform.name;
    default:
      return transform.transform;
  }
}

export function sameTransform(a: Transform, b: Transform): boolean {
  return transformToString(a) === transformToString(b);
}

const DATES = ["date", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns"];
const TIMESTAMPS = DATES.slice(1);

/** Source types by transform (spec, "Partition Transforms"). */
const SOURCES: Readonly<Record<string, ReadonlySet<string>>> = {
  bucket: new Set([...DATES, "int", "long", "decimal", "time", "string", "uuid", "fixed", "binary"]),
  truncate: new Set(["int", "long", "decimal", "string", "binary"]),
  year: new Set(DATES),
  month: new Set(DATES),
  day: new Set(DATES),
  hour: new Set(TIMESTAMPS),
};

const NO_IDENTITY = new Set(["geometry", "geography", "variant", "unknown"]);

/** True when the transform can be applied to values of the type. */
export function canTransform(transform: Transform, type: IcebergType): boolean {
  if (transform.transform === "void" || transform.transform === "unknown") return true;
  if (!isPrimitiveType(type)) return false;
  if (transform.transform === "identity") return !NO_IDENTITY.has(type.type);
  return SOURCES[transform.transform]!.has(type.type);
}

/** Type of a transformed value. Throws `INVALID_ARGUMENT` when the transform cannot be applied to the type. */
export function transformResultType(transform: Transform, source: IcebergType): PrimitiveType {
  if (!canTransform(transform, source)) {
    throw invalidArgument(
      transformToString(transform),
      `The transform ${transformToString(transform)} cannot be applied to ${typeToString(source)}.`,
    );
  }
  switch (transform.transform) {
    case "bucket":
    case "year":
    case "month":
    case "hour":
      return { type: "int" };
    case "day":
      return { type: "date" };
    case "unknown":
      return { type: "string" };
    default:
      return isPrimitiveType(source) ? source : { type: "unknown" };
  }
}

/** True when the transform keeps order: a ≤ b gives f(a) ≤ f(b). */
export function preservesOrder(transform: Transform): boolean {
  switch (transform.transform) {
    case "bucket":
    case "void":
    case "unknown":
      return false;
    default:
      return true;
  }
}
