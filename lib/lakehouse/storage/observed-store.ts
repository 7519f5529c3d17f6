import { type Ending, isWatched, observe, outcomeOf, Watch } from "../observability/index.js";
import { type StorageRequest, storageRequests } from "./metrics.js";
import type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "./store.js";

/** A store whose requests are published. While nobody listens, it only hands them on. */
export class ObservedStore implements ObjectStore {
  readonly root: string;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.root = store.root;
    this.#store = store;
  }

  read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    return observe(storageRequests, () => this.#store.read(uri, range), request("read", uri, lengthOf));
  }

  stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    return observeItems("stream", uri, this.#store.stream(uri, range), lengthOf);
  }

  put(uri: string, body: Body, ...how: [PutCondition?, AbortSignal?]): Promise<ObjectInfo> {
    const size = ({ size }: ObjectInfo) => size;
    return observe(storageRequests, () => this.#store.put(uri, body, ...how), request("put", uri, size));
  }

  head(uri: string): Promise<ObjectInfo | undefined> {
    return observe(storageRequests, () => this.#store.head(uri), request("head", uri));
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return observeItems("list", prefix, this.#store.list(prefix, options), () => 0);
  }

  delete(uris: readonly string[]): Promise<void> {
    return observe(storageRequests, () => this.#store.delete(uris), request("delete", uris[0] ?? this.root));
  }

  localPath(uri: string): string | undefined {
    return this.#store.localPath(uri);
  }

  async ensureFolder(uri: string): Promise<void> {
    await this.#store.ensureFolder?.(uri);
  }
}

const lengthOf = (bytes: Uint8Array): number => bytes.byteLength;

function request<Result>(
  operation: StorageRequest["operation"],
  uri: string,
  bytesOf: (result: Result) => number = () => 0,
): (ending: Ending<Result>) => StorageRequest {
  return ({ outcome, milliseconds, result }) => ({
    operation,
    uri,
    bytes: result === undefined ? 0 : bytesOf(result),
    outcome,
    milliseconds,
  });
}

/** One event when the last item was taken, or the taking was given up. */
function observeItems<Item>(
  operation: "stream" | "list",
  uri: string,
  items: AsyncIterable<Item>,
  bytesOf: (item: Item) => number,
): AsyncIterable<Item> {
  return isWatched(storageRequests) ? itemsObserved(operation, uri, items, bytesOf) : items;
}

async function* itemsObserved<Item>(
  operation: "stream" | "list",
  uri: string,
  items: AsyncIterable<Item>,
  bytesOf: (item: Item) => number,
): AsyncGenerator<Item, void, undefined> {
  const watch = new Watch(storageRequests);
  let bytes = 0;
  let outcome = "ok";
  try {
    for await (const item of items) {
      bytes += bytesOf(item);
      yield item;
    }
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    watch.end(outcome, (milliseconds) => ({ operation, uri, bytes, outcome, milliseconds }));
  }
}
