import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ConsumeOptions, Log } from "../../../lib/lakehouse/log/index.js";
import { openLog, testFolder, texts } from "../support/lake-log.js";
import { code } from "./room.js";

const GROUPS = { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1 };
/** Heartbeats are a third of the session. */
const QUICK = { group: "readers", sessionTimeoutMs: 300, commitEveryMs: 0 };
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: `${from + i}` }));

async function flights(root: string, partitions = 4): Promise<Log> {
  const log = openLog(root, { groups: GROUPS });
  await log.createTopic("flights", { partitions, ifExists: "keep" });
  return log;
}

/** A reader that keeps what it sees, until it is stopped. */
function reader(log: Log, options: Partial<ConsumeOptions> = {}) {
  const stop = new AbortController();
  const seen: string[] = [];
  const partitions = new Set<number>();
  const reading = (async () => {
    for await (const { records, partition } of log.consume(["flights"], {
      ...QUICK,
      signal: stop.signal,
      ...options,
    })) {
      seen.push(...texts(records));
      partitions.add(partition);
    }
  })();
  reading.catch(() => undefined);
  return {
    seen,
    partitions,
    reading,
    stop: () => {
      stop.abort();
      return reading;
    },
  };
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await sleep(10);
}

const inOrder = (values: Iterable<string>) => [...values].sort((a, b) => Number(a) - Number(b));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => String(i));

test("a group goes on where it was, after a restart", async () => {
  const root = testFolder();
  const log = await flights(root);
  await log.topic("flights").append(numbered(0, 20));
  const first = reader(log);
  await until(() => first.seen.length === 20);
  expect(inOrder(first.seen)).toEqual(upTo(20));
  await first.stop();
  await log.close();
  const again = await flights(root);
  await again.topic("flights").append(numbered(20, 10));
  const second = reader(again);
  await until(() => second.seen.length >= 10);
  expect(inOrder(second.seen)).toEqual(upTo(30).slice(20));
  expect(
    (await again.groups.describe("readers")).offsets.reduce((sum, { lag }) => sum + lag, 0n),
  ).toBeLessThanOrEqual(10n);
  await second.stop();
});

test("readers share the partitions, and the others go on where one ends", async () => {
  const log = await flights(testFolder());
  const topic = log.topic("flights");
  const [a, b] = [reader(log), reader(log)];
  await until(async () => {
    const [group] = await log.groups.list({ states: ["Stable"] });
    return group?.members.length === 2;
  });
  await topic.append(numbered(0, 40));
  await until(() => a.seen.length + b.seen.length >= 40);
  expect(inOrder([...a.seen, ...b.seen])).toEqual(upTo(40));
  expect([...a.partitions].filter((partition) => b.partitions.has(partition))).toEqual([]);
  await b.stop();
  await topic.append(numbered(40, 40));
  await until(() => new Set([...a.seen, ...b.seen]).size === 80);
  expect(a.partitions.size).toBe(4);
  await a.stop();
  expect(await log.groups.describe("readers")).toMatchObject({ state: "Empty", members: [] });
});

test("a batch that was broken off comes again, and one that was committed by hand does not", async () => {
  const log = await flights(testFolder(), 1);
  const topic = log.topic("flights");
  await topic.append(numbered(0, 3));
  const options = { ...QUICK, commit: "manual" } as const;
  const firstOf = async (isCommitted: boolean) => {
    for await (const { records, commit } of log.consume(["flights"], options)) {
      if (isCommitted) expect(await commit()).toBe(true);
      return texts(records);
    }
    return [];
  };
  expect(await firstOf(false)).toEqual(upTo(3));
  expect(await firstOf(true)).toEqual(upTo(3));
  await topic.append(numbered(3, 1));
  expect(await firstOf(false)).toEqual(["3"]);
});

test("a reader that is too slow for a rebalance hears that its partition is another's", async () => {
  const log = await flights(testFolder(), 1);
  await log.topic("flights").append(numbered(0, 1));
  const slow = log.consume(["flights"], { ...QUICK, commit: "manual", rebalanceTimeoutMs: 200 });
  const { value: batch } = await slow.next();
  // The other joins, and this one does not in time.
  const other = reader(log, { rebalanceTimeoutMs: 200 });
  await until(() => other.seen.length === 1);
  expect(await batch?.commit()).toBe(false);
  await slow.return(undefined);
  await other.stop();
});

test("a reader that is busy while others join keeps its partition until it is done", async () => {
  const log = await flights(testFolder(), 1);
  await log.topic("flights").append(numbered(0, 1));
  const busy = log.consume(["flights"], { ...QUICK, commit: "manual", sessionTimeoutMs: 1_500 });
  const { value: batch } = await busy.next();
  const other = reader(log);
  await until(async () => (await log.groups.describe("readers")).members.length === 2);
  // Longer than its session: it is alive, all the same.
  await sleep(2_000);
  expect(await batch?.commit()).toBe(true);
  await busy.return(undefined);
  await log.topic("flights").append(numbered(1, 1));
  await until(() => other.seen.length === 1);
  expect(other.seen).toEqual(["1"]);
  await other.stop();
});

