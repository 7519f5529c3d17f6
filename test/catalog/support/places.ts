import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { EtcdBackend } from "../../../lib/lakehouse/catalog/store/backends/etcd-backend.js";
import { ObjectStoreBackend } from "../../../lib/lakehouse/catalog/store/backends/object-store-backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import type {
  EtcdCompare,
  EtcdOutcome,
  EtcdStep,
  EtcdTransaction,
} from "../../../lib/lakehouse/etcd/index.js";
import type { ObjectInfo, ObjectStore } from "../../../lib/lakehouse/storage/index.js";
import type { Actor } from "./interleaving.js";

/** Where a catalog is kept, whose requests are the steps of the actors that make them. */
export interface Place {
  /** Opened by an actor, or by the test itself, whose requests happen at once. */
  open(actor?: Actor): Backend;
  dispose(): Promise<void>;
}

const at = <T>(actor: Actor | undefined, apply: () => T | Promise<T>): Promise<T> =>
  actor === undefined ? Promise.resolve().then(apply) : actor.request(apply);

/** SQLite itself: each call is one transaction. */
export function sqlitePlace(): Place {
  const backend = new SqliteBackend(":memory:");
  return {
    open: (actor) => ({
      get: (hashes) => at(actor, () => backend.get(hashes)),
      put: (objects) => at(actor, () => backend.put(objects)),
      getRef: (name) => at(actor, () => backend.getRef(name)),
      listRefs: (prefix) => at(actor, () => backend.listRefs(prefix)),
      moveRef: (move, objects) => at(actor, () => backend.moveRef(move, objects)),
      scan: () => scanned(at(actor, () => all(backend.scan()))),
      deleteObjects: (hashes) => at(actor, () => backend.deleteObjects(hashes)),
      now: () => backend.now(),
      close: async () => {},
    }),
    dispose: () => backend.close(),
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function* scanned<T>(items: Promise<T[]>): AsyncGenerator<T> {
  yield* await items;
}

/** The backend for object stores on one in memory: each object is put, read and deleted by a request of its own. */
export function objectStorePlace(): Place {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly etag: string }>();
  let version = 0;
  const info = (uri: string): ObjectInfo | undefined => {
    const found = objects.get(uri);
    return found && { uri, size: found.bytes.length, etag: found.etag, lastModified: new Date() };
  };
  const failure = (code: "OBJECT_NOT_FOUND" | "PRECONDITION_FAILED", uri: string): LakehouseError =>
    new LakehouseError(code, uri, code);
  const open = (actor?: Actor): ObjectStore => ({
    root: "s3://model",
    read: (uri) =>
      at(actor, () => {
        const found = objects.get(uri);
        if (found === undefined) throw failure("OBJECT_NOT_FOUND", uri);
        return found.bytes;
      }),
    put: (uri, body, condition) =>
      at(actor, () => {
        const etag = objects.get(uri)?.etag;
        const expected = condition && ("ifEtag" in condition ? condition.ifEtag : undefined);
        if (condition !== undefined && etag !== expected) throw failure("PRECONDITION_FAILED", uri);
        objects.set(uri, { bytes: body as Uint8Array, etag: String(++version) });
        return info(uri) as ObjectInfo;
      }),
    head: (uri) => at(actor, () => info(uri)),
    list: (prefix) =>
      scanned(
        at(actor, () =>
          [...objects.keys()]
            .filter((uri) => uri.startsWith(prefix))
            .sort()
            .flatMap((uri) => info(uri) ?? []),
        ),
      ),
    delete: async (uris) => {
      await Promise.all(uris.map((uri) => at(actor, () => objects.delete(uri))));
    },
    stream: () => {
      throw new Error("Nothing here is streamed.");
    },
    localPath: () => undefined,
  });
  return {
    open: (actor) => {
      const backend = new ObjectStoreBackend(open(actor), "s3://model/catalog");
      backend.now = async () => new Date();
      return backend;
    },
    dispose: async () => {},
  };
}

/** The backend for etcd on transactions in memory: `fetch` is a step. The suite on a real cluster is `interop/etcd.test.ts`. */
export function etcdPlace(): Place {
  const keys = new Map<string, string>();
  const actors = new Map<string, Actor>();
  const original = globalThis.fetch;
  globalThis.fetch = async (url, init) => {
    const actor = actors.get(new URL(String(url)).hostname);
    const transaction = JSON.parse(String(init?.body)) as EtcdTransaction;
    const answer = await at(actor, () => JSON.stringify(transact(keys, transaction)));
    return new Response(answer, { headers: { date: new Date().toUTCString() } });
  };
  return {
    open: (actor) => {
      if (actor !== undefined) actors.set(actor.name, actor);
      return new EtcdBackend(`etcd://${actor?.name ?? "test"}:1/model`);
    },
    dispose: async () => {
      globalThis.fetch = original;
    },
  };
}

/** A transaction by etcd's rules, as far as `EtcdBackend` uses them. Keys stand in base64; their bytes are ASCII here. */
function transact(keys: Map<string, string>, transaction: EtcdTransaction): EtcdOutcome {
  const holds = ({ key, result, target, value, version }: EtcdCompare): boolean => {
    const found = keys.get(fromBase64(key));
    if (target === "VALUE") return found === value;
    if (result === "GREATER") return found !== undefined;
    return version === "0" && found === undefined;
  };
  const succeeded = (transaction.compare ?? []).every(holds);
  const steps = succeeded ? transaction.success : (transaction.failure ?? []);
  return { succeeded, responses: steps.map((step) => perform(keys, step)) };
}

function perform(keys: Map<string, string>, step: EtcdStep): NonNullable<EtcdOutcome["responses"]>[number] {
  if ("request_put" in step) {
    keys.set(fromBase64(step.request_put.key), step.request_put.value);
    return {};
  }
  const { key, range_end } = "request_range" in step ? step.request_range : step.request_delete_range;
  const [from, to] = [fromBase64(key), range_end && fromBase64(range_end)];
  const found = [...keys.keys()].filter((each) => (to ? each >= from && each < to : each === from)).sort();
  if ("request_delete_range" in step) {
    for (const each of found) keys.delete(each);
    return {};
  }
  const limit = Number(step.request_range.limit ?? found.length);
  const kvs = found.slice(0, limit).map((each) => ({
    key: Buffer.from(each, "latin1").toString("base64"),
    value: keys.get(each) as string,
  }));
  return { response_range: { kvs, more: found.length > limit } };
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("latin1");
}
