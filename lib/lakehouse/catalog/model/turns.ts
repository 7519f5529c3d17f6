/** Runs one change of a name at a time, in the order asked. A failed one does not hold up those behind it. */
export type InTurn = <T>(name: string, change: () => Promise<T>) => Promise<T>;

/**
 * Queues by name within this process. They keep nobody out who is elsewhere: compare-and-set does that. But
 * changes that wait here would only lose the race there, and be made again.
 */
export function turns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return (name, change) => {
    const before = last.get(name) ?? Promise.resolve();
    const turn = before.then(change, change);
    last.set(name, turn);
    const forget = (): void => {
      if (last.get(name) === turn) last.delete(name);
    };
    turn.then(forget, forget);
    return turn;
  };
}

/** Likewise for several names at once. All who do so take them in one order, so that none waits for another in a circle. */
export function inTurnOfAll<T>(
  inTurn: InTurn,
  names: readonly string[],
  change: () => Promise<T>,
): Promise<T> {
  const [first, ...rest] = [...new Set(names)].sort();
  return first === undefined ? change() : inTurn(first, () => inTurnOfAll(inTurn, rest, change));
}
