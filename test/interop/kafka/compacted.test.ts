import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Log } from "../../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { kafkaServerProgram } from "../../log/support/kafka-server.js";
import { type Clients, startClients } from "./brokers.js";
import { CLIENTS } from "./clients/clients.js";

/** Offsets of a compacted topic have gaps, at the end of batches and of the topic as well: readers go on over them. */
let clients: Clients;
let root: string;
/** What compaction has left. */
let left: { readonly offset: number; readonly key: string; readonly value: string }[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-interop-compacted-"));
  const open = () => new Log({ store: new LocalStore(join(root, "warehouse")), folder: join(root, "log") });
  let log = open();
  const topic = await log.createTopic("compacted", {
    compression: "none",
    cleanupPolicy: "compact",
    segmentBytes: 2_000,
    deleteRetentionMs: 0,
    minCleanableDirtyRatio: 0,
    fileDeleteDelayMs: 0,
  });
  for (let i = 0; i < 40; i++) {
    const records = Array.from({ length: 25 }, (_, j) => ({
      key: `k${(i * 25 + j) % 37}`,
      value: `${i * 25 + j} ${"x".repeat(50)}`,
    }));
    await topic.append(records);
  }
  // The last of their keys, and then gone.
  await topic.append([
    { key: "k1", value: null },
    { key: "k2", value: null },
  ]);
  await log.flush();
  for (let i = 0; i < 3; i++) await log.upkeep();
  await log.close();
  // What was in the writer's memory is read as it was.
  log = open();
  left = [];
  for await (const batch of log.topic("compacted").read())
    for (const { offset, key, value } of batch.records)
      left.push({
        offset: Number(offset),
        key: Buffer.from(key ?? []).toString("hex"),
        value: Buffer.from(value ?? []).toString("hex"),
      });
  await log.close();
  expect(left.length).toBeGreaterThan(30);
  expect(left.length).toBeLessThan(200);
  clients = await startClients(async () => {
    const program = await kafkaServerProgram();
    const server = await program.start(root);
    return {
      address: server.address,
      stop: async () => {
        await server.stop();
        await program.dispose();
      },
    };
  });
});
afterAll(async () => {
  await clients?.close();
  await rm(root, { recursive: true, force: true });
});

for (const [name, { needs = {} }] of Object.entries(CLIENTS))
  test(`${name} reads a compacted topic`, needs, async () => {
    const read = await clients.client(name).consume("compacted", left.length, "read_committed");
    expect(read.map(({ offset, key, value }) => ({ offset, key, value: value ?? "" }))).toEqual(left);
  });
