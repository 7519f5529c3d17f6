import fc from "fast-check";
import { expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import {
  listOffsets,
  offsetForLeaderEpoch,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { larger } from "../../../lib/lakehouse/log/segment/segment-builder.js";
import { runs } from "../../support/runs.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, readAll, testFolder } from "../support/lake-log.js";

const LATEST = -1n;
const EARLIEST = -2n;
const LATEST_TIME = -3n;

async function offsetsOf(client: Client, version: number, timestamp: bigint, maxNumOffsets = 1) {
  const partitions = [{ partitionIndex: 0, timestamp, maxNumOffsets }];
  const { topics } = await client.ask(listOffsets, version, {
    replicaId: -1,
    topics: [{ name: "t", partitions }],
  });
  return topics[0]?.partitions[0];
}

test("the record of the largest time is the first that has it, wherever it is", async () => {
  const root = testFolder();
  const log = openLog(root, { groups: {} });
  let topics = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          times: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
          isStored: fc.boolean(),
        }),
        {
          maxLength: 8,
        },
      ),
      fc.nat({ max: 12 }),
      async (batches, cut) => {
        const topic = await log.createTopic(`t${topics++}`);
        for (const { times, isStored } of batches)
          await topic.append(
            times.map((timestamp) => ({ value: String(timestamp), timestamp })),
            { ack: isStored ? "stored" : "wal" },
          );
        const { reader, deleteRecords } = await log.core.partition(topic.name, 0);
        const { end } = await reader.offsets();
        if (BigInt(cut) <= end) await deleteRecords(BigInt(cut));
        const records = await readAll(topic);
        const largest = records.reduce((most, { timestamp }) => larger(most, timestamp), -1n);
        const expected = records.find(({ timestamp }) => timestamp === largest);
        expect((await reader.latestRecord())?.offset).toBe(expected?.offset);
      },
    ),
    { numRuns: runs(25) },
  );
});

test("the end of what is committed is not before what is kept, though a transaction is open since before that", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("t");
  const client = await Client.to(server);
  const partitions = [{ partitionIndex: 0, timestamp: LATEST, maxNumOffsets: 1 }];
  await log.producer({ transactionalId: "open" }).transaction(async (tx) => {
    await tx.append("t", [{ value: "0" }, { value: "1" }]);
    await topic.deleteRecords({ before: 1n });
    const { topics } = await client.ask(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: "t", partitions }],
    });
    // Who goes there can read on from there.
    expect(topics[0]?.partitions[0]).toMatchObject({ offset: 1n, errorCode: ERROR.NONE });
    expect(await topic.offsets()).toMatchObject([{ start: 1n, lastStable: 1n, end: 2n }]);
  });
  expect((await readAll(topic)).map(({ offset }) => offset)).toEqual([1n]);
});

test("offsets are listed as each version has them", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("t");
  const client = await Client.to(server);
  expect(await offsetsOf(client, 7, LATEST_TIME)).toMatchObject({
    offset: -1n,
    timestamp: -1n,
    errorCode: 0,
  });
  for (const timestamp of [100, 300, 200]) await topic.append({ value: "v", timestamp });
  expect(await offsetsOf(client, 7, LATEST_TIME)).toMatchObject({ offset: 1n, timestamp: 300n });
  for (const [version, timestamp] of [
    [6, LATEST_TIME],
    [7, -4n],
    [8, -5n],
    [10, -6n],
    [11, -7n],
  ] as const)
    expect(await offsetsOf(client, version, timestamp)).toMatchObject({
      errorCode: ERROR.UNSUPPORTED_VERSION,
      offset: -1n,
    });
  expect(await offsetsOf(client, 8, -4n)).toMatchObject({ offset: 0n });
  expect(await offsetsOf(client, 9, -5n)).toMatchObject({ offset: -1n, errorCode: 0 });
  expect(await offsetsOf(client, 11, -6n)).toMatchObject({ offset: -1n, errorCode: 0 });
  const old = async (...asked: [bigint, number?]) => (await offsetsOf(client, 0, ...asked))?.oldStyleOffsets;
  expect(await old(LATEST)).toEqual([3n]);
  expect(await old(LATEST, 5)).toEqual([3n, 0n]);
  expect(await old(EARLIEST, 5)).toEqual([0n]);
  expect(await old(250n)).toEqual([1n]);
  expect(await old(LATEST, 0)).toEqual([]);
});

test("a partition that is named again and again is answered once", async () => {
  const { log, server } = await serve();
  await log.createTopic("t");
  const client = await Client.to(server);
  const asked = { partition: 0, leaderEpoch: 3 };
  const { topics } = await client.ask(offsetForLeaderEpoch, 4, {
    topics: Array.from({ length: 3 }, () => ({ topic: "t", partitions: [asked, asked] })),
  });
  expect(topics).toHaveLength(1);
  expect(topics[0]?.partitions).toMatchObject([{ partition: 0, endOffset: 0n }]);
});
