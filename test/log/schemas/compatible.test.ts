import { expect, test } from "vitest";
import { readSchema } from "../../../lib/lakehouse/log/schemas/read-schema.js";
import type { SchemaType } from "../../../lib/lakehouse/log/schemas/schema.js";

/** The reasons for which a reader of `now` could not read what `before` wrote, without their places. */
async function refusals(type: SchemaType, before: unknown, now: unknown): Promise<string[]> {
  const text = (schema: unknown) => (typeof schema === "string" ? schema : JSON.stringify(schema));
  const read = (schema: unknown) => readSchema(type, { text: text(schema), references: [] });
  const reasons = (await read(now)).refusals(await read(before));
  return reasons.map((reason) => reason.replace(/^[^:]*: ([A-Z_]+).*$/, "$1"));
}

const record = (...fields: readonly object[]) => ({ type: "record", name: "R", fields });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });

test.each([
  ["a wider number", record(field("a", "int")), record(field("a", "double")), []],
  ["a narrower number", record(field("a", "long")), record(field("a", "int")), ["TYPE_MISMATCH"]],
  ["text read as bytes", record(field("a", "string")), record(field("a", "bytes")), []],
  ["a field with a default", record(), record(field("a", "int", { default: 1 })), []],
  ["a field without one", record(), record(field("a", "int")), ["READER_FIELD_MISSING_DEFAULT_VALUE"]],
  ["a field that went", record(field("a", "int")), record(), []],
  [
    "a field renamed with an alias",
    record(field("a", "int")),
    record(field("b", "int", { aliases: ["a"] })),
    [],
  ],
  ["made optional", record(field("a", "int")), record(field("a", ["null", "int"])), []],
  ["made required", record(field("a", ["null", "int"])), record(field("a", "int")), ["TYPE_MISMATCH"]],
  [
    "a symbol more",
    { type: "enum", name: "E", symbols: ["A"] },
    { type: "enum", name: "E", symbols: ["A", "B"] },
    [],
  ],
  [
    "a symbol less",
    { type: "enum", name: "E", symbols: ["A", "B"] },
    { type: "enum", name: "E", symbols: ["A"] },
    ["MISSING_ENUM_SYMBOLS"],
  ],
  [
    "a symbol less, with a default",
    { type: "enum", name: "E", symbols: ["A", "B"] },
    { type: "enum", name: "E", symbols: ["A"], default: "A" },
    [],
  ],
  [
    "another size",
    { type: "fixed", name: "F", size: 1 },
    { type: "fixed", name: "F", size: 2 },
    ["FIXED_SIZE_MISMATCH"],
  ],
  ["another name", record(), { type: "record", name: "Q", fields: [] }, ["NAME_MISMATCH"]],
  [
    "a type that contains itself",
    record(field("next", ["null", "R"])),
    record(field("next", ["null", "R"]), field("a", "int")),
    ["READER_FIELD_MISSING_DEFAULT_VALUE"],
  ],
  [
    "a decimal of another scale",
    { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 },
    { type: "bytes", logicalType: "decimal", precision: 9, scale: 3 },
    ["DECIMAL_MISMATCH"],
  ],
] as const)("Avro: %s", async (_, before, now, expected) => {
  expect(await refusals("AVRO", before, now)).toEqual(expected);
});

const closed = (properties: object, more: object = {}) => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...more,
});
const [INT, TEXT] = [{ type: "integer" }, { type: "string" }];

