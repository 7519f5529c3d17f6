import {
  bytesOf,
  EtcdClient,
  type EtcdCompare,
  type EtcdKeyValue,
  type EtcdStep,
  keyOf,
  parseEtcdUri,
  rangeOf,
  toBase64,
} from "../../../etcd/index.js";
import { catalogUnavailable } from "../../errors.js";
import type { Hash } from "../../model/hash.js";
import type { Backend, RefMove, StoredObjectInfo } from "../backend.js";
import type { StoredObject } from "../stored-object.js";
import { beforeMove } from "./before-move.js";

/** etcd takes 128 steps in a transaction, and requests of 1.5 MiB, unless it is told otherwise. */
const MAX_STEPS = 100;
const MAX_BYTES = 1 << 20;

/** What of an object goes under its own key; the rest is in parts of this length. */
const PART_BYTES = 512 << 10;

/** Before an object's bytes: when it was put by the members' clock, in milliseconds (8 bytes), and its length (4). */
const HEADER_BYTES = 12;

/**
 * A catalog in etcd: replicated by Raft, so that it lives as long as most of the members do. Below the prefix:
 * `object/<hash>`, `part/<hash>/<number>` for what is too long for one key, and `ref/<name>`. A ref moves in one
 * transaction together with what has to be stored for it.
 *
 * A transaction whose answer is lost is sent again, to the next member. That moves a ref once: the compare fails the
 * second time, and the values of refs never repeat. Give etcd `--auto-compaction-retention`: it keeps every old value
 * of a ref until it is told not to.
 */
export class EtcdBackend implements Backend {
  readonly place: string;
  readonly #client: EtcdClient;
  readonly #prefix: string;

  /**
   * @param uri `etcd://host:port,host:port/prefix`: members of one cluster, spoken to over HTTP.
   * @throws LakehouseError INVALID_CONFIG
   */
  constructor(uri: string) {
    const { endpoints, prefix } = parseEtcdUri(uri);
    // The members change, the cluster stays.
    this.place = `etcd:${prefix}`;
    this.#client = new EtcdClient(endpoints, { owner: "catalog", unavailable: catalogUnavailable });
    this.#prefix = prefix;
  }

  async get(hashes: readonly Hash[]): Promise<(Uint8Array | undefined)[]> {
    const heads = await this.#getAll(hashes.map((hash) => this.#objectKey(hash)));
    return Promise.all(
      heads.map(async (head, index) => {
        if (head === undefined) return undefined;
        const { parts, bytes } = decodeHead(head);
        if (parts === 0) return bytes;
        const rest = await this.#getAll(this.#partKeys(hashes[index] as Hash, parts));
        // Being deleted right now: not there any more.
        if (rest.includes(undefined)) return undefined;
        return Buffer.concat([bytes, ...rest.map((part) => bytesOf(part as EtcdKeyValue))]);
      }),
    );
  }

  async put(objects: readonly StoredObject[]): Promise<void> {
    for (let left = distinct(objects); left.length > 0; ) left = await this.#putSome(left);
  }

  async getRef(name: string): Promise<string | undefined> {
    const [found] = await this.#getAll([this.#refKey(name)]);
    return found && bytesOf(found).toString("utf8");
  }

