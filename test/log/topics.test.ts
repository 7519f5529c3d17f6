import { cp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

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
    for (const name of ["flights", "other"])
      await (await log.createTopic(name)).append({ value: "old" }, { ack: "stored" });
    await again.createTopic("flights");
    await expect(again.recover()).rejects.toMatchObject({
      code: "TOPIC_EXISTS",
      message: /two topics flights/,
    });
    expect(texts(await readAll(again.topic("other")))).toEqual(["old"]);
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
