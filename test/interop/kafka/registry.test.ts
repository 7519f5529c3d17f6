import { COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { openLake } from "../../log/tables/support/lake.js";

const AVRO = JSON.stringify({
  type: "record",
  name: "Flight",
  namespace: "air",
  fields: [
    { name: "id", type: "long" },
    { name: "origin", type: "string" },
    { name: "delay", type: ["null", "int"], default: null },
  ],
});
const JSON_SCHEMA = JSON.stringify({
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  properties: { id: { type: "integer" }, origin: { type: "string" }, delay: { type: ["integer", "null"] } },
  required: ["id", "origin"],
  additionalProperties: false,
});
// Not Protobuf: this client leaves out which message of its file a value is, which Confluent's own write.
test.each([
  [SchemaType.AVRO, AVRO],
  [SchemaType.JSON, JSON_SCHEMA],
])("kafkajs's registry client registers and frames %s, whose records become rows", async (type, schema) => {
  const lake = await openLake();
  const server = await serveSchemaRegistry({ registry: lake.log.schemas, port: 0 });
  onTestFinished(() => server.close());
  const client = new SchemaRegistry({ host: server.uri });
  const { id } = await client.register({ type, schema } as never, {
    subject: "flights-value",
    compatibility: COMPATIBILITY.FULL,
  });
  expect(await client.getLatestSchemaId("flights-value")).toBe(id);
  expect(await client.getRegistryId("flights-value", 1)).toBe(id);
  const flights = [
    { id: 1, origin: "HNL", delay: 12 },
    { id: 2, origin: "ATL" },
  ];
  const topic = await lake.log.createTopic("flights");
  for (const flight of flights) await topic.append({ value: await client.encode(id, flight) });
  for await (const { records } of topic.read())
    for (const { value } of records)
      expect((await client.decode(Buffer.from(value ?? []))).origin).toMatch(/^(HNL|ATL)$/);
  const stream = await topic.toTable("raw.flights");
  await stream.flush();
  await stream.close();
  const rows = await (await lake.sql("select id, origin, delay from raw.flights order by id")).rows();
  expect(rows).toEqual([
    { id: 1n, origin: "HNL", delay: type === SchemaType.JSON ? 12n : 12 },
    { id: 2n, origin: "ATL", delay: null },
  ]);
});

test("kafkajs's registry client hears of schemas that do not fit, and of those that are not there", async () => {
  const lake = await openLake();
  const server = await serveSchemaRegistry({ registry: lake.log.schemas, port: 0 });
  onTestFinished(() => server.close());
  const client = new SchemaRegistry({ host: server.uri, retry: { retries: 0 } });
  const subject = "flights-value";
  await client.register({ type: SchemaType.AVRO, schema: AVRO }, { subject });
  const narrow = JSON.stringify({ ...JSON.parse(AVRO), fields: [{ name: "must", type: "string" }] });
  await expect(client.register({ type: SchemaType.AVRO, schema: narrow }, { subject })).rejects.toThrow(
    /incompatible/,
  );
  await expect(client.getSchema(99)).rejects.toThrow(/no schema with the id 99/);
  await expect(client.getLatestSchemaId("nope")).rejects.toThrow(/no subject nope/);
});
