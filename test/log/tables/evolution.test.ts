import { expect, onTestFinished, test } from "vitest";
import { defineSchema, int, type Lakehouse, long, string } from "../../../lib/lakehouse/index.js";
import { topicTableStops } from "../../../lib/lakehouse/log/metrics.js";
import { openLake } from "./support/lake.js";

const avro = (...fields: readonly object[]) => JSON.stringify({ type: "record", name: "R", fields });
const json = (properties: object, required: readonly string[] = []) =>
  JSON.stringify({ type: "object", additionalProperties: false, properties, required });
const columnsOf = async (lake: Lakehouse, name: string) =>
  (await lake.table(name)).schema.fields.map(
    ({ name, type, required }) => `${name} ${type.type}${required ? "!" : ""}`,
  );
const rowsOf = async (lake: Lakehouse, query: string) => (await lake.sql(query)).rows();

/** A value in Confluent's framing. */
function framed(id: number, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, content]);
}

test("a later version adds columns, widens them, and lets them be null; earlier records stay as they were", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", {
    schema: {
      schemaType: "JSON",
      schema: json({ a: { type: "integer", "connect.type": "int32" }, b: { type: "string" } }, ["a", "b"]),
    },
  });
  const stream = await topic.toTable("raw.events");
  await topic.append({ value: '{"a":1,"b":"x"}' });
  await stream.flush();
  expect(await columnsOf(lake, "raw.events")).toEqual(["a int!", "b string!"]);
  await lake.log.schemas.setCompatibility("NONE", "events-value");
  await lake.log.schemas.register("events-value", {
    schemaType: "JSON",
    schema: json({ a: { type: "integer" }, c: { type: "number" } }, ["a"]),
  });
  await topic.append({ value: '{"a":9007199254740993,"c":0.5}' });
  await stream.flush();
  expect(await columnsOf(lake, "raw.events")).toEqual(["a long!", "b string", "c double"]);
  expect(await rowsOf(lake, "select * from raw.events order by a")).toEqual([
    { a: 1n, b: "x", c: null },
    { a: 9007199254740993n, b: null, c: 0.5 },
  ]);
  await stream.close();
});

test("records of several versions in one batch each go by their own", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", {
    schema: { schema: avro({ name: "a", type: "int" }) },
  });
  const two = avro({ name: "a", type: "long" }, { name: "s", type: ["null", "string"], default: null });
  const { id } = await lake.log.schemas.register("events-value", { schema: two });
  await topic.append([
    { value: framed(1, Uint8Array.of(2)) },
    { value: framed(id, Uint8Array.of(4, 2, 2, 0x78)) },
    { value: framed(1, Uint8Array.of(6)) },
    { value: framed(99, Uint8Array.of(2)) },
    { value: framed(1, Uint8Array.of(2, 2)) },
  ]);
  const stream = await topic.toTable("raw.events", { columns: { offset: "off" } });
  await stream.flush();
  expect(await rowsOf(lake, "select * from raw.events order by off")).toEqual([
    { a: 1n, s: null, off: 0n },
    { a: 2n, s: "x", off: 1n },
    { a: 3n, s: null, off: 2n },
  ]);
  const reasons: string[] = [];
  for await (const { records } of lake.log.topic("events.dead-letters").read())
    for (const { headers, value } of records) {
      const of = (name: string) => headers.find(({ key }) => key.endsWith(name))?.value;
      reasons.push(
        `${Buffer.from(of("offset") ?? [])} ${Buffer.from(of("message") ?? [])} ${Buffer.from(value ?? []).toString("hex")}`,
      );
    }
  expect(reasons).toEqual([
    "3 its schema 99 is no version of events-value 000000006302",
    "4 1 bytes follow the value 00000000010202",
  ]);
  await stream.close();
});

