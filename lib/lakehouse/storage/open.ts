import { unusable } from "./errors.js";
import { LocalStore, type LocalStoreOptions } from "./local/local-store.js";
import { type S3Options, s3OptionsFromEnv } from "./s3/options.js";
import { S3Store } from "./s3/s3-store.js";
import type { ObjectStore } from "./store.js";

export interface StoreOptions {
  readonly local?: LocalStoreOptions | undefined;
  /** Default: what the environment says, see `s3OptionsFromEnv`. */
  readonly s3?: S3Options | undefined;
}

/**
 * The store whose root is `root`: `s3://bucket/prefix`, `file:///path`, or a path.
 *
 * @throws INVALID_URI for another scheme; INVALID_CONFIG where the S3 settings make no sense.
 */
export function openStore(root: string, options: StoreOptions = {}): ObjectStore {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(root)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return new LocalStore(root, options.local);
  if (/^s3[an]?$/.test(scheme)) return new S3Store(root, options.s3 ?? s3OptionsFromEnv());
  throw unusable(root, `no store speaks ${scheme}`, "Use s3://, file:// or a path.");
}
