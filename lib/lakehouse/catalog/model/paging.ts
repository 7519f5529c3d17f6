import type { PageRequest } from "./catalog.js";
import type { Page } from "./log.js";

const PAGE_SIZE = 100;

/** One page of a list that `tokenOf` can go on from: the token is that of the last item shown. */
export async function toPage<T>(
  items: AsyncIterable<T>,
  { pageSize = PAGE_SIZE }: PageRequest,
  tokenOf: (item: T) => string,
): Promise<Page<T>> {
  const page: T[] = [];
  for await (const item of items) {
    const last = page[page.length - 1];
    if (page.length === pageSize && last !== undefined) return { items: page, nextPageToken: tokenOf(last) };
    page.push(item);
  }
  return { items: page };
}
