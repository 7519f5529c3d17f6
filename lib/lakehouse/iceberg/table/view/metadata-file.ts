import { randomUUID } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { corruptFile } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import { parseViewMetadata, serializeViewMetadata } from "./json.js";
import type { ViewMetadata } from "./types.js";

/** No view's metadata comes near; what unpacks to more is no view's metadata. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads a view's metadata file, gzipped (as Java writes them by default) or not.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE when it cannot be unpacked; INVALID_METADATA when it breaks the view spec
 */
export async function readViewMetadata(store: ObjectStore, location: string): Promise<ViewMetadata> {
  const bytes = await store.read(location);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseViewMetadata(gzipped ? unpack(bytes, location) : bytes, location);
}

/**
 * Writes a view's metadata to a new file below its location.
 *
 * @param version number of this metadata version, 0 for a new view; begins the file's name
 * @returns the file's location, for the catalog to point to
 */
export async function writeViewMetadata(
  store: ObjectStore,
  metadata: ViewMetadata,
  version: number,
): Promise<string> {
  const name = `${String(version).padStart(5, "0")}-${randomUUID()}.metadata.json`;
  const location = `${metadata.location}/metadata/${name}`;
  await store.put(location, new TextEncoder().encode(serializeViewMetadata(metadata)), { ifAbsent: true });
  return location;
}

function unpack(bytes: Uint8Array, location: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    throw corruptFile(
      location,
      `The view metadata ${location} cannot be unpacked.`,
      "Restore the file from a backup, or point the catalog to the one before it.",
      cause,
    );
  }
}
