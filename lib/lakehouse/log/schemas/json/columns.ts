import { invalidMetadata, unsupported } from "../../../errors.js";
import {
  fromJsonValue,
  type IcebergType,
  type NestedField,
  type PrimitiveType,
  readJson,
  typeFromJson,
} from "../../../iceberg/index.js";
import { invalidRecordSchema } from "../../errors.js";
import { BadValue, type RowReader } from "../schema.js";
import { type JsonNode, type JsonSchema, type JsonSchemaObject, resolved } from "./nodes.js";
import { MORE_DIGITS, readAll } from "./read-values.js";

/** Turns what JSON has into what a column takes; throws a `BadValue`. `undefined` where they are the same. */
type Convert = ((value: unknown) => unknown) | undefined;

interface Part {
  readonly type: IcebergType;
  readonly convert: Convert;
  readonly optional: boolean;
}

interface StructPart {
  readonly fields: readonly NestedField[];
  readonly convert: (value: unknown) => Record<string, unknown>;
}

/**
 * The columns of a JSON Schema of an object, and how its values become rows. `integer` is a long, `number` a double, and
 * text with a `format` a date, a timestamp or a UUID; `"iceberg": "decimal(9,2)"` names a column's type where the words of
 * JSON Schema do not.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for what no table can hold.
 */
export function jsonRows(root: JsonNode): RowReader {
  const { fields, convert } = structOf(resolved(root), "", []);
  return { fields, read: (values) => readAll(values, convert) };
}

function structOf(node: JsonNode, name: string, open: readonly unknown[]): StructPart {
  const schema = node.schema as JsonSchemaObject;
  const { properties = {}, required = [], additionalProperties } = schema;
  if (typeof schema !== "object" || !kindsOf(schema).includes("object")) throw unfit(name, "is no object");
  const within = enter(schema, name, open);
  const members = Object.entries(properties).map(([key, member]) => {
    const part = partOf({ ...node, schema: member }, name === "" ? key : `${name}.${key}`, within);
    return { key, part, required: required.includes(key) && !part.optional, isInherited: key in {} };
  });
  const fields = members.map(({ key, part, required }): NestedField => {
    const described = resolvedObject(node, properties[key]);
    return {
      id: 0,
      name: key,
      required,
      type: part.type,
      doc: typeof described?.description === "string" ? described.description : undefined,
      writeDefault: defaultOf(described, part.type, key),
    };
  });
  const names = new Set(members.map(({ key }) => key));
  const isClosed = additionalProperties === false;
  // The object is the row, where it has no more than the row has.
  const isRow = isClosed && members.every(({ isInherited }) => !isInherited);
  const here = name === "" ? "the value" : name;
  return {
    fields,
    convert: (value) => {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new BadValue(`${here} is no object`);
      const object = value as Record<string, unknown>;
      if (isClosed)
        for (const key in object)
          if (!names.has(key))
            throw new BadValue(`${here} has ${JSON.stringify(key)}, which its schema has not`);
      const row: Record<string, unknown> = isRow ? object : {};
      for (const { key, part, required, isInherited } of members) {
        const member = isInherited && !Object.hasOwn(object, key) ? undefined : object[key];
        if (member === undefined || member === null) {
          if (required) throw new BadValue(`${here} has no ${JSON.stringify(key)}`);
          if (member === null) row[key] = null;
          continue;
        }
        const converted = part.convert === undefined ? member : part.convert(member);
        if (isRow && converted === member) continue;
        if (isInherited) define(row, key, converted);
        else row[key] = converted;
      }
      return row;
    },
  };
}

/** A default of a column's own type: those of other schemas are for their readers to fill in. */
function defaultOf(schema: JsonSchemaObject | undefined, type: IcebergType, name: string) {
  if (schema?.iceberg === undefined || schema.default === undefined) return undefined;
  return fromJsonValue(
    type,
    readJson(JSON.stringify(schema.default), { subject: name, kind: invalidRecordSchema }),
  );
}

function partOf(given: JsonNode, name: string, open: readonly unknown[]): Part {
  const { node, optional } = withoutNull(resolved(given), name);
  const schema = node.schema as JsonSchemaObject;
  if (typeof schema !== "object") throw unfit(name, "may be anything");
  if (typeof schema.iceberg === "string") return { ...namedPart(schema.iceberg, name), optional };
  const kinds = kindsOf(schema);
  const isOptional = optional || kinds.includes("null");
  const [kind, another] = kinds.filter((each) => each !== "null");
  if (kind === undefined || another !== undefined)
    throw unfit(name, kind === undefined ? "has no type" : `may be ${kind} or ${another}`);
  const of = (type: IcebergType, convert?: Convert): Part => ({ type, convert, optional: isOptional });
  switch (kind) {
    case "boolean":
      return of({ type: "boolean" });
    case "integer":
      return of({ type: schema["connect.type"] === "int32" ? "int" : "long" }, whole);
    case "number":
      return of({ type: schema["connect.type"] === "float32" ? "float" : "double" }, finite(name));
    case "string":
      return of(...textPart(schema, name));
    case "array": {
      if (typeof schema.items !== "object" || Array.isArray(schema.items))
        throw unfit(name, "is an array whose items have no one type");
      const element = partOf(
        { ...node, schema: schema.items as JsonSchema },
        `${name}.element`,
        enter(schema, name, open),
      );
      const convert = element.convert;
      const read = (value: unknown) => {
        if (!Array.isArray(value)) throw new BadValue(`${name} is no array`);
        return convert === undefined
          ? value
          : value.map((item) => (item === null || item === undefined ? item : convert(item)));
      };
      return of(
        { type: "list", elementId: 0, elementRequired: !element.optional, element: element.type },
        read,
      );
    }
    case "object": {
      const { properties, additionalProperties } = schema;
      if (properties === undefined && typeof additionalProperties === "object") {
        const value = partOf(
          { ...node, schema: additionalProperties },
          `${name}.value`,
          enter(schema, name, open),
        );
        return of(
          {
            type: "map",
            keyId: 0,
            key: { type: "string" },
            valueId: 0,
            valueRequired: !value.optional,
            value: value.type,
          },
          mapOf(name, value.convert),
        );
      }
      if (properties === undefined || Object.keys(properties).length === 0)
        throw unfit(name, "is an object without properties");
      const { fields, convert } = structOf(node, name, open);
      return of({ type: "struct", fields }, convert);
    }
    default:
      throw unfit(name, `is of the type ${kind}`);
  }
}

