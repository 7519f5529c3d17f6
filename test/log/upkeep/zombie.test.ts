import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";

test("a writer that was paused does not take a number for its own that another had put, and that is deleted", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const paused = openLog(join(root, "a"), { store });
  const topic = await paused.createTopic("flights", { fileDeleteDelayMs: 0 });
  await topic.append({ value: "0" }, { ack: "stored" });
  const other = openLog(join(root, "b"), { store });
  await other.recover();
  for (let i = 1; i < 4; i++) await other.topic("flights").append({ value: `${i}` }, { ack: "stored" });
  await other.topic("flights").deleteRecords({ before: 3n });
  await other.upkeep();
  const { id } = await topic.describe();
  const segment = (number: number) =>
    `${store.root}/_log/${id}/0/${String(number).padStart(20, "0")}.segment`;
  expect(await store.head(segment(1))).toBeUndefined();

  await expect(topic.append({ value: "late" }, { ack: "stored" })).rejects.toMatchObject({ code: "FENCED" });
  expect(texts(await readAll(other.topic("flights")))).toEqual(["3"]);
  const fresh = openLog(join(root, "c"), { store });
  await fresh.recover();
  expect(texts(await readAll(fresh.topic("flights")))).toEqual(["3"]);

  // What it has put in vain is found and deleted; opened again, the log is up to date by itself.
  expect(await store.head(segment(1))).toBeDefined();
  await other.close();
  const again = openLog(join(root, "b"), { store });
  expect(await again.upkeep()).toMatchObject([
    { what: "forget", objects: 1 },
    { what: "delete", objects: 1 },
  ]);
  expect(await store.head(segment(1))).toBeUndefined();
});

test("metadata that is behind the store's is brought up to date where a partition is opened", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const before = openLog(join(root, "a"), { store });
  const topic = await before.createTopic("flights", { fileDeleteDelayMs: 0 });
  await topic.append({ value: "0" }, { ack: "stored" });
  await before.close();
  const other = openLog(join(root, "b"), { store });
  await other.recover();
  for (let i = 1; i < 4; i++) await other.topic("flights").append({ value: `${i}` }, { ack: "stored" });
  await other.topic("flights").deleteRecords({ before: 3n });
  await other.upkeep();
  await other.close();

  const again = openLog(join(root, "a"), { store });
  await again.topic("flights").append({ value: "4" }, { ack: "stored" });
  expect(texts(await readAll(again.topic("flights")))).toEqual(["3", "4"]);
});

test("what the deletion of a topic has left is deleted, and a writer that knows it still is told", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const late = openLog(join(root, "a"), { store });
  const topic = await late.createTopic("gone");
  await topic.append({ value: "0" }, { ack: "stored" });
  const { id } = await topic.describe();
  const other = openLog(join(root, "b"), { store });
  await other.recover();
  await other.deleteTopic("gone");
  await expect(topic.append({ value: "late" }, { ack: "stored" })).rejects.toMatchObject({
    code: "NO_SUCH_TOPIC",
  });
  const left = async () => {
    const uris: string[] = [];
    for await (const { uri } of store.list(`${store.root}/_log/${id}/`)) uris.push(uri);
    return uris.length;
  };
  expect(await left()).toBe(1);
  expect(await other.upkeep()).toMatchObject([{ what: "delete", topic: id, objects: 1 }]);
  expect(await left()).toBe(0);

  const { id: half } = await (await other.createTopic("half")).describe();
  await other.topic("half").append({ value: "0" }, { ack: "stored" });
  await store.put(`${store.root}/_log/${half}/deleted`, new Uint8Array());
  await other.close();
  const again = openLog(join(root, "b"), { store });
  expect(await again.upkeep({ dryRun: true })).toMatchObject([{ topic: half, objects: 4 }]);
  await again.upkeep();
  expect(await again.topics()).toEqual([]);
});

test("a manifest that is lost is made anew from the metadata, where there is some, and is said to be missing where not", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const log = openLog(join(root, "a"), { store });
  const topic = await log.createTopic("flights", { fileDeleteDelayMs: 0 });
  for (let i = 0; i < 12; i++) await topic.append({ value: `${i}` }, { ack: "stored" });
  await topic.deleteRecords({ before: 2n });
  await log.upkeep();
  const { id } = await topic.describe();
  await store.delete([`${store.root}/_log/${id}/0/manifest.json`]);
  await expect(topic.append({ value: "12" }, { ack: "stored" })).rejects.toMatchObject({
    code: "CORRUPT_FILE",
  });
  await log.close();
  const lost = { code: "CORRUPT_FILE", message: expect.stringContaining("manifest") };
  const bare = openLog(join(root, "b"), { store });
  await expect(bare.recover()).rejects.toMatchObject(lost);
  await expect(bare.topic("flights").append({ value: "x" })).rejects.toMatchObject(lost);
  await bare.close();

  const again = openLog(join(root, "a"), { store });
  await again.topic("flights").append({ value: "13" }, { ack: "stored" });
  const values = Array.from({ length: 10 }, (_, i) => `${i + 2}`);
  expect(texts(await readAll(again.topic("flights")))).toEqual([...values, "12", "13"]);
  await again.close();
  const fresh = openLog(join(root, "c"), { store });
  await fresh.recover();
  expect(texts(await readAll(fresh.topic("flights")))).toEqual([...values, "12", "13"]);
});

test("a write-ahead log is taken up again where another machine has compacted and deleted what was stored of it", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const log = openLog(join(root, "a"), { store });
  const topic = await log.createTopic("flights", { cleanupPolicy: "compact", fileDeleteDelayMs: 0 });
  for (let i = 0; i < 12; i++)
    await topic.append(
      [
        { key: `k${i % 3}`, value: `${i}` },
        { key: `one-${i}`, value: `${i}` },
      ],
      { ack: "stored" },
    );
  await topic.append({ key: "k0", value: null }, { ack: "stored" });
  await cp(join(root, "a"), join(root, "copy"), { recursive: true });
  await log.close();
  const other = openLog(join(root, "b"), { store });
  await other.recover();
  await other.topic("flights").append({ key: "newest", value: "b" }, { ack: "stored" });
  expect(await other.upkeep()).toMatchObject([{ what: "compact" }, { what: "delete" }]);
  const left = await readAll(other.topic("flights"));
  expect(left).toHaveLength(16);
  await other.close();

  const again = openLog(join(root, "copy"), { store });
  await again.topic("flights").append({ key: "newest", value: "a" }, { ack: "stored" });
  expect(texts(await readAll(again.topic("flights")))).toEqual([...texts(left), "a"]);
});
