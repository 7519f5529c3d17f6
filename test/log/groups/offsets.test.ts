import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Groups } from "../../../lib/lakehouse/log/groups/groups.js";
import type { LogOptions } from "../../../lib/lakehouse/log/index.js";
import type { Marker } from "../../../lib/lakehouse/log/records/control.js";
import type { Ending } from "../../../lib/lakehouse/log/transaction-types.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { code } from "./room.js";

const NOBODY = { memberId: "", generation: -1 };
const open = (startedAt: number) => async () => ({ startedAt, ack: "wal" }) as const;
const PRODUCER = 7n;
const PRODUCER_0 = { producerId: PRODUCER, epoch: 0 };
const YES = async () => true;
const NO = async () => false;
const ending = (epoch: number, marker: Marker, startedAt = 1): Ending => ({
  producerId: PRODUCER,
  epoch,
  startedAt,
  marker,
  ack: "wal",
});

async function openGroups(root: string, options: Partial<LogOptions> = {}) {
  const log = openLog(root, options);
  await log.createTopic("flights", { partitions: 3, ifExists: "keep" });
  return { log, groups: await log.core.groups() };
}

const at = (partition: number, offset: bigint, more: object = {}) => ({
  topic: "flights",
  partition,
  offset,
  leaderEpoch: -1,
  metadata: "",
  ...more,
});

async function offsetsOf(groups: Groups, group = "readers", requireStable = false) {
  const fetched = await groups.fetch(group, undefined, { requireStable });
  return new Map(fetched.map(({ partition, offset, error }) => [partition, error?.code ?? offset]));
}

test("offsets are there after a restart, and from the objects alone; the last that was committed counts", async () => {
  const root = testFolder();
  const { log, groups } = await openGroups(root);
  await Promise.all([
    groups.commit("readers", NOBODY, [at(0, 1n), at(1, 5n, { metadata: "mine", leaderEpoch: 3 })]),
    groups.commit("readers", NOBODY, [at(0, 2n)]),
    groups.commit("readers", NOBODY, [at(0, 3n)]),
    groups.commit("others", NOBODY, [at(0, 9n)]),
  ]);
  const wanted = [
    { ...at(0, 3n), error: undefined },
    { ...at(1, 5n, { metadata: "mine", leaderEpoch: 3 }), error: undefined },
    { ...at(2, -1n), error: undefined },
  ];
  const partitions = [0, 1, 2].map((partition) => ({ topic: "flights", partition }));
  expect(await groups.fetch("readers", partitions)).toEqual(wanted);
  await log.close();
  const again = await openGroups(root);
  expect(await again.groups.fetch("readers", partitions)).toEqual(wanted);
  await again.log.close();
  rmSync(join(root, "log"), { recursive: true });
  const lost = openLog(root);
  await lost.recover();
  expect(await (await lost.core.groups()).fetch("readers", partitions)).toEqual(wanted);
});

test("what cannot be committed is refused by itself", async () => {
  const { groups } = await openGroups(testFolder());
  const outcomes = await groups.commit("readers", NOBODY, [
    at(0, 1n),
    at(3, 1n),
    at(0, 1n, { topic: "nowhere" }),
    at(1, 1n, { metadata: "x".repeat(4097) }),
  ]);
  expect(outcomes.map(({ error }) => error?.code)).toEqual([
    undefined,
    "NO_SUCH_PARTITION",
    "NO_SUCH_TOPIC",
    "OFFSET_METADATA_TOO_LARGE",
  ]);
  expect(await offsetsOf(groups)).toEqual(new Map([[0, 1n]]));
  const late = groups.commit("unheard-of", { memberId: "m", generation: 3 }, [at(0, 1n)]);
  await expect(late).rejects.toMatchObject(code("ILLEGAL_GENERATION"));
  for (const name of ["", "x".repeat(40_000)])
    await expect(groups.heartbeat(name, { memberId: "m", generation: 1 })).rejects.toMatchObject(
      code("INVALID_GROUP_ID"),
    );
});

