import { existsSync } from "node:fs";
import { invalidConfig } from "../errors.js";
import { RestTrackingStore } from "./rest/rest-store.js";
import { SqliteTrackingStore } from "./sqlite/sqlite-store.js";
import type { TrackingStore } from "./store.js";

/**
 * The store of runs at a URI: `sqlite:<path>`, or the address of an MLflow server.
 *
 * @throws LakehouseError INVALID_CONFIG, TRACKING_UNAVAILABLE, UNSUPPORTED_FEATURE.
 */
export function openTrackingStore(uri: string): TrackingStore {
  if (/^https?:/.test(uri)) return new RestTrackingStore(uri);
  const path = /^sqlite:(?!\/\/)(.+)$/.exec(uri)?.[1];
  if (path !== undefined) return new SqliteTrackingStore(path);
  throw invalidConfig(
    uri,
    `${uri} is no place for experiments.`,
    "Write sqlite:<path of the file>, or the address of an MLflow server, such as http://127.0.0.1:5000.",
  );
}

/** True of a place where nothing has been kept yet: reading from it makes nothing. */
export function isUnused(uri: string): boolean {
  const path = /^sqlite:(?!\/\/)(.+)$/.exec(uri)?.[1];
  return path !== undefined && !existsSync(path);
}
