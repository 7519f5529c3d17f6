import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip, gzipSync } from "node:zlib";
import { invalidMetadata } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import { parseTableMetadata } from "../../model/metadata/parse.js";
import { serializeTableMetadata } from "../../model/metadata/serialize.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { utf8Encode } from "../../model/values/bytes.js";

const gunzipBytes = promisify(gunzip);
const gzipAside = promisify(gzip);

/** Metadata larger than this is refused: a compressed file could unfold without end. */
const MAX_METADATA_BYTES = 1 << 30;

/** `write.metadata.compression-codec`: `none` or `gzip`. Without it, files of `LARGE_METADATA_BYTES` and more are gzip. */
export const METADATA_COMPRESSION = "write.metadata.compression-codec";

/** As much as some forty snapshots take. Every commit writes all of it anew, and gzip makes it eight times smaller. */
const LARGE_METADATA_BYTES = 32 * 1024;

/** The fastest level: a quarter of the default's time for a tenth more bytes, since JSON of snapshots says the same again and again. */
const GZIP = { level: 1 };

/** Up to here gzip takes less than a millisecond, and the way to another thread and back as long. */
const SMALL_METADATA_BYTES = 256 * 1024;

/** Table properties that say where files go. */
export const PATH_PROPERTIES: ReadonlySet<string> = new Set([
  "write.data.path",
  "write.metadata.path",
  "write.object-storage.path",
  "write.folder-storage.path",
]);

/** The folder of a table's metadata files: `write.metadata.path`, or `metadata` below the location. */
export function metadataFolder(metadata: Pick<TableMetadata, "location" | "properties">): string {
  const own = metadata.properties["write.metadata.path"];
  return own === undefined ? `${metadata.location}/metadata` : own.replace(/\/+$/, "");
}

/** The version in the name of a metadata file, `00012-<uuid>.metadata.json` or `v12.metadata.json`; `undefined` when it has none. */
export function metadataFileVersion(location: string): number | undefined {
  const name = location.slice(location.lastIndexOf("/") + 1);
  const match = /^(?:v(\d+)|(\d+)-[^.]*)(?:\.gz)?\.metadata\.json(?:\.gz)?$/.exec(name);
  return match === null ? undefined : Number(match[1] ?? match[2]);
}

/**
 * Reads a metadata file, gzip or plain: told by its bytes, so that a name that says otherwise does no harm.
 * Throws `OBJECT_NOT_FOUND`, `INVALID_METADATA`, `UNSUPPORTED_FEATURE`.
 */
export async function readTableMetadata(store: ObjectStore, location: string): Promise<TableMetadata> {
  return parseTableMetadata(await decompress(await store.read(location), location), location);
}

async function decompress(bytes: Uint8Array, location: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await gunzipBytes(bytes, { maxOutputLength: MAX_METADATA_BYTES });
  } catch (cause) {
    throw invalidMetadata(
      location,
      `Cannot read ${location}: it is no complete gzip file (${(cause as Error).message}).`,
      undefined,
      cause,
    );
  }
}

async function gzipBytes(text: Uint8Array): Promise<Uint8Array> {
  return text.length <= SMALL_METADATA_BYTES ? gzipSync(text, GZIP) : gzipAside(text, GZIP);
}

/**
 * Writes metadata as a new file `<folder>/00001-<uuid>.metadata.json` (`.gz.metadata.json` when compressed) and gives
 * its location. Never overwrites.
 */
export async function writeTableMetadata(
  store: ObjectStore,
  metadata: TableMetadata,
  version: number,
): Promise<string> {
  const codec = metadata.properties[METADATA_COMPRESSION]?.toLowerCase();
  const text = utf8Encode(serializeTableMetadata(metadata));
  const compressed = codec === "gzip" || (codec === undefined && text.length >= LARGE_METADATA_BYTES);
  const body = compressed ? await gzipBytes(text) : text;
  const name = `${String(version).padStart(5, "0")}-${randomUUID()}${compressed ? ".gz" : ""}.metadata.json`;
  const location = `${metadataFolder(metadata)}/${name}`;
  await store.put(location, body, { ifAbsent: true });
  return location;
}
