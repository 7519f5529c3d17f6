import type { IncomingMessage } from "node:http";
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
 * User metadata of the objects put last, in memory. A store keeps bytes and no more; but a client whose conditional
 * put got no answer finds out by the metadata whether the object is its own work, and it asks within seconds.
 */
export class RecentMetadata {
  readonly #kept = new Map<string, { readonly etag: string; readonly metadata: UserMetadata }>();

  keep({ uri, etag }: ObjectInfo, metadata: UserMetadata): void {
    this.#kept.delete(uri); // so that it moves to the end: the first is the oldest
    if (Object.keys(metadata).length === 0) return;
    this.#kept.set(uri, { etag, metadata });
    if (this.#kept.size <= KEPT) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  /** None where the object is another one by now. */
  of({ uri, etag }: ObjectInfo): UserMetadata {
    const kept = this.#kept.get(uri);
    return kept?.etag === etag ? kept.metadata : {};
  }
}