test("a topic that is made again under its name has no offsets of the other", async () => {
  const { log, groups } = await openGroups(testFolder());
  await groups.commit("readers", NOBODY, [at(0, 100n)]);
  await log.deleteTopic("flights");
  expect(await offsetsOf(groups)).toEqual(new Map());
  await log.createTopic("flights");
  expect(await offsetsOf(groups)).toEqual(new Map());
  expect(await groups.fetch("readers", [{ topic: "flights", partition: 0 }])).toMatchObject([
    { offset: -1n },
  ]);
});

test("offsets of a transaction count when it is committed, and never where it is not", async () => {
  const root = testFolder();
  const { log, groups } = await openGroups(root);
  await groups.commit("readers", NOBODY, [at(0, 1n), at(1, 1n)]);
  await groups.hold("readers", PRODUCER_0, [at(0, 10n)], NOBODY, open(1));
  await groups.hold("readers", PRODUCER_0, [at(0, 11n), at(2, 12n)], NOBODY, open(1));
  expect(await offsetsOf(groups)).toEqual(
    new Map([
      [0, 1n],
      [1, 1n],
    ]),
  );
  expect(await groups.fetch("readers", undefined, { requireStable: true })).toMatchObject([
    { partition: 0, offset: -1n, error: code("UNSTABLE_OFFSET_COMMIT") },
    { partition: 1, offset: 1n },
  ]);
  await log.close();
  const again = await openGroups(root);
  await again.groups.end(["readers"], ending(0, "commit"), YES);
  const committed = new Map([
    [0, 11n],
    [1, 1n],
    [2, 12n],
  ]);
  expect(await offsetsOf(again.groups, "readers", true)).toEqual(committed);
  await again.groups.hold("readers", { producerId: PRODUCER, epoch: 1 }, [at(0, 99n)], NOBODY, open(1));
  // Of an earlier transaction: it has nothing to do with this one.
  await expect(again.groups.end(["readers"], ending(0, "commit"), YES)).rejects.toMatchObject({
    code: "COORDINATOR_NOT_AVAILABLE",
  });
  await again.groups.end(["readers"], ending(1, "abort"), YES);
  expect(await offsetsOf(again.groups, "readers", true)).toEqual(committed);
});

test("what asks late for an end leaves alone what the next transaction of the producer holds", async () => {
  const root = testFolder();
  const { log, groups } = await openGroups(root);
  const late = { code: "COORDINATOR_NOT_AVAILABLE" };
  await groups.hold("readers", PRODUCER_0, [at(0, 10n)], NOBODY, open(1));
  await groups.end(["readers"], ending(0, "commit"), NO);
  await groups.hold("readers", PRODUCER_0, [at(0, 20n)], NOBODY, open(2));
  await expect(groups.end(["readers"], ending(0, "commit"), YES)).rejects.toMatchObject(late);
  await log.close();

  // What it is, is not known here any more, until the next begins.
  const again = await openGroups(root);
  await expect(again.groups.end(["readers"], ending(0, "commit"), NO)).rejects.toMatchObject(late);
  const asked: ((isDecided: boolean) => void)[] = [];
  const slow = () => new Promise<boolean>((resolve) => void asked.push(resolve));
  const slowly = again.groups.end(["readers"], ending(0, "abort", 2), slow);
  await expect.poll(() => asked.length).toBe(1);
  await again.groups.end(["readers"], ending(0, "abort", 2), YES);
  await again.groups.hold("readers", PRODUCER_0, [at(0, 30n)], NOBODY, open(3));
  asked[0]?.(true);
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.(true);
  await expect(slowly).rejects.toMatchObject(late);
  expect(await offsetsOf(again.groups)).toEqual(new Map([[0, 10n]]));
  expect(await offsetsOf(again.groups, "readers", true)).toEqual(new Map([[0, "UNSTABLE_OFFSET_COMMIT"]]));
  await again.groups.end(["readers"], ending(0, "commit", 3), NO);
  expect(await offsetsOf(again.groups, "readers", true)).toEqual(new Map([[0, 30n]]));
});

test("what was committed beside a transaction that holds the partition is the later word", async () => {
  const { groups } = await openGroups(testFolder());
  await groups.hold("readers", PRODUCER_0, [at(0, 10n)], NOBODY, open(1));
  await groups.commit("readers", NOBODY, [at(0, 20n)]);
  await groups.end(["readers"], ending(0, "commit"), YES);
  expect(await offsetsOf(groups)).toEqual(new Map([[0, 20n]]));
});

