/** A server that has lost its disk, and clients that had read what was on it alone (KIP-320). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Log } from "../../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import {
  kafkaServerProgram,
  type ServerProcess,
  type ServerProgram,
} from "../../log/support/kafka-server.js";
import { Engine } from "../engine.js";
import { javaOptions } from "./clients/engine-clients.js";

const STORED = 5;
const ON_DISK = 10;
/** Of those that come after the loss: more than were lost, so that the offset where readers stand is there again. */
const AFTER = 12;

let root: string;
let program: ServerProgram;
let server: ServerProcess;
let java: Engine;
let librdkafka: Engine;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "slh-truncation-"));
  const log = new Log({ store: new LocalStore(join(root, "warehouse")), folder: join(root, "log") });
  await log.createTopic("flights", { compression: "none", segmentMs: 3_600_000 });
  await log.close();
  program = await kafkaServerProgram();
  server = await program.start(root, { acksAll: "stored" });
  java = new Engine("KafkaClient.java", javaOptions(4));
  librdkafka = new Engine("confluent_client.py");
});
afterAll(async () => {
  await java.close();
  await librdkafka.close();
  await server.stop();
  await program.dispose();
  await rm(root, { recursive: true, force: true });
});

const values = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

async function produce(texts: readonly string[], acks: "all" | "1"): Promise<void> {
  const records = texts.map((text) => ({
    ...{ key: null, partition: 0, headers: [] },
    value: Buffer.from(text).toString("hex"),
  }));
  const settings = { acks, "enable.idempotence": "false" };
  await java.call("produce", { bootstrap: server.address, topic: "flights", records, settings });
}

/** A client that reads the topic from its beginning, and what it has read. */
async function reader(engine: Engine, name: string, reset: string) {
  const settings = { "auto.offset.reset": reset };
  await engine.call("openConsumer", { bootstrap: server.address, name, topic: "flights", settings });
  if (engine === java && reset === "none") await java.call("control", { name, step: "seek", offset: 0 });
  const read = new Map<number, string>();
  const until = async (isDone: () => boolean) => {
    for (let tries = 0; !isDone() && tries < 300; tries++) {
      const { records } = await engine.call<{ records: { offset: number; value: string }[] }>("poll", {
        name,
        ms: 100,
      });
      for (const { offset, value } of records) read.set(offset, Buffer.from(value, "hex").toString());
    }
    expect(isDone()).toBe(true);
  };
  return { name, engine, read, until };
}

test("clients that hold the leader's epoch find where the log goes on, or are told; no record is passed over", async () => {
  await produce(values("stored", STORED), "all");
  await produce(values("lost", ON_DISK), "1");
  const before = [...values("stored", STORED), ...values("lost", ON_DISK)];
  const resets = [await reader(java, "java-earliest", "earliest"), await reader(librdkafka, "c", "earliest")];
  const refuses = [await reader(java, "java-none", "none"), await reader(librdkafka, "c-error", "error")];
  for (const { until, read } of [...resets, ...refuses]) {
    await until(() => read.size === before.length);
    expect([...read.values()]).toEqual(before);
  }

  await server.kill();
  await rm(join(root, "log"), { recursive: true });
  const port = Number(server.address.split(":")[1]);
  server = await program.start(root, { port, acksAll: "stored", recover: true });
  await produce(values("after", AFTER), "all");

  const after = [...values("stored", STORED), ...values("after", AFTER)];
  for (const { until, read } of resets) {
    await until(() => read.get(after.length - 1) === after.at(-1));
    expect(Array.from(after, (_, offset) => read.get(offset))).toEqual(after);
  }
  for (const { until } of refuses)
    await expect(until(() => false)).rejects.toThrow(/LogTruncation|log truncation/);
});

test("a restart that loses nothing is no truncation", async () => {
  const one = await reader(java, "again", "none");
  const all = STORED + AFTER;
  await one.until(() => one.read.size === all);
  await produce(["in the write-ahead log alone"], "1");
  await one.until(() => one.read.size === all + 1);
  await server.kill();
  server = await program.start(root, { port: Number(server.address.split(":")[1]), acksAll: "stored" });
  await produce(["behind it"], "all");
  await one.until(() => one.read.size === all + 2);
  expect([...one.read.values()].slice(-2)).toEqual(["in the write-ahead log alone", "behind it"]);
});
