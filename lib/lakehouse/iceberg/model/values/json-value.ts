import type { JsonInput, JsonNode } from "../json.js";
import { isPrimitiveType, typeToString } from "../types/type-text.js";
import type { DefaultValue, IcebergType, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { bytesToHex, hexToBytes, isHex, isWellFormed, parseUuid } from "./bytes.js";
import { nearestFloat } from "./canonical.js";
import { formatDecimal, parseDecimal } from "./decimal.js";
import { formatDate, formatTime, formatTimestamp, parseDate, parseTime, parseTimestamp } from "./temporal.js";

/** The JSON single-value form (spec, Appendix D) of a canonical value; `null` for null. */
export function toJsonValue(type: IcebergType, value: DefaultValue): JsonInput {
  if (value === null) return null;
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
    default:
      return primitiveToJson(type, value as PrimitiveValue);
  }
}

function primitiveToJson(type: PrimitiveType, value: PrimitiveValue): JsonInput {
  switch (type.type) {
    case "decimal":
      return formatDecimal(value as bigint, type.scale);
    case "date":
      return formatDate(value as number);
    case "time":
      return formatTime(value as bigint);
    case "timestamp":
      return formatTimestamp(value as bigint, "micros");
    case "timestamptz":
      return `${formatTimestamp(value as bigint, "micros")}+00:00`;
    case "timestamp_ns":
      return formatTimestamp(value as bigint, "nanos");
    case "timestamptz_ns":
      return `${formatTimestamp(value as bigint, "nanos")}+00:00`;
    default:
      return value instanceof Uint8Array ? bytesToHex(value) : value;
  }
}

/** Reads a JSON single value. Fails through the node, with its path, when it does not fit the type. */
export function fromJsonValue(type: IcebergType, node: JsonNode): DefaultValue {
  if (node.value === null) return null;
  if (isPrimitiveType(type)) return primitiveFromJson(type, node);
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

function primitiveFromJson(type: PrimitiveType, node: JsonNode): PrimitiveValue {
  switch (type.type) {
    case "boolean":
      return node.boolean();
    case "int":
      return node.int();
    case "long":
      return node.long();
    case "float":
      return nearestFloat(node.number()) ?? node.fail("is beyond the range of float");
    case "double":
      return node.number();
    default:
      return textFromJson(type, node.string()) ?? node.fail(`is no value of type ${typeToString(type)}`);
  }
}

function textFromJson(type: PrimitiveType, text: string): PrimitiveValue | undefined {
  switch (type.type) {
    case "decimal":
      return parseDecimal(text, type.precision, type.scale);
    case "date":
      return parseDate(text);
    case "time":
      return parseTime(text);
    case "timestamp":
      return parseTimestamp(text, "micros", false);
    case "timestamptz":
      return parseTimestamp(text, "micros", true);
    case "timestamp_ns":
      return parseTimestamp(text, "nanos", false);
    case "timestamptz_ns":
      return parseTimestamp(text, "nanos", true);
    case "string":
      return isWellFormed(text) ? text : undefined;
    case "uuid":
      return parseUuid(text);
    case "fixed":
      return isHex(text) && text.length === type.length * 2 ? hexToBytes(text) : undefined;
    case "binary":
      return isHex(text) ? hexToBytes(text) : undefined;
    default:
      return undefined;
  }
}
