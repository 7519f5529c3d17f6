import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

test("of two machines that write one log, the one that is behind is stopped, and overwrites nothing", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const [first, second] = [openLog(join(root, "a"), { store }), openLog(join(root, "b"), { store })];
  const topic = await first.createTopic("flights");
  await topic.append({ value: "first" }, { ack: "stored" });
  await second.recover();
  await second.topic("flights").append({ value: "second" }, { ack: "stored" });

  await expect(topic.append({ value: "late" }, { ack: "stored" })).rejects.toMatchObject({ code: "FENCED" });
  await expect(topic.append({ value: "later" })).rejects.toMatchObject({ code: "FENCED" });
  expect(texts(await readAll(second.topic("flights")))).toEqual(["first", "second"]);

  await first.close();
  const again = openLog(join(root, "c"), { store });
  await again.recover();
  expect(texts(await readAll(again.topic("flights")))).toEqual(["first", "second"]);

  // "late" is in its write-ahead log: it must not be taken for what the other has put at its offset.
  const late = openLog(join(root, "a"), { store });
  await late.recover();
  await expect(late.topic("flights").append({ value: "more" })).rejects.toMatchObject({
    code: "FENCED",
    message: expect.stringContaining("offset 1 of flights/0"),
  });
});

test("a write-ahead log is kept where the metadata is an old copy, and taken up after recovery", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const copy = join(root, "copy");
  const before = openLog(copy, { store });
  await before.createTopic("other");
  await before.close();
  const log = openLog(root, { store });
  const topic = await log.createTopic("flights");
  await topic.append({ value: "stored" }, { ack: "stored" });
  await topic.append({ value: "on this disk alone" });
  await cp(join(root, "log", "wal"), join(copy, "log", "wal"), { recursive: true });

  const again = openLog(copy, { store });
  await expect(again.topic("other").append({ value: "x" })).rejects.toMatchObject({
    code: "LOG_METADATA_LOST",
  });
  await again.recover();
  await again.topic("other").append({ value: "x" });
  expect(texts(await readAll(again.topic("flights")))).toEqual(["stored", "on this disk alone"]);
});

test("the metadata is made again from the objects, topics and all", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const log = openLog(join(root, "a"), { store });
  const topic = await log.createTopic("flights", { partitions: 2, segmentBytes: 1024 });
  for (let i = 0; i < 30; i++)
    await topic.append({ key: `${i}`, value: `${i}`.repeat(100) }, { ack: "stored" });
  await log.createTopic("gone");
  await log.deleteTopic("gone");

  const again = openLog(join(root, "b"), { store });
  expect(await again.recover()).toEqual({ topics: 1, segments: 30 });
  expect(await again.recover()).toEqual({ topics: 1, segments: 30 });
  expect(await again.topics()).toEqual(await log.topics());
  expect(await again.topic("flights").offsets()).toEqual(await topic.offsets());
  expect(texts(await readAll(again.topic("flights"), { partition: 1 }))).toEqual(
    texts(await readAll(topic, { partition: 1 })),
  );
});

test("a segment that is missing among others is an error of recovery, and not a gap", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const topic = await openLog(join(root, "a"), { store }).createTopic("flights");
  for (let i = 0; i < 3; i++) await topic.append({ value: `${i}` }, { ack: "stored" });
  const { id } = await topic.describe();
  await store.delete([`${store.root}/_log/${id}/0/00000000000000000001.segment`]);
  await expect(openLog(join(root, "b"), { store }).recover()).rejects.toMatchObject({
    code: "CORRUPT_SEGMENT",
    message: expect.stringContaining("behind offset 0"),
  });
});

test("a copy of a log's folder is another writer: of two that go on, one is stopped, and neither is silent", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const [a, b] = [join(root, "a"), join(root, "b")];
  const before = openLog(a, { store });
  const { name } = await before.createTopic("flights");
  await before.topic(name).append({ value: "first" }, { ack: "stored" });
  await before.close();
  await cp(a, b, { recursive: true });

  const [one, other] = [openLog(a, { store }), openLog(b, { store })];
  await one.topic(name).append({ value: "of a, on its disk" });
  await other.topic(name).append({ value: "of b" }, { ack: "stored" });
  await expect(one.topic(name).append({ value: "late" }, { ack: "stored" })).rejects.toMatchObject({
    code: "FENCED",
  });
  await one.close();
  await expect(openLog(a, { store }).topic(name).append({ value: "more" })).rejects.toMatchObject({
    code: "FENCED",
    message: expect.stringContaining("offset 1 of flights/0"),
  });
});

test("a segment in the place of another is damage, to recovery and to who goes on behind it", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const log = openLog(join(root, "a"), { store });
  const topic = await log.createTopic("flights");
  await topic.append({ value: "first" }, { ack: "stored" });
  const { id } = await topic.describe();
  await log.close();
  const segment = (sequence: number) =>
    `${store.root}/_log/${id}/0/${String(sequence).padStart(20, "0")}.segment`;
  await store.put(segment(1), await store.read(segment(0)));

  const refused = {
    code: "CORRUPT_SEGMENT",
    message: expect.stringContaining("another segment than should be there"),
  };
  await expect(openLog(join(root, "b"), { store }).recover()).rejects.toMatchObject(refused);
  await expect(
    openLog(join(root, "a"), { store }).topic("flights").append({ value: "x" }),
  ).rejects.toMatchObject(refused);
});
