import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { KafkaServer } from "../../../lib/lakehouse/log/index.js";
import type { Api } from "../../../lib/lakehouse/log/kafka/protocol/api.js";
import { apiVersions, metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import { fetch, listOffsets } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import { createTopics } from "../../../lib/lakehouse/log/kafka/protocol/messages/topics.js";
import { Client, frameOf, serve } from "../support/kafka-client.js";
import { readAll, texts } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

const ALL_VERSIONS = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

async function produceOf(topic: string, values: readonly string[], partition = 0, acks = -1) {
  const batch = await batchOf(values.map((value) => ({ value })));
  return {
    acks,
    timeoutMs: 60_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: [batch] }] }],
  };
}

function fetchOf(
  topic: string,
  fetchOffset: bigint,
  options: { maxWaitMs?: number; minBytes?: number } = {},
) {
  return {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
  };
}

/** Until there is room for another connection. */
async function untilTaken(server: KafkaServer): Promise<void> {
  for (;;) {
    const next = await Client.to(server);
    const answered = await next.ask(metadata, 1, { topics: [] }).catch(() => undefined);
    if (answered !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a connection", () => {
  test("has its requests answered in their order, however many are sent at once", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const answers: (() => Promise<unknown>)[] = [];
    for (let i = 0; i < 50; i++) {
      answers.push(client.send(produce, 7, await produceOf("flights", [`${i}`])));
      if (i % 7 === 0) answers.push(client.send(metadata, 9, { topics: null }));
      if (i % 11 === 0) answers.push(client.send(fetch, 11, fetchOf("flights", 0n)));
    }
    for (const answer of answers) await answer();
    expect(texts(await readAll(log.topic("flights")))).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  test("may send a request byte by byte", async () => {
    const { server } = await serve();
    const client = await Client.to(server);
    client.socket.setNoDelay(true);
    const frame = frameOf(apiVersions as unknown as Api, 3, 7, ALL_VERSIONS);
    for (const byte of frame) {
      client.socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect((await client.next()).int32()).toBe(7);
  });

  test("that asks for a version of ApiVersions from the future is told, in the oldest, which there are", async () => {
    const { server } = await serve();
    const client = await Client.to(server);
    client.socket.write(Buffer.from("0000000e001200ff0000002a0004aaaaaaaa", "hex"));
    const from = await client.next();
    expect(from.int32()).toBe(42);
    const { errorCode, apiKeys } = apiVersions.responseCodec(0).read(from) as {
      errorCode: number;
      apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[];
    };
    expect(errorCode).toBe(35);
    expect(apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 11 });
    expect(await client.ask(apiVersions, 3, ALL_VERSIONS)).toMatchObject({ errorCode: 0, apiKeys });
  });

  test.each([
    ["a length that is larger than is taken", "7fffffff"],
    ["a negative length", "ffffffff"],
    ["no length", "00000000"],
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex")],
    ["an API that nobody knows", "0000000a7fff00000000000100000000"],
    ["a version that is not spoken", "0000000a000300630000000100000000"],
    ["a request that ends early", "00000009000300010000000100"],
  ])("is closed for %s, and the others stay", async (_, hex) => {
    const { server } = await serve();
    const other = await Client.to(server);
    const client = await Client.to(server);
    client.socket.write(Buffer.from(hex, "hex"));
    await client.closed();
    expect((await other.ask(metadata, 1, { topics: null })).brokers).toHaveLength(1);
  });

  test("is closed when it stops in the midst of a request, and when it asks nothing for long", async () => {
    const { server } = await serve({ stalledMs: 50, idleMs: 2_000 });
    const stalled = await Client.to(server);
    const idle = await Client.to(server);
    stalled.socket.write(Buffer.from("000000", "hex"));
    const idleClosed = idle.closed();
    await stalled.closed();
    expect(idle.socket.destroyed).toBe(false);
    await idleClosed;
  });

  test("beyond as many as are taken is closed, and one that ends makes room", async () => {
    const { server } = await serve({ maxConnections: 2 });
    const [first, second] = [await Client.to(server), await Client.to(server)];
    const third = await Client.to(server);
    await third.closed();
    first.socket.destroy();
    await second.ask(metadata, 1, { topics: [] });
    await untilTaken(server);
  });

  test("that takes no answers is closed: nothing is kept for it", async () => {
    const { log, server } = await serve({ stalledMs: 200, maxConnections: 1 });
    const topic = await log.createTopic("flights", { compression: "none" });
    await topic.append({ value: Buffer.alloc(1_000_000) });
    const socket = connect({ host: server.host, port: server.port });
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    socket.pause();
    for (let i = 0; i < 100; i++)
      socket.write(frameOf(fetch as unknown as Api, 11, i, fetchOf("flights", 0n)));
    await untilTaken(server);
  });

  test("2,000 of them may do nothing", async () => {
    const { server } = await serve();
    const clients: Client[] = [];
    for (let i = 0; i < 20; i++)
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => Client.to(server)))));
    for (const client of clients.filter((_, i) => i % 200 === 0))
      expect((await client.ask(metadata, 1, { topics: null })).brokers).toHaveLength(1);
    for (const { socket } of clients) socket.destroy();
  });
});

