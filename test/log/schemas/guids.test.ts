/** What newer clients do: a schema is named by its GUID, in a header, and the value has nothing before it. */
import protobuf from "protobufjs";
import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import type { SchemaRegistry } from "../../../lib/lakehouse/log/schemas/registry.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { openLake } from "../tables/support/lake.js";

const JSON_ROW = JSON.stringify({ type: "object", properties: { id: { type: "integer" } } });
const PROTO = `syntax = "proto3"; message Row { int64 id = 1; } message Other { string name = 1; }`;
const HEADER = "__value_schema_id";

async function asked(registry: SchemaRegistry) {
  const server = await serveSchemaRegistry({ registry, port: 0 });
  onTestFinished(() => server.close());
  return async (path: string, body?: object) => {
    const response = await fetch(
      `${server.uri}${path}`,
      body && { method: "POST", body: JSON.stringify(body) },
    );
    return (await response.json()) as Record<string, unknown>;
  };
}

/** As a header has it: what kind it is, the bytes, and which message of a Protobuf file the value is. */
function header(guid: unknown, message: readonly number[] = []) {
  return {
    key: HEADER,
    value: Buffer.from([1, ...Buffer.from(String(guid).replaceAll("-", ""), "hex"), ...message]),
  };
}

test("a schema has one GUID, in every answer, under every subject and in every registry", async () => {
  const [one, other] = [
    await asked(openLog(testFolder()).schemas),
    await asked(openLog(testFolder()).schemas),
  ];
  const schema = { schemaType: "JSON", schema: JSON_ROW };
  const { guid, id } = await one("/subjects/a/versions", schema);
  expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const path of ["/schemas/ids/1", "/subjects/a/versions/1", "/subjects/a/versions/latest"])
    expect(await one(path)).toMatchObject({ guid });
  expect(await one("/subjects/a", schema)).toMatchObject({ guid });
  expect(await one("/schemas")).toMatchObject([{ guid }]);
  expect(await one("/subjects/b/versions", schema)).toMatchObject({ guid, id });
  await other("/subjects/c/versions", { schema: '"long"' });
  expect(await other("/subjects/a/versions", schema)).toMatchObject({ guid, id: 2 });
  for (const named of [guid, String(guid).toUpperCase()])
    expect(await other(`/schemas/guids/${named}`)).toMatchObject(schema);
  expect(await one(`/schemas/guids/${(await other("/schemas/ids/1")).guid}`)).toMatchObject({
    error_code: 40403,
  });
});

test("a table takes in records whose headers name their schemas, and no others", async () => {
  const lake = await openLake();
  const registry = lake.log.schemas;
  const ask = await asked(registry);
  const subject = "/subjects/flights-value/versions";
  const json = await ask(subject, { schemaType: "JSON", schema: JSON_ROW });
  await registry.setCompatibility("NONE");
  const proto = await ask(subject, { schemaType: "PROTOBUF", schema: PROTO });
  const foreign = await ask("/subjects/other/versions", { schema: '"long"' });
  const row = protobuf.parse(PROTO).root.lookupType("Row");
  const bytes = row.encode(row.fromObject({ id: 2 })).finish();
  const byId = Buffer.alloc(5);
  byId.writeUInt32BE(json.id as number, 1);
  const topic = await lake.log.createTopic("flights");
  await topic.append([
    { value: '{"id": 1}', headers: [{ key: "trace", value: "x" }, header(json.guid)] },
    { value: bytes, headers: [header(proto.guid, [0])] },
    { value: '{"id": 3}', headers: [{ key: HEADER, value: byId }] },
    { value: '{"id": 4}', headers: [header("00000000-0000-8000-8000-000000000000")] },
    { value: '{"id": 5}', headers: [{ key: HEADER, value: "?" }] },
    // Of either kind, and cut off.
    { value: '{"id": 5}', headers: [{ key: HEADER, value: byId.subarray(0, 4) }] },
    { value: '{"id": 5}', headers: [{ key: HEADER, value: header(json.guid).value.subarray(0, 16) }] },
    { value: '{"id": 6}', headers: [header(foreign.guid)] },
    // The file's second message: one place, which is 1.
    { value: bytes, headers: [header(proto.guid, [2, 2])] },
  ]);
  const stream = await topic.toTable("raw.flights");
  await stream.flush();
  await stream.close();
  const rows = await (await lake.sql("select id from raw.flights order by id")).rows();
  expect(rows).toEqual([{ id: 1n }, { id: 2n }, { id: 3n }]);
  const reasons: string[] = [];
  for await (const { records } of lake.log.topic("flights.dead-letters").read())
    for (const { headers } of records)
      reasons.push(
        Buffer.from(
          headers.find(({ key }) => key === "__connect.errors.exception.message")?.value ?? [],
        ).toString(),
      );
  expect(reasons).toEqual([
    "the registry has no schema 00000000-0000-8000-8000-000000000000, which its header names",
    ...Array<string>(3).fill("its header names no schema"),
    `its schema ${foreign.id} is no version of flights-value`,
    "the value is a message Other, where Row is a row",
  ]);
});
