import { randomBytes } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";
import { batchOf } from "./support/records.js";

function twoLogs() {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  return { store, log: openLog(join(root, "a"), { store }), again: openLog(join(root, "b"), { store }) };
}

describe("a name is one topic's", () => {
  test("a topic whose making was refused leaves nothing that stands in the way of recovery", async () => {
    const { log, again } = twoLogs();
    const topic = await log.createTopic("flights");
    await expect(log.createTopic("flights")).rejects.toMatchObject({ code: "TOPIC_EXISTS" });
    await topic.append({ value: "x" }, { ack: "stored" });
    expect(await again.recover()).toEqual({ topics: 1, segments: 1 });
    expect(texts(await readAll(again.topic("flights")))).toEqual(["x"]);
  });

  test("of two that are made at once one is, and who would keep it gets it", async () => {
    const { log, again } = twoLogs();
    const made = await Promise.allSettled(Array.from({ length: 5 }, () => log.createTopic("flights")));
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await Promise.all(Array.from({ length: 5 }, () => log.createTopic("kept", { ifExists: "keep" })));
    expect(await again.recover()).toEqual({ topics: 2, segments: 0 });
    expect(await again.topics()).toEqual(await log.topics());
  });

  test("a description that a crash left behind is no topic for recovery where another has the records", async () => {
    const { store, log, again } = twoLogs();
    const topic = await log.createTopic("flights");
    await topic.append({ value: "x" }, { ack: "stored" });
    const left = { ...(await topic.describe()), id: "00000000-0000-4000-8000-000000000000", createdAt: 0 };
    await store.put(`${store.root}/_log/${left.id}/topic.json`, Buffer.from(JSON.stringify(left)));
    expect(await again.recover()).toEqual({ topics: 1, segments: 1 });
    expect(await again.topics()).toEqual(await log.topics());
  });

  test("a topic that was made anew before recovery hides none of the others", async () => {
    const { log, again } = twoLogs();
    // Its metadata is one that knows neither of the others.
    await again.createTopic("flights");
    for (const name of ["flights", "other"])
      await (await log.createTopic(name)).append({ value: "old" }, { ack: "stored" });
    await expect(again.recover()).rejects.toMatchObject({
      code: "TOPIC_EXISTS",
      message: /two topics flights/,
    });
    expect(texts(await readAll(again.topic("other")))).toEqual(["old"]);
  });

  test("a damaged segment is said, and hides no other partition and no other topic from recovery", async () => {
    const { store, log, again } = twoLogs();
    for (const name of ["a", "b"]) {
      const topic = await log.createTopic(name, { partitions: 2 });
      for (const partition of [0, 1])
        await topic.append({ value: `${name}${partition}` }, { partition, ack: "stored" });
    }
    for await (const { uri } of store.list(`${store.root}/_log/${(await log.topic("a").describe()).id}/0/`))
      if (uri.endsWith(".segment")) await store.put(uri, Buffer.from("torn"));
    await expect(again.recover()).rejects.toMatchObject({ code: "CORRUPT_SEGMENT" });
    for (const [name, partition] of [
      ["a", 1],
      ["b", 0],
      ["b", 1],
    ] as const)
      expect(texts(await readAll(again.topic(name), { partition }))).toEqual([`${name}${partition}`]);
    await expect(again.topic("a").append({ value: "x" }, { partition: 0 })).rejects.toMatchObject({
      code: "CORRUPT_SEGMENT",
    });
  });

  test("where the metadata knows no topic and one has records, none is made in its place", async () => {
    const { store, log, again } = twoLogs();
    const gone = await log.createTopic("gone");
    await gone.append({ value: "x" }, { ack: "stored" });
    await log.deleteTopic("gone");
    expect(await again.topics()).toEqual([]);
    await (await log.createTopic("flights")).append({ value: "old" }, { ack: "stored" });
    const lost = openLog(testFolder(), { store });
    for (const call of [
      () => lost.createTopic("flights"),
      () => lost.topics(),
      () => lost.topic("flights").describe(),
    ])
      await expect(call()).rejects.toMatchObject({ code: "LOG_METADATA_LOST" });
    await lost.recover();
    expect(texts(await readAll(lost.topic("flights")))).toEqual(["old"]);
  });

  test("records in the log's own topics are no sign of lost metadata", async () => {
    const { store, log } = twoLogs();
    const own = await log.core.internalTopic("__anything");
    await (await log.core.internalPartition(own, 0)).append(await batchOf([{ value: "own" }]), "stored");
    await log.createTopic("first");
    await openLog(testFolder(), { store }).createTopic("second");
  });

  test("what the end of a process has left of a deleted topic is no topic for recovery", async () => {
    const { store, log, again } = twoLogs();
    await log.createTopic("kept");
    const { id } = await (await log.createTopic("gone")).describe();
    await store.put(`${store.root}/_log/${id}/deleted`, new Uint8Array());
    expect(await log.recover()).toEqual({ topics: 1, segments: 0 });
    expect((await log.topics()).map(({ name }) => name)).toEqual(["kept"]);
    await store.delete([`${store.root}/_log/${id}/topic.json`]);
    expect(await again.recover()).toEqual({ topics: 1, segments: 0 });
  });
});

