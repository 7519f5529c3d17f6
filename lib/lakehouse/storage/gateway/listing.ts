import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { ObjectInfo } from "../store.js";
import { compareUtf8 } from "../uri.js";
import { type Exchange, isImpossibleKey, keyOf, quoted, sendXml } from "./exchange.js";
import { S3Fault } from "./fault.js";
import { awsEncode } from "./sigv4.js";

const MAX_KEYS = 1000;
/** Listings that stopped at a page's end and may go on. More than these begin again, and skip. */
const MAX_PAUSED = 32;

interface Entry {
  /** The key, or the common prefix that stands for it. */
  readonly name: string;
  readonly info?: ObjectInfo | undefined;
}

/** ListObjectsV2. The store lists in S3's own order, so that a page is a stretch of its listing. */
export class Listings {
  readonly #paused = new LRUCache<string, AsyncIterator<Entry>>({
    max: MAX_PAUSED,
    dispose: (left, _, reason) => {
      if (reason === "evict") void left.return?.();
    },
  });

  async list(exchange: Exchange): Promise<void> {
    const { query } = exchange;
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const token = query.get("continuation-token");
    const startAfter = query.get("start-after");
    const maxKeys = parseMaxKeys(query.get("max-keys"));
    const encode = query.get("encoding-type") === "url" ? awsEncode : (text: string) => text;

    const iterator = this.#resume(token) ?? entries(exchange, prefix, delimiter, skipOf(token, startAfter));
    const page: Entry[] = [];
    let truncated = false;
    while (page.length < maxKeys) {
      const { done, value } = await iterator.next();
      if (done) break;
      page.push(value);
    }
    let nextToken: string | undefined;
    if (page.length === maxKeys && maxKeys > 0) {
      // Only one more look tells whether there is a next page.
      const { done, value } = await iterator.next();
      if (!done) {
        truncated = true;
        nextToken = this.#pause(page.at(-1)?.name ?? "", chain(value, iterator));
      }
    }
    sendXml(exchange.response, "ListBucketResult", {
      Name: exchange.bucket,
      Prefix: encode(prefix),
      Delimiter: delimiter === "" ? undefined : encode(delimiter),
      MaxKeys: maxKeys,
      EncodingType: query.get("encoding-type") === "url" ? "url" : undefined,
      KeyCount: page.length,
      IsTruncated: truncated,
      ContinuationToken: token,
      NextContinuationToken: nextToken,
      StartAfter: startAfter === undefined ? undefined : encode(startAfter),
      Contents: page.flatMap(({ name, info }) =>
        info === undefined
          ? []
          : {
              Key: encode(name),
              LastModified: info.lastModified.toISOString(),
              ETag: quoted(info.etag),
              Size: info.size,
              StorageClass: "STANDARD",
            },
      ),
      CommonPrefixes: page.flatMap(({ name, info }) => (info === undefined ? { Prefix: encode(name) } : [])),
    });
  }

  #pause(after: string, iterator: AsyncIterator<Entry>): string {
    const token = `${randomUUID()}.${Buffer.from(after).toString("base64url")}`;
    this.#paused.set(token, iterator);
    return token;
  }

  #resume(token: string | undefined): AsyncIterator<Entry> | undefined {
    if (token === undefined) return undefined;
    const iterator = this.#paused.get(token);
    this.#paused.delete(token);
    return iterator;
  }
}

async function* entries(
  exchange: Exchange,
  prefix: string,
  delimiter: string,
  skip: Skip,
): AsyncGenerator<Entry, void, undefined> {
  const { store } = exchange;
  let group: string | undefined;
  try {
    for await (const info of store.list(prefix === "" ? store.root : `${store.root}/${prefix}`)) {
      const key = keyOf(exchange, info.uri);
      const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      const name = cut < 0 ? key : key.slice(0, cut + delimiter.length);
      if (name === group || skip(key, name)) continue;
      if (cut < 0) yield { name, info };
      else {
        group = name;
        yield { name };
      }
    }
  } catch (error) {
    if (!isImpossibleKey(error)) throw error;
  }
}

async function* chain(first: Entry, rest: AsyncIterator<Entry>): AsyncGenerator<Entry, void, undefined> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

type Skip = (key: string, name: string) => boolean;

/** A page begins behind the last name of the one before; a listing behind a key, of whose group more may come. */
function skipOf(token: string | undefined, startAfter: string | undefined): Skip {
  if (token !== undefined) {
    const last = afterOf(token);
    return (_, name) => compareUtf8(name, last) <= 0;
  }
  if (startAfter !== undefined) return (key) => compareUtf8(key, startAfter) <= 0;
  return () => false;
}

function afterOf(token: string): string {
  const [, encoded] = token.split(".");
  if (encoded === undefined)
    throw new S3Fault("InvalidArgument", "The continuation token is not one of ours.");
  return Buffer.from(encoded, "base64url").toString("utf8");
}

function parseMaxKeys(text: string | undefined): number {
  if (text === undefined) return MAX_KEYS;
  if (!/^\d{1,9}$/.test(text)) throw new S3Fault("InvalidArgument", "max-keys is not a whole number.");
  return Math.min(Number(text), MAX_KEYS);
}
