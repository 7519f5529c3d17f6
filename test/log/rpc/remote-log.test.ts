import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { connectLog } from "../../../lib/lakehouse/log/index.js";
import { runs } from "../../support/runs.js";
import { openLog, testFolder, texts } from "../support/lake-log.js";
import { anyRecord } from "../support/records.js";
import { connected, serve } from "./support/servers.js";

test("records come back as the log itself would give them, whatever is in them", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  await log.createTopic("t");
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (records) => {
      const topic = remote.topic("t");
      const [appended] = await topic.append(records);
      const read = async (from: typeof log | typeof remote) => {
        for await (const batch of from.topic("t").read({ from: appended?.baseOffset ?? 0n })) return batch;
        return undefined;
      };
      // Which leader took a batch is not told from afar.
      const { leaderEpoch, ...mine } = { ...(await read(log)) };
      expect(leaderEpoch).toBeGreaterThan(0);
      expect(mine.records).toHaveLength(records.length);
      expect(await read(remote)).toEqual(mine);
    }),
    { numRuns: runs(30) },
  );
});

test("a topic is made, changed, described and deleted from afar", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("flights", { partitions: 2, compression: "lz4", segmentMs: 77 });
  expect(await topic.describe()).toEqual(await log.topic("flights").describe());
  await remote.createTopic("flights", { ifExists: "keep" });
  await expect(remote.createTopic("flights")).rejects.toMatchObject({ code: "TOPIC_EXISTS" });
  expect(await remote.alterTopic("flights", { segmentMs: 78 })).toMatchObject({ config: { segmentMs: 78 } });
  expect(await remote.addPartitions("flights", 3)).toMatchObject({ partitions: 3, version: 3 });
  await topic.append({ value: "a" }, { partition: 2, ack: "stored" });
  await topic.append({ value: "b" }, { partition: 2 });
  expect(await topic.offsets()).toEqual(await log.topic("flights").offsets());
  expect((await topic.offsets())[2]).toMatchObject({ start: 0n, end: 2n, stored: 1n });
  await remote.flush();
  expect((await topic.offsets())[2]).toMatchObject({ stored: 2n });
  expect(await remote.topics()).toEqual(await log.topics());
  await remote.deleteTopic("flights");
  expect(await log.topics()).toEqual([]);
});

test("records are deleted from afar", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  await log.createTopic("t", { partitions: 2 });
  const topic = remote.topic("t");
  for (const partition of [0, 0, 0, 1]) await topic.append({ value: "v" }, { partition });
  expect(await topic.deleteRecords({ before: 2n, partition: 0 })).toEqual([2n, 0n]);
  expect((await log.topic("t").offsets()).map(({ start }) => start)).toEqual([2n, 0n]);
  await expect(topic.deleteRecords({ before: 1n })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(topic.deleteRecords({ before: 9n, partition: 1 })).rejects.toMatchObject({
    code: "OFFSET_OUT_OF_RANGE",
  });
  expect(await topic.deleteRecords({ before: "end" })).toEqual([3n, 1n]);
});

test("what fails there fails here with the same code, subject, sentence and remedy", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  await log.createTopic("flights");
  const failures: ((of: typeof log | typeof remote) => Promise<unknown>)[] = [
    (of) => of.topic("flihgts").describe(),
    (of) => of.topic("flights").append({ value: "a" }, { partition: 3 }),
    (of) => of.topic("flights").read({ from: 5n }).next(),
    (of) => of.topic("__own").append({ value: "a" }),
    (of) => of.createTopic("flights"),
    (of) => of.createTopic("no good"),
    (of) => of.createTopic("x", { segmentBytes: 3 }),
    (of) => of.createTopic("x", { partitions: 0.5 }),
    (of) => of.createTopic("x", { partitions: 0 }),
    (of) => of.topic("flights").append({ value: 3 as unknown as string }),
    (of) => of.topic("flights").append({ value: "a" }, { ack: "soon" as "wal" }),
    (of) =>
      of
        .topic("flights")
        .read({ from: 3 as unknown as bigint })
        .next(),
    (of) => of.createTopic("x", { ["segmentByte" as "segmentBytes"]: 3 }),
    (of) => of.topic("flights").append({ value: "a".repeat(2000) }),
  ];
  await log.alterTopic("flights", { maxBatchBytes: 1024, compression: "none" });
  for (const [at, fail] of failures.entries()) {
    const here = await fail(log).catch((error: unknown) => error);
    const there = await fail(remote).catch((error: unknown) => error);
    const { code, subject, message, remedy } = here as { [name: string]: unknown };
    expect(code, `failure ${at}`).toBeTypeOf("string");
    expect(there, `failure ${at}`).toMatchObject({ name: "LakehouseError", code, subject, message, remedy });
  }
});

test("who follows a topic gets what comes, until it has enough", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("t");
  const seen: string[] = [];
  const ending = new AbortController();
  const following = (async () => {
    for await (const { records } of topic.read({ follow: true, from: "end", signal: ending.signal })) {
      seen.push(...texts(records));
      if (seen.length >= 3) ending.abort();
    }
  })();
  // The end is where it is when the reading begins.
  while (seen.length === 0) await topic.append({ value: "first" });
  for (let i = 0; seen.length < 3; i++) await topic.append({ value: String(i) });
  await following;
  expect(seen.slice(0, 1)).toEqual(["first"]);
});

test("a read of more than fits into a message is whole", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("t", { compression: "none" });
  const value = (i: number) => `${i}`.padEnd(i === 3 ? 3_000_000 : 50_000, ".");
  const records = Array.from({ length: 100 }, (_, i) => ({ value: value(i) }));
  await log.topic("t").append(records);
  const read: string[] = [];
  let largest = 0;
  for await (const batch of topic.read()) {
    read.push(...texts(batch.records));
    largest = Math.max(largest, batch.records.length);
  }
  expect(read).toEqual(records.map((record) => record.value));
  expect(largest).toBeLessThan(25);
});

test.each([
  ["nobody listens", "http://127.0.0.1:1"],
  ["what listens is no server of a log", undefined],
])("where %s, connecting says so", async (_, url) => {
  const { createServer } = await import("node:http");
  const other = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  await expect(connectLog(url ?? `http://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: "LOG_UNAVAILABLE",
    remedy: expect.stringContaining("streamctl serve"),
  });
  await expect(connectLog("127.0.0.1:50051")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("calls after the server has gone fail as such", async () => {
  const log = openLog(testFolder());
  const server = await serve(log);
  const remote = await connectLog(server.url);
  onTestFinished(() => remote.close());
  await server.close();
  await expect(remote.topics()).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
});
