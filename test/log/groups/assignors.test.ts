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
  cooperativeSubscriptionOf,
  keptIn,
  ownedIn,
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

/** What was assigned, as the members say it the next time. */
const said = (
  subscribers: readonly Subscriber[],
  assigned: ReturnType<typeof ASSIGNORS.sticky>,
  generation: number,
) =>
  subscribers.map((one) => ({
    ...one,
    owned: { generation, partitions: assigned.get(one.memberId) ?? new Map<string, number[]>() },
  }));
const placesOf = (assigned: ReturnType<typeof ASSIGNORS.sticky>) =>
  new Map(
    [...assigned].flatMap(([memberId, topics]) =>
      [...topics].flatMap(([topic, numbers]) =>
        numbers.map((number) => [`${topic}/${number}`, memberId] as const),
      ),
    ),
  );

test("sticky is as even as subscriptions allow, and moves nothing while nothing changes", () => {
  fc.assert(
    fc.property(anySubscribers, anySubscribers, anyCounts, (before, after, counts) => {
      const first = ASSIGNORS.sticky(before, counts);
      const known = new Map(said(before, first, 3).map((one) => [one.memberId, one.owned]));
      const second = ASSIGNORS.sticky(
        after.map((one) => ({ ...one, owned: known.get(one.memberId) })),
        counts,
      );
      const loadOf = (memberId: string) => [...(second.get(memberId)?.values() ?? [])].flat().length;
      for (const [place, owner] of placesOf(second))
        for (const { memberId, topics } of after)
          if (topics.includes(place.split("/")[0] ?? ""))
            expect(loadOf(owner)).toBeLessThanOrEqual(loadOf(memberId) + 1);
      expect(ASSIGNORS.sticky(said(after, second, 4), counts)).toEqual(second);
    }),
    { numRuns: runs(300) },
  );
});

test("sticky leaves readers what they have when another goes, and takes no more than it gives when one comes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), anyCounts, fc.nat(5), (size, counts, who) => {
      const topics = [...counts.keys()];
      const member = (i: number) => ({ memberId: `m${i}`, instanceId: undefined, topics });
      const all = Array.from({ length: size }, (_, i) => member(i));
      const first = ASSIGNORS.sticky(all, counts);
      const left = said(all, first, 1).filter((_, i) => i !== who % size);
      const without = ASSIGNORS.sticky(left, counts);
      for (const [place, owner] of placesOf(first))
        if (owner !== `m${who % size}`) expect(placesOf(without).get(place)).toBe(owner);
      const comer = member(9);
      const more = ASSIGNORS.sticky([...said(all, first, 1), comer], counts);
      for (const [place, owner] of placesOf(more))
        if (owner !== "m9") expect(placesOf(first).get(place)).toBe(owner);
    }),
    { numRuns: runs(200) },
  );
});

