import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { apiVersions } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { fetch, listOffsets } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import {
  addPartitionsToTxn,
  endTxn,
  initProducerId,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/transactions.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

interface Part {
  readonly index: number;
  readonly records: readonly Uint8Array[] | null;
}

function produceOf(topic: string, partitionData: readonly Part[], acks = -1) {
  return { acks, timeoutMs: 60_000, topicData: [{ name: topic, partitionData }] };
}

function fetchOf(
  topic: string,
  fetchOffset: bigint,
  given: Partial<{
    maxWaitMs: number;
    minBytes: number;
    partition: number;
    partitionMaxBytes: number;
    isolationLevel: number;
  }> = {},
) {
  const { partition = 0, partitionMaxBytes = 1_000_000, ...rest } = given;
  return {
    maxWaitMs: 0,
    minBytes: 1,
    ...rest,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
    forgottenTopicsData: [],
  };
}

/** The values of one batch after the other. */
function valuesOf(records: Uint8Array | null): string[] {
  const values: string[] = [];
  for (let rest = Buffer.from(records ?? []); rest.length > 0; ) {
    const size = rest.readInt32BE(8) + 12;
    values.push(...texts(readRecords(rest.subarray(0, size), "fetched")));
    rest = rest.subarray(size);
  }
  return values;
}

describe("Produce", () => {
  test("answers for each partition what became of it, and one that is refused holds up no other", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights", { partitions: 8, maxBatchBytes: 2_000 });
    const good = await batchOf([{ key: "k", value: "v" }]);
    const changed = Buffer.from(good);
    changed[changed.length - 3] = 7;
    const old = Buffer.from(good);
    old[16] = 1;
    const client = await Client.to(server);
    const { responses } = await client.ask(produce, 9, {
      acks: 1,
      timeoutMs: 60_000,
      topicData: [
        {
          name: "flights",
          partitionData: [
            { index: 0, records: [good] },
            { index: 1, records: [changed] },
            { index: 2, records: [old] },
            { index: 3, records: [good, good] },
            { index: 4, records: null },
            { index: 5, records: [await batchOf([{ value: Buffer.alloc(3_000) }])] },
            { index: 6, records: [good] },
            { index: 8, records: [good] },
          ],
        },
        { name: "nope", partitionData: [{ index: 0, records: [good] }] },
        { name: "__groups", partitionData: [{ index: 0, records: [good] }] },
      ],
    });
    const codes = responses.map(({ partitionResponses }) => partitionResponses.map((one) => one.errorCode));
    expect(codes.slice(0, 2)).toEqual([[0, 2, 43, 87, 2, 10, 0, 3], [3]]);
    expect([3, 17]).toContain(codes[2]?.[0]);
    expect(responses[0]?.partitionResponses[0]).toMatchObject({ baseOffset: 0n, errorMessage: null });
    expect(responses[0]?.partitionResponses[5]).toMatchObject({
      baseOffset: -1n,
      errorMessage: /larger than/,
    });
    expect(await readAll(log.topic("flights"))).toHaveLength(2);
  });

  test("takes no other acks than -1, 0 and 1, and keys where the topic is compacted", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights", { cleanupPolicy: "compact" });
    const client = await Client.to(server);
    const records = [await batchOf([{ value: "v" }])];
    const code = async (acks: number) => {
      const { responses } = await client.ask(produce, 3, produceOf("flights", [{ index: 0, records }], acks));
      return responses[0]?.partitionResponses[0]?.errorCode;
    };
    expect(await code(2)).toBe(21);
    expect(await code(1)).toBe(87);
  });

  test("with acks=all waits for the object store where the server is told so", async () => {
    const { log, server } = await serve({ acksAll: "stored" });
    const topic = await log.createTopic("flights", { segmentMs: 3_600_000, storedLingerMs: 1 });
    const client = await Client.to(server);
    const records = [await batchOf([{ value: "v" }])];
    await client.ask(produce, 7, produceOf("flights", [{ index: 0, records }], 1));
    expect((await topic.offsets())[0]).toMatchObject({ end: 1n, stored: 0n });
    await client.ask(produce, 7, produceOf("flights", [{ index: 0, records }], -1));
    expect((await topic.offsets())[0]).toMatchObject({ end: 2n, stored: 2n });
  });

  test("of an idempotent producer answers what comes again as it did before", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const { producerId, producerEpoch } = await client.ask(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1_000,
    });
    const send = async (sequence: number) => {
      const batch = await batchOf([{ value: `${sequence}` }], "none", 0n, {
        producerId,
        producerEpoch,
        baseSequence: sequence,
        kind: "idempotent",
      });
      const { responses } = await client.ask(
        produce,
        9,
        produceOf("flights", [{ index: 0, records: [batch] }]),
      );
      return responses[0]?.partitionResponses[0];
    };
    expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0n });
    expect(await send(1)).toMatchObject({ errorCode: 0, baseOffset: 1n });
    expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0n });
    expect(await send(5)).toMatchObject({ errorCode: 45 });
    expect(texts(await readAll(log.topic("flights")))).toEqual(["0", "1"]);
  });
});

