import type { Hash } from "../model/hash.js";
import type { StoredObject } from "./stored-object.js";

/** A compare-and-set of one ref. `undefined` stands for a ref that is not there. */
export interface RefMove {
  readonly name: string;
  /** The value that the ref must have now. Values are compared as text and never repeat (see `refs.ts`). */
  readonly expected: string | undefined;
  readonly next: string | undefined;
}

/** What a scan tells of a stored object. */
export interface StoredObjectInfo {
  readonly hash: Hash;
  /** Length in bytes. */
  readonly size: number;
  /** When it was put last, by the clock that `now` reads: putting an object again renews it. */
  readonly storedAt: Date;
}

/**
 * Everything the catalog asks of the place that keeps it: immutable objects under their hashes, and a few
 * named refs that move by compare-and-set. Anything with a linearizable compare-and-set can be one.
 *
 * What an implementation must hold to (`test/catalog/support/backend-conformance.ts` checks it):
 * - An object is visible whole or not at all, and is durable when the promise resolves.
 * - `moveRef` makes `objects` durable before the ref shows `next`. When it answers `false` they may or may not
 *   have been stored; nothing refers to them and garbage collection takes them.
 * - `moveRef` fails with `STORAGE_FAILED` only where the ref may have moved, or may move yet.
 * - `moveRef` is linearizable between processes: of those who race from one value, one wins.
 * - `getRef` answers with the latest value, never an older one. `listRefs` shows every ref that is there from its
 *   beginning to its end, each with a value that it held meanwhile.
 */
export interface Backend {
  /**
   * URI of the place where the catalog is kept, without symbolic links; absent for one in memory. A catalog that is
   * found at another place than it remembers was moved or copied.
   */
  readonly place?: string | undefined;
  /** True where nothing can be written: every change is `READ_ONLY`. */
  readonly readOnly?: boolean | undefined;
  /** The bytes under each hash, in the order asked; `undefined` where there is no such object. */
  get(hashes: readonly Hash[]): Promise<(Uint8Array | undefined)[]>;
  /** Stores objects; one that exists already only has its `storedAt` renewed. */
  put(objects: readonly StoredObject[]): Promise<void>;
  getRef(name: string): Promise<string | undefined>;
  /** All refs whose name starts with `prefix`, sorted by name (UTF-16 order). */
  listRefs(prefix?: string): Promise<{ readonly name: string; readonly value: string }[]>;
  /**
   * True when the ref moved. False when it did not hold `expected`, and also when the backend cannot tell
   * whether its own earlier attempt got through: the caller looks for its move in the reflog.
   */
  moveRef(move: RefMove, objects: readonly StoredObject[]): Promise<boolean>;
  /** Every stored object, in any order. For garbage collection. */
  scan(): AsyncIterable<StoredObjectInfo>;
  /** Deletes objects; one that is not there is no error. Only for what nothing will ever lead to, or put, again. */
  deleteObjects(hashes: readonly Hash[]): Promise<void>;
  /** The time by which objects are stored: the store's own, which no machine of a writer or collector decides. */
  now(): Promise<Date>;
  /** The objects live in this process only. A second one opened on the same place sees the same. */
  close(): Promise<void>;
}
