import protobuf from "protobufjs";
import { unsupported } from "../../../errors.js";
import type { IcebergType, NestedField, PrimitiveType } from "../../../iceberg/index.js";
import { BadValue, eachValue, type RowReader } from "../schema.js";
import type { ProtobufDocument } from "./load.js";

type Convert = (value: unknown) => unknown;

interface Part {
  readonly type: IcebergType;
  readonly convert: Convert;
}

/**
 * The columns of a message, all of them optional, and how its records become rows: an enum is text, each member of a
 * `oneof` is a column, and a field that is not on the wire is null where it can be told from its default.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for what no table can hold: a message that contains itself.
 */
export function protobufRows(document: ProtobufDocument): RowReader {
  const [message] = document.messages as [protobuf.Type];
  const { fields, convert } = structOf(message, "", []);
  const known = new Set([message.fullName]);
  return {
    fields,
    read: eachValue((value) => {
      const { type, content } = messageOf(document, value);
      if (!known.has(type.fullName))
        throw new BadValue(
          `the value is a message ${type.fullName.slice(1)}, where ${message.fullName.slice(1)} is a row`,
        );
      return convert(decoded(type, content));
    }),
  };
}

function decoded(type: protobuf.Type, content: Uint8Array): protobuf.Message {
  try {
    return type.decode(content);
  } catch (error) {
    throw new BadValue(`the value is no message ${type.fullName.slice(1)}: ${(error as Error).message}`);
  }
}

/** Confluent's framing: a count and that many places lead to the message, from the file inwards; 0 is the first. */
function messageOf({ messages }: ProtobufDocument, value: Uint8Array) {
  let at = 0;
  const next = () => {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = value[at++];
      if (byte === undefined) break;
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
    }
    throw new BadValue("the value does not say which message it is");
  };
  const count = next();
  if (count < 0 || count > value.length) throw new BadValue(`the value says ${count} places of its message`);
  const path = count === 0 ? [0] : Array.from({ length: count }, next);
  let type: protobuf.Type | undefined;
  let inside: readonly protobuf.Type[] = messages;
  for (const place of path) {
    type = inside[place];
    inside = (type?.nestedArray ?? []).filter((each): each is protobuf.Type => each instanceof protobuf.Type);
  }
  if (type === undefined) throw new BadValue(`its schema has no message at ${path.join(".")}`);
  return { type, content: value.subarray(at) };
}

function structOf(type: protobuf.Type, name: string, open: readonly protobuf.Type[]) {
  if (open.includes(type)) throw unfit(name, `is a ${type.name}, which contains itself`);
  const members = type.fieldsArray.map((field) => ({
    key: field.name,
    part: fieldPart(field, name === "" ? field.name : `${name}.${field.name}`, [...open, type]),
    fallback: field.hasPresence ? null : field.map ? {} : field.repeated ? [] : field.defaultValue,
  }));
  if (members.length === 0) throw unfit(name === "" ? type.name : name, "has no fields");
  return {
    fields: members.map(
      ({ key, part }): NestedField => ({ id: 0, name: key, required: false, type: part.type }),
    ),
    convert: (message: unknown): Record<string, unknown> => {
      const values = message as Readonly<Record<string, unknown>>;
      const row: Record<string, unknown> = {};
      for (const { key, part, fallback } of members) {
        const value = Object.hasOwn(values, key) ? values[key] : fallback;
        row[key] = value === null ? null : part.convert(value);
      }
      return row;
    },
  };
}

function fieldPart(field: protobuf.Field, name: string, open: readonly protobuf.Type[]): Part {
  const one = valuePart(field, name, open);
  if (field instanceof protobuf.MapField) {
    const key = scalarPart(field.keyType, name);
    return {
      type: { type: "map", keyId: 0, key: key.type, valueId: 0, valueRequired: false, value: one.type },
      convert: (value) =>
        new Map(
          Object.entries(value as object).map(([text, item]) => [
            key.convert(mapKey(field.keyType, text)),
            one.convert(item),
          ]),
        ),
    };
  }
  if (!field.repeated) return one;
  return {
    type: { type: "list", elementId: 0, elementRequired: false, element: one.type },
    convert: (value) => (value as readonly unknown[]).map(one.convert),
  };
}

