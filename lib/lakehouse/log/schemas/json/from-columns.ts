import { unsupported } from "../../../errors.js";
import {
  canonicalValue,
  type IcebergType,
  isPrimitiveType,
  type JsonInput,
  type NestedField,
  type PrimitiveType,
  type Schema,
  toJsonValue,
  typeToString,
} from "../../../iceberg/index.js";

/** The JSON Schema of a schema of columns. It is closed, so that a column can be added and earlier records still fit. */
export function jsonSchemaOf({ fields }: Pick<Schema, "fields">): JsonInput {
  return { $schema: "http://json-schema.org/draft-07/schema#", ...structSchema(fields) };
}

function structSchema(fields: readonly NestedField[]): { readonly [key: string]: JsonInput } {
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(
      fields.map(({ name, type, required, doc, writeDefault }) => [
        name,
        {
          ...schemaOf(type, !required, name),
          ...(doc === undefined ? {} : { description: doc }),
          ...(writeDefault === undefined ? {} : { default: toJsonValue(type, writeDefault) }),
        },
      ]),
    ),
    required: fields.filter(({ required }) => required).map(({ name }) => name),
  };
}

function schemaOf(type: IcebergType, optional: boolean, name: string): { readonly [key: string]: JsonInput } {
  if (isPrimitiveType(type))
    return {
      ...orNull(WORDS[type.type], optional),
      ...(type.type === "date"
        ? { format: "date" }
        : type.type === "timestamptz"
          ? { format: "date-time" }
          : {}),
      ...(isBytes(type) ? { contentEncoding: "base64" } : {}),
      iceberg: typeToString(type),
    };
  switch (type.type) {
    case "struct": {
      const schema = structSchema(type.fields);
      return { ...schema, ...orNull("object", optional) };
    }
    case "list":
      return {
        ...orNull("array", optional),
        items: schemaOf(type.element, !type.elementRequired, `${name}.element`),
      };
    case "map":
      if (type.key.type !== "string")
        throw unsupported(
          name,
          `"${name}" is a map with keys of ${typeToString(type.key)}, where JSON has texts.`,
          "Give it keys of string, or make it a list of structs.",
        );
      return {
        ...orNull("object", optional),
        additionalProperties: schemaOf(type.value, !type.valueRequired, `${name}.value`),
      };
  }
}

const orNull = (type: string, optional: boolean): { readonly type: JsonInput } => ({
  type: optional && type !== "null" ? [type, "null"] : type,
});

/** What JSON Schema calls them. */
const WORDS: Readonly<Record<PrimitiveType["type"], string>> = {
  boolean: "boolean",
  int: "integer",
  long: "integer",
  float: "number",
  double: "number",
  decimal: "string",
  date: "string",
  time: "string",
  timestamp: "string",
  timestamptz: "string",
  timestamp_ns: "string",
  timestamptz_ns: "string",
  string: "string",
  uuid: "string",
  fixed: "string",
  binary: "string",
  unknown: "null",
  variant: "string",
  geometry: "string",
  geography: "string",
};

function isBytes({ type }: PrimitiveType): boolean {
  return ["fixed", "binary", "variant", "geometry", "geography"].includes(type);
}

/** A row as JSON with the schema of `jsonSchemaOf`. @param row one that fits: `validateRow` says whether it does. */
export function rowToJson(fields: readonly NestedField[], row: Readonly<Record<string, unknown>>): JsonInput {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = Object.hasOwn(row, name) ? row[name] : undefined;
      return [name, value === undefined ? undefined : valueToJson(type, value)];
    }),
  ) as JsonInput;
}

function valueToJson(type: IcebergType, value: unknown): JsonInput {
  if (value === null || value === undefined) return null;
  if (isPrimitiveType(type)) {
    if (type.type === "string") return value as string;
    const canonical = canonicalValue(type, value);
    if (canonical === undefined) return null;
    if (isBytes(type)) return Buffer.from(canonical as Uint8Array).toString("base64");
    return typeof canonical === "number" && type.type !== "date" ? canonical : toJsonValue(type, canonical);
  }
  switch (type.type) {
    case "struct":
      return rowToJson(type.fields, value as Record<string, unknown>);
    case "list":
      return (value as readonly unknown[]).map((item) => valueToJson(type.element, item));
    case "map":
      return Object.fromEntries(
        [...(value as ReadonlyMap<string, unknown>)].map(([key, item]) => [
          key,
          valueToJson(type.value, item),
        ]),
      );
  }
}