  async listRefs(prefix = ""): Promise<{ name: string; value: string }[]> {
    const start = this.#refKey("").length;
    const refs: { name: string; value: string }[] = [];
    for await (const found of this.#scan(this.#refKey(prefix))) {
      refs.push({ name: keyOf(found).slice(start), value: bytesOf(found).toString("utf8") });
    }
    return refs.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async moveRef({ name, expected, next }: RefMove, objects: readonly StoredObject[]): Promise<boolean> {
    const key = toBase64(this.#refKey(name));
    const compare: EtcdCompare =
      expected === undefined
        ? { key, result: "EQUAL", target: "VERSION", version: "0" }
        : { key, result: "EQUAL", target: "VALUE", value: toBase64(expected) };
    const step: EtcdStep =
      next === undefined
        ? { request_delete_range: { key } }
        : { request_put: { key, value: toBase64(next) } };
    const [last, now] = await beforeMove(async () => {
      let left = distinct(objects);
      while (nextBatch(left).length < left.length || left.some(isLarge)) left = await this.#putSome(left);
      return [left, await this.#client.now()] as const;
    });
    const { succeeded, responses } = await this.#client.transact({
      compare: [compare],
      success: [...last.map((object) => putStep(this.#objectKey(object.hash), object, now)), step],
      failure: [{ request_range: { key } }],
    });
    if (succeeded === true) return true;
    // An earlier try of this transaction may have moved it, and its answer been lost.
    const found = responses?.[0]?.response_range?.kvs?.[0];
    return next !== undefined && found !== undefined && bytesOf(found).toString("utf8") === next;
  }

  async *scan(): AsyncGenerator<StoredObjectInfo> {
    for await (const head of this.#scan(this.#objectKey(""))) {
      const { storedAt, size } = decodeHead(head);
      yield { hash: this.#hashOf(head), size, storedAt };
    }
  }

  async deleteObjects(hashes: readonly Hash[]): Promise<void> {
    const steps = [...new Set(hashes)].flatMap((hash): EtcdStep[] => [
      { request_delete_range: { key: toBase64(this.#objectKey(hash)) } },
      { request_delete_range: rangeOf(this.#partKey(hash, "")) },
    ]);
    for (let start = 0; start < steps.length; start += MAX_STEPS) {
      await this.#client.transact({ success: steps.slice(start, start + MAX_STEPS) });
    }
  }

  now(): Promise<Date> {
    return this.#client.now();
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** Puts the first few objects; the others are left. */
  async #putSome(objects: readonly StoredObject[]): Promise<readonly StoredObject[]> {
    const batch = nextBatch(objects);
    const parts: { key: string; bytes: Uint8Array }[] = [];
    for (const { hash, bytes } of batch) {
      for (let start = PART_BYTES; start < bytes.length; start += PART_BYTES) {
        const key = this.#partKey(hash, String(start / PART_BYTES));
        parts.push({ key, bytes: bytes.subarray(start, start + PART_BYTES) });
      }
    }
    for (;;) {
      for (const { key, bytes } of parts) {
        await this.#client.transact({
          success: [{ request_put: { key: toBase64(key), value: toBase64(bytes) } }],
        });
      }
      // Garbage collection may have found the old object, and taken the new parts with it.
      const now = await this.#client.now();
      const { succeeded } = await this.#client.transact({
        compare: parts.map(({ key }) => ({
          key: toBase64(key),
          result: "GREATER",
          target: "VERSION",
          version: "0",
        })),
        success: batch.map((object) => putStep(this.#objectKey(object.hash), object, now)),
      });
      if (succeeded === true) return objects.slice(batch.length);
    }
  }

  async #getAll(keys: readonly string[]): Promise<(EtcdKeyValue | undefined)[]> {
    const found: (EtcdKeyValue | undefined)[] = [];
    for (let start = 0; start < keys.length; start += MAX_STEPS) {
      const { responses = [] } = await this.#client.transact({
        success: keys
          .slice(start, start + MAX_STEPS)
          .map((key) => ({ request_range: { key: toBase64(key) } })),
      });
      found.push(...responses.map(({ response_range }) => response_range?.kvs?.[0]));
    }
    return found;
  }

  /** All keys that start so, in the order of their bytes. */
  async *#scan(prefix: string): AsyncGenerator<EtcdKeyValue> {
    const { key, range_end } = rangeOf(prefix);
    for (let from = key; ; ) {
      const { responses } = await this.#client.transact({
        success: [{ request_range: { key: from, range_end, limit: String(MAX_STEPS) } }],
      });
      const { kvs = [], more } = responses?.[0]?.response_range ?? {};
      yield* kvs;
      const last = kvs.at(-1);
      if (more !== true || last === undefined) return;
      // The least key after the last one.
      from = toBase64(Buffer.concat([Buffer.from(last.key, "base64"), Buffer.of(0)]));
    }
  }

  #objectKey(hash: Hash): string {
    return `${this.#prefix}object/${hash}`;
  }

  #hashOf(head: EtcdKeyValue): Hash {
    return keyOf(head).slice(this.#objectKey("").length);
  }

  #partKey(hash: Hash, part: string): string {
    return `${this.#prefix}part/${hash}/${part}`;
  }

  #partKeys(hash: Hash, count: number): string[] {
    return Array.from({ length: count }, (_, index) => this.#partKey(hash, String(index + 1)));
  }

  #refKey(name: string): string {
    return `${this.#prefix}ref/${name}`;
  }
}

function putStep(key: string, { bytes }: StoredObject, now: Date): EtcdStep {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeDoubleBE(now.getTime(), 0);
  header.writeUInt32BE(bytes.length, 8);
  const value = toBase64(Buffer.concat([header, bytes.subarray(0, PART_BYTES)]));
  return { request_put: { key: toBase64(key), value } };
}

/** etcd takes no key twice in a transaction; changes that go together may make the same node. */
function distinct(objects: readonly StoredObject[]): readonly StoredObject[] {
  return [...new Map(objects.map((object) => [object.hash, object])).values()];
}

/** As many of the first objects as go into one transaction; one at least. A large one goes alone. */
function nextBatch(objects: readonly StoredObject[]): readonly StoredObject[] {
  let bytes = 0;
  const end = objects.findIndex((object, index) => {
    bytes += Math.min(object.bytes.length, PART_BYTES) + 200;
    return index > 0 && (index === MAX_STEPS || bytes > MAX_BYTES || isLarge(object));
  });
  return end < 0 ? objects : objects.slice(0, end);
}

function isLarge({ bytes }: StoredObject): boolean {
  return bytes.length > PART_BYTES;
}

/** `parts` are those under keys of their own; `bytes` are the first. */
function decodeHead(head: EtcdKeyValue): { storedAt: Date; size: number; parts: number; bytes: Buffer } {
  const value = bytesOf(head);
  const size = value.readUInt32BE(8);
  const parts = Math.max(0, Math.ceil(size / PART_BYTES) - 1);
  return { storedAt: new Date(value.readDoubleBE(0)), size, parts, bytes: value.subarray(HEADER_BYTES) };
}
