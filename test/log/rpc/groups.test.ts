import { expect, test } from "vitest";
import { openLog, testFolder, texts } from "../support/lake-log.js";
import { connected } from "./support/servers.js";

test("a group's readers on clients share its partitions, and one goes on where another has left", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("t", { partitions: 4 });
  const values = Array.from({ length: 40 }, (_, i) => String(i));
  for (const value of values) await topic.append({ value }, { partition: Number(value) % 4 });
  const seen: string[] = [];
  const ending = new AbortController();
  const read = async (signal: AbortSignal) => {
    for await (const batch of remote.consume(["t"], { group: "g", commitEveryMs: 1, signal }))
      seen.push(...texts(batch.records));
  };
  const readers = [read(ending.signal), read(ending.signal)];
  while (new Set(seen).size < values.length) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await remote.groups.describe("g")).toMatchObject({
    state: expect.stringMatching(/Stable|Rebalance/),
  });
  ending.abort();
  await Promise.all(readers);
  expect(new Set(seen)).toEqual(new Set(values));
  const details = await remote.groups.describe("g");
  expect(details).toMatchObject({ state: "Empty", members: [] });
  expect(details).toEqual(await log.groups.describe("g"));
  expect((await remote.groups.list()).map(({ group }) => group)).toEqual(["g"]);
});

test("a batch that was committed is read by nobody again, and one that was not is", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("t", { compression: "none" });
  // Several messages make the batch.
  await topic.append(Array.from({ length: 10 }, (_, i) => ({ value: `${i}`.padEnd(400_000) })));
  const first = async (commit: boolean) => {
    for await (const batch of remote.consume(["t"], { group: "g", commit: "manual" })) {
      if (commit) expect(await batch.commit()).toBe(true);
      return texts(batch.records).map((text) => text.trim());
    }
    return undefined;
  };
  const all = Array.from({ length: 10 }, (_, i) => String(i));
  const seen: string[] = [];
  expect((await first(false))?.[0]).toBe("0");
  while (seen.length < all.length) seen.push(...((await first(true)) ?? []));
  expect(seen).toEqual(all);
  expect((await remote.groups.describe("g")).offsets).toMatchObject([{ offset: 10n, lag: 0n }]);
});

test("a reader that waits leaves at once when it is told to, and a group can be reset and deleted then", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  const topic = await remote.createTopic("t");
  await topic.append([{ value: "a" }, { value: "b" }]);
  const ending = new AbortController();
  const reading = (async () => {
    for await (const _ of remote.consume(["t"], { group: "g", signal: ending.signal, commitEveryMs: 0 }))
      setImmediate(() => ending.abort());
  })();
  await reading;
  const reset = { topic: "t", to: 1n, dryRun: true };
  expect(await remote.groups.reset("g", reset)).toMatchObject([{ partition: 0, offset: 1n }]);
  expect(await remote.groups.reset("g", { ...reset, dryRun: false })).toMatchObject([{ offset: 1n }]);
  for await (const { records } of remote.consume(["t"], { group: "g" })) {
    expect(texts(records)).toEqual(["b"]);
    await expect(remote.groups.delete("g")).rejects.toMatchObject({ code: "NON_EMPTY_GROUP" });
    break;
  }
  await remote.groups.delete("g");
  await expect(remote.groups.describe("g")).rejects.toMatchObject({ code: "GROUP_ID_NOT_FOUND" });
});

test("what a group refuses is told as the log itself would", async () => {
  const log = openLog(testFolder());
  const remote = await connected(log);
  await log.createTopic("t");
  for (const options of [
    { group: "" },
    { group: "g", assignor: "none" as "range" },
    { group: "g", from: "x" as "end" },
  ])
    for (const of of [log, remote]) {
      const code = options.group === "" ? "INVALID_GROUP_ID" : "INVALID_ARGUMENT";
      await expect(of.consume(["t"], options).next()).rejects.toMatchObject({ code });
    }
  await expect(remote.consume(["nope"], { group: "g" }).next()).rejects.toMatchObject({
    code: "NO_SUCH_TOPIC",
  });
  await expect(remote.groups.reset("g", { topic: "nope", to: "end" })).rejects.toMatchObject({
    code: "NO_SUCH_TOPIC",
  });
});
