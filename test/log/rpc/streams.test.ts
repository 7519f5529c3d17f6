import { randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { connectLog, type Log } from "../../../lib/lakehouse/log/index.js";
import { logReads } from "../../../lib/lakehouse/log/metrics.js";
import {
  type ConsumeRequestSchema,
  ConsumerService,
} from "../../../lib/lakehouse/log/rpc/generated/sololakehouse/log/v1/consumer_pb.js";
import { ProducerService } from "../../../lib/lakehouse/log/rpc/generated/sololakehouse/log/v1/producer_pb.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { connected, serve } from "./support/servers.js";

async function clients(log: Log) {
  const server = await serve(log);
  const transport = createGrpcTransport({ baseUrl: server.url });
  return {
    server,
    producer: createClient(ProducerService, transport),
    consumer: createClient(ConsumerService, transport),
  };
}

const request = (value: string, topic = "t") => ({ topic, records: [{ value: Buffer.from(value) }] });

test("a stream of appends is answered in its order, and stands in the log in it", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  const { producer } = await clients(log);
  const values = Array.from({ length: 2000 }, (_, i) => String(i));
  async function* requests() {
    for (const value of values) yield request(value);
  }
  const offsets: bigint[] = [];
  for await (const { appended } of producer.appendStream(requests()))
    for (const { baseOffset } of appended) offsets.push(baseOffset);
  expect(offsets).toEqual(values.map(BigInt));
  expect(texts(await readAll(topic))).toEqual(values);
});

test("a client that waits for each answer before it sends on gets it", async () => {
  const log = openLog(testFolder());
  await log.createTopic("t");
  const { producer } = await clients(log);
  let answered = () => {};
  async function* requests() {
    for (let i = 0; i < 5; i++) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      yield request(String(i));
      await answer;
    }
  }
  let count = 0;
  for await (const _ of producer.appendStream(requests())) {
    count++;
    answered();
  }
  expect(count).toBe(5);
});

test("the first failure of a stream ends it with what went wrong; what was answered before is there", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  const { producer } = await clients(log);
  async function* requests() {
    yield request("a");
    yield request("b", "nowhere");
    yield request("c", "nowhere");
  }
  const answers: unknown[] = [];
  const streaming = (async () => {
    for await (const answer of producer.appendStream(requests())) answers.push(answer);
  })();
  await expect(streaming).rejects.toMatchObject({ code: Code.NotFound });
  expect(answers).toHaveLength(1);
  expect(texts(await readAll(topic))).toEqual(["a"]);
});

test("a stream with one answer counts the records", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { partitions: 3 });
  const { producer } = await clients(log);
  async function* requests() {
    for (let i = 0; i < 50; i++)
      yield { topic: "t", records: [{ value: Buffer.from(`${i}a`) }, { value: Buffer.from(`${i}b`) }] };
  }
  expect(await producer.appendAll(requests())).toMatchObject({ records: 100n });
  expect(await readAll(topic)).toHaveLength(100);
});

test("a deadline ends what waits", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  await topic.append({ value: "a" });
  const { consumer } = await clients(log);
  const reading = (async () => {
    for await (const _ of consumer.read({ topic: "t", follow: true }, { timeoutMs: 300 }));
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.DeadlineExceeded });
});

test("a server that stops ends who follows, as no end of the topic", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  await topic.append({ value: "a" });
  const { consumer, server } = await clients(log);
  const reading = (async () => {
    for await (const _ of consumer.read({ topic: "t", follow: true })) void server.close();
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.Unavailable });
  await server.close();
});

test("a reader who takes nothing makes the server hold little", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { compression: "none", segmentBytes: 2 * 1024 * 1024 });
  const value = randomBytes(500_000);
  for (let i = 0; i < 100; i++) await topic.append({ value });
  await log.flush();
  const remote = await connected(log);
  const reading = remote.topic("t").read();
  await reading.next();
  let bytes = 0;
  const stop = logReads.subscribe((read) => {
    bytes += read.bytes;
  });
  // What would be read ahead without end is read by then.
  await new Promise((resolve) => setTimeout(resolve, 500));
  stop();
  expect(bytes).toBeLessThan(20 * value.length);
  let rest = 0;
  for await (const { records } of reading) rest += records.length;
  expect(rest).toBeGreaterThan(90);
});

test("a client that dies in the midst of a stream is no fault, and leaves its group", async () => {
  const log = openLog(testFolder());
  await (await log.createTopic("t")).append({ value: "a" });
  const faults: unknown[] = [];
  const server = await serve(log, { onFault: (error) => faults.push(error) });
  const sockets: Socket[] = [];
  const between = createServer((client) => {
    const to = connect(server.port, "127.0.0.1");
    for (const socket of [client, to]) socket.on("error", () => undefined);
    sockets.push(client, to);
    client.pipe(to).pipe(client);
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void between.close());
  const remote = await connectLog(`http://127.0.0.1:${(between.address() as { port: number }).port}`);
  onTestFinished(() => remote.close());
  const reading = remote.consume(["t"], { group: "g" });
  await reading.next();
  const waiting = reading.next();
  for (const socket of sockets) socket.destroy();
  await expect(waiting).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
  while ((await log.groups.describe("g")).state !== "Empty")
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(faults).toEqual([]);
});

test("a reader of a group who asks for much and takes nothing is not read for", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { compression: "none" });
  const count = 60;
  const value = randomBytes(500_000);
  for (let i = 0; i < count; i++) await topic.append({ value });
  const { consumer } = await clients(log);
  let bytes = 0;
  const stop = logReads.subscribe((read) => {
    bytes += read.bytes;
  });
  const ending = new AbortController();
  async function* requests(): AsyncGenerator<MessageInitShape<typeof ConsumeRequestSchema>> {
    yield { request: { case: "start", value: { topics: ["t"], group: "g", manual: true } } };
    for (let i = 0; i < count; i++) yield { request: { case: "next", value: true } };
    await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
  }
  const answers = consumer.consume(requests(), { signal: ending.signal })[Symbol.asyncIterator]();
  const taken = async () => {
    const { response } = (await answers.next()).value ?? {};
    return response?.case === "batch" ? (response.value.batch?.records.length ?? 0) : 0;
  };
  let records = await taken();
  // Whatever it takes to read what would be read.
  let before = -1;
  while (bytes > before) {
    before = bytes;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(bytes).toBeLessThan((count / 2) * value.length);
  while (records < count) records += await taken();
  stop();
  ending.abort();
});
