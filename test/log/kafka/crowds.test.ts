/** What a small request may make the server do. */
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test, vi } from "vitest";
import { crc32c } from "../../../lib/lakehouse/codecs/index.js";
import { metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { describeConfigs } from "../../../lib/lakehouse/log/kafka/protocol/messages/configs.js";
import { fetch } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { offsetFetch } from "../../../lib/lakehouse/log/kafka/protocol/messages/group-offsets.js";
import { describeGroups } from "../../../lib/lakehouse/log/kafka/protocol/messages/groups.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import { Client, serve } from "../support/kafka-client.js";
import { batchOf } from "../support/records.js";

const TOPIC = 2;

const again = <One>(one: One): One[] => Array.from({ length: 50_000 }, () => one);

test("what is asked for again and again in one request is answered once", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights", { partitions: 1_000 });
  const client = await Client.to(server);
  const { topics } = await client.ask(metadata, 9, { topics: again({ name: "flights" }) });
  expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["flights", 1_000]]);
  const described = await client.ask(describeGroups, 5, { groups: again("g") });
  expect(described.groups.map(({ groupId }) => groupId)).toEqual(["g"]);
  const offsets = await client.ask(offsetFetch, 8, { groups: again({ groupId: "g", topics: null }) });
  expect(offsets.groups.map(({ groupId }) => groupId)).toEqual(["g"]);
  const resources = again({ resourceType: TOPIC, resourceName: "flights", configurationKeys: null });
  const { results } = await client.ask(describeConfigs, 1, { resources });
  expect(results.map(({ resourceName }) => resourceName)).toEqual(["flights"]);
});

test("others have their turn between batches of one request that hold much", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights");
  const one = Buffer.from(await batchOf([{ value: "x" }])).subarray(0, 61);
  one.writeInt16BE(1, 21);
  const bomb = Buffer.concat([one, gzipSync(Buffer.alloc(32 * 1024 * 1024))]);
  bomb.writeInt32BE(bomb.length - 12, 8);
  bomb.writeUInt32BE(crc32c(bomb.subarray(21)), 17);
  const client = await Client.to(server);
  const partitionData = Array.from({ length: 10 }, () => ({ index: 0, records: [bomb] }));
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const answer = await client.ask(produce, 7, {
    acks: 1,
    timeoutMs: 60_000,
    topicData: [{ name: "flights", partitionData }],
  });
  clearInterval(counting);
  expect(answer.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)).toEqual(
    Array.from({ length: 10 }, () => 87),
  );
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("who waits for records is answered in time, though the clock is set back meanwhile", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights");
  const client = await Client.to(server);
  const now = Date.now;
  let back = 0;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() - back);
  onTestFinished(() => clock.mockRestore());
  const answer = client.send(fetch, 11, {
    maxWaitMs: 200,
    minBytes: 1_000_000,
    topics: [{ topic: "flights", partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }] }],
    forgottenTopicsData: [],
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  back = 3_600_000;
  await log.topic("flights").append({ value: "x" });
  const { responses } = await answer();
  expect(responses[0]?.partitions[0]?.errorCode).toBe(0);
});

test("a request for many partitions warns of nothing", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights", { partitions: 30 });
  const warned: string[] = [];
  const onWarning = ({ name }: Error) => warned.push(name);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const client = await Client.to(server);
  const ofEach = (partition: number) => ({ partition, fetchOffset: 0n, partitionMaxBytes: 1_000 });
  const { responses } = await client.ask(fetch, 11, {
    maxWaitMs: 100,
    minBytes: 1,
    topics: [{ topic: "flights", partitions: Array.from({ length: 30 }, (_, i) => ofEach(i)) }],
    forgottenTopicsData: [],
  });
  expect(responses[0]?.partitions).toHaveLength(30);
  expect(warned).toEqual([]);
});
