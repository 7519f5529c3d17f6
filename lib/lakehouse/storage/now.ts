import type { ObjectStore } from "./store.js";

/**
 * The time by which a store dates its objects, in whole seconds where the store counts in those: what ages are measured
 * by. This machine's clock may be an hour off. Puts an empty object at `uri` and asks when that was.
 */
export async function storeNow(store: ObjectStore, uri: string): Promise<Date> {
  for (;;) {
    await store.put(uri, new Uint8Array(0));
    const info = await store.head(uri);
    if (info !== undefined) return info.lastModified;
  }
}