test("a version that the table cannot be widened to stops the stream, or makes dead letters of its records", async () => {
  const stops: object[] = [];
  onTestFinished(topicTableStops.subscribe((event) => stops.push(event)));
  for (const onIncompatible of ["stop", "dead-letter"] as const) {
    const lake = await openLake();
    const topic = await lake.log.createTopic("events", {
      schema: { schema: avro({ name: "a", type: "int" }) },
    });
    const stream = await topic.toTable("raw.events", { onIncompatible });
    await topic.append({ value: framed(1, Uint8Array.of(2)) });
    await stream.flush();
    await lake.log.schemas.setCompatibility("NONE");
    const { id } = await lake.log.schemas.register("events-value", {
      schema: avro({ name: "a", type: "string" }),
    });
    await topic.append([
      { value: framed(id, Uint8Array.of(2, 0x78)) },
      { value: framed(1, Uint8Array.of(4)) },
    ]);
    const all = "select * from raw.events.stream order by a";
    if (onIncompatible === "stop") {
      await expect(stream.flush()).rejects.toMatchObject({ code: "INVALID_SCHEMA" });
      await expect(stream.done).rejects.toMatchObject({ code: "INVALID_SCHEMA" });
      await expect(lake.sql(all)).rejects.toMatchObject({ code: "INVALID_SCHEMA" });
    } else {
      expect(await rowsOf(lake, all)).toEqual([{ a: 1 }, { a: 2 }]);
      await stream.flush();
      expect(await rowsOf(lake, "select * from raw.events order by a")).toEqual([{ a: 1 }, { a: 2 }]);
      await stream.close();
    }
  }
  // Who closes one has ended it, and no error has.
  expect(stops).toEqual([{ topic: "events", table: "raw.events", outcome: "INVALID_SCHEMA" }]);
});

test("rows are committed when the interval is over, though no more come", async () => {
  const lake = await openLake();
  const settings = { segmentMs: 10, storedLingerMs: 1 };
  const topic = await lake.log.createTopic("events", { schema: defineSchema({ id: int() }), ...settings });
  const stream = await topic.toTable("raw.events", { commitIntervalMs: 20 });
  await topic.appendRows({ id: 1 });
  while (stream.positions.get(0) !== 1n) await new Promise((go) => setTimeout(go, 5));
  expect(await rowsOf(lake, "select id from raw.events")).toEqual([{ id: 1 }]);
  await stream.close();
});

test("another's table, and one that is gone, are refused; a topic made anew begins anew", async () => {
  const lake = await openLake();
  const schema = defineSchema({ id: long(), note: string().optional() });
  const a = await lake.log.createTopic("a", { schema });
  const b = await lake.log.createTopic("b", { schema });
  const first = await a.toTable("raw.t");
  await a.appendRows({ id: 1 });
  await first.flush();
  await expect(b.toTable("raw.t")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await first.close();
  await expect(first.flush()).rejects.toMatchObject({ code: "CLOSED" });
  await lake.log.deleteTopic("a");
  await expect(lake.sql("select * from raw.t.stream")).rejects.toMatchObject({ code: "NO_SUCH_TOPIC" });
  const again = await lake.log.createTopic("a", { schema });
  await again.appendRows({ id: 2 });
  const second = await again.toTable("raw.t");
  await second.flush();
  expect(await rowsOf(lake, "select id from raw.t order by id")).toEqual([{ id: 1n }, { id: 2n }]);
  await second.close();
});

test("a topic without a schema, and a row that does not fit one, are refused with nothing done", async () => {
  const lake = await openLake();
  const plain = await lake.log.createTopic("plain");
  await expect(plain.toTable("raw.plain")).rejects.toMatchObject({ code: "NO_SUCH_SUBJECT" });
  await expect(plain.toTable("raw.plain", { deadLetters: "plain" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  const typed = await lake.log.createTopic("typed", { schema: defineSchema({ id: long() }) });
  await expect(typed.appendRows([{ id: 1 }, { id: 0.5 }])).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  expect((await typed.offsets())[0]).toMatchObject({ end: 0n });
  await typed.appendRows({ id: 2n ** 62n });
  for await (const { row, offset } of typed.rows())
    expect({ row, offset }).toEqual({ row: { id: 2n ** 62n }, offset: 0n });
  await typed.append({ value: "no row" });
  const read = async () => {
    for await (const _ of typed.rows());
  };
  await expect(read()).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
});
