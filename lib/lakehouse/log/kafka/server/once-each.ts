/**
 * What is asked for, without what is asked for again: an answer may be a thousand times as long as its question, and a
 * question that says the same a hundred thousand times would have no answer that fits into memory.
 */
export function onceEach<Asked>(asked: readonly Asked[], keyOf: (one: Asked) => string): Asked[] {
  return [...new Map(asked.map((one) => [keyOf(one), one])).values()];
}

export interface AskedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** The same for partitions: each topic once, with those of its partitions that it was named with, each once. */
export function partitionsOnce<Partition>(
  topics: readonly AskedTopic<Partition>[],
  numberOf: (one: Partition) => number,
): AskedTopic<Partition>[] {
  const byName = new Map<string, Map<number, Partition>>();
  for (const { name, partitions } of topics) {
    const known = byName.get(name) ?? new Map<number, Partition>();
    for (const one of partitions) known.set(numberOf(one), one);
    byName.set(name, known);
  }
  return Array.from(byName, ([name, partitions]) => ({ name, partitions: [...partitions.values()] }));
}