describe("Fetch", () => {
  test("waits until there are as many bytes as are asked for, or no longer", async () => {
    const { log, server } = await serve();
    const topic = await log.createTopic("flights", { compression: "none" });
    const client = await Client.to(server);
    const answer = client.send(fetch, 11, fetchOf("flights", 0n, { maxWaitMs: 60_000, minBytes: 150 }));
    await topic.append({ value: "a" });
    await topic.append({ value: "b" });
    await topic.append({ value: "c" });
    const [partition] = (await answer()).responses[0]?.partitions ?? [];
    expect(valuesOf(partition?.records ?? null).slice(0, 3)).toEqual(["a", "b", "c"]);
    const none = await client.ask(fetch, 11, fetchOf("flights", 3n, { maxWaitMs: 5, minBytes: 150 }));
    expect(none.responses[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      highWatermark: 3n,
      records: Buffer.alloc(0),
    });
  });

  test("gives the first batch however large it is, and else no more than is asked for", async () => {
    const { log, server } = await serve();
    const topic = await log.createTopic("flights", { compression: "none", partitions: 2 });
    for (const partition of [0, 0, 1]) await topic.append({ value: Buffer.alloc(1_000) }, { partition });
    const client = await Client.to(server);
    const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0n, partitionMaxBytes: 10 }));
    const { responses } = await client.ask(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1_500,
      topics: [{ topic: "flights", partitions }],
      forgottenTopicsData: [],
    });
    expect(responses[0]?.partitions.map(({ records }) => valuesOf(records).length)).toEqual([1, 0]);
  });

  test("refuses offsets that are not there, and topics that are not", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const code = async (...asked: Parameters<typeof fetchOf>) =>
      (await client.ask(fetch, 11, fetchOf(...asked))).responses[0]?.partitions[0]?.errorCode;
    expect(await code("flights", 1n)).toBe(1);
    expect(await code("flights", -1n)).toBe(1);
    expect(await code("nope", 0n)).toBe(3);
    expect(await code("flights", 0n, { partition: 1 })).toBe(3);
  });

  test("of no partition is answered at once, and holds up nobody", async () => {
    const { server } = await serve();
    const [idle, other] = await Promise.all([Client.to(server), Client.to(server)]);
    const answer = idle.send(fetch, 12, {
      ...fetchOf("none", 0n, { maxWaitMs: 200_000 }),
      topics: [],
    });
    await other.ask(apiVersions, 0, { clientSoftwareName: "", clientSoftwareVersion: "" });
    expect(await answer()).toMatchObject({ errorCode: 0, responses: [] });
  });

  test("hears that its partition is written elsewhere by now, and the others are served on", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const { log, server } = await serve({}, openLog(join(root, "a"), { store }));
    const topic = await log.createTopic("flights");
    await log.createTopic("other");
    await topic.append({ value: "first" }, { ack: "stored" });
    const second = openLog(join(root, "b"), { store });
    await second.recover();
    await second.topic("flights").append({ value: "second" }, { ack: "stored" });
    await expect(topic.append({ value: "late" }, { ack: "stored" })).rejects.toMatchObject({
      code: "FENCED",
    });

    const [fenced, other] = await Promise.all([Client.to(server), Client.to(server)]);
    const { end } = (await topic.offsets())[0] as { readonly end: bigint };
    const answer = fenced.send(fetch, 11, fetchOf("flights", end, { maxWaitMs: 200_000 }));
    await other.ask(fetch, 11, fetchOf("other", 0n, { maxWaitMs: 20 }));
    const { responses } = await answer();
    expect(responses[0]?.partitions[0]?.errorCode).toBe(ERROR.NOT_LEADER_OR_FOLLOWER);
  });

  test("is told of a topic's end while it waits", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const answer = client.send(fetch, 11, fetchOf("flights", 0n, { maxWaitMs: 60_000 }));
    await (await Client.to(server)).ask(listOffsets, 4, {
      replicaId: -1,
      topics: [{ name: "flights", partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    });
    await log.deleteTopic("flights");
    expect((await answer()).responses[0]?.partitions[0]).toMatchObject({ errorCode: 3 });
  });

  test("of what is committed ends where a transaction is open, and names those that were aborted", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const id = { transactionalId: "t", transactionTimeoutMs: 10_000 };
    const { producerId, producerEpoch } = await client.ask(initProducerId, 2, id);
    const owner = { transactionalId: "t", producerId, producerEpoch };
    const begin = async (sequence: number) => {
      const added = await client.ask(addPartitionsToTxn, 3, {
        ...owner,
        topics: [{ name: "flights", partitions: [0] }],
      });
      expect(added.results[0]?.partitions).toEqual([{ partitionIndex: 0, errorCode: 0 }]);
      const batch = await batchOf([{ value: `${sequence}` }], "none", 0n, {
        producerId,
        producerEpoch,
        baseSequence: sequence,
        kind: "transactional",
      });
      const { responses } = await client.ask(produce, 9, {
        transactionalId: "t",
        ...produceOf("flights", [{ index: 0, records: [batch] }]),
      });
      expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    };
    const read = async (offset: bigint) => {
      const fetched = await client.ask(fetch, 11, fetchOf("flights", offset, { isolationLevel: 1 }));
      return fetched.responses[0]?.partitions[0];
    };
    await begin(0);
    expect(await read(0n)).toMatchObject({
      highWatermark: 1n,
      lastStableOffset: 0n,
      records: Buffer.alloc(0),
    });
    expect(await client.ask(endTxn, 3, { ...owner, committed: false })).toMatchObject({ errorCode: 0 });
    expect(await read(0n)).toMatchObject({
      lastStableOffset: 2n,
      abortedTransactions: [{ producerId, firstOffset: 0n }],
    });
    await begin(1);
    await client.ask(endTxn, 3, { ...owner, committed: true });
    const committed = await read(2n);
    expect(committed).toMatchObject({ lastStableOffset: 4n, abortedTransactions: [] });
    expect(valuesOf(committed?.records ?? null)).toEqual(["1"]);
    const missing = await client.ask(addPartitionsToTxn, 3, {
      ...owner,
      topics: [{ name: "flights", partitions: [0, 9] }],
    });
    expect(missing.results[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([55, 3]);
  });
});

test("ListOffsets gives the first, the next, and the first of a time with its own", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("flights");
  await topic.append([
    { value: "a", timestamp: 1_000 },
    { value: "b", timestamp: 2_000 },
  ]);
  const client = await Client.to(server);
  const list = async (timestamp: bigint, name = "flights") => {
    const asked = { replicaId: -1, topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }] };
    const { topics } = await client.ask(listOffsets, 6, asked);
    return topics[0]?.partitions[0];
  };
  expect(await list(-2n)).toMatchObject({ errorCode: 0, offset: 0n, timestamp: -1n });
  expect(await list(-1n)).toMatchObject({ errorCode: 0, offset: 2n, timestamp: -1n });
  expect(await list(1_500n)).toMatchObject({ errorCode: 0, offset: 1n, timestamp: 2_000n });
  expect(await list(2_001n)).toMatchObject({ errorCode: 0, offset: -1n, timestamp: -1n });
  expect(await list(0n, "nope")).toMatchObject({ errorCode: 3, offset: -1n });
});
