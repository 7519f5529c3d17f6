import { join } from "node:path";
import { expect, test } from "vitest";
import type { Topic } from "../../lib/lakehouse/log/index.js";
import { LocalStore, storageFailed } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

test("what is appended while a put's answer is lost is not taken for part of that segment when the log is closed", async () => {
  const root = testFolder();
  let lose: (() => Promise<void>) | undefined;
  class LosingStore extends LocalStore {
    override async put(...args: Parameters<LocalStore["put"]>) {
      const info = await super.put(...args);
      const [uri] = args;
      if (lose === undefined || !uri.endsWith(".segment")) return info;
      const before = lose;
      lose = undefined;
      await before();
      throw storageFailed(uri, "The answer was lost.");
    }
  }
  const log = openLog(root, { store: new LosingStore(join(root, "warehouse")) });
  const topic: Topic = await log.createTopic("flights");
  let closing: Promise<void> | undefined;
  lose = async () => {
    await topic.append({ value: "b" });
    closing = log.close();
    // By then, its partitions know.
    await new Promise(setImmediate);
  };
  await topic.append({ value: "a" });
  await log.flush().catch(() => undefined);
  await closing;
  expect(texts(await readAll(openLog(root).topic("flights")))).toEqual(["a", "b"]);
});
