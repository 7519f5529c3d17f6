import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GrpcServer, Log, serveGrpc } from "../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { Engine } from "./engine.js";

const PACKAGE = "sololakehouse.log.v1";
const base64 = (text: string) => Buffer.from(text).toString("base64");

let folder: string;
let log: Log;
let server: GrpcServer;
let python: Engine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slh-grpc-"));
  log = new Log({ store: new LocalStore(join(folder, "warehouse")), folder: join(folder, "log") });
  server = await serveGrpc(log);
  python = new Engine("grpc_client.py");
});
afterAll(async () => {
  python.close();
  await server.close();
  await log.close();
  rmSync(folder, { recursive: true });
});

interface Called {
  readonly answers?: readonly { readonly [field: string]: unknown }[];
  readonly code?: string;
  readonly error?: { readonly code: string; readonly subject: string; readonly remedy: string };
}

const call = (method: string, ...requests: object[]) =>
  python.call<Called>("call", { url: server.url, method, requests });

describe("grpcio, without protos", () => {
  test("finds the services, and that they serve", async () => {
    const names = [
      "AdminService",
      "ConsumerService",
      "ProducerService",
      "SchemaService",
      "TransactionService",
    ].map((name) => `${PACKAGE}.${name}`);
    expect(await python.call("services", { url: server.url })).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      ...names,
    ]);
    for (const service of ["", ...names])
      expect(await python.call("health", { url: server.url, service })).toBe("SERVING");
  });

  test("makes a topic, appends and reads, one by one and in streams both ways", async () => {
    const topic = { name: "flights", partitions: 2, config: { compression: "lz4" } };
    expect(await call("AdminService/CreateTopic", topic)).toMatchObject({ answers: [topic] });
    const append = (value: string, partition: number) => ({
      ...{ topic: "flights", partition, ack: "ACK_STORED" },
      records: [{ key: base64("k"), value: base64(value), headers: [{ key: "h", value: base64("x") }] }],
    });
    expect(await call("ProducerService/Append", append("a", 0))).toEqual({
      answers: [{ appended: [{ partition: 0, baseOffset: "0", lastOffset: "0" }] }],
    });
    const stream = Array.from({ length: 100 }, (_, i) => append(String(i), 1));
    const { answers = [] } = await call("ProducerService/AppendStream", ...stream);
    expect(answers).toEqual(
      stream.map((_, i) => ({
        appended: [{ partition: 1, baseOffset: String(i), lastOffset: String(i) }],
      })),
    );
    expect(await call("ProducerService/AppendAll", append("b", 0), append("c", 0))).toEqual({
      answers: [{ records: "2" }],
    });
    const read = await call("ConsumerService/Read", { topic: "flights", partition: 0 });
    const values = read.answers?.flatMap(({ records }) =>
      (records as { value: string }[]).map(({ value }) => value),
    );
    expect(values).toEqual(["a", "b", "c"].map(base64));
    const fetch = { topic: "flights", partition: 0, from: { offset: "2" } };
    expect(await call("ConsumerService/Fetch", fetch)).toMatchObject({
      answers: [{ records: [{ offset: "2", value: base64("c") }], nextOffset: "3", highWatermark: "3" }],
    });
  });

  test("consumes, transforms and produces in transactions, and is fenced by a later producer", async () => {
    for (const name of ["delays", "minutes"]) await call("AdminService/CreateTopic", { name });
    await call("ProducerService/Append", { topic: "delays", records: [{ value: base64("12") }] });
    const init = async () => {
      const request = { transactionalId: "minutes", transactionTimeoutMs: 30_000 };
      return (await call("ProducerService/InitProducer", request)).answers?.[0];
    };
    const producer = await init();
    const transact = async (number: number, end: "Commit" | "Abort", value: string) => {
      const transaction = { transactionalId: "minutes", producer, number };
      const offsets = [{ topic: "delays", partition: 0, offset: "1" }];
      return [
        await call("ProducerService/Append", {
          ...{ topic: "minutes", partition: 0, records: [{ value: base64(value) }] },
          producer: { sequence: number, transaction },
        }),
        await call("TransactionService/AddOffsets", { transaction, group: "python" }),
        await call("TransactionService/SendOffsets", { transaction, group: "python", offsets }),
        await call(`TransactionService/${end}`, { transaction }),
      ];
    };
    for (const { code } of [
      ...(await transact(0, "Abort", "nothing")),
      ...(await transact(1, "Commit", "12")),
    ])
      expect(code).toBeUndefined();
    const committed = { topic: "minutes", isolation: "ISOLATION_READ_COMMITTED" };
    expect(await call("ConsumerService/Read", committed)).toMatchObject({
      answers: [{ records: [{ value: base64("12") }] }],
    });
    expect(await call("AdminService/DescribeGroup", { group: "python" })).toMatchObject({
      answers: [{ offsets: [{ topic: "delays", offset: "1" }] }],
    });
    await init();
    const [refused] = await transact(2, "Commit", "zombie");
    expect(refused).toMatchObject({ code: "FAILED_PRECONDITION", error: { code: "PRODUCER_FENCED" } });
  });

  test("is told of errors by code and detail", async () => {
    expect(await call("ConsumerService/Read", { topic: "flihgts" })).toMatchObject({
      code: "NOT_FOUND",
      error: { code: "NO_SUCH_TOPIC", subject: "flihgts", remedy: expect.stringContaining("flights") },
    });
    expect(await call("ConsumerService/Fetch", { topic: "flights", from: { offset: "77" } })).toMatchObject({
      code: "OUT_OF_RANGE",
      error: { code: "OFFSET_OUT_OF_RANGE", subject: "flights/0" },
    });
    expect(await call("AdminService/CreateTopic", { name: "flights" })).toMatchObject({
      code: "ALREADY_EXISTS",
    });
    const follow = { url: server.url, method: "ConsumerService/Read", timeout: 0.5 };
    const request = { topic: "flights", from: { end: true }, follow: true };
    expect(await python.call("call", { ...follow, requests: [request] })).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
  });
});

test("curl makes a topic and appends to it, over HTTP/1.1 and over HTTP/2", async () => {
  for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
    const topic = `curl${version}`;
    const curl = async (method: string, message: object) => {
      const json = ["-H", "content-type: application/json", "-d", JSON.stringify(message)];
      const url = `${server.url}/${PACKAGE}.${method}`;
      return JSON.parse((await promisify(execFile)("curl", ["-s", version, ...json, url])).stdout);
    };
    expect(await curl("AdminService/CreateTopic", { name: topic })).toMatchObject({ name: topic });
    const append = { topic, records: [{ value: base64("a") }] };
    expect(await curl("ProducerService/Append", append)).toMatchObject({ appended: [{ baseOffset: "0" }] });
    expect(await curl("ConsumerService/Fetch", { topic })).toMatchObject({
      records: [{ value: base64("a") }],
    });
    expect(await curl("ConsumerService/Fetch", { topic: "nowhere" })).toMatchObject({ code: "not_found" });
  }
});
