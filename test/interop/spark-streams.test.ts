// Spark's Structured Streaming on both of our servers: from a topic by Kafka's protocol, into a table by Iceberg's.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import { defineSchema, int, type Lakehouse, long, openLakehouse, string } from "../../lib/lakehouse/index.js";
import { serveKafka, type Topic } from "../../lib/lakehouse/log/index.js";
import { Engine } from "./engine.js";
import { kafka } from "./installed.js";

const TABLE = "raw.flights";
const AIRPORTS = ["ATL", "HNL", "ORD", "JFK", "SFO"];

let root: string;
let lake: Lakehouse;
let topic: Topic;
let rest: RestServer;
let broker: Awaited<ReturnType<typeof serveKafka>>;
let checkpoint: string;
let spark: Engine;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "spark-streams-"));
  checkpoint = join(root, "checkpoint");
  lake = await openLakehouse({ root, profile: "embedded" });
  topic = await lake.log.createTopic("flights", { partitions: 3 });
  await lake.createTable(TABLE, {
    schema: defineSchema({
      part: int().optional(),
      pos: long().optional(),
      key: string().optional(),
      value: string().optional(),
    }),
  });
  broker = await serveKafka(lake.log, { port: 0 });
  rest = await serveRestCatalog({ catalog: lake.catalog as BranchingCatalog, store: lake.store, port: 0 });
  spark = await openSpark();
});
afterAll(async () => {
  await spark?.close();
  await rest?.close();
  await broker?.stop();
  await lake?.close();
  await rm(root, { recursive: true, force: true });
});

async function openSpark(): Promise<Engine> {
  const engine = new Engine("spark_streams.py");
  const folder = join(kafka, "spark");
  const jars = (await readdir(folder)).map((name) => join(folder, name));
  await engine.call("start", { uri: rest.uri, folder: root, jars });
  return engine;
}

const follow = () =>
  spark.call("follow", {
    bootstrap: `${broker.host}:${broker.port}`,
    topic: topic.name,
    table: `lake.${TABLE}`,
    checkpoint,
  });
const settle = () => spark.call<number[]>("settle", {});

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: AIRPORTS[(from + i) % AIRPORTS.length],
    value: `flight ${from + i}`,
  }));

/** The batches of the query that the table has, from its snapshots. */
async function batches(): Promise<number[]> {
  const { metadata } = await lake.catalog.loadTable(TABLE);
  return metadata.snapshots.map(({ summary }) => Number(summary?.["spark.sql.streaming.epochId"]));
}

const rowsOfTable = () =>
  lake.sql<{ value: string }>(`select part, pos, key, value from ${TABLE} order by part, pos`).rows();

/** What a reader of ours finds in the topic, committed. */
async function rowsOfTopic(): Promise<unknown[]> {
  const rows: { part: number; pos: bigint; key: string; value: string }[] = [];
  const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString();
  for await (const { partition, records } of topic.read({ isolation: "read_committed" }))
    for (const { offset, key, value } of records)
      rows.push({ part: partition, pos: offset, key: text(key), value: text(value) });
  return rows.sort((a, b) => a.part - b.part || Number(a.pos - b.pos));
}

/** The table has the first `count` flights, each once, where the topic has them, and nothing else. */
async function expectEachOnce(count: number): Promise<void> {
  const rows = await rowsOfTable();
  expect(rows.map(({ value }) => value).sort()).toEqual(
    records(0, count)
      .map(({ value }) => value)
      .sort(),
  );
  expect(rows).toEqual(await rowsOfTopic());
}

/** As if the last batch's commit to the table were the last thing that Spark did: it has not noted that the batch is done. */
async function forgetLastBatch(): Promise<number> {
  const commits = join(checkpoint, "commits");
  const last = Math.max(...(await readdir(commits)).map(Number).filter(Number.isInteger));
  for (const name of [`${last}`, `.${last}.crc`]) await rm(join(commits, name));
  return last;
}

describe("Spark streams a topic into a table, each committed record once,", () => {
  test("though it is killed in the middle", async () => {
    await topic.append(records(0, 40));
    await expect(
      lake.log.producer({ transactionalId: "aborting" }).transaction(async (tx) => {
        await tx.append(topic.name, { key: "ATL", value: "never" });
        throw new Error("aborted");
      }),
    ).rejects.toThrow("aborted");
    await topic.append(records(40, 60));
    const killed = spark;
    await follow();
    // Its third batch is in the table: so it has noted that the second is done.
    await expect.poll(async () => (await batches()).length, { timeout: 240_000 }).toBeGreaterThanOrEqual(3);
    await killed.call("crash", {});
    killed.kill();

    spark = await openSpark();
    await follow();
    await topic.append(records(100, 20));
    expect((await settle())[0]).toBeGreaterThanOrEqual(2);
    await expectEachOnce(120);
  });

  test("though it does a batch again that the table has", async () => {
    const forgotten = await forgetLastBatch();
    await topic.append(records(120, 10));
    await follow();
    expect((await settle())[0]).toBe(forgotten);
    await expectEachOnce(130);
    const all = await batches();
    expect(all).toEqual(all.map((_, index) => index));
  });
});
