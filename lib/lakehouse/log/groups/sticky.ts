/**
 * Shares partitions out evenly, and leaves readers what they have as far as that allows it. Kafka's `sticky` names the same,
 * and reads the same of what members say; which of two readers gets a partition that moves may differ.
 */
import type { Subscriber } from "./assignors.js";

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Each subscriber's places, by its id. @param subscribers in their order. @param partitions how many each topic has. */
export function stickyPlaces(
  subscribers: readonly Subscriber[],
  partitions: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly Place[]> {
  const owners = new Map<string, string>();
  const loads = new Map(subscribers.map(({ memberId }) => [memberId, 0]));
  const readers = new Map(
    Array.from(partitions.keys(), (topic) => [
      topic,
      subscribers.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId),
    ]),
  );
  const loadOf = (memberId: string) => loads.get(memberId) as number;
  const give = (key: string, memberId: string) => {
    const before = owners.get(key);
    if (before !== undefined) loads.set(before, loadOf(before) - 1);
    owners.set(key, memberId);
    loads.set(memberId, loadOf(memberId) + 1);
  };
  /** The first of those who have the least. */
  const idlest = (topic: string) =>
    (readers.get(topic) ?? []).reduce((least, one) => (loadOf(one) < loadOf(least) ? one : least));
  // Where few read a topic they get it before the others have too much; what stays the same is in one order for all leaders.
  const places = [...partitions]
    .filter(([topic]) => (readers.get(topic)?.length ?? 0) > 0)
    .sort(([a], [b]) => (readers.get(a)?.length ?? 0) - (readers.get(b)?.length ?? 0) || (a < b ? -1 : 1))
    .flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
  const there = new Set(places.map(keyOf));
  // Of two who say that they have it, the one who heard so later is right.
  const claims = subscribers.toSorted((a, b) => (b.owned?.generation ?? 0) - (a.owned?.generation ?? 0));
  for (const { memberId, topics, owned } of claims)
    for (const [topic, numbers] of owned?.partitions ?? [])
      for (const partition of numbers) {
        const key = keyOf({ topic, partition });
        if (topics.includes(topic) && there.has(key) && !owners.has(key)) give(key, memberId);
      }
  for (const place of places) if (!owners.has(keyOf(place))) give(keyOf(place), idlest(place.topic));
  // Each move brings two loads nearer to each other, so there is a last one.
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    for (const place of places.toReversed()) {
      const owner = owners.get(keyOf(place)) as string;
      const other = idlest(place.topic);
      if (loadOf(owner) <= loadOf(other) + 1) continue;
      give(keyOf(place), other);
      hasMoved = true;
    }
  }
  const placed = new Map<string, Place[]>(subscribers.map(({ memberId }) => [memberId, []]));
  for (const place of places) placed.get(owners.get(keyOf(place)) as string)?.push(place);
  return placed;
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
