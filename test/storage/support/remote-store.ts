import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import {
  type FileCache,
  LocalStore,
  type ObjectStore,
  openFileCache,
} from "../../../lib/lakehouse/storage/index.js";

export const MB = 1024 * 1024;

/** Of the test that runs: a folder of its own, and in it the objects of `store`. */
export let directory: string;
/** A store that is somewhere else: objects without a path, and a record of what was read. */
export let store: ObjectStore;
export let reads: { uri: string; start?: number; end?: number }[];

/** Makes them anew for each test of a group. */
export function eachWithRemoteStore(): void {
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-cache-"));
    reads = [];
    const local = new LocalStore(path.join(directory, "store"), { durable: false });
    store = {
      root: local.root,
      read: (uri, range) => {
        reads.push({ uri, ...range });
        return local.read(uri, range);
      },
      stream: (uri, range) => local.stream(uri, range),
      put: (uri, body, condition) => local.put(uri, body, condition),
      head: (uri) => local.head(uri),
      list: (prefix) => local.list(prefix),
      delete: (uris) => local.delete(uris),
      localPath: () => undefined,
    };
  });
  afterEach(() => rm(directory, { recursive: true }));
}

export function open(maxBytes = 100 * MB): FileCache {
  return openFileCache({ dir: path.join(directory, "cache"), maxBytes });
}

/** Puts an object of random bytes. */
export async function put(name: string, size: number): Promise<{ uri: string; body: Buffer }> {
  const body = randomBytes(size);
  const uri = `${store.root}/${name}`;
  await store.put(uri, body);
  return { uri, body };
}

export function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
