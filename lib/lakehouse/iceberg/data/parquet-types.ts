import type { ParquetColumn } from "../../parquet/index.js";
import { canPromote } from "../schema/promotion.js";
import type { PrimitiveType } from "../schema/types.js";

/**
 * How a column of a Parquet file that somebody else wrote fits a type (spec, Appendix A, "Parquet"): `exact`, its
 * statistics too; `values`, which are read right while its statistics are in another form; `undefined`, not at all.
 */
export type ParquetFit = "exact" | "values" | undefined;

export function parquetFit(type: PrimitiveType, { node }: ParquetColumn): ParquetFit {
  const { physicalType, logicalType, typeLength } = node;
  const fits = (stored: PrimitiveType): ParquetFit => (canPromote(stored, type, 2) ? "exact" : undefined);
  switch (logicalType?.kind) {
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
    case "uuid":
      return fits({ type: "uuid" });
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
      return fits({ type: "fixed", length: typeLength ?? 0 });
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