test("what was done when the reading was ended is committed", async () => {
  const log = await flights(testFolder(), 1);
  await log.topic("flights").append(numbered(0, 5));
  const stop = new AbortController();
  for await (const { records } of log.consume(["flights"], {
    ...QUICK,
    commitEveryMs: 60_000,
    signal: stop.signal,
  })) {
    stop.abort();
    await sleep(50);
    expect(records).toHaveLength(5);
  }
  expect(await log.groups.describe("readers")).toMatchObject({ state: "Empty", offsets: [{ offset: 5n }] });
});

test("a group that begins at the end has what comes after it began, though it was stopped meanwhile", async () => {
  const log = await flights(testFolder(), 1);
  const topic = log.topic("flights");
  await topic.append(numbered(0, 3));
  const first = reader(log, { from: "end" });
  await until(async () => (await log.groups.list()).some(({ state }) => state === "Stable"));
  await until(async () => (await log.groups.describe("readers")).offsets.length === 1);
  await first.stop();
  await topic.append(numbered(3, 2));
  const second = reader(log, { from: "end" });
  await until(() => second.seen.length === 2);
  expect(second.seen).toEqual(["3", "4"]);
  await second.stop();
});

test("partitions that are added are read, too", async () => {
  const log = await flights(testFolder(), 1);
  const one = reader(log);
  await until(async () => (await log.groups.list()).some(({ state }) => state === "Stable"));
  await log.addPartitions("flights", 3);
  await log.topic("flights").append([{ value: "late" }], { partition: 2 });
  await until(() => one.seen.includes("late"));
  await one.stop();
});

test("a group is reset while nobody reads: to the beginning, the end, an offset and a time", async () => {
  const log = await flights(testFolder(), 1);
  await log
    .topic("flights")
    .append(Array.from({ length: 5 }, (_, i) => ({ value: `${i}`, timestamp: 1000 + i })));
  const { groups } = log;
  const offset = async () => (await groups.describe("readers")).offsets[0]?.offset;
  for (const [to, wanted] of [
    ["end", 5n],
    ["beginning", 0n],
    [3n, 3n],
    [new Date(1002), 2n],
  ] as const) {
    expect(await groups.reset("readers", { topic: "flights", to })).toMatchObject([{ offset: wanted }]);
    expect(await offset()).toBe(wanted);
  }
  await groups.reset("readers", { topic: "flights", to: "end", dryRun: true });
  expect(await offset()).toBe(2n);
  expect((await groups.describe("readers")).offsets).toMatchObject([{ end: 5n, lag: 3n }]);
  await expect(groups.reset("readers", { topic: "flights", to: 6n })).rejects.toMatchObject(
    code("OFFSET_OUT_OF_RANGE"),
  );
  const one = reader(log);
  await until(() => one.seen.length === 3);
  await expect(groups.reset("readers", { topic: "flights", to: "end" })).rejects.toMatchObject(
    code("NON_EMPTY_GROUP"),
  );
  await expect(groups.delete("readers")).rejects.toMatchObject(code("NON_EMPTY_GROUP"));
  await one.stop();
  await groups.delete("readers");
  expect(await groups.list()).toEqual([]);
});

test("who reads hears that the log was closed", async () => {
  const log = await flights(testFolder(), 1);
  await log.topic("flights").append(numbered(0, 1));
  const [one, idle] = [reader(log), reader(log)];
  await until(() => one.seen.length + idle.seen.length === 1);
  await log.close();
  for (const { reading } of [one, idle]) await expect(reading).rejects.toMatchObject(code("CLOSED"));
});

test("a static reader that has ended sends no heartbeats: others get its partitions when its session is over", async () => {
  const log = await flights(testFolder(), 1);
  await log.topic("flights").append(numbered(0, 1));
  const first = reader(log, { instanceId: "one" });
  await until(() => first.seen.length === 1);
  await first.stop();
  expect(await log.groups.describe("readers")).toMatchObject({ members: [{ instanceId: "one" }] });
  const other = reader(log);
  await log.topic("flights").append(numbered(1, 1));
  await until(() => other.seen.length === 1);
  expect(other.seen).toEqual(["1"]);
  await other.stop();
});

test("what makes no sense is refused", async () => {
  const log = await flights(testFolder());
  for (const [topics, options, why] of [
    [["nowhere"], QUICK, "NO_SUCH_TOPIC"],
    [[], QUICK, "INVALID_ARGUMENT"],
    [["flights"], { ...QUICK, group: "" }, "INVALID_GROUP_ID"],
    [["flights"], { ...QUICK, commit: "never" }, "INVALID_ARGUMENT"],
    [["flights"], { ...QUICK, sessionTimeoutMs: -1 }, "INVALID_ARGUMENT"],
    [["flights"], { ...QUICK, sessionTimeoutMs: 2_000_000 }, "INVALID_SESSION_TIMEOUT"],
  ] as const)
    await expect(log.consume(topics, options as ConsumeOptions).next()).rejects.toMatchObject(code(why));
});
