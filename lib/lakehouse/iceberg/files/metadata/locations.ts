import { booleanProperty } from "../../model/metadata/properties.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { PartitionTuple } from "../../model/partitioning/types.js";
import { hashBytes } from "../../model/transforms/murmur3.js";
import { utf8Encode } from "../../model/values/bytes.js";
import { partitionPath, type ResolvedSpec } from "../manifest/specs.js";
import { metadataFolder } from "./metadata-file.js";

/**
 * Where data files go (spec, Appendix F, "Path Construction"): `write.data.path`, or `data` below the table. A path
 * without a scheme or leading slash is below the table too.
 */
function dataFolder(metadata: TableMetadata): string {
  const location = withoutSlash(metadata.location);
  const path = metadata.properties["write.data.path"];
  if (path === undefined) return `${location}/data`;
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith("/");
  return withoutSlash(absolute ? path : `${location}/${path}`);
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/** The location of a metadata file of that name: manifests, manifest lists, statistics. */
export function metadataFileLocation(metadata: TableMetadata, name: string): string {
  return `${metadataFolder(metadata)}/${name}`;
}

/**
 * The location of a data or delete file of that name. `write.data.path` moves them; `write.object-storage.enabled`
 * puts a hash of the name in front, in the same directories as Java's writer, so that a store that splits its keys
 * by prefix spreads the load.
 */
export function dataFileLocation(
  metadata: TableMetadata,
  spec: ResolvedSpec,
  partition: PartitionTuple,
  name: string,
): string {
  const data = dataFolder(metadata);
  const path = partitionPath(spec, partition).split("/").map(shortened).join("/");
  const inPartition = path === "" ? name : `${path}/${name}`;
  if (!booleanProperty(metadata, "write.object-storage.enabled")) return `${data}/${inPartition}`;
  const partitioned = booleanProperty(metadata, "write.object-storage.partitioned-paths");
  const file = partitioned ? inPartition : name;
  const entropy = entropyDirectories(file);
  const table = withoutSlash(metadata.location);
  // Outside the table's own folder, the table's name keeps files of several tables apart.
  if (!data.startsWith(table)) return `${data}/${entropy}/${table.split("/").slice(-2).join("/")}/${file}`;
  return partitioned ? `${data}/${entropy}/${file}` : `${data}/${entropy}-${file}`;
}

/** Bytes of a folder's name that every file system takes; escaped, a name is ASCII. */
const MAX_PART = 255;

/** A part of a path, cut where it is too long. Nothing is read from it: its hash only keeps partitions apart. */
function shortened(part: string): string {
  if (part.length <= MAX_PART) return part;
  const hash = (hashBytes(utf8Encode(part)) >>> 0).toString(16).padStart(8, "0");
  return `${part.slice(0, MAX_PART - 20).replace(/%[0-9A-F]?$/, "")}-${hash}`;
}

/** The lowest 20 bits of the name's murmur3 hash, as three directories of 4 bits and one part of 8. */
function entropyDirectories(name: string): string {
  const bits = (hashBytes(utf8Encode(name)) >>> 0).toString(2).padStart(32, "0").slice(-20);
  return `${bits.slice(0, 4)}/${bits.slice(4, 8)}/${bits.slice(8, 12)}/${bits.slice(12)}`;
}