test("cooperative-sticky gives nobody what another has, and comes to what sticky promises in a few rounds", () => {
  fc.assert(
    fc.property(
      fc.array(anySubscribers, { minLength: 1, maxLength: 5 }),
      anyCounts,
      fc.array(fc.nat(2), { maxLength: 8 }),
      (worlds, counts, interruptions) => {
        let owned = new Map<string, ReadonlyMap<string, readonly number[]>>();
        let generation = 0;
        const holds = (memberId: string, topic: string, partition: number) =>
          owned.get(memberId)?.get(topic)?.includes(partition) ?? false;
        /** One rebalance: what members hear, and keep of it when they join again. */
        const round = (subscribers: readonly Subscriber[]) => {
          generation++;
          const said = subscribers.map((one) => ({
            ...one,
            owned: { generation: generation - 1, partitions: owned.get(one.memberId) ?? new Map() },
          }));
          const assigned = ASSIGNORS["cooperative-sticky"](said, counts);
          const owners = new Set<string>();
          let isRevoked = false;
          for (const [memberId, topics] of assigned)
            for (const [topic, numbers] of topics)
              for (const partition of numbers) {
                expect(owners.has(`${topic}/${partition}`)).toBe(false);
                owners.add(`${topic}/${partition}`);
                const others = subscribers.filter((one) => one.memberId !== memberId);
                // Nobody is to read it while the other may be doing so.
                expect(others.some((one) => holds(one.memberId, topic, partition))).toBe(false);
              }
          for (const { memberId } of subscribers)
            for (const [topic, numbers] of owned.get(memberId) ?? [])
              for (const partition of numbers)
                isRevoked ||= !(assigned.get(memberId)?.get(topic)?.includes(partition) ?? false);
          owned = new Map(assigned);
          return { assigned, isRevoked };
        };
        for (const [i, subscribers] of worlds.entries()) {
          owned = new Map([...owned].filter(([id]) => subscribers.some(({ memberId }) => memberId === id)));
          let rounds = 0;
          let last = round(subscribers);
          // Others come before this one has settled, sometimes.
          if (i < worlds.length - 1 && (interruptions[i] ?? 0) > 0) continue;
          while (last.isRevoked) {
            last = round(subscribers);
            expect(++rounds).toBeLessThan(4);
          }
          const whole = placesOf(last.assigned);
          const wanted = [...counts].filter(([topic]) =>
            subscribers.some(({ topics }) => topics.includes(topic)),
          );
          expect(whole.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
          const loadOf = (memberId: string) =>
            [...(last.assigned.get(memberId)?.values() ?? [])].flat().length;
          for (const [place, owner] of whole)
            for (const { memberId, topics } of subscribers)
              if (topics.includes(place.split("/")[0] ?? ""))
                expect(loadOf(owner)).toBeLessThanOrEqual(loadOf(memberId) + 1);
        }
      },
    ),
    { numRuns: runs(300) },
  );
});

test("of two who say that they have a partition, the later one keeps it", () => {
  const has = (memberId: string, generation: number) => ({
    ...{ memberId, instanceId: undefined, topics: ["t0"] },
    owned: { generation, partitions: new Map([["t0", [0]]]) },
  });
  const counts = new Map([["t0", 1]]);
  for (const all of [
    [has("a", 5), has("b", 6)],
    [has("b", 6), has("a", 5)],
  ])
    expect(placesOf(ASSIGNORS.sticky(all, counts))).toEqual(new Map([["t0/0", "b"]]));
});

test("what a member has is said as Kafka's sticky assignor says it", () => {
  const partitions = new Map([["t", [1, 2]]]);
  const bytes = Buffer.from(subscriptionOf(["t"], { generation: 7, partitions }));
  // Version, topics, and the bytes of: a list of topics with their partitions, and a generation.
  expect(bytes.toString("hex")).toBe(
    "0000" + "00000001000174" + "00000017" + "00000001" + "000174" + "000000020000000100000002" + "00000007",
  );
  expect(ownedIn(bytes)).toEqual({ generation: 7, partitions });
  const old = Buffer.concat([bytes.subarray(0, 9), Buffer.from("00000013", "hex"), bytes.subarray(13, -4)]);
  expect(ownedIn(old)).toEqual({ generation: -1, partitions });
  expect(ownedIn(subscriptionOf(["t"]))).toBeUndefined();
  expect(ownedIn(Buffer.from("00000000000100", "hex"))).toBeUndefined();
});

test("what a member keeps is said as Kafka's cooperative clients say it, and read in each of their versions", () => {
  const partitions = new Map([["t", [1, 2]]]);
  const bytes = Buffer.from(cooperativeSubscriptionOf(["t"], { generation: 7, partitions }));
  const list = "00000001" + "000174" + "000000020000000100000002";
  expect(bytes.toString("hex")).toBe(`0002000000010001740000000400000007${list}00000007`);
  const read = (hex: string) => keptIn(Buffer.from(hex, "hex"));
  const owned = { generation: 7, partitions };
  expect(keptIn(bytes)).toEqual(owned);
  // With a rack behind it; with the generation for the assignor alone, or nowhere; and from where nothing is said.
  expect(read(`000300000001000174ffffffff${list}00000007ffff`)).toEqual(owned);
  expect(read(`0001000000010001740000000400000007${list}`)).toEqual(owned);
  expect(read(`000100000001000174ffffffff${list}`)).toEqual({ generation: -1, partitions });
  expect(read("000000000001000174ffffffff")).toBeUndefined();
  expect(keptIn(cooperativeSubscriptionOf(["t"], undefined))).toEqual({
    generation: -1,
    partitions: new Map(),
  });
  expect(topicsOf(bytes)).toEqual(["t"]);
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
        ownedIn(noise);
        keptIn(noise);
        assignmentOf(noise);
      },
    ),
    { numRuns: runs(300) },
  );
  expect(topicsOf(new Uint8Array(3))).toBeUndefined();
  expect(topicsOf(Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]))).toBeUndefined();
});