test.each([
  ["a property more, where others were refused", closed({ a: INT }), closed({ a: INT, b: TEXT }), []],
  [
    "a property more, where anything was allowed",
    { type: "object", properties: { a: INT } },
    { type: "object", properties: { a: INT, b: TEXT } },
    ["OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"],
  ],
  [
    "a property less, where others are refused",
    closed({ a: INT, b: TEXT }),
    closed({ a: INT }),
    ["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
  ],
  [
    "a required property more",
    closed({ a: INT }),
    closed({ a: INT, b: TEXT }, { required: ["b"] }),
    ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"],
  ],
  [
    "a required property more, with a default",
    closed({ a: INT }),
    closed({ a: INT, b: { ...TEXT, default: "" } }, { required: ["b"] }),
    [],
  ],
  [
    "made required",
    closed({ a: INT }),
    closed({ a: INT }, { required: ["a"] }),
    ["REQUIRED_ATTRIBUTE_ADDED"],
  ],
  ["made optional", closed({ a: INT }, { required: ["a"] }), closed({ a: INT }), []],
  ["a wider number", INT, { type: "number" }, []],
  ["a narrower number", { type: "number" }, INT, ["TYPE_NARROWED"]],
  ["another type", TEXT, INT, ["TYPE_CHANGED"]],
  ["null beside it", TEXT, { type: ["string", "null"] }, []],
  ["no null any more", { type: ["string", "null"] }, TEXT, ["TYPE_CHANGED"]],
  ["one of more", { oneOf: [TEXT] }, { oneOf: [TEXT, INT] }, []],
  ["one of less", { oneOf: [TEXT, INT] }, { oneOf: [TEXT] }, ["SUM_TYPE_NARROWED"]],
  [
    "all of more",
    { allOf: [TEXT] },
    { allOf: [TEXT, { type: "string", maxLength: 3 }] },
    ["PRODUCT_TYPE_EXTENDED"],
  ],
  ["a longer text", { ...TEXT, maxLength: 3 }, { ...TEXT, maxLength: 4 }, []],
  ["a shorter text", { ...TEXT, maxLength: 3 }, { ...TEXT, maxLength: 2 }, ["DECREASED"]],
  ["a limit where none was", TEXT, { ...TEXT, maxLength: 2 }, ["DECREASED"]],
  ["a value more", { enum: ["a"] }, { enum: ["a", "b"] }, []],
  ["a value less", { enum: ["a", "b"] }, { enum: ["a"] }, ["ENUM_ARRAY_NARROWED"]],
  ["closed", { type: "object" }, closed({}), ["ADDITIONAL_PROPERTIES_REMOVED"]],
  ["opened", closed({}), { type: "object" }, []],
  ["other items", { type: "array", items: INT }, { type: "array", items: TEXT }, ["TYPE_CHANGED"]],
] as const)("JSON Schema: %s", async (_, before, now, expected) => {
  expect(await refusals("JSON", before, now)).toEqual(expected);
});

const proto = (...lines: readonly string[]) =>
  `syntax = "proto3"; package p; message M { ${lines.join(" ")} }`;

test.each([
  ["a field more", proto("int32 a = 1;"), proto("int32 a = 1;", "string b = 2;"), []],
  ["a field less", proto("int32 a = 1;", "string b = 2;"), proto("int32 a = 1;"), []],
  ["a field renamed", proto("int32 a = 1;"), proto("int32 b = 1;"), []],
  ["a number of the same group", proto("int32 a = 1;"), proto("int64 a = 1;"), []],
  ["a number of another group", proto("int32 a = 1;"), proto("sint32 a = 1;"), ["FIELD_SCALAR_KIND_CHANGED"]],
  ["bytes for text", proto("string a = 1;"), proto("bytes a = 1;"), []],
  [
    "a message for text",
    proto("string a = 1;"),
    proto("N a = 1; message N { int32 x = 1; }"),
    ["FIELD_KIND_CHANGED"],
  ],
  [
    "many numbers for one",
    proto("int32 a = 1;"),
    proto("repeated int32 a = 1;"),
    ["FIELD_NUMERIC_LABEL_CHANGED"],
  ],
  ["many texts for one", proto("string a = 1;"), proto("repeated string a = 1;"), []],
  [
    "two fields that exclude each other",
    proto("int32 a = 1;", "int32 b = 2;"),
    proto("oneof k { int32 a = 1; int32 b = 2; }"),
    ["MULTIPLE_FIELDS_MOVED_TO_ONEOF"],
  ],
  [
    "a member of a oneof less",
    proto("oneof k { int32 a = 1; int32 b = 2; }"),
    proto("oneof k { int32 a = 1; }"),
    ["ONEOF_FIELD_REMOVED"],
  ],
  ["a oneof less", proto("oneof k { int32 a = 1; }", "int32 c = 3;"), proto("int32 c = 3;"), []],
  [
    "a message less",
    `${proto("int32 a = 1;")} message Q { int32 a = 1; }`,
    proto("int32 a = 1;"),
    ["MESSAGE_REMOVED"],
  ],
  [
    "a map of other keys",
    proto("map<string, int32> a = 1;"),
    proto("map<int32, int32> a = 1;"),
    ["FIELD_SCALAR_KIND_CHANGED"],
  ],
] as const)("Protobuf: %s", async (_, before, now, expected) => {
  expect(await refusals("PROTOBUF", before, now)).toEqual(expected);
});
