import type { JsonInput, JsonNode } from "../json.js";
import { isPrimitiveType, typeToString } from "../types/type-text.js";
import type {
  DefaultValue,
  IcebergType,
  PrimitiveKind,
  PrimitiveType,
  PrimitiveValue,
  TypeOf,
} from "../types/types.js";
import { bytesToHex, hexToBytes, isHex, isWellFormed, parseUuid } from "./bytes.js";
import { nearestFloat } from "./canonical.js";
import { formatDecimal, parseDecimal } from "./decimal.js";
import { formatDate, formatTime, formatTimestamp, parseDate, parseTime, parseTimestamp } from "./temporal.js";

/** The JSON single-value form (spec, Appendix D) of a canonical value; `null` for null. */
export function toJsonValue(type: IcebergType, value: DefaultValue): JsonInput {
  if (value === null) return null;
  if (isPrimitiveType(type)) return jsonFormOf(type).toJson(value as PrimitiveValue, type);
  switch (type.type) {
    case "struct": {
      const struct = value as { readonly [name: string]: DefaultValue };
      const members: Record<string, JsonInput> = {};
      for (const field of type.fields) {
        if (Object.hasOwn(struct, field.name))
          members[field.id] = toJsonValue(field.type, struct[field.name]!);
      }
      return members;
    }
    case "list":
      return (value as readonly DefaultValue[]).map((item) => toJsonValue(type.element, item));
    case "map": {
      const map = value as ReadonlyMap<DefaultValue, DefaultValue>;
      return {
        keys: [...map.keys()].map((key) => toJsonValue(type.key, key)),
        values: [...map.values()].map((item) => toJsonValue(type.value, item)),
      };
    }
  }
}

/** Reads a JSON single value. Fails through the node, with its path, when it does not fit the type. */
export function fromJsonValue(type: IcebergType, node: JsonNode): DefaultValue {
  if (node.value === null) return null;
  if (isPrimitiveType(type)) {
    return jsonFormOf(type).fromJson(node, type) ?? node.fail(`is no value of type ${typeToString(type)}`);
  }
  switch (type.type) {
    case "struct": {
      const struct: Record<string, DefaultValue> = {};
      for (const field of type.fields) {
        const member = node.optional(String(field.id));
        if (member !== undefined) struct[field.name] = fromJsonValue(field.type, member);
      }
      return struct;
    }
    case "list":
      return node.array().map((item) => fromJsonValue(type.element, item));
    case "map": {
      const keys = node.get("keys").array();
      const values = node.get("values").array();
      if (keys.length !== values.length) node.fail("should have as many keys as values");
      return new Map(
        keys.map((key, i) => [fromJsonValue(type.key, key), fromJsonValue(type.value, values[i]!)]),
      );
    }
  }
}

/** The JSON single-value form of a type (spec, Appendix D). */
interface JsonForm<Type extends PrimitiveType = PrimitiveType> {
  toJson(value: PrimitiveValue, type: Type): JsonInput;
  /** `undefined` for text that is no value of the type. */
  fromJson(node: JsonNode, type: Type): PrimitiveValue | undefined;
}

const asItIs = (value: PrimitiveValue) => value as JsonInput;
const toHex = (value: PrimitiveValue) => bytesToHex(value as Uint8Array);

function timestamp(unit: "micros" | "nanos", zoned: boolean): JsonForm {
  return {
    toJson: (value) => `${formatTimestamp(value as bigint, unit)}${zoned ? "+00:00" : ""}`,
    fromJson: (node) => parseTimestamp(node.string(), unit, zoned),
  };
}

/** Types without JSON values: their only default is null. */
const NO_VALUES: JsonForm = {
  toJson: toHex,
  fromJson: (node) => {
    node.string();
    return undefined;
  },
};

const JSON_FORMS: { readonly [Kind in PrimitiveKind]: JsonForm<TypeOf<Kind>> } = {
  boolean: { toJson: asItIs, fromJson: (node) => node.boolean() },
  int: { toJson: asItIs, fromJson: (node) => node.int() },
  long: { toJson: asItIs, fromJson: (node) => node.long() },
  float: {
    toJson: asItIs,
    fromJson: (node) => nearestFloat(node.number()) ?? node.fail("is beyond the range of float"),
  },
  double: { toJson: asItIs, fromJson: (node) => node.number() },
  decimal: {
    toJson: (value, { scale }) => formatDecimal(value as bigint, scale),
    fromJson: (node, { precision, scale }) => parseDecimal(node.string(), precision, scale),
  },
  date: { toJson: (value) => formatDate(value as number), fromJson: (node) => parseDate(node.string()) },
  time: { toJson: (value) => formatTime(value as bigint), fromJson: (node) => parseTime(node.string()) },
  timestamp: timestamp("micros", false),
  timestamptz: timestamp("micros", true),
  timestamp_ns: timestamp("nanos", false),
  timestamptz_ns: timestamp("nanos", true),
  string: {
    toJson: asItIs,
    fromJson: (node) => (isWellFormed(node.string()) ? node.string() : undefined),
  },
  uuid: { toJson: asItIs, fromJson: (node) => parseUuid(node.string()) },
  fixed: {
    toJson: toHex,
    fromJson: (node, { length }) => {
      const text = node.string();
      return isHex(text) && text.length === length * 2 ? hexToBytes(text) : undefined;
    },
  },
  binary: {
    toJson: toHex,
    fromJson: (node) => (isHex(node.string()) ? hexToBytes(node.string()) : undefined),
  },
  unknown: NO_VALUES,
  variant: NO_VALUES,
  geometry: NO_VALUES,
  geography: NO_VALUES,
};

function jsonFormOf(type: PrimitiveType): JsonForm {
  return JSON_FORMS[type.type] as JsonForm;
}
