import { existsSync, readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

const inTheWay = (path: string) => ({ directory: () => mkdir(path), file: () => writeFile(path, "no log") });

test.each([
  ["writer.lock", "directory"],
  ["wal", "file"],
] as const)(
  "what the system refuses at %s has a code, and the same log goes on afterwards",
  async (name, as) => {
    const root = testFolder();
    const log = openLog(root);
    const topic = await log.createTopic("flights");
    const path = join(root, "log", name);
    await inTheWay(path)[as]();
    await expect(topic.append([{ value: "a" }])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    await rm(path, { recursive: true });
    expect(await topic.append([{ value: "a" }])).toMatchObject([{ baseOffset: 0n }]);
  },
);

test("a folder that cannot be made for a log has a code", async () => {
  const root = testFolder();
  await writeFile(join(root, "log"), "no folder");
  await expect(openLog(root).topics()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
});

test.runIf(existsSync("/proc/self/fd"))("who tries again and again holds no more files open", async () => {
  const root = testFolder();
  await mkdir(join(root, "log"));
  await writeFile(join(root, "log", "meta.db"), "no database ".repeat(1000));
  const log = openLog(root);
  const fail = () => expect(log.topics()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  await fail();
  const before = readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 20; i++) await fail();
  expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 20);
});

test("who tries again while another does meets the same writer", async () => {
  const root = testFolder();
  const log = openLog(root);
  const topic = await log.createTopic("flights");
  const path = join(root, "log", "wal");
  await writeFile(path, "no folder");
  let failures = 0;
  // Once: a second one could take away the folder that the log has made by then.
  let removed: Promise<void> | undefined;
  const untilItDoes = async (value: string): Promise<bigint | undefined> => {
    try {
      return (await topic.append({ value }))[0]?.baseOffset;
    } catch {
      // Some at once, and some when others have had their turn.
      if (failures++ % 3 === 0) await new Promise(setImmediate);
      if (failures > 20) removed ??= rm(path);
      await removed;
      return untilItDoes(value);
    }
  };
  const values = Array.from({ length: 8 }, (_, i) => `${i}`);
  const offsets = await Promise.all(values.map(untilItDoes));
  expect(offsets.map(Number).sort()).toEqual(values.map(Number));
  await log.close();
  expect(texts(await readAll(openLog(root).topic("flights"))).sort()).toEqual(values);
});
