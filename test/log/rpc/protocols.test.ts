import { connect as connectTcp } from "node:net";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../lib/lakehouse/log/rpc/generated/grpc/health/v1/health_pb.js";
import { ConsumerService } from "../../../lib/lakehouse/log/rpc/generated/sololakehouse/log/v1/consumer_pb.js";
import { ProducerService } from "../../../lib/lakehouse/log/rpc/generated/sololakehouse/log/v1/producer_pb.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { post, SERVICE, serve } from "./support/servers.js";

const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each([
  ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web over HTTP/1.1", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["gRPC-Web over HTTP/2", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  ["Connect over HTTP/1.1", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect over HTTP/2", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" })],
])("%s speaks to the one port", async (_, transportTo) => {
  const log = openLog(testFolder());
  await log.createTopic("t");
  const { url } = await serve(log);
  const transport = transportTo(url);
  const records = [{ value: Buffer.from("a") }, { value: Buffer.from("b") }];
  const { appended } = await createClient(ProducerService, transport).append({ topic: "t", records });
  expect(appended).toMatchObject([{ partition: 0, baseOffset: 0n, lastOffset: 1n }]);
  const read: unknown[] = [];
  for await (const batch of createClient(ConsumerService, transport).read({ topic: "t" }))
    read.push(...batch.records.map(({ value }) => Buffer.from(value ?? []).toString()));
  expect(read).toEqual(["a", "b"]);
});

test("curl appends, fetches and is told of errors, in JSON", async () => {
  const { url } = await serve(openLog(testFolder()));
  expect(
    await post(url, "AdminService/CreateTopic", { name: "t", config: { segmentMs: "50" } }),
  ).toMatchObject({
    status: 200,
    answer: { name: "t", partitions: 1, config: { segmentMs: "50" } },
  });
  const record = { key: base64("k"), value: base64("v"), timestamp: 5 };
  const append = { topic: "t", records: [record], ack: "ACK_STORED" };
  expect((await post(url, "ProducerService/Append", append)).answer).toEqual({
    appended: [{ partition: 0, baseOffset: "0", lastOffset: "0" }],
  });
  const stored = { ...record, timestamp: "5", offset: "0", headers: [] };
  const batch = { partition: 0, records: [stored], highWatermark: "1", nextOffset: "1" };
  expect((await post(url, "ConsumerService/Fetch", { topic: "t" })).answer).toEqual(batch);
  const end = { topic: "t", from: { end: true } };
  expect((await post(url, "ConsumerService/Fetch", end)).answer).toMatchObject({
    records: [],
    nextOffset: "1",
  });
  expect(await post(url, "ConsumerService/Fetch", { topic: "t", from: { offset: "9" } })).toMatchObject({
    status: 400,
    answer: { code: "out_of_range", details: [{ debug: { code: "OFFSET_OUT_OF_RANGE", subject: "t/0" } }] },
  });
  expect(await post(url, "ConsumerService/Fetch", { topic: "tt" })).toMatchObject({
    status: 404,
    answer: { code: "not_found", details: [{ debug: { code: "NO_SUCH_TOPIC", subject: "tt" } }] },
  });
  expect(await post(url, "ProducerService/Append", { topic: 3 })).toMatchObject({ status: 400 });
  expect((await post(url, "AdminService/ListSegments", { topic: "t" })).answer).toMatchObject({
    segments: [
      {
        sequence: "0",
        baseOffset: "0",
        nextOffset: "1",
        records: "1",
        uri: expect.stringMatching(/\.segment$/),
      },
    ],
    nextPageToken: "",
  });
});

test("a fetch at the end waits for a record, no longer than was asked", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  const { url } = await serve(log);
  await topic.append({ value: "before" });
  const fetched = post(url, "ConsumerService/Fetch", { topic: "t", from: { end: true }, maxWaitMs: 60_000 });
  let isAnswered = false;
  void fetched.finally(() => {
    isAnswered = true;
  });
  // Nobody knows when it has begun to wait.
  while (!isAnswered) {
    await topic.append({ value: "after" });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect((await fetched).answer).toMatchObject({ records: [{ value: base64("after") }] });
  const { end } = (await topic.offsets())[0] as { end: bigint };
  const nothing = await post(url, "ConsumerService/Fetch", {
    topic: "t",
    from: { end: true },
    maxWaitMs: 20,
  });
  expect(nothing.answer).toMatchObject({ records: [], nextOffset: String(end) });
  const forever = { topic: "t", from: { end: true }, maxWaitMs: 3_600_000 };
  expect((await post(url, "ConsumerService/Fetch", forever)).status).toBe(400);
});

