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