test("groups are listed, described and deleted, with their offsets", async () => {
  const root = testFolder();
  const { log, groups } = await openGroups(root);
  for (const group of ["b", "a", "c"]) await groups.commit(group, NOBODY, [at(0, 1n)]);
  expect((await groups.list()).map(({ group, state }) => [group, state])).toEqual([
    ["a", "Empty"],
    ["b", "Empty"],
    ["c", "Empty"],
  ]);
  expect(await groups.list({ states: ["Stable"] })).toEqual([]);
  await groups.delete("b");
  await expect(groups.describe("b")).rejects.toMatchObject(code("GROUP_ID_NOT_FOUND"));
  await expect(groups.delete("b")).rejects.toMatchObject(code("GROUP_ID_NOT_FOUND"));
  await log.close();
  const again = await openGroups(root);
  expect((await again.groups.list()).map(({ group }) => group)).toEqual(["a", "c"]);
  expect(await offsetsOf(again.groups, "b")).toEqual(new Map());
});

test("a group with members keeps itself and the offsets of the topics that it reads", async () => {
  const { log, groups } = await openGroups(testFolder(), { groups: { initialRebalanceDelayMs: 0 } });
  await log.createTopic("other");
  await groups.commit("readers", NOBODY, [at(0, 1n), at(0, 1n, { topic: "other" })]);
  const joined = await groups.join("readers", {
    memberId: "",
    clientId: "c",
    clientHost: "/",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    // Version 0, one topic.
    protocols: [
      { name: "range", metadata: Buffer.from("\0\0\0\0\0\x01\0\x07flights\xff\xff\xff\xff", "latin1") },
    ],
    needsMemberId: false,
    maySkipAssignment: false,
  });
  await groups.sync("readers", { ...joined, assignments: [] });
  await expect(groups.delete("readers")).rejects.toMatchObject(code("NON_EMPTY_GROUP"));
  const both = ["flights", "other"].map((topic) => ({ topic, partition: 0 }));
  expect((await groups.deleteOffsets("readers", both)).map(({ error }) => error?.code)).toEqual([
    "GROUP_SUBSCRIBED_TO_TOPIC",
    undefined,
  ]);
  expect(await groups.fetch("readers", both)).toMatchObject([{ offset: 1n }, { offset: -1n }]);
  expect(await groups.list({ states: ["Stable"] })).toMatchObject([
    { group: "readers", protocolType: "consumer" },
  ]);
  const waiting = groups.join("readers", { ...joinAgain, memberId: joined.memberId });
  const left = await groups.leave("readers", [{ memberId: joined.memberId }]);
  expect(left).toMatchObject([{ error: undefined }]);
  await expect(waiting).rejects.toMatchObject(code("UNKNOWN_MEMBER_ID"));
});

const joinAgain = {
  clientId: "c",
  clientHost: "/",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: Buffer.from("?") }],
  needsMemberId: false,
  maySkipAssignment: false,
};

test("another process reads groups as the object store has them, and does not become the one that writes", async () => {
  const root = testFolder();
  const { log, groups } = await openGroups(root);
  await groups.commit("readers", NOBODY, [at(0, 3n)]);
  await log.flush();
  const other = openLog(root);
  expect(await other.groups.list()).toEqual([await groups.describe("readers")]);
  expect(await other.groups.describe("readers")).toEqual(await log.groups.describe("readers"));
  await expect(other.groups.describe("none")).rejects.toMatchObject(code("GROUP_ID_NOT_FOUND"));
  await expect(other.groups.delete("readers")).rejects.toMatchObject(code("LOG_IN_USE"));
});

test("to list groups makes nothing where there are none", async () => {
  const root = testFolder();
  const log = openLog(root);
  expect(await log.groups.list()).toEqual([]);
  const writer = openLog(root);
  await writer.createTopic("t");
  await writer.topic("t").append({ value: "v" });
  expect(await log.groups.list()).toEqual([]);
  expect(await writer.core.topics({ internal: true })).toHaveLength(1);
});
