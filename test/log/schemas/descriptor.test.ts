/** What Protobuf's own runtime of another maker makes of our descriptors. */
import { create, createFileRegistry, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";
import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { serializedProtobuf } from "../../../lib/lakehouse/log/schemas/protobuf/descriptor.js";
import { openLog, testFolder } from "../support/lake-log.js";

const OTHER = `syntax = "proto3"; package other; enum Colour { RED = 0; BLUE = 5; } message Place { string name = 1; }`;
const PROTO3 = `// syntax = "proto2";
syntax = "proto3";
package air.v1;
import "other.proto";
import "google/protobuf/timestamp.proto";
message Flight {
  reserved 90, 95 to 99;
  reserved "gone";
  int64 id = 1;
  optional string note = 2;
  repeated sint32 gates = 3;
  repeated int32 wide = 4 [packed = false];
  map<string, other.Place> stops_by_name = 5;
  map<int32, Kind> kinds = 6;
  oneof delay { double minutes = 7; Reason reason = 8; }
  google.protobuf.Timestamp at = 9;
  other.Colour tail_colour = 10;
  bytes raw = 11;
  message Reason { string text = 1; Kind kind = 2; Flight before = 3; }
  enum Kind { option allow_alias = true; NONE = 0; NOTHING = 0; LATE = 3; }
  optional fixed64 last = 12;
}
enum Outer { ZERO = 0; }`;
const PROTO2 = `package old;
message Row {
  required int32 id = 1;
  optional string name = 2 [default = "none"];
  optional Kind kind = 3 [default = LATE];
  repeated int32 packed = 4 [packed = true];
  repeated int32 wide = 5;
  enum Kind { EARLY = 1; LATE = 2; }
}`;

function registryOf(...files: readonly FileDescriptorProto[]) {
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...files] }));
}

function fileOf(name: string, text: string, references: readonly { name: string; text: string }[] = []) {
  const bytes = Buffer.from(serializedProtobuf({ text, references }), "base64");
  return Object.assign(fromBinary(FileDescriptorProtoSchema, bytes), { name });
}

test("a file of proto3 is read by its descriptor as by its text", () => {
  const others = [{ name: "other.proto", text: OTHER }];
  const [{ proto: timestamp }, other, main] = [
    TimestampSchema.file,
    fileOf("other.proto", OTHER),
    fileOf("main.proto", PROTO3, others),
  ];
  expect(main).toMatchObject({ package: "air.v1", syntax: "proto3" });
  expect(main.dependency).toEqual(["other.proto", "google/protobuf/timestamp.proto"]);
  const registry = registryOf(timestamp, other, main);
  const flight = registry.getMessage("air.v1.Flight");
  expect(registry.getEnum("air.v1.Outer")).toBeDefined();
  expect(flight?.proto.reservedRange.map(({ start, end }) => [start, end])).toEqual([
    [90, 91],
    [95, 100],
  ]);
  const root = new protobuf.Root();
  for (const text of [OTHER, PROTO3]) protobuf.parse(text, root, { keepCase: true });
  root.addJSON(protobuf.common.get("google/protobuf/timestamp.proto")?.nested ?? {});
  const type = root.lookupType("air.v1.Flight");
  const row = {
    id: 7,
    note: "",
    gates: [-1, 2],
    wide: [1, 300],
    stops_by_name: { a: { name: "HNL" } },
    kinds: { 4: 3 },
    reason: { text: "fog", kind: 3, before: { id: 6 } },
    at: { seconds: 12, nanos: 5 },
    tail_colour: 5,
    raw: Buffer.from("xyz"),
    last: 9,
  };
  const bytes = type.encode(type.fromObject(row)).finish();
  const read = fromBinary(flight as NonNullable<typeof flight>, bytes);
  const json = toJson(flight as NonNullable<typeof flight>, read, { registry });
  expect(json).toEqual({
    ...{ id: "7", note: "", gates: [-1, 2], wide: [1, 300], stopsByName: { a: { name: "HNL" } } },
    ...{ kinds: { 4: "LATE" }, reason: { text: "fog", kind: "LATE", before: { id: "6" } } },
    ...{ at: "1970-01-01T00:00:12.000000005Z", tailColour: "BLUE", raw: "eHl6", last: "9" },
  });
  const again = toBinary(flight as NonNullable<typeof flight>, read);
  const shown = (one: Uint8Array) => type.toObject(type.decode(one), { bytes: String, longs: String });
  expect(shown(again)).toEqual(shown(bytes));
});

