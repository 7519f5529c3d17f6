/** How many objects of a store one operation reads at a time. */
export const READ_CONCURRENCY = 16;

/**
 * Applies `task` to each item, at most `limit` at a time; results in the order of the items. After a failure no more
 * tasks are begun, and it is thrown once those under way have ended.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await task(items[index] as T, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const outcome of workers) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  return results;
}