/** A schema that is inside itself has no end. */
function enter(schema: object, name: string, open: readonly unknown[]): readonly unknown[] {
  if (open.includes(schema)) throw unfit(name, "contains itself");
  return [...open, schema];
}

function mapOf(name: string, convert: Convert): Convert {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new BadValue(`${name} is no object`);
    const entries = Object.entries(value);
    return new Map(
      convert === undefined
        ? entries
        : entries.map(([key, item]) => [key, item === null ? item : convert(item)]),
    );
  };
}

/** `oneOf` or `anyOf` of null and another schema is the other, optional. */
function withoutNull(node: JsonNode, name: string): { readonly node: JsonNode; readonly optional: boolean } {
  const schema = node.schema as JsonSchemaObject;
  const branches = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (typeof schema !== "object" || branches === undefined) return { node, optional: false };
  const nodes = branches.map((branch) => resolved({ ...node, schema: branch }));
  const isNull = ({ schema }: JsonNode) => typeof schema === "object" && schema.type === "null";
  const [other, another] = nodes.filter((each) => !isNull(each));
  if (other === undefined || another !== undefined) throw unfit(name, "may be one of several types");
  const inner = withoutNull(other, name);
  return { node: inner.node, optional: inner.optional || nodes.some(isNull) };
}

function kindsOf({ type, properties, enum: values }: JsonSchemaObject): readonly string[] {
  if (type !== undefined) return typeof type === "string" ? [type] : type;
  if (properties !== undefined) return ["object"];
  if (values?.every((value) => typeof value === "string")) return ["string"];
  return [];
}

/** @param text as the spec writes a primitive type. */
function namedPart(text: string, name: string): Omit<Part, "optional"> {
  let type: PrimitiveType;
  try {
    type = typeFromJson(
      readJson(JSON.stringify(text), { subject: name, kind: invalidMetadata }),
    ) as PrimitiveType;
  } catch {
    throw unfit(name, `names a type ${JSON.stringify(text)}, which Iceberg has not`);
  }
  return { type, convert: fromJson(type, name) };
}

function fromJson(type: PrimitiveType, name: string): Convert {
  switch (type.type) {
    case "boolean":
    case "string":
    case "unknown":
      return undefined;
    case "int":
    case "long":
      return whole;
    case "float":
    case "double":
      return finite(name);
    case "decimal":
    case "date":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
    case "uuid":
      return onlyText(name);
    case "fixed":
    case "binary":
    case "variant":
    case "geometry":
    case "geography":
      return bytes(name);
  }
}

const FORMATS: Readonly<Record<string, PrimitiveType>> = {
  date: { type: "date" },
  "date-time": { type: "timestamptz" },
  uuid: { type: "uuid" },
};

function textPart({ format, contentEncoding }: JsonSchemaObject, name: string): [IcebergType, Convert] {
  if (contentEncoding === "base64") return [{ type: "binary" }, bytes(name)];
  const type = typeof format === "string" && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  return type === undefined ? [{ type: "string" }, undefined] : [type, onlyText(name)];
}

/** A column takes numbers as well, of days or microseconds: JSON says texts. */
function onlyText(name: string): Convert {
  return (value) => {
    if (typeof value !== "string") throw new BadValue(`${name} is no text`);
    return value;
  };
}

/** An integer that a double cannot tell from its neighbours was read as one of them. */
function whole(value: unknown): unknown {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) throw MORE_DIGITS;
  return value;
}

/** JSON has no infinity: a number that became one was too large. */
function finite(name: string): Convert {
  return (value) => {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number))
      throw new BadValue(`${name} is no number that a double holds`);
    return number;
  };
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytes(name: string): Convert {
  return (value) => {
    if (typeof value !== "string" || !BASE64.test(value)) throw new BadValue(`${name} is no base64`);
    return new Uint8Array(Buffer.from(value, "base64"));
  };
}

function define(row: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(row, key, { value, enumerable: true, configurable: true, writable: true });
}

function resolvedObject(
  node: JsonNode,
  schema: JsonNode["schema"] | undefined,
): JsonSchemaObject | undefined {
  if (schema === undefined) return undefined;
  const found = resolved({ ...node, schema }).schema;
  return typeof found === "object" ? found : undefined;
}

function unfit(name: string, why: string) {
  const what = name === "" ? "The schema" : `"${name}"`;
  return unsupported(
    name === "" ? "schema" : name,
    `${what} ${why}, which is no column of a table.`,
    "Give it one type, with or without null; objects have properties, or values of one type.",
  );
}
