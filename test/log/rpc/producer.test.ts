import { expect, onTestFinished, test } from "vitest";
import { connectLog, serveGrpc } from "../../../lib/lakehouse/log/index.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { losing } from "./support/losing.js";
import { post, serve } from "./support/servers.js";

test("what a producer sends again is there once, in order, though answers are lost", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { partitions: 2 });
  const server = await serve(log);
  const remote = await connectLog(await losing(() => server.port, 7));
  onTestFinished(() => remote.close());
  const producer = remote.producer();
  const values = Array.from({ length: 60 }, (_, i) => String(i));
  for (const value of values) await producer.append("t", { value }, { partition: Number(value) % 2 });
  const [even, odd] = [await readAll(topic, { partition: 0 }), await readAll(topic, { partition: 1 })];
  expect(texts(even)).toEqual(values.filter((value) => Number(value) % 2 === 0));
  expect(texts(odd)).toEqual(values.filter((value) => Number(value) % 2 === 1));
});

test("nor is anything there twice where the server is started anew meanwhile", async () => {
  const folder = testFolder();
  let log = openLog(folder);
  await log.createTopic("t");
  let server = await serveGrpc(log);
  const remote = await connectLog(await losing(() => server.port, 5));
  onTestFinished(() => remote.close());
  const producer = remote.producer();
  const appended: string[] = [];
  let isDone = false;
  const appending = (async () => {
    for (let i = 0; i < 40; i++) {
      await producer.append("t", { value: String(i) });
      appended.push(String(i));
    }
    isDone = true;
  })();
  const { port } = server;
  while (!isDone) {
    await server.close();
    await log.close();
    log = openLog(folder);
    server = await serveGrpc(log, { port });
    await Promise.race([appending, new Promise((resolve) => setTimeout(resolve, 500))]);
  }
  await appending;
  expect(texts(await readAll(log.topic("t")))).toEqual(appended);
  await server.close();
});

test("records of many megabytes are sent in pieces, each once", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { compression: "none" });
  const server = await serve(log);
  const remote = await connectLog(server.url);
  onTestFinished(() => remote.close());
  const records = Array.from({ length: 100 }, (_, i) => ({ value: `${i}`.padEnd(100_000) }));
  const [appended] = await remote.producer({ ack: "stored" }).append("t", records);
  expect(appended).toEqual({ partition: 0, baseOffset: 0n, lastOffset: 99n });
  expect(texts(await readAll(topic))).toEqual(records.map(({ value }) => value));
});

test("after a refusal, a producer goes on", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t", { maxBatchBytes: 1024, compression: "none" });
  const server = await serve(log);
  const remote = await connectLog(server.url);
  onTestFinished(() => remote.close());
  const producer = remote.producer();
  await producer.append("t", { value: "a" });
  await expect(producer.append("t", { value: "b".repeat(2000) })).rejects.toMatchObject({
    code: "RECORD_TOO_LARGE",
  });
  await expect(producer.append("tt", { value: "b" })).rejects.toMatchObject({ code: "NO_SUCH_TOPIC" });
  await Promise.all([producer.append("t", { value: "c" }), producer.append("t", { value: "d" })]);
  expect(texts(await readAll(topic))).toEqual(["a", "c", "d"]);
});

test("the same request, sent again in JSON, is answered as the first time; one that leaves a gap is refused", async () => {
  const log = openLog(testFolder());
  const topic = await log.createTopic("t");
  const { url } = await serve(log);
  const { answer: producer } = await post(url, "ProducerService/InitProducer", {});
  const send = (sequence: number, partition?: number) =>
    post(url, "ProducerService/Append", {
      ...{ topic: "t", partition, producer: { producer, sequence } },
      records: [{ value: "YQ==" }, { value: "Yg==" }],
    });
  const first = await send(0, 0);
  expect(first.answer).toEqual({ appended: [{ partition: 0, baseOffset: "0", lastOffset: "1" }] });
  expect(await send(0, 0)).toEqual(first);
  await send(2, 0);
  expect((await send(9, 0)).answer.details[0].debug.code).toBe("OUT_OF_ORDER_SEQUENCE");
  expect((await send(4)).answer.code).toBe("invalid_argument");
  expect(texts(await readAll(topic))).toEqual(["a", "b", "a", "b"]);
});
