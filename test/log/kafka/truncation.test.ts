/** A server that has lost its disk, and with it what was not in the object store (KIP-320). */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import {
  fetch,
  listOffsets,
  offsetForLeaderEpoch,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, testFolder, texts } from "../support/lake-log.js";

const STORED = 5;
const LOST = 10;
const AFTER = 12;

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ value: `${prefix}${i}` }));
const epochOf = async (log: Log) => (await log.core.cluster()).epoch("any", 0);

/** A log whose first disk is lost, and the epoch under which the first wrote. */
async function lostDisk() {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const before = openLog(join(root, "a"), { store });
  const topic = await before.createTopic("flights", { segmentMs: 3_600_000 });
  await topic.append(numbered("stored", STORED), { ack: "stored" });
  await topic.append(numbered("lost", LOST));
  const log = openLog(join(root, "b"), { store });
  await log.recover();
  await log.topic("flights").append(numbered("after", AFTER));
  return { log, topic: log.topic("flights"), epoch: await epochOf(before) };
}

test("a client hears of the leader's epoch, and one that knows another is refused", async () => {
  const { log, epoch } = await lostDisk();
  const { server } = await serve({}, log);
  const client = await Client.to(server);
  const now = await epochOf(log);
  expect(now).toBeGreaterThan(epoch);
  const { topics } = await client.ask(metadata, 9, { topics: [{ name: "flights" }] });
  expect(topics[0]?.partitions[0]).toMatchObject({ leaderEpoch: now });

  const fetched = async (currentLeaderEpoch: number, lastFetchedEpoch: number, fetchOffset = 15n) => {
    const partition = { partition: 0, currentLeaderEpoch, lastFetchedEpoch, fetchOffset };
    const { responses } = await client.ask(fetch, 12, {
      maxWaitMs: 100,
      minBytes: 1,
      forgottenTopicsData: [],
      topics: [{ topic: "flights", partitions: [{ ...partition, partitionMaxBytes: 1_000_000 }] }],
    });
    return responses[0]?.partitions[0];
  };
  expect((await fetched(epoch, -1))?.errorCode).toBe(ERROR.FENCED_LEADER_EPOCH);
  expect((await fetched(now + 1, -1))?.errorCode).toBe(ERROR.UNKNOWN_LEADER_EPOCH);
  const diverged = await fetched(now, epoch);
  expect(diverged).toMatchObject({ errorCode: 0, divergingEpoch: { epoch, endOffset: BigInt(STORED) } });
  expect(diverged?.records).toHaveLength(0);
  expect((await fetched(now, now + 1))?.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  for (const known of [await fetched(now, -1), await fetched(now, now), await fetched(now, epoch, 5n)]) {
    expect(known).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: -1, endOffset: -1n } });
    expect(known?.records?.length).toBeGreaterThan(0);
  }

  const listed = async (currentLeaderEpoch: number) => {
    const partitions = [{ partitionIndex: 0, timestamp: -1n, currentLeaderEpoch }];
    const { topics } = await client.ask(listOffsets, 4, {
      replicaId: -1,
      topics: [{ name: "flights", partitions }],
    });
    return topics[0]?.partitions[0];
  };
  expect(await listed(epoch)).toMatchObject({ errorCode: ERROR.FENCED_LEADER_EPOCH });
  expect(await listed(now)).toMatchObject({ errorCode: 0, leaderEpoch: now, offset: 17n });
  const ended = async (leaderEpoch: number) => {
    const partitions = [{ partition: 0, leaderEpoch, currentLeaderEpoch: now }];
    const { topics } = await client.ask(offsetForLeaderEpoch, 4, {
      topics: [{ topic: "flights", partitions }],
    });
    return topics[0]?.partitions[0];
  };
  expect(await ended(epoch)).toMatchObject({ errorCode: 0, leaderEpoch: epoch, endOffset: BigInt(STORED) });
  expect(await ended(now)).toMatchObject({ errorCode: 0, leaderEpoch: now, endOffset: 17n });
  expect(await ended(now + 1)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1n });
});

test("a group goes on where the records that it had read were lost, and passes over none that came in their place", async () => {
  const { log, topic, epoch } = await lostDisk();
  const groups = await log.core.groups();
  const offset = BigInt(STORED + LOST);
  const committed = { topic: "flights", partition: 0, offset, leaderEpoch: epoch, metadata: "" };
  await groups.commit("delays", { memberId: "", generation: -1 }, [committed]);
  const read: string[] = [];
  for await (const { records } of log.consume(["flights"], { group: "delays" })) {
    read.push(...texts(records));
    if (read.length >= AFTER) break;
  }
  expect(read).toEqual(numbered("after", AFTER).map(({ value }) => value));
  // What it has read is committed under the epoch of who took it.
  await topic.append({ value: "more" });
  for await (const batch of log.consume(["flights"], {
    group: "manual",
    from: "beginning",
    commit: "manual",
  })) {
    if (!texts(batch.records).includes("more")) continue;
    await batch.commit();
    break;
  }
  expect(await groups.fetch("manual")).toMatchObject([{ offset: 18n, leaderEpoch: await epochOf(log) }]);
});