/** Keys of objects are texts, those of 64 bits eight characters with their bits. */
function mapKey(type: string, text: string): unknown {
  if (type === "string") return text;
  if (type === "bool") return text === "true";
  if (!type.endsWith("64")) return Number(text);
  return text.length === 8
    ? protobuf.util.longFromHash(text, type === "uint64" || type === "fixed64")
    : Number(text);
}

function valuePart(field: protobuf.Field, name: string, open: readonly protobuf.Type[]): Part {
  const { resolvedType } = field;
  if (resolvedType === null) return scalarPart(field.type, name);
  if (resolvedType instanceof protobuf.Enum) {
    const { valuesById } = resolvedType;
    // An open enum may have numbers that this schema has no name for.
    return { type: { type: "string" }, convert: (value) => valuesById[value as number] ?? String(value) };
  }
  const known = WELL_KNOWN[resolvedType.fullName];
  if (known !== undefined) return known;
  if (WRAPPERS.test(resolvedType.fullName)) {
    const inner = resolvedType.fieldsArray[0] as protobuf.Field;
    const part = scalarPart(inner.type, name);
    return {
      type: part.type,
      convert: (value) => {
        const wrapped = value as { readonly value?: unknown };
        return part.convert(Object.hasOwn(wrapped, "value") ? wrapped.value : inner.defaultValue);
      },
    };
  }
  const { fields, convert } = structOf(resolvedType, name, open);
  return { type: { type: "struct", fields }, convert };
}

const WRAPPERS = /^\.google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;

const WELL_KNOWN: Readonly<Record<string, Part>> = {
  ".google.protobuf.Timestamp": {
    // Micro-, where the message has nanoseconds: tables of version 2 have no finer type.
    type: { type: "timestamptz" },
    convert: (value) => {
      const { seconds, nanos } = value as { readonly seconds?: unknown; readonly nanos?: number };
      return bigintOf(seconds ?? 0) * 1_000_000n + BigInt(Math.floor((nanos ?? 0) / 1000));
    },
  },
};

const text = (value: unknown) => value;
const whole: Convert = bigintOf;

const SCALARS: Readonly<Record<string, Part>> = {
  double: { type: { type: "double" }, convert: text },
  float: { type: { type: "float" }, convert: text },
  int32: { type: { type: "int" }, convert: text },
  sint32: { type: { type: "int" }, convert: text },
  sfixed32: { type: { type: "int" }, convert: text },
  uint32: { type: { type: "long" }, convert: text },
  fixed32: { type: { type: "long" }, convert: text },
  int64: { type: { type: "long" }, convert: whole },
  sint64: { type: { type: "long" }, convert: whole },
  sfixed64: { type: { type: "long" }, convert: whole },
  uint64: { type: { type: "decimal", precision: 20, scale: 0 }, convert: whole },
  fixed64: { type: { type: "decimal", precision: 20, scale: 0 }, convert: whole },
  bool: { type: { type: "boolean" }, convert: text },
  string: { type: { type: "string" }, convert: text },
  bytes: {
    type: { type: "binary" },
    convert: (value) => (value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array()),
  },
};

function scalarPart(type: string, name: string): Part & { readonly type: PrimitiveType } {
  const part = SCALARS[type];
  if (part === undefined) throw unfit(name, `is of the type ${type}`);
  return part as Part & { readonly type: PrimitiveType };
}

/** 64 bits, as protobufjs has them. */
function bigintOf(value: unknown): bigint {
  if (typeof value === "number") return BigInt(value);
  const { low, high, unsigned } = value as {
    readonly low: number;
    readonly high: number;
    readonly unsigned: boolean;
  };
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return unsigned ? BigInt.asUintN(64, bits) : bits;
}

function unfit(name: string, why: string) {
  return unsupported(
    name,
    `"${name}" ${why}, which is no column of a table.`,
    "Give it a type that tables have.",
  );
}
