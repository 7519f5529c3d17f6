/**
 * What is asked for, without what is asked for again: an answer may be a thousand times as long as its question, and a
 * question that says the same a hundred thousand times would have no answer that fits into memory.
 */
export function onceEach<Asked>(asked: readonly Asked[], keyOf: (one: Asked) => string): Asked[] {
  return [...new Map(asked.map((one) => [keyOf(one), one])).values()];
}
