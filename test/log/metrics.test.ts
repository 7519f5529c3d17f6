import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../lib/lakehouse/log/index.js";
import { metadata } from "../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { fetch as fetchApi } from "../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import {
  authentications,
  type KafkaRequest,
  kafkaRequests,
  type LogAppend,
  logAppends,
} from "../../lib/lakehouse/log/metrics.js";
import { Client, serve } from "./support/kafka-client.js";
import { openLog, testFolder } from "./support/lake-log.js";
import { beginTransaction, Sending } from "./support/producing.js";
import { PASSWORD } from "./support/sasl-client.js";

test("each batch that a client appends is counted once, by whichever way it comes", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const counted: LogAppend[] = [];
  onTestFinished(logAppends.subscribe((event: LogAppend) => counted.push(event)));
  const acks = () => counted.splice(0).map(({ ack, bytes }) => [ack, bytes > 0]);
  await log.topic("flights").append({ value: "late" }, { ack: "stored" });
  expect(acks()).toEqual([["stored", true]]);
  const producer = log.producer();
  await producer.append("flights", { value: "late" });
  expect(acks()).toEqual([["wal", true]]);
  const { core } = log;
  const identity = { producerId: 1_000n, epoch: 0 };
  await new Sending(core, identity, "idempotent").send("flights", 0, ["late"]);
  expect(acks()).toEqual([["wal", true]]);
  const { owner, sending } = await beginTransaction(core, "pilot", "flights", [0]);
  await sending.send("flights", 0, ["late"]);
  await (await core.transactions()).endTransaction(owner, "commit");
  expect(acks()).toEqual([["wal", true]]);
  await expect(new Sending(core, identity, "idempotent").again("flights", 0, ["late"], 9)).rejects.toThrow();
  expect(acks()).toEqual([]);
});

test("a password over HTTP is counted by its outcome", async () => {
  const log = openLog(testFolder());
  await log.security.setUser("alice", { password: PASSWORD, isAdmin: true });
  const registry = await serveSchemaRegistry({ registry: log.schemas, port: 0 });
  onTestFinished(() => registry.close());
  const counted: unknown[] = [];
  onTestFinished(authentications.subscribe((event: object) => counted.push(event)));
  for (const password of [PASSWORD, "wrong"]) {
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`;
    await fetch(`${registry.uri}/subjects`, { headers: { authorization } });
  }
  expect(counted).toEqual([
    { mechanism: "Basic", outcome: "ok" },
    { mechanism: "Basic", outcome: "failed" },
  ]);
});

test("each request of a Kafka client is told of by its API, and how long it took", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights");
  const requests: KafkaRequest[] = [];
  onTestFinished(kafkaRequests.subscribe((event: KafkaRequest) => requests.push(event)));
  const client = await Client.to(server);
  await client.ask(metadata, 9, { topics: [{ name: "flights" }] });
  const partition = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 };
  const topics = [{ topic: "flights", partitions: [partition] }];
  await client.ask(fetchApi, 11, { maxWaitMs: 50, minBytes: 1, topics, forgottenTopicsData: [] });
  expect(requests.map(({ api, outcome }) => [api, outcome])).toEqual([
    ["Metadata", "ok"],
    ["Fetch", "ok"],
  ]);
  // It has waited for records.
  expect(requests[1]?.milliseconds).toBeGreaterThan(requests[0]?.milliseconds as number);
});
