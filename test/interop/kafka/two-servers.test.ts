import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findEtcd, needsEtcd } from "../etcd-cluster.js";
import { type Clients, startClients, startTwo } from "./brokers.js";
import { CLIENTS } from "./clients/clients.js";
import { text } from "./records.js";
import { createTopic, produceMany } from "./topics.js";

// All of the suite on two servers: SLH_KAFKA_SERVERS=2 node scripts/interop.mjs test/interop/kafka

const PARTITIONS = 6;
const COUNT = 120;

describe("two servers of one log", needsEtcd, () => {
  let clients: Clients;
  beforeAll(async () => {
    if (findEtcd() !== undefined) clients = await startClients(startTwo);
  });
  afterAll(() => clients?.close());

  for (const [name, { needs = {} }] of Object.entries(CLIENTS))
    test(`${name} is told of one, and uses both`, needs, async () => {
      const topic = `both-${name.replaceAll(/[^a-zA-Z0-9]/g, "-")}`;
      await createTopic(clients.broker, topic, PARTITIONS);
      const client = clients.client(name);
      const member = client.member(`${topic}-readers`, topic);
      try {
        await member.until(({ assigned }) => assigned.length === PARTITIONS);
        await produceMany(clients.broker, topic, COUNT);
        await expect.poll(() => new Set(member.received).size, { timeout: 60_000 }).toBe(COUNT);
      } finally {
        await member.stop();
      }
      // What it writes goes to a leader, and into a transaction by its coordinator, wherever they are.
      const own = `${topic}-own`;
      await createTopic(clients.broker, own, PARTITIONS);
      await client.produce(
        own,
        [{ offset: 0, key: null, value: text("plain"), headers: [], timestamp: 1_000 }],
        "none",
      );
      await client.transact(own, [{ values: ["a", "b"], end: "commit" }]);
      const read = await client.consume(own, 3, "read_committed");
      expect(read.map(({ value }) => Buffer.from(value ?? "", "hex").toString())).toEqual([
        "plain",
        "a",
        "b",
      ]);
    });
});
