import { sameType } from "./type-text.js";
import type { IcebergType, PrimitiveKind, PrimitiveType, TypeOf } from "./types.js";

/** Whether a type may become another one of format version 1 on, and of version 3 on. */
interface Promotions<Type extends PrimitiveType> {
  ever(from: Type, to: IcebergType): boolean;
  v3?(from: Type, to: IcebergType): boolean;
}

const NONE: Promotions<PrimitiveType> = { ever: () => false };

/** What each type may become, but itself (spec, "Schema Evolution"). */
const PROMOTIONS: { readonly [Kind in PrimitiveKind]: Promotions<TypeOf<Kind>> } = {
  boolean: NONE,
  int: { ever: (_, to) => to.type === "long" },
  long: NONE,
  float: { ever: (_, to) => to.type === "double" },
  double: NONE,
  decimal: {
    ever: (from, to) => to.type === "decimal" && to.scale === from.scale && to.precision >= from.precision,
  },
  date: {
    ever: () => false,
    v3: (_, to) => to.type === "timestamp" || to.type === "timestamp_ns",
  },
  time: NONE,
  timestamp: NONE,
  timestamptz: NONE,
  timestamp_ns: NONE,
  timestamptz_ns: NONE,
  string: NONE,
  uuid: NONE,
  fixed: NONE,
  binary: NONE,
  unknown: { ever: () => false, v3: () => true },
  variant: NONE,
  geometry: NONE,
  geography: NONE,
};

/**
 * True when a column of type `from` may become `to` (spec, "Schema Evolution"): int to long, float to double,
 * wider decimals; from v3 on also date to timestamp or timestamp_ns, and unknown to anything.
 */
export function canPromote(from: IcebergType, to: IcebergType, formatVersion = 3): boolean {
  if (sameType(from, to)) return true;
  const promotions = (PROMOTIONS as { readonly [kind: string]: Promotions<PrimitiveType> })[from.type];
  if (promotions === undefined) return false; // nested types
  const primitive = from as PrimitiveType;
  return promotions.ever(primitive, to) || (formatVersion >= 3 && promotions.v3?.(primitive, to) === true);
}