test("a file of proto2 keeps what is required, and its defaults", () => {
  const registry = registryOf(fileOf("old.proto", PROTO2));
  const row = registry.getMessage("old.Row");
  if (row === undefined) throw new Error("There is no message.");
  const read = fromJson(row, { id: 3, packed: [1, 2], wide: [1, 2] });
  expect(read).toMatchObject({ id: 3, name: "none", kind: 2 });
  expect(() => toBinary(row, fromJson(row, {}))).toThrow(/id/);
  expect(Buffer.from(toBinary(row, read)).toString("hex")).toBe("0803220201022801" + "2802");
});

test("the registry gives a schema so where it is asked to, wherever it gives one", async () => {
  const log = openLog(testFolder());
  const server = await serveSchemaRegistry({ registry: log.schemas, port: 0 });
  onTestFinished(() => server.close());
  const ask = async (path: string, body?: object) => {
    const response = await fetch(
      `${server.uri}${path}`,
      body && { method: "POST", body: JSON.stringify(body) },
    );
    return response.json();
  };
  const schema = { schemaType: "PROTOBUF", schema: OTHER };
  await ask("/subjects/other.proto/versions", schema);
  const wanted = serializedProtobuf({ text: OTHER, references: [] });
  for (const path of [
    "/schemas/ids/1",
    "/subjects/other.proto/versions/1",
    "/subjects/other.proto/versions/latest",
  ]) {
    expect((await ask(`${path}?format=serialized`)).schema).toBe(wanted);
    expect((await ask(path)).schema).toBe(OTHER);
    expect((await ask(`${path}?format=ignore_extensions`)).schema).toBe(OTHER);
  }
  expect((await ask("/subjects/other.proto?format=serialized", schema)).schema).toBe(wanted);
  // One that came so is given so, and is the same schema as its text.
  const again = await ask("/subjects/again/versions", { schemaType: "PROTOBUF", schema: wanted });
  expect((await ask(`/schemas/ids/${again.id}?format=serialized`)).schema).toBe(wanted);
  await ask("/subjects/avro/versions", { schema: '"long"' });
  expect((await ask("/subjects/avro/versions/1?format=serialized")).schema).toBe('"long"');
  const group = "message A { optional group B = 1 { optional int32 c = 2; } }";
  const { id } = await ask("/subjects/group/versions", { schemaType: "PROTOBUF", schema: group });
  expect(await ask(`/schemas/ids/${id}?format=serialized`)).toMatchObject({ error_code: 42201 });
});

test("what the registry does not keep, it does not take", async () => {
  const log = openLog(testFolder());
  const server = await serveSchemaRegistry({ registry: log.schemas, port: 0 });
  onTestFinished(() => server.close());
  const send = async (method: string, path: string, body: object) =>
    (await fetch(`${server.uri}${path}`, { method, body: JSON.stringify(body) })).status;
  const schema = '"long"';
  const rule = { name: "encrypt", kind: "TRANSFORM", mode: "WRITEREAD", type: "ENCRYPT", tags: ["PII"] };
  const register = (more: object) => send("POST", "/subjects/a/versions", { schema, ...more });
  expect(await register({ ruleSet: { domainRules: [rule] } })).toBe(422);
  expect(await register({ metadata: { properties: { owner: "me" } } })).toBe(422);
  expect(await log.schemas.subjects()).toEqual([]);
  expect(await register({ ruleSet: null, metadata: { tags: {}, sensitive: [] } })).toBe(200);
  expect(
    await send("PUT", "/config/a", { compatibility: "FULL", overrideRuleSet: { domainRules: [rule] } }),
  ).toBe(422);
  expect(await send("PUT", "/config/a", { compatibility: "FULL", normalize: true, alias: null })).toBe(200);
});