describe("a server that stops", () => {
  test("answers who waits for records, closes who asks nothing, and leaves the log open", async () => {
    const { log, server } = await serve();
    const topic = await log.createTopic("flights");
    const [idle, waiting] = [await Client.to(server), await Client.to(server)];
    const answer = waiting.send(fetch, 11, fetchOf("flights", 0n, { maxWaitMs: 60_000 }));
    await idle.ask(metadata, 1, { topics: null });
    const stopped = server.stop();
    expect((await answer()).responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0n });
    await Promise.all([stopped, idle.closed(), waiting.closed()]);
    await topic.append({ value: "still open" });
  });

  test("has taken what it acknowledged", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights");
    const client = await Client.to(server);
    const answers: (() => Promise<unknown>)[] = [];
    for (let i = 0; i < 20; i++) answers.push(client.send(produce, 9, await produceOf("flights", [`${i}`])));
    await answers[0]?.();
    await server.stop();
    let acknowledged = 1;
    for (const answer of answers.slice(1)) {
      const isAnswered = await answer().then(
        () => true,
        () => false,
      );
      if (!isAnswered) break;
      acknowledged++;
    }
    const there = texts(await readAll(log.topic("flights")));
    expect(there.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, i) => `${i}`));
  });
});

test("clients are told to connect where the server is said to be", async () => {
  const { server } = await serve({ advertised: { host: "broker.example", port: 19_092 } });
  const client = await Client.to(server);
  const { brokers, controllerId } = await client.ask(metadata, 9, { topics: null });
  expect(brokers).toEqual([{ nodeId: controllerId, host: "broker.example", port: 19_092, rack: null }]);
});

test("a listener that cannot be is refused, and lets the log go on", async () => {
  const { log, server } = await serve();
  await expect(serve({ port: server.port }, log)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  await expect(serve({ port: -1 }, log)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  await expect(serve({ acksAll: "none" as "wal" }, log)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  await expect(serve({ prot: 1 } as object, log)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("without an answer wanted, records are appended all the same", async () => {
  const { log, server } = await serve();
  await log.createTopic("flights");
  const client = await Client.to(server);
  client.socket.write(frameOf(produce as unknown as Api, 3, 1, await produceOf("flights", ["a", "b"], 0, 0)));
  const { topics } = await client
    .ask(createTopics, 4, {
      topics: [{ name: "other", numPartitions: -1, replicationFactor: 3, assignments: [], configs: [] }],
    })
    .catch((error: unknown) => {
      // The first answer is that of the second request.
      expect(String(error)).toMatch(/1 is answered/);
      return { topics: [] };
    });
  expect(topics).toMatchObject([{ name: "other", errorCode: 0 }]);
  const listed = await client.ask(listOffsets, 1, {
    replicaId: -1,
    topics: [{ name: "flights", partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    isolationLevel: 0,
  });
  expect(listed.topics[0]?.partitions).toMatchObject([{ errorCode: 0, offset: 2n }]);
});

test("a producer that wants no answer sees its connection close where its records are refused", async () => {
  const { server } = await serve();
  const client = await Client.to(server);
  client.socket.write(frameOf(produce as unknown as Api, 3, 1, await produceOf("nope", ["a"], 0, 0)));
  await client.closed();
});

test("small requests do not stand in line behind large ones that wait for memory", async () => {
  const { log, server } = await serve({ memoryBytes: 100_000, stalledMs: 60_000 });
  await log.createTopic("flights");
  const [first, second, small] = [await Client.to(server), await Client.to(server), await Client.to(server)];
  // Both announce as much as there is, and send no more.
  for (const { socket } of [first, second]) socket.write(Buffer.from("00018000", "hex"));
  for (let i = 0; i < 20; i++)
    expect((await small.ask(metadata, 1, { topics: null })).topics).toHaveLength(1);
});
