import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ASSIGNORS,
  type AssignorName,
  type Subscriber,
} from "../../../lib/lakehouse/log/groups/assignors.js";
import {
  assignmentBytes,
  assignmentOf,
  subscriptionOf,
  topicsOf,
} from "../../../lib/lakehouse/log/groups/consumer-protocol.js";
import { runs } from "../../support/runs.js";

const TOPICS = ["t0", "t1", "t2"];
const anyCounts = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })
  .map((counts) => new Map(counts.map((count, i) => [`t${i}`, count])));
const anySubscribers = fc
  .array(fc.tuple(fc.subarray(TOPICS), fc.boolean()), { minLength: 1, maxLength: 6 })
  .map((all) =>
    all.map(([topics, isStatic], i) => ({
      memberId: `m${(i * 7) % 6}`,
      instanceId: isStatic ? `i${i}` : undefined,
      topics,
    })),
  );
const NAMES = Object.keys(ASSIGNORS) as AssignorName[];

test.each(NAMES)("%s gives each partition to one of those who read its topic, and to nobody else", (name) => {
  fc.assert(
    fc.property(anySubscribers, anyCounts, (subscribers, counts) => {
      const assigned = ASSIGNORS[name](subscribers, counts);
      const owners = new Map<string, string>();
      for (const [memberId, topics] of assigned)
        for (const [topic, partitions] of topics)
          for (const partition of partitions) {
            expect(owners.has(`${topic}/${partition}`)).toBe(false);
            owners.set(`${topic}/${partition}`, memberId);
            expect(subscribers.find((one) => one.memberId === memberId)?.topics).toContain(topic);
          }
      const wanted = [...counts].filter(([topic]) =>
        subscribers.some(({ topics }) => topics.includes(topic)),
      );
      expect(owners.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
    }),
    { numRuns: runs(300) },
  );
});

test("range shares each topic evenly; so does roundrobin all of them, where all read the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), anyCounts, (size, counts) => {
      const topics = [...counts.keys()];
      const subscribers = Array.from({ length: size }, (_, i) => ({
        memberId: `m${i}`,
        instanceId: undefined,
        topics,
      }));
      const isEven = (sizes: number[]) =>
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const topic of topics)
        isEven([...ASSIGNORS.range(subscribers, counts).values()].map((one) => one.get(topic)?.length ?? 0));
      isEven(
        [...ASSIGNORS.roundrobin(subscribers, counts).values()].map((one) => [...one.values()].flat().length),
      );
    }),
    { numRuns: runs(200) },
  );
});

// The examples of Kafka's documentation of its assignors.
test("they give what Kafka's clients give", () => {
  const both = ["c0", "c1"].map((memberId) => ({ memberId, instanceId: undefined, topics: ["t0", "t1"] }));
  const counts = new Map([
    ["t0", 3],
    ["t1", 3],
  ]);
  const plain = (
    name: AssignorName,
    subscribers: readonly Subscriber[],
    partitions: ReadonlyMap<string, number>,
  ) =>
    Array.from(ASSIGNORS[name](subscribers, partitions), ([memberId, topics]) => [
      memberId,
      Object.fromEntries(topics),
    ]);
  expect(plain("range", both, counts)).toEqual([
    ["c0", { t0: [0, 1], t1: [0, 1] }],
    ["c1", { t0: [2], t1: [2] }],
  ]);
  expect(plain("roundrobin", both, counts)).toEqual([
    ["c0", { t0: [0, 2], t1: [1] }],
    ["c1", { t0: [1], t1: [0, 2] }],
  ]);
  const unlike = [["t0"], ["t0", "t1"], ["t0", "t1", "t2"]].map((topics, i) => ({
    memberId: `c${i}`,
    instanceId: undefined,
    topics,
  }));
  const growing = new Map([
    ["t0", 1],
    ["t1", 2],
    ["t2", 3],
  ]);
  expect(plain("roundrobin", unlike, growing)).toEqual([
    ["c0", { t0: [0] }],
    ["c1", { t1: [0] }],
    ["c2", { t1: [1], t2: [0, 1, 2] }],
  ]);
});

test("a static member has what it had when it comes back by another id", () => {
  const counts = new Map([["t0", 6]]);
  const named = (memberId: string, instanceId: string) => ({ memberId, instanceId, topics: ["t0"] });
  for (const name of NAMES) {
    const before = ASSIGNORS[name]([named("x", "a"), named("y", "b")], counts).get("x");
    const after = ASSIGNORS[name]([named("z", "a"), named("y", "b")], counts).get("z");
    expect(after).toEqual(before);
  }
});

test("subscriptions and assignments are read back, and other bytes are none", () => {
  const anyTopic = fc.string({ unit: "grapheme", maxLength: 20 });
  fc.assert(
    fc.property(
      fc.array(anyTopic),
      fc.dictionary(anyTopic, fc.array(fc.nat(1000))),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(),
      (topics, partitions, noise, cut) => {
        const subscription = subscriptionOf(topics);
        expect(topicsOf(subscription)).toEqual(topics);
        const assignment = new Map(Object.entries(partitions));
        expect(assignmentOf(assignmentBytes(assignment))).toEqual(assignment);
        // What is cut short, and what is anything, is read or refused, and never throws.
        topicsOf(subscription.subarray(0, cut % subscription.length));
        topicsOf(noise);
        assignmentOf(noise);
      },
    ),
    { numRuns: runs(300) },
  );
  expect(topicsOf(new Uint8Array(3))).toBeUndefined();
  expect(topicsOf(Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]))).toBeUndefined();
});
