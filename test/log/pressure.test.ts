import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LocalStore, storageFailed } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

const HOUR = 3_600_000;
const large = { value: "x".repeat(400) };

describe("memory for what is not in the object store yet", () => {
  test("is freed when somebody waits for it, and not only when a segment is full or old", async () => {
    const log = openLog(testFolder(), { bufferBytes: 1000 });
    const topic = await log.createTopic("flights", { segmentMs: HOUR, compression: "none", partitions: 3 });
    for (let i = 0; i < 10; i++) await topic.append(large);
    expect(await readAll(topic)).toHaveLength(10);
  });

  test("is given back by topics that are deleted under load, and nothing is left of them", async () => {
    const root = testFolder();
    const log = openLog(root, { bufferBytes: 2000 });
    for (let i = 0; i < 5; i++) {
      const topic = await log.createTopic("flights", { segmentMs: HOUR, compression: "none", partitions: 2 });
      await topic.append(large);
      const appended = Array.from({ length: 20 }, () =>
        topic.append(large).then(
          () => "",
          (error: { code: string }) => error.code,
        ),
      );
      for (let turn = 0; turn < 3 * i; turn++) await undefined;
      await log.deleteTopic("flights");
      for (const code of await Promise.all(appended)) expect(["", "NO_SUCH_TOPIC"]).toContain(code);
    }
    expect(await readdir(join(root, "warehouse", "_log"))).toEqual(["epoch.json"]);
    const other = await log.createTopic("other", { segmentMs: HOUR, compression: "none" });
    for (let i = 0; i < 4; i++) await other.append(large);
    expect((await other.offsets())[0]).toMatchObject({ stored: 0n });
  });

  test("is given back by a partition that another machine has taken over", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const first = openLog(join(root, "a"), { store, bufferBytes: 1500 });
    const second = openLog(join(root, "b"), { store });
    const config = { segmentMs: HOUR, compression: "none" } as const;
    const topic = await first.createTopic("flights", config);
    await topic.append(large, { ack: "stored" });
    await second.recover();
    await second.topic("flights").append(large, { ack: "stored" });
    const late = await Promise.allSettled(Array.from({ length: 5 }, () => topic.append(large)));
    expect(late.some(({ status }) => status === "rejected")).toBe(true);
    const other = await first.createTopic("other", config);
    for (let i = 0; i < 5; i++) await other.append(large);
  });

  test("is waited for no longer than the log is open", async () => {
    const root = testFolder();
    class Failing extends LocalStore {
      override put(uri: string, body: never, condition?: never) {
        if (uri.endsWith(".segment")) return Promise.reject(storageFailed(uri, "It fails."));
        return super.put(uri, body, condition);
      }
    }
    const log = openLog(root, { bufferBytes: 1000, store: new Failing(join(root, "warehouse")) });
    const topic = await log.createTopic("flights", { compression: "none" });
    const appended = Array.from({ length: 5 }, (_, i) => topic.append({ value: `${i}`.repeat(400) }));
    const results = Promise.allSettled(appended);
    await appended[1];
    await log.close();
    const kept = (await results).filter(({ status }) => status === "fulfilled").length;
    expect(kept).toBe(2);
    const again = openLog(root).topic("flights");
    await again.append({ value: "more" });
    expect(texts(await readAll(again)).map(([first]) => first)).toEqual(["0", "1", "m"]);
  });
});
