import { randomBytes } from "node:crypto";
import {
  type ObjectInfo,
  type ObjectStore,
  objectNotFound,
  preconditionFailed,
} from "../../storage/index.js";
import { policyConflict } from "../errors.js";
import { decodePolicy, encodePolicy, type Policy } from "./policy.js";

const ATTEMPTS = 10;
const SECRET_BYTES = 32;

export interface ReadPolicy {
  readonly policy: Policy;
  readonly etag: string;
}

/**
 * The object that a log's users are kept in. It is in the object store, so that all servers have the same ones, no server
 * has to run for a change, and a lost disk loses none; and no topic, so that no client can read it.
 */
export class PolicyStore {
  readonly #store: ObjectStore;
  readonly #uri: string;

  constructor(store: ObjectStore, uri: string) {
    this.#store = store;
    this.#uri = uri;
  }

  head(): Promise<ObjectInfo | undefined> {
    return this.#store.head(this.#uri);
  }

  /** `undefined` where the log has no users, and never had. */
  async read(): Promise<ReadPolicy | undefined> {
    // Before the bytes: where they are newer, the tag is found to be old.
    const info = await this.head();
    if (info === undefined) return undefined;
    try {
      return { policy: decodePolicy(await this.#store.read(this.#uri), this.#uri), etag: info.etag };
    } catch (error) {
      if (objectNotFound.is(error)) return undefined;
      throw error;
    }
  }

  /** Changes what is there now, by compare-and-set. @throws LakehouseError TOPIC_CONFLICT, STORAGE_FAILED, and what `change` throws */
  async change(change: (policy: Policy) => Policy): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.read();
      const condition = found === undefined ? { ifAbsent: true as const } : { ifEtag: found.etag };
      const before = found?.policy ?? noPolicy();
      const after = change(before);
      if (after === before) return;
      try {
        await this.#store.put(this.#uri, encodePolicy(after), condition);
        return;
      } catch (error) {
        if (!preconditionFailed.is(error)) throw error;
      }
    }
    throw policyConflict();
  }
}

function noPolicy(): Policy {
  return { users: new Map(), acls: [], decoySecret: randomBytes(SECRET_BYTES) };
}
