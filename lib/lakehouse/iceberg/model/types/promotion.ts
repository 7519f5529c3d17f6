import { sameType } from "./type-text.js";
import type { IcebergType } from "./types.js";

/**
 * True when a column of type `from` may become `to` (spec, "Schema Evolution"): int to long, float to double,
 * wider decimals; from v3 on also date to timestamp or timestamp_ns, and unknown to anything.
 */
export function canPromote(from: IcebergType, to: IcebergType, formatVersion = 3): boolean {
  if (sameType(from, to)) return true;
  switch (from.type) {
    case "int":
      return to.type === "long";
    case "float":
      return to.type === "double";
    case "decimal":
      return to.type === "decimal" && to.scale === from.scale && to.precision >= from.precision;
    case "date":
      return formatVersion >= 3 && (to.type === "timestamp" || to.type === "timestamp_ns");
    case "unknown":
      return formatVersion >= 3;
    default:
      return false;
  }
}
