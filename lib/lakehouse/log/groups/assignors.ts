/** Which member of a group reads which partitions. `range` and `roundrobin` are Kafka's to the partition: whichever client leads, it is the same. */
import type { Assignment, Owned } from "./consumer-protocol.js";
import { stickyPlaces } from "./sticky.js";

/** A member, as the leader sees it. */
export interface Subscriber {
  readonly memberId: string;
  readonly instanceId: string | undefined;
  readonly topics: readonly string[];
  /** What it has, where it says so. */
  readonly owned?: Owned | undefined;
}

/** Each subscriber's partitions, by its id. */
export type Assigned = ReadonlyMap<string, Assignment>;
type Assignor = (subscribers: readonly Subscriber[], partitions: ReadonlyMap<string, number>) => Assigned;

/**
 * `range`: of each topic, consecutive partitions, so that topics with as many partitions are read together. `roundrobin`:
 * all partitions of all topics in turn, so that everybody has as much as the others. `sticky`: as evenly, and readers keep what they have as far as
 * that allows it. `cooperative-sticky`: the same, and they read on meanwhile (KIP-429).
 */
export const ASSIGNORS = {
  range,
  roundrobin,
  sticky,
  "cooperative-sticky": cooperative,
} as const satisfies Record<string, Assignor>;
export type AssignorName = keyof typeof ASSIGNORS;

/** @param partitions how many each topic has. Topics that are not in it are none. */
function range(subscribers: readonly Subscriber[], partitions: ReadonlyMap<string, number>): Assigned {
  const assigned = nothing(subscribers);
  for (const [topic, count] of partitions) {
    const readers = inOrder(subscribers.filter(({ topics }) => topics.includes(topic)));
    const each = Math.floor(count / readers.length);
    const more = count % readers.length;
    let next = 0;
    for (const [i, { memberId }] of readers.entries())
      for (let left = each + (i < more ? 1 : 0); left > 0; left--) give(assigned, memberId, topic, next++);
  }
  return assigned;
}

function roundrobin(subscribers: readonly Subscriber[], partitions: ReadonlyMap<string, number>): Assigned {
  const assigned = nothing(subscribers);
  const readers = inOrder(subscribers);
  let turn = 0;
  for (const topic of [...partitions.keys()].sort()) {
    if (!readers.some(({ topics }) => topics.includes(topic))) continue;
    for (let partition = 0; partition < (partitions.get(topic) ?? 0); partition++) {
      const next = () => readers[turn++ % readers.length] as Subscriber;
      let reader = next();
      while (!reader.topics.includes(topic)) reader = next();
      give(assigned, reader.memberId, topic, partition);
    }
  }
  return assigned;
}

function sticky(subscribers: readonly Subscriber[], partitions: ReadonlyMap<string, number>): Assigned {
  const assigned = nothing(subscribers);
  for (const [memberId, places] of stickyPlaces(inOrder(subscribers), partitions))
    for (const { topic, partition } of places) give(assigned, memberId, topic, partition);
  return assigned;
}

/**
 * What goes from one to another goes to nobody as yet: who has it is to be done with it first, and joins again without it. Then the
 * other gets it.
 */
function cooperative(subscribers: readonly Subscriber[], partitions: ReadonlyMap<string, number>): Assigned {
  const owners = new Map<string, Set<string>>();
  for (const { memberId, owned } of subscribers)
    for (const [topic, numbers] of owned?.partitions ?? [])
      for (const partition of numbers) {
        const key = JSON.stringify([topic, partition]);
        owners.set(key, (owners.get(key) ?? new Set()).add(memberId));
      }
  const assigned = nothing(subscribers);
  for (const [memberId, topics] of sticky(subscribers, partitions))
    for (const [topic, numbers] of topics)
      for (const partition of numbers) {
        const has = owners.get(JSON.stringify([topic, partition]));
        if (has === undefined || has.has(memberId)) give(assigned, memberId, topic, partition);
      }
  return assigned;
}

/** Static members first, by their instance: it stays when they come back. */
function inOrder(subscribers: readonly Subscriber[]): Subscriber[] {
  const rank = ({ instanceId, memberId }: Subscriber) =>
    instanceId === undefined ? `1${memberId}` : `0${instanceId}`;
  return subscribers.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function nothing(subscribers: readonly Subscriber[]): Map<string, Map<string, number[]>> {
  return new Map(subscribers.map(({ memberId }) => [memberId, new Map()]));
}

function give(
  assigned: Map<string, Map<string, number[]>>,
  memberId: string,
  topic: string,
  partition: number,
): void {
  const topics = assigned.get(memberId) as Map<string, number[]>;
  const given = topics.get(topic);
  if (given === undefined) topics.set(topic, [partition]);
  else given.push(partition);
}
