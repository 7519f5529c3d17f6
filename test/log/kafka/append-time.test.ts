import { expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { incrementalAlterConfigs } from "../../../lib/lakehouse/log/kafka/protocol/messages/configs.js";
import { fetch, listOffsets } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import type { BatchProducer } from "../../../lib/lakehouse/log/records/batch-builder.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, readAll, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

const LONG_AGO = 1_000;

/** Three records of a long time ago. */
const oldBatch = (producer?: BatchProducer) =>
  batchOf(
    ["a", "b", "c"].map((value) => ({ key: value, value, timestamp: LONG_AGO })),
    "zstd",
    0n,
    producer,
  );

async function produced(client: Client, batch: Uint8Array) {
  const { responses } = await client.ask(produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: "t", partitionData: [{ index: 0, records: [batch] }] }],
  });
  const [one] = responses[0]?.partitionResponses ?? [];
  expect(one?.errorCode).toBe(ERROR.NONE);
  return { time: one?.logAppendTimeMs as bigint, offset: one?.baseOffset as bigint };
}

async function offsetAt(client: Client, timestamp: bigint) {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const { topics } = await client.ask(listOffsets, 2, { replicaId: -1, topics: [{ name: "t", partitions }] });
  const { offset, timestamp: found } = topics[0]?.partitions[0] ?? {};
  return { offset, timestamp: found };
}

test("records of such a topic have the time of their append, in every answer, and after a restart", async () => {
  const root = testFolder();
  const { log, server } = await serve({}, openLog(root));
  const topic = await log.createTopic("t", { timestampType: "LogAppendTime" });
  const client = await Client.to(server);
  const began = BigInt(Date.now());
  const { time } = await produced(client, await oldBatch());
  expect(time).toBeGreaterThanOrEqual(began);
  expect(time).toBeLessThanOrEqual(BigInt(Date.now()));
  const [appended] = await topic.append({ value: "d", timestamp: LONG_AGO });
  const times = [time, time, time, appended?.logAppendTime];
  const { responses } = await client.ask(fetch, 4, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
  });
  // Its checksum is looked at there.
  const records = responses[0]?.partitions[0]?.records as unknown as Buffer;
  const first = records.subarray(0, 12 + records.readInt32BE(8));
  expect(readRecords(first, "t").map(({ timestamp }) => timestamp)).toEqual(times.slice(0, 3));
  expect((await readAll(topic)).map(({ timestamp }) => timestamp)).toEqual(times);
  expect(await offsetAt(client, began)).toEqual({ offset: 0n, timestamp: time });
  expect(await offsetAt(client, BigInt(Date.now()) + 60_000n)).toEqual({ offset: -1n, timestamp: -1n });
  await log.close();
  const again = openLog(root).topic("t");
  expect((await readAll(again)).map(({ timestamp }) => timestamp)).toEqual(times);
  expect(await again.offsetsAt(new Date(Number(began)))).toEqual([0n]);
});

test("a batch that comes again is answered with the time that it got first", async () => {
  const { log, server } = await serve();
  await log.createTopic("t", { timestampType: "LogAppendTime" });
  const client = await Client.to(server);
  const { producerId, epoch } = await (await log.core.transactions()).initProducerId({
    transactionalId: undefined,
    timeoutMs: 0,
    current: undefined,
  });
  const batch = () => oldBatch({ kind: "idempotent", producerId, producerEpoch: epoch, baseSequence: 0 });
  const first = await produced(client, await batch());
  while (BigInt(Date.now()) === first.time) await new Promise(setImmediate);
  expect(await produced(client, await batch())).toEqual(first);
});

test("the setting counts from the next batch on, and is known by Kafka's name", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("t");
  const client = await Client.to(server);
  const set = async (value: string) => {
    const configs = [{ name: "message.timestamp.type", configOperation: 0, value }];
    const { responses } = await client.ask(incrementalAlterConfigs, 0, {
      resources: [{ resourceType: 2, resourceName: "t", configs }],
      validateOnly: false,
    });
    return responses[0]?.errorCode;
  };
  expect((await produced(client, await oldBatch())).time).toBe(-1n);
  expect(await set("LogAppendTime")).toBe(ERROR.NONE);
  const { time } = await produced(client, await oldBatch());
  expect(await set("CreateTime")).toBe(ERROR.NONE);
  expect((await produced(client, await oldBatch())).time).toBe(-1n);
  expect(await set("createtime")).toBe(ERROR.INVALID_CONFIG);
  const old = BigInt(LONG_AGO);
  const times = (await readAll(topic)).map(({ timestamp }) => timestamp);
  expect(times).toEqual([old, old, old, time, time, time, old, old, old]);
});