test("a deletion that ended with its process is a deletion: nothing is written there any more, and it can be ended", async () => {
  const root = testFolder();
  const log = openLog(root);
  const gone = await log.createTopic("gone", { segmentMs: 60_000 });
  const kept = await log.createTopic("kept");
  await gone.append({ value: "on this disk alone" });
  await kept.append({ value: "kept" });
  const { id } = await gone.describe();
  const copy = join(root, "copy");
  await cp(join(root, "log"), join(copy, "log"), { recursive: true });
  const store = new LocalStore(join(root, "warehouse"));
  await store.put(`${store.root}/_log/${id}/deleted`, new Uint8Array());

  const again = openLog(copy, { store });
  await expect(again.topic("gone").append({ value: "late" })).rejects.toMatchObject({
    code: "NO_SUCH_TOPIC",
  });
  await again.topic("kept").append({ value: "on" });
  expect(texts(await readAll(again.topic("kept")))).toEqual(["kept", "on"]);
  await again.deleteTopic("gone");
  expect((await again.topics()).map(({ name }) => name)).toEqual(["kept"]);
  await (await again.createTopic("gone")).append({ value: "anew" });
  expect(texts(await readAll(again.topic("gone")))).toEqual(["anew"]);
});

test("sizes of memory that are none are refused", () => {
  const root = testFolder();
  expect(() => openLog(root, { cacheBytes: 0 })).toThrow(/cacheBytes cannot be 0/);
  expect(() => openLog(root, { bufferBytes: Number.NaN })).toThrow(/bufferBytes cannot be NaN/);
});

describe("a topic changes", () => {
  test("settings and partitions reach its writer, the object store, and what is recovered from there", async () => {
    const { log, again } = twoLogs();
    const topic = await log.createTopic("flights");
    await topic.append({ value: "before" }, { ack: "stored" });
    await log.alterTopic("flights", { maxBatchBytes: 1024 });
    await log.addPartitions("flights", 3);
    await expect(topic.append({ value: randomBytes(2000) })).rejects.toMatchObject({
      code: "RECORD_TOO_LARGE",
    });
    await topic.append({ value: "behind" }, { partition: 2, ack: "stored" });
    await again.recover();
    expect(await again.topics()).toEqual(await log.topics());
    expect(await again.topic("flights").describe()).toMatchObject({
      partitions: 3,
      config: { maxBatchBytes: 1024, compression: "zstd" },
      version: 3,
    });
    expect(texts(await readAll(again.topic("flights"))).toSorted()).toEqual(["before", "behind"]);
  });

  test("two processes that change it at once lose nothing of each other, and recovery brings an old copy up to date", async () => {
    const { log, again } = twoLogs();
    await log.createTopic("flights");
    await again.recover();
    await Promise.all([
      log.alterTopic("flights", { segmentMs: 1 }),
      again.alterTopic("flights", { segmentBytes: 4096 }),
      log.alterTopic("flights", { compression: "lz4" }),
      again.addPartitions("flights", 2),
    ]);
    for (const one of [log, again]) {
      await one.recover();
      expect(await one.topic("flights").describe()).toMatchObject({
        partitions: 2,
        version: 5,
        config: { segmentMs: 1, segmentBytes: 4096, compression: "lz4" },
      });
    }
  });

  test("partitions become more, and never fewer; a call that failed half-way can be made again", async () => {
    const { store, log } = twoLogs();
    const { id, ...rest } = await (await log.createTopic("flights", { partitions: 2 })).describe();
    for (const partitions of [0, 1, 2, 1.5, 10_001])
      await expect(log.addPartitions("flights", partitions)).rejects.toMatchObject({
        code: "INVALID_PARTITIONS",
      });
    await expect(log.alterTopic("flights", { segmentMs: 0 })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
    await expect(log.alterTopic("other", {})).rejects.toMatchObject({ code: "NO_SUCH_TOPIC" });
    const ahead = { id, ...rest, partitions: 4, version: 2 };
    await store.put(`${store.root}/_log/${id}/topic.json`, Buffer.from(JSON.stringify(ahead)));
    await expect(log.addPartitions("flights", 3)).rejects.toMatchObject({ code: "INVALID_PARTITIONS" });
    await log.addPartitions("flights", 4);
    expect(await log.topic("flights").describe()).toMatchObject({ partitions: 4, version: 3 });
  });
});

test("the log's own topics are hidden, and not to be changed by clients", async () => {
  const { log } = twoLogs();
  const { core } = log;
  await expect(log.createTopic("__state")).rejects.toMatchObject({ code: "INTERNAL_TOPIC" });
  const own = await core.internalTopic("__state", { partitions: 2 });
  expect(await core.internalTopic("__state")).toEqual(own);
  expect(await log.topics()).toEqual([]);
  expect(await core.topics({ internal: true })).toEqual([own]);
  const refused = { code: "INTERNAL_TOPIC" };
  await expect(log.topic("__state").append({ value: "x" })).rejects.toMatchObject(refused);
  await expect(log.alterTopic("__state", {})).rejects.toMatchObject(refused);
  await expect(log.addPartitions("__state", 3)).rejects.toMatchObject(refused);
  await expect(log.deleteTopic("__state")).rejects.toMatchObject(refused);
  const partition = await core.internalPartition(own, 1);
  await partition.append(await batchOf([{ value: "kept" }]), "wal");
  expect(texts(await readAll(log.topic("__state")))).toEqual(["kept"]);
});

test("a writer's epoch is above that of every segment, also where the metadata was made again", async () => {
  const { store, log, again } = twoLogs();
  const topic = await log.createTopic("flights");
  await topic.append({ value: "1" }, { ack: "stored" });
  await again.recover();
  await again.topic("flights").append({ value: "2" }, { ack: "stored" });
  const epochs: number[] = [];
  for await (const { uri } of store.list(`${store.root}/_log/`))
    if (uri.endsWith(".segment")) epochs.push(Buffer.from(await store.read(uri)).readUInt32BE(28));
  expect(epochs[1]).toBeGreaterThan(epochs[0] as number);
});
