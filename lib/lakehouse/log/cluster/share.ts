/** Who is to lead which partitions: everybody reckons for himself, from what all see. */

export interface SharedTopic {
  readonly id: string;
  readonly partitions: number;
  /** The largest that leaders had before the metadata was lost. */
  readonly epoch?: number | undefined;
}

export interface TopicPartition {
  readonly topicId: string;
  readonly partition: number;
}

export interface Share {
  /** Without a leader, and this broker's to lead. */
  readonly claims: readonly TopicPartition[];
  /** Led by this broker, which has more than its share: others are to lead them. */
  readonly gives: readonly TopicPartition[];
}

/**
 * Partitions that are led stay where they are, unless a broker has more than its share. Those that are not go to the broker
 * that leads the fewest of the topic, and then the fewest of all; none gets more than its share.
 *
 * @param brokers who may lead, by id.
 * @param leader who leads a partition: one that lives, be it among these brokers or not.
 */
export function shareOf(
  self: number,
  brokers: readonly number[],
  topics: readonly SharedTopic[],
  leader: (topicId: string, partition: number) => number | undefined,
): Share {
  const led = new Map(brokers.map((id) => [id, 0]));
  const mine: TopicPartition[] = [];
  const counts = topics.map(({ id, partitions }) => {
    const inTopic = new Map<number, number>();
    for (let partition = 0; partition < partitions; partition++) {
      const broker = leader(id, partition);
      if (broker === undefined) continue;
      add(inTopic, broker);
      add(led, broker);
      if (broker === self) mine.push({ topicId: id, partition });
    }
    return inTopic;
  });
  if (!brokers.includes(self)) return { claims: [], gives: brokers.length === 0 ? [] : mine };
  const shares = sharesOf(brokers, led, topics);
  const claims: TopicPartition[] = [];
  for (const [i, { id, partitions }] of topics.entries()) {
    const inTopic = counts[i] as Map<number, number>;
    for (let partition = 0; partition < partitions; partition++) {
      if (leader(id, partition) !== undefined) continue;
      const next = brokers
        .filter((broker) => of(led, broker) < of(shares, broker))
        .reduce<number | undefined>((best, broker) => {
          if (best === undefined) return broker;
          const more = of(inTopic, broker) - of(inTopic, best) || of(led, broker) - of(led, best);
          return more < 0 ? broker : best;
        }, undefined);
      if (next === undefined) continue;
      add(inTopic, next);
      add(led, next);
      if (next === self) claims.push({ topicId: id, partition });
    }
  }
  const surplus = mine.length - of(shares, self);
  return { claims, gives: surplus > 0 ? mine.slice(-surplus) : [] };
}

/** Equal shares; what is left over goes to those who have most, one each. */
function sharesOf(
  brokers: readonly number[],
  led: ReadonlyMap<number, number>,
  topics: readonly SharedTopic[],
): Map<number, number> {
  const total = topics.reduce((sum, { partitions }) => sum + partitions, 0);
  const equal = Math.floor(total / brokers.length);
  return new Map(
    brokers
      .toSorted((a, b) => of(led, b) - of(led, a) || a - b)
      .map((broker, rank) => [broker, rank < total % brokers.length ? equal + 1 : equal]),
  );
}

function of(counts: ReadonlyMap<number, number>, broker: number): number {
  return counts.get(broker) ?? 0;
}

function add(counts: Map<number, number>, broker: number): void {
  counts.set(broker, of(counts, broker) + 1);
}