test("a fetch gives no more than was asked for, and says where to go on", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { partitions: 1 });
  const { url } = await serve(log);
  await topic.append(Array.from({ length: 100 }, (_, i) => ({ value: String(i).padStart(1000, "0") })));
  const seen: number[] = [];
  for (let offset = "0"; offset !== "100"; ) {
    const { answer } = await post(url, "ConsumerService/Fetch", {
      topic: "t",
      from: { offset },
      maxBytes: 10_000,
    });
    expect(answer.records.length).toBeLessThanOrEqual(10);
    seen.push(...answer.records.map((record: { offset: string }) => Number(record.offset)));
    offset = answer.nextOffset;
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test("a message that is too large is refused, and the server goes on", async () => {
  const log = openLog(testFolder());
  await log.createTopic("t");
  const { url } = await serve(log, { maxMessageBytes: 10_000 });
  const large = { topic: "t", records: [{ value: base64("a".repeat(20_000)) }] };
  expect(await post(url, "ProducerService/Append", large)).toMatchObject({
    answer: { code: "resource_exhausted" },
  });
  const { gzipSync } = await import("node:zlib");
  const bomb = await fetch(`${url}/${SERVICE}.ProducerService/Append`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: gzipSync(JSON.stringify({ topic: "t", records: [{ value: base64("a".repeat(10_000_000)) }] }), {
      level: 1,
    }).subarray(0),
  });
  expect(await bomb.json()).toMatchObject({ code: "resource_exhausted" });
  expect((await post(url, "AdminService/ListTopics", {})).status).toBe(200);
});

test("a page in a browser gets nothing", async () => {
  const { url } = await serve(openLog(testFolder()));
  const { port } = new URL(url);
  const answer = await new Promise<string>((resolve) => {
    const socket = connectTcp(Number(port), "127.0.0.1");
    socket.end(
      `POST /${SERVICE}.AdminService/ListTopics HTTP/1.1\r\nhost: a\r\norigin: https://example.org\r\n` +
        "content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    );
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("close", () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
});

test.each([
  ["nothing", ""],
  ["the beginning of HTTP/2's preface", "PR"],
  ["no protocol at all", "\u0000\u0001\u0002\u0003garbage\r\n\r\n"],
  ["a preface and then garbage", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all"],
  ["a Kafka request", "\u0000\u0000\u0000\u000a\u0000\u0012\u0000\u0000\u0000\u0000\u0000\u0001\u0000\u0000"],
  ["half a request", `POST /${SERVICE}.AdminService/ListTopics HTTP/1.1\r\ncontent-length: 100\r\n\r\n{`],
])("a client that sends %s and goes does no harm", async (_, bytes) => {
  const server = await serve(openLog(testFolder()));
  for (const end of ["end", "destroy"] as const) {
    const socket = connectTcp(server.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => undefined);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    if (bytes !== "")
      await new Promise<void>((resolve) => void socket.write(bytes, "latin1", () => resolve()));
    socket[end]();
  }
  expect((await post(server.url, "AdminService/ListTopics", {})).status).toBe(200);
});

test("bytes that come one by one are a request, too", async () => {
  const log = openLog(testFolder());
  const server = await serve(log);
  const socket = connectTcp(server.port, "127.0.0.1");
  socket.setNoDelay(true);
  const text = `POST /${SERVICE}.AdminService/ListTopics HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`;
  let answer = "";
  socket.on("data", (data) => {
    answer += data;
  });
  for (const byte of text) {
    await new Promise<void>((resolve) => void socket.write(byte, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*"topics":\[\]/s);
});

test("the health of the server and of each service can be asked, and watched until it stops", async () => {
  const server = await serve(openLog(testFolder()));
  const client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  for (const service of ["", `${SERVICE}.ProducerService`, "grpc.health.v1.Health"])
    expect(await client.check({ service })).toMatchObject({ status: Status.SERVING });
  await expect(client.check({ service: "nope" })).rejects.toMatchObject({ code: 5 });
  const seen: Status[] = [];
  for await (const { status } of client.watch({})) {
    seen.push(status);
    if (seen.length === 1) void server.close();
  }
  expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING]);
});
