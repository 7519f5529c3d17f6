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

/** A part of a longer list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; absent on the last. */
  readonly nextPageToken?: string | undefined;
}

export interface PageRequest {
  /** At most this many items. 100 where not given. */
  readonly pageSize?: number | undefined;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string | undefined;
}
