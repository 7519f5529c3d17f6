import fc from "fast-check";
import { expect, test } from "vitest";
import { type SharedTopic, shareOf } from "../../../lib/lakehouse/log/cluster/share.js";
import { runs } from "../../support/runs.js";

const topicsOf = (counts: readonly number[]): SharedTopic[] =>
  counts.map((partitions, i) => ({ id: `t${i}`, partitions }));

/** Lets all brokers do what they reckon, until nobody has anything to do. @returns how many rounds it took. */
function settle(
  brokers: readonly number[],
  topics: readonly SharedTopic[],
  leaders: Map<string, number>,
): number {
  const leader = (id: string, partition: number) => leaders.get(`${id}/${partition}`);
  for (let round = 0; round < 50; round++) {
    let isQuiet = true;
    for (const self of brokers) {
      const { claims, gives } = shareOf(self, brokers, topics, leader);
      if (claims.length + gives.length > 0) isQuiet = false;
      for (const { topicId, partition } of claims) leaders.set(`${topicId}/${partition}`, self);
      if (claims.length === 0)
        for (const { topicId, partition } of gives) leaders.delete(`${topicId}/${partition}`);
    }
    if (isQuiet) return round;
  }
  throw new Error("They never come to rest.");
}

test("all partitions are led, each broker has its share, and what need not move does not", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
  const someBrokers = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(sizes, someBrokers, someBrokers, (counts, before, after) => {
      const topics = topicsOf(counts);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const leaders = new Map<string, number>();
      settle(before.toSorted(), topics, leaders);
      expect(leaders.size).toBe(total);
      const old = new Map(leaders);
      for (const [key, broker] of leaders) if (!after.includes(broker)) leaders.delete(key);
      settle(after.toSorted(), topics, leaders);
      expect(leaders.size).toBe(total);
      const led = after.map((broker) => [...leaders.values()].filter((one) => one === broker).length);
      expect(Math.max(...led) - Math.min(...led)).toBeLessThanOrEqual(1);
      // Where no broker is new, those that stayed keep all that they had.
      if (after.every((broker) => before.includes(broker)))
        for (const [key, broker] of old) if (after.includes(broker)) expect(leaders.get(key)).toBe(broker);
    }),
    { numRuns: runs(300) },
  );
});

test("a topic's partitions are spread over the brokers", () => {
  const leaders = new Map<string, number>();
  settle([1, 2, 3], topicsOf([3, 3, 6]), leaders);
  for (const [topic, each] of [
    ["t0", 1],
    ["t1", 1],
    ["t2", 2],
  ] as const)
    for (const broker of [1, 2, 3])
      expect([...leaders].filter(([key, led]) => key.startsWith(topic) && led === broker)).toHaveLength(each);
});

test("a broker that may lead nothing gives all, to whoever may", () => {
  const topics = topicsOf([4]);
  const leaders = new Map([0, 1, 2, 3].map((partition) => [`t0/${partition}`, 7]));
  const leader = (id: string, partition: number) => leaders.get(`${id}/${partition}`);
  expect(shareOf(7, [1, 2], topics, leader).gives).toHaveLength(4);
  expect(shareOf(7, [], topics, leader).gives).toHaveLength(0);
  expect(shareOf(1, [1, 2], topics, leader)).toEqual({ claims: [], gives: [] });
});
