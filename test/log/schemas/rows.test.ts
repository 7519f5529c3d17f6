import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { typeToString } from "../../../lib/lakehouse/iceberg/index.js";
import { readSchema } from "../../../lib/lakehouse/log/schemas/read-schema.js";
import { BadValue, type RowReader, type SchemaType } from "../../../lib/lakehouse/log/schemas/schema.js";

async function rowsOf(
  type: SchemaType,
  text: string,
  references: readonly { name: string; text: string }[] = [],
) {
  return (await readSchema(type, { text, references })).rows();
}

const columns = ({ fields }: RowReader) =>
  Object.fromEntries(
    fields.map(({ name, type, required }) => [name, `${typeToString(type)}${required ? "!" : ""}`]),
  );

const read = (reader: RowReader, ...values: readonly (string | Uint8Array)[]) =>
  reader
    .read(values.map((value) => (typeof value === "string" ? Buffer.from(value) : value)))
    .map((row) => (row instanceof BadValue ? row.reason : row));

test("JSON values are read each by itself, whatever stands beside them", async () => {
  const reader = await rowsOf(
    "JSON",
    JSON.stringify({
      type: "object",
      properties: {
        id: { type: "integer" },
        x: { type: "number" },
        constructor: { type: "string" },
        b: { type: "string", contentEncoding: "base64" },
      },
      required: ["id"],
    }),
  );
  expect(columns(reader)).toEqual({ id: "long!", x: "double", constructor: "string", b: "binary" });
  const values = [
    '{"id":1}',
    '{"id":2},{"id":3}',
    '{"id":4',
    '"id":5}',
    "",
    "[1",
    "2]",
    '{"id":9007199254740993,"x":1e400}',
    '{"id":9007199254740993,"more":[]}',
    '{"id":1,"b":"é"}',
    '\u{feff}{"id":1}',
  ];
  const expected = [
    { id: 1 },
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/^the value is no JSON/),
    expect.stringMatching(/larger than any double/),
    { id: 9007199254740993n },
    "b is no base64",
    expect.stringMatching(/^the value is no JSON/),
  ];
  expect(read(reader, ...values)).toEqual(expected);
  // The same where all of them can be parsed together, and one by one.
  expect(read(reader, '{"id":1}', '{"id":9007199254740993}', '{"x":1}', "{}", "null")).toEqual([
    { id: 1 },
    { id: 9007199254740993n },
    'the value has no "id"',
    'the value has no "id"',
    "the value is no object",
  ]);
  expect(read(reader, '{"id":1}', Uint8Array.of(0xff))).toEqual([{ id: 1 }, "the value is no UTF-8"]);
});

test("what no table can hold is refused: types that contain themselves, or are one of several", async () => {
  const node = { type: "object", properties: { next: { $ref: "#" } } };
  const schemas: readonly (readonly [SchemaType, string])[] = [
    ["JSON", JSON.stringify(node)],
    ["JSON", JSON.stringify({ type: "object", properties: { a: { type: ["string", "integer"] } } })],
    ["JSON", JSON.stringify({ type: "object", properties: { a: {} } })],
    ["JSON", '{"type":"array"}'],
    ["AVRO", '{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}'],
    ["AVRO", '{"type":"record","name":"R","fields":[{"name":"a","type":["null","int","string"]}]}'],
    ["AVRO", '"string"'],
    ["PROTOBUF", 'syntax = "proto3"; message M { M next = 1; }'],
  ];
  for (const [type, text] of schemas)
    await expect(rowsOf(type, text), text).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
});

test("Protobuf: what is not on the wire is null where that can be told, and its default elsewhere", async () => {
  const text = `syntax = "proto3"; package p; import "google/protobuf/wrappers.proto"; import "other.proto";
    message M {
      int64 id = 1; optional string note = 2; oneof k { int32 x = 3; o.Other y = 4; } map<int64, string> m = 5;
      repeated uint64 many = 6; Color color = 7; google.protobuf.StringValue wrapped = 8; bytes b = 9;
    }
    message Second { int32 a = 1; }
    enum Color { RED = 0; BLUE = 1; }`;
  const other = 'syntax = "proto3"; package o; message Other { int32 z = 1; }';
  const reader = await rowsOf("PROTOBUF", text, [{ name: "other.proto", text: other }]);
  expect(columns(reader)).toEqual({
    id: "long",
    note: "string",
    x: "int",
    y: 'struct<"z": int>',
    m: "map<long, string>",
    many: "list<decimal(20, 0)>",
    color: "string",
    wrapped: "string",
    b: "binary",
  });
  const root = new protobuf.Root();
  protobuf.parse(text, root, { keepCase: true });
  protobuf.parse(other, root, { keepCase: true });
  root.addJSON(protobuf.common.get("google/protobuf/wrappers.proto")?.nested ?? {});
  const type = root.lookupType("p.M");
  const value = (message: object) =>
    Buffer.concat([Uint8Array.of(0), type.encode(type.fromObject(message)).finish()]);
  const empty = {
    id: 0n,
    note: null,
    x: null,
    y: null,
    m: new Map(),
    many: [],
    color: "RED",
    wrapped: null,
    b: new Uint8Array(),
  };
  expect(read(reader, value({}))).toEqual([empty]);
  const full = {
    id: "-9007199254740993",
    note: "",
    y: { z: 0 },
    m: { "9007199254740993": "v" },
    many: ["18446744073709551615"],
    color: 7,
    wrapped: { value: "" },
    b: "/w==",
  };
  expect(read(reader, value(full))).toEqual([
    {
      ...empty,
      id: -9007199254740993n,
      note: "",
      y: { z: 0 },
      m: new Map([[9007199254740993n, "v"]]),
      many: [18446744073709551615n],
      color: "7",
      wrapped: "",
      b: Uint8Array.of(0xff),
    },
  ]);
  expect(
    read(reader, Uint8Array.of(2, 2), Uint8Array.of(2, 8), Uint8Array.of(0, 0xff), new Uint8Array()),
  ).toEqual([
    "the value is a message p.Second, where p.M is a row",
    "its schema has no message at 4",
    expect.stringMatching(/^the value is no message p.M/),
    "the value does not say which message it is",
  ]);
});
