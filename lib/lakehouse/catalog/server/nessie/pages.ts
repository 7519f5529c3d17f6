import type { JsonInput } from "../../../iceberg/index.js";
import type { Page } from "../../model/paging.js";
import { toPage as pageOf } from "../../model/paging.js";

export function toPage<T>(
  items: AsyncIterable<T>,
  pageSize: number,
  tokenOf: (item: T) => string,
): Promise<Page<T>> {
  return pageOf(items, { pageSize }, tokenOf);
}

/** `hasMore` and `token` (`PaginatedResponse`). */
export function pageToJson({ nextPageToken }: Page<unknown>): { readonly [key: string]: JsonInput } {
  return { hasMore: nextPageToken !== undefined, token: nextPageToken ?? null };
}
