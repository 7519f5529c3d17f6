import type { Admin } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { CLIENTS } from "./clients/clients.js";
import { openKafkajs } from "./clients/kafkajs.js";
import { RECORDS, text } from "./records.js";
import { createTopic, produceMany } from "./topics.js";

/** What the suites of librdkafka and kafkajs look at, and no other file here does. */
describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  let admin: Admin;
  beforeAll(async () => {
    clients = await startClients(start);
    admin = openKafkajs(clients.broker.address).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.disconnect();
    await clients?.close();
  });

  test("topics have names as long as Kafka allows, and no longer", async () => {
    const longest = "n".repeat(249);
    await createTopic(clients.broker, longest);
    const [record] = RECORDS;
    if (record === undefined) throw new Error("no record");
    for (const [name, { needs }] of Object.entries(CLIENTS)) {
      if (needs?.skip) continue;
      await clients.client(name).produce(longest, [record], "none");
      const read = await clients.client(name).consume(longest, 1, "read_uncommitted");
      expect(read[0]?.value, name).toBe(record.value);
    }
    await expect(
      admin.createTopics({ topics: [{ topic: `${longest}n` }], waitForLeaders: false }),
    ).rejects.toThrow();
  });

  test("a topic that is made again under its name has nothing of the old one", async () => {
    const topic = "made-again";
    await createTopic(clients.broker, topic, 2);
    await produceMany(clients.broker, topic, 50);
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(() => admin.listTopics()).not.toContain(topic);
    await createTopic(clients.broker, topic, 1);
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, low: "0", high: "0" }]);
    const value = text("new");
    const record = { ...{ key: null, value, headers: [] }, offset: 0, timestamp: 1_700_000_000_000 };
    await clients.client("kafkajs").produce(topic, [record], "none");
    const read = await clients.client("kafkajs").consume(topic, 1, "read_uncommitted");
    expect(read).toMatchObject([{ offset: 0, value }]);
  });

  test("records are deleted before an offset, and a group is set to what is left", async () => {
    const [topic, groupId] = ["cut", "cut"];
    await createTopic(clients.broker, topic);
    await produceMany(clients.broker, topic, 10);
    // The client deletes records of those topics alone that it has asked about before.
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "0", high: "10" }]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "4" }] });
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "4", high: "10" }]);
    await expect(
      admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "11" }] }),
    ).rejects.toThrow();
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: "7" }] });
    const offsets = async () => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions;
    expect(await offsets()).toMatchObject([{ partition: 0, offset: "7" }]);
    await admin.resetOffsets({ groupId, topic, earliest: true });
    // What it is set to stands for the beginning, which the client goes to when it reads.
    expect(await offsets()).toMatchObject([{ partition: 0, offset: expect.stringMatching(/^(-2|4)$/) }]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "-1" }] });
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "10", high: "10" }]);
    expect((await admin.describeGroups([groupId])).groups).toMatchObject([{ state: "Empty", members: [] }]);
    expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }]);
  });
});
