import { describe, expect, test } from "vitest";
import { boolean, defineSchema, int, long, string } from "../../../lib/lakehouse/iceberg/index.js";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import { type AnyLog, SIDES } from "../support/both-sides.js";
import { openLog, testFolder } from "../support/lake-log.js";

const avro = (...fields: readonly object[]) => ({
  schema: JSON.stringify({ type: "record", name: "Flight", fields }),
});
const ID = { name: "id", type: "long" };
const NOTE = { name: "note", type: ["null", "string"], default: null };
const MUST = { name: "must", type: "string" };
const PROTO = { schemaType: "PROTOBUF", schema: 'syntax = "proto3"; message A { int32 id = 1; }' } as const;
const REFERRING = {
  schemaType: "PROTOBUF",
  schema: 'syntax = "proto3"; import "a.proto"; message B { A a = 1; }',
  references: [{ name: "a.proto", subject: "a.proto", version: 1 }],
} as const;

/** Each does one thing with a log, one after the other. */
const STEPS: readonly ((log: AnyLog) => Promise<unknown>)[] = [
  ({ schemas }) => schemas.subjects(),
  ({ schemas }) => schemas.register("flights-value", avro(ID)),
  ({ schemas }) => schemas.register("flights-value", avro(ID)),
  ({ schemas }) => schemas.register("flights-value", avro(ID, MUST)),
  ({ schemas }) => schemas.check("flights-value", avro(ID, MUST)),
  ({ schemas }) => schemas.check("flights-value", avro(ID, MUST), "latest"),
  ({ schemas }) => schemas.check("flights-value", avro(ID, NOTE), 1),
  ({ schemas }) => schemas.check("flights-value", avro(ID, NOTE), 7),
  ({ schemas }) => schemas.register("flights-value", avro(ID, NOTE)),
  ({ schemas }) => schemas.register("a.proto", PROTO),
  ({ schemas }) => schemas.register("b.proto", REFERRING),
  ({ schemas }) => schemas.referencedBy("a.proto", "latest"),
  ({ schemas }) => schemas.deleteSubject("a.proto"),
  ({ schemas }) => schemas.register("bad", { schema: "{" }),
  ({ schemas }) => schemas.register("bad", { schema: "{}", schemaType: "XML" as "JSON" }),
  ({ schemas }) => schemas.register("", avro(ID)),
  ({ schemas }) => schemas.versions("flights-value"),
  ({ schemas }) => schemas.versions("nothing"),
  ({ schemas }) => schemas.version("flights-value", "latest"),
  ({ schemas }) => schemas.version("flights-value", 1),
  ({ schemas }) => schemas.version("flights-value", 0),
  ({ schemas }) => schemas.version("b.proto", 1),
  ({ schemas }) => schemas.byId(1),
  ({ schemas }) => schemas.byId(99),
  ({ schemas }) => schemas.uses(1),
  ({ schemas }) => schemas.lookup("flights-value", avro(ID, NOTE)),
  ({ schemas }) => schemas.lookup("flights-value", avro(MUST)),
  ({ schemas }) => schemas.compatibility("flights-value"),
  ({ schemas }) => schemas.ownCompatibility("flights-value"),
  ({ schemas }) => schemas.setCompatibility("FULL", "flights-value"),
  ({ schemas }) => schemas.setCompatibility("NONE"),
  ({ schemas }) => schemas.setCompatibility("SOME" as "NONE"),
  ({ schemas }) => schemas.compatibility(),
  ({ schemas }) => schemas.ownCompatibility("flights-value"),
  ({ schemas }) => schemas.setCompatibility(undefined, "flights-value"),
  ({ schemas }) => schemas.compatibility("flights-value"),
  ({ schemas }) => schemas.deleteVersion("flights-value", 1, { permanent: true }),
  ({ schemas }) => schemas.deleteVersion("flights-value", 1),
  ({ schemas }) => schemas.versions("flights-value", { deleted: true }),
  ({ schemas }) => schemas.uses(1, { deleted: true }),
  ({ schemas }) => schemas.setMode("IMPORT"),
  ({ schemas }) => schemas.setMode("IMPORT", "old-value", { force: true }),
  ({ schemas }) =>
    schemas.register("old-value", avro(ID, { name: "old", type: "int" }), { id: 77, version: 3 }),
  ({ schemas }) => schemas.version("old-value", 3),
  ({ schemas }) => schemas.setMode("READONLY", "flights-value"),
  ({ schemas }) => schemas.ownMode("flights-value"),
  ({ schemas }) => schemas.mode(),
  ({ schemas }) => schemas.deleteSubject("flights-value"),
  ({ schemas }) => schemas.setMode(undefined, "flights-value"),
  ({ schemas }) => schemas.mode("flights-value"),
  ({ schemas }) => schemas.deleteSubject("flights-value"),
  ({ schemas }) => schemas.subjects(),
  ({ schemas }) => schemas.subjects({ deleted: true }),
  async (log) => (await log.createTopic("readings", { schema: avro(ID) })).name,
  ({ schemas }) => schemas.version("readings-value", "latest"),
  async (log) => (await log.createTopic("broken", { schema: { schema: "{" } })).name,
  async (log) => (await log.topics()).map(({ name }) => name),
];

test("a registry answers and refuses from afar as it does in its process", async () => {
  const outcomes = [];
  for (const [, sideOf] of SIDES) {
    const side = await sideOf(openLog(testFolder()));
    const own: unknown[] = [];
    for (const step of STEPS)
      try {
        own.push(await step(side));
      } catch (error) {
        const { name, code, subject, message, remedy } = error as Record<string, unknown>;
        own.push({ name, code, subject, message, remedy });
      }
    outcomes.push(own);
  }
  const [here = [], there = []] = outcomes;
  for (const [at, outcome] of here.entries())
    expect(there[at], `${at}: ${String(STEPS[at])}`).toEqual(outcome);
  const codes = here.flatMap((one) => (one as { code?: string } | undefined)?.code ?? []);
  for (const code of codes) expect(code).toMatch(/^[A-Z_]+$/);
  expect(codes.length).toBeGreaterThan(10);
});

describe.each(SIDES)("%s", (_, sideOf) => {
  const schema = defineSchema({
    origin: string(),
    delay: int().optional(),
    distance: long(),
    late: boolean(),
  });

  test("a topic of rows has its schema, takes what fits, and gives it back", async () => {
    const log = openLog(testFolder());
    // Both have it; overloads of two types cannot be called as one.
    const side = (await sideOf(log)) as Log;
    const topic = await side.createTopic("flights", { schema, partitions: 2 });
    expect(await side.schemas.version("flights-value", "latest")).toMatchObject({
      schemaType: "JSON",
      version: 1,
    });
    const rows = [
      { origin: "HNL", delay: 12, distance: 2n ** 60n, late: true },
      { origin: "OGG", delay: null, distance: 7, late: false },
    ];
    await topic.appendRows(rows, { key: ({ origin }) => origin, timestamp: () => 1_700_000_000_000 });
    const read = [];
    for await (const { row, timestamp } of side.topic("flights", { schema }).rows()) {
      expect(timestamp).toBe(1_700_000_000_000n);
      read.push(row);
    }
    expect(read.sort((a, b) => (a.origin < b.origin ? -1 : 1))).toEqual(rows);
    const wrong = [{ ...rows[0], distance: "far" }] as unknown as typeof rows;
    await expect(topic.appendRows(wrong)).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
    await log.topic("flights").append({ value: '{"origin": 3}' }, { partition: 0 });
    const all = (async () => {
      for await (const { row } of topic.rows()) void row;
    })();
    await expect(all).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  });
});
