import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import type { ObjectInfo } from "../store.js";

const PREFIX = "x-amz-meta-";
/** S3 User Guide, "User-defined object metadata": at most 2 KB in all. */
const MAX_BYTES = 2048;
const KEPT = 1000;

export type UserMetadata = Readonly<Record<string, string>>;

/** The `x-amz-meta-*` headers of a request. */
export function userMetadata(request: IncomingMessage): UserMetadata {
  const found = Object.entries(request.headersDistinct).flatMap(([name, values]) =>
    name.startsWith(PREFIX) ? [[name, values?.join(",") ?? ""] as const] : [],
  );
  const length = found.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return length > MAX_BYTES ? {} : Object.fromEntries(found);
}

/**
 * User metadata of the objects put or looked at last, in memory. A store keeps bytes and no more; but a client whose conditional
 * put got no answer finds out by the metadata whether the object is its own work, and it asks within seconds.
 */
export class RecentMetadata {
  readonly #kept = new LRUCache<string, { readonly etag: string; readonly metadata: UserMetadata }>({
    max: KEPT,
  });

  keep({ uri, etag }: ObjectInfo, metadata: UserMetadata): void {
    if (Object.keys(metadata).length === 0) this.#kept.delete(uri);
    else this.#kept.set(uri, { etag, metadata });
  }

  /** None where the object is another one by now. */
  of({ uri, etag }: ObjectInfo): UserMetadata {
    const kept = this.#kept.get(uri);
    return kept?.etag === etag ? kept.metadata : {};
  }
}
