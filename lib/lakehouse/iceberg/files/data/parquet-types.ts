import type { ParquetNode } from "../../../parquet/index.js";
import type { FormatVersion } from "../../model/metadata/types.js";
import { canPromote } from "../../model/types/promotion.js";
import { typeToString } from "../../model/types/type-text.js";
import type { IcebergType, PrimitiveType } from "../../model/types/types.js";

/**
 * How a column of a Parquet file that somebody else wrote fits a type (spec, Appendix A, "Parquet"): `exact`, its
 * statistics too; `values`, which are read right while its statistics are in another form; `undefined`, not at all.
 */
export type ParquetFit = "exact" | "values" | undefined;

export function parquetFit(
  type: PrimitiveType,
  { physicalType, logicalType, typeLength }: ParquetNode,
  formatVersion: FormatVersion,
): ParquetFit {
  const fits = (stored: PrimitiveType): ParquetFit => {
    if (!canPromote(stored, type, formatVersion)) return undefined;
    return stored.type === "date" && type.type !== "date" ? "values" : "exact";
  };
  switch (logicalType?.kind) {
    case "null":
      return "values";
    case "decimal":
      return fits({ type: "decimal", precision: logicalType.precision, scale: logicalType.scale });
    case "date":
      return fits({ type: "date" });
    case "time":
      if (type.type !== "time" || logicalType.unit === "nanos") return undefined;
      return logicalType.unit === "micros" ? "exact" : "values";
    case "timestamp":
      return timestampFit(type, logicalType.unit, logicalType.adjustedToUtc);
    case "int":
      if (!logicalType.signed && logicalType.bits === 64) return undefined;
      if (logicalType.bits === 64 || (logicalType.bits === 32 && !logicalType.signed))
        return fits({ type: "long" });
      return fits({ type: "int" });
    case "string":
    case "enum":
    case "json":
      return fits({ type: "string" });
    case "bson":
      return fits({ type: "binary" });
    case "uuid":
      return fits({ type: "uuid" });
    case "geometry":
    case "geography":
      return type.type === logicalType.kind ? "values" : undefined;
    case undefined:
      break;
    default:
      return undefined;
  }
  switch (physicalType) {
    case "BOOLEAN":
      return fits({ type: "boolean" });
    case "INT32":
      return fits({ type: "int" });
    case "INT64":
      return fits({ type: "long" });
    case "FLOAT":
      return fits({ type: "float" });
    case "DOUBLE":
      return fits({ type: "double" });
    case "INT96":
      return type.type === "timestamp" || type.type === "timestamptz" ? "values" : undefined;
    case "BYTE_ARRAY":
      // Writers of old did not say that bytes are text.
      return type.type === "string" ? "values" : fits({ type: "binary" });
    case "FIXED_LEN_BYTE_ARRAY":
      if (type.type === "uuid") return typeLength === 16 ? "exact" : undefined;
      return fits({ type: "fixed", length: typeLength ?? 0 });
    case undefined:
      return undefined;
  }
}

function timestampFit(type: PrimitiveType, unit: string, zoned: boolean): ParquetFit {
  const name = type.type;
  if (
    name !== (zoned ? "timestamptz" : "timestamp") &&
    name !== (zoned ? "timestamptz_ns" : "timestamp_ns")
  ) {
    return undefined;
  }
  if (name.endsWith("_ns")) return unit === "nanos" ? "exact" : undefined;
  if (unit === "nanos") return undefined;
  return unit === "micros" ? "exact" : "values";
}

const UNITS = { millis: "milliseconds", micros: "microseconds", nanos: "nanoseconds" } as const;

/** A column's type as its file declares it, with all that decides whether it fits: units, zones, precision, sizes. */
export function parquetTypeText({ physicalType, logicalType, typeLength, repetition }: ParquetNode): string {
  const stored =
    physicalType === "FIXED_LEN_BYTE_ARRAY" ? `FIXED_LEN_BYTE_ARRAY(${typeLength ?? 0})` : physicalType;
  const plain = stored ?? (repetition === "repeated" ? "a repeated group" : "a struct");
  if (logicalType === undefined) return repetition === "repeated" && stored ? `repeated ${stored}` : plain;
  switch (logicalType.kind) {
    case "list":
    case "map":
      return `a ${logicalType.kind}`;
    case "decimal":
      return `decimal(${logicalType.precision}, ${logicalType.scale})`;
    case "int":
      return `${logicalType.signed ? "a signed" : "an unsigned"} integer of ${logicalType.bits} bits`;
    case "time":
      return `time in ${UNITS[logicalType.unit]}`;
    case "timestamp":
      return `timestamp in ${UNITS[logicalType.unit]}, ${logicalType.adjustedToUtc ? "in UTC" : "without a zone"}`;
    default:
      return stored === undefined ? logicalType.kind : `${logicalType.kind} (${stored})`;
  }
}

/** A type of a table, with the unit and the zone that its name stands for. */
export function expectedTypeText(type: IcebergType): string {
  switch (type.type) {
    case "struct":
    case "list":
    case "map":
      return `a ${type.type}`;
    case "time":
      return "time (in microseconds)";
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns": {
      const unit = type.type.endsWith("_ns") ? "nanoseconds" : "microseconds";
      return `${type.type} (in ${unit}, ${type.type.startsWith("timestamptz") ? "in UTC" : "without a zone"})`;
    }
    default:
      return typeToString(type);
  }
}
