/** Which member of a group reads which partitions. But for `sticky`, Kafka's to the partition: whichever client leads, it is the same. */
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
 * that allows it.
 */
export const ASSIGNORS = { range, roundrobin, sticky } as const satisfies Record<string, Assignor>;
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
