import { unsupported } from "../../errors.js";
import { checkObject, checkText } from "../../options.js";
import {
  canonicalFileUri,
  canonicalS3Uri,
  fileUri,
  MovedStore,
  type ObjectStore,
  openAnywhere,
} from "../../storage/index.js";
import { noSuchTable } from "../errors.js";
import { metadataFileVersion, metadataFolder, readTableMetadata } from "../files/metadata/metadata-file.js";
import { currentSnapshot } from "../model/metadata/lookup.js";
import type { TableMetadata } from "../model/metadata/types.js";
import { utf8Decode } from "../model/values/bytes.js";
import { Table } from "./table.js";
import type { Committer } from "./updates/types.js";

export interface OpenOptions {
  /**
   * The table was moved or copied: what its metadata locates below its old place is looked for below its folder, and
   * never at the old place. Where not given, that is so when the metadata file is not where it says that it is, and its
   * current manifest list lies beside it.
   */
  readonly moved?: boolean | undefined;
}

export interface OpenTableOptions extends OpenOptions {
  /** Where the files are; all that this process can reach when absent. */
  readonly store?: ObjectStore | undefined;
}

/**
 * Opens a table by its files alone, to be read: without a catalog nobody says which version is current tomorrow.
 *
 * @param location path or URI of a metadata file, or of a table's folder: then the version that its hint names, or the
 *   highest. Paths are relative to the working directory.
 * @throws LakehouseError NO_SUCH_TABLE, OBJECT_NOT_FOUND, INVALID_METADATA, UNSUPPORTED_FEATURE.
 * @example
 * const table = await openTable("warehouse/flights/metadata/v3.metadata.json", { moved: true });
 */
export function openTable(location: string, options: OpenTableOptions = {}): Promise<Table> {
  checkText("openTable", "location", location);
  checkObject("openTable", "options", options);
  const uri = /^[a-z][a-z0-9+.-]+:\//i.test(location) ? location : fileUri(location.replace(/^file:/, ""));
  return openTableAt(options.store ?? openAnywhere(), uri, options);
}

/** As `openTable`, in a store of one's own and with a whole URI. */
export async function openTableAt(
  store: ObjectStore,
  location: string,
  options: OpenOptions = {},
): Promise<Table> {
  const metadataLocation = isMetadataFile(location) ? location : await latestMetadata(store, location);
  const metadata = await readTableMetadata(store, metadataLocation);
  const folder = tableFolder(metadataLocation);
  const there = new MovedStore(store, metadata.location, folder);
  const moved = options.moved ?? (await isMoved(there, metadata, metadataLocation));
  const identifier = { namespace: [], name: folder.slice(folder.lastIndexOf("/") + 1) };
  return new Table({
    identifier,
    store: moved ? there : store,
    committer: readOnly(store, metadataLocation),
    metadata,
    metadataLocation,
  });
}

/** A metadata file alone may have been copied to anywhere: then the table is still where the file says. */
async function isMoved(
  there: MovedStore,
  metadata: TableMetadata,
  metadataLocation: string,
): Promise<boolean> {
  const own = metadataLocation.slice(0, metadataLocation.lastIndexOf("/"));
  if (canonical(own) === canonical(metadataFolder(metadata))) return false;
  const list = currentSnapshot(metadata)?.manifestList;
  if (list === undefined || there.locate(list) === list) return false;
  return (await there.head(list)) !== undefined;
}

function isMetadataFile(location: string): boolean {
  return /\.json(\.gz)?$/.test(location);
}

/** The folder around `metadata/`; that of the file where it lies in no folder of that name. */
function tableFolder(metadataLocation: string): string {
  return metadataLocation.replace(/\/+[^/]*$/, "").replace(/\/+metadata$/, "");
}

async function latestMetadata(store: ObjectStore, location: string): Promise<string> {
  const folder = location.replace(/\/+$/, "");
  for (const metadataFolder of [`${folder}/metadata`, folder]) {
    const latest = await latestIn(store, metadataFolder);
    if (latest !== undefined) return latest;
  }
  throw noSuchTable(
    location,
    `There is no table at ${location}: neither it nor its folder metadata holds a metadata file.`,
    "Name the table's folder, the one that has metadata/ in it, or a metadata file.",
  );
}

interface Found {
  readonly uri: string;
  readonly name: string;
  readonly version: number;
}

/** The version that `version-hint.text` names, else the highest one. */
async function latestIn(store: ObjectStore, folder: string): Promise<string | undefined> {
  const found: Found[] = [];
  for await (const { uri } of store.list(`${folder}/`, { flat: true })) {
    const name = uri.slice(uri.lastIndexOf("/") + 1);
    // A store that lists them all the same gives those of tables below, too.
    if (canonical(uri) !== canonical(`${folder}/${name}`)) continue;
    if (!/\.metadata\.json(\.gz)?$/.test(name)) continue;
    found.push({ uri, name, version: metadataFileVersion(uri) ?? -1 });
  }
  if (found.length === 0) return undefined;
  const hinted = await hintedBy(store, `${folder}/version-hint.text`, found);
  const best = hinted ?? found.reduce((a, b) => (b.version >= a.version ? b : a));
  return best.uri;
}

function canonical(uri: string): string {
  return canonicalS3Uri(canonicalFileUri(uri));
}

/** A hint is a version, `3`, or a name with or without its ending; one that names no file there is passed over. */
async function hintedBy(
  store: ObjectStore,
  hintFile: string,
  found: readonly Found[],
): Promise<Found | undefined> {
  if (!(await store.head(hintFile))) return undefined;
  const hint = utf8Decode(await store.read(hintFile)).trim();
  if (!/^\d+$/.test(hint)) {
    return found.find(
      ({ name }) => name === hint || name.replace(/(\.gz)?\.metadata\.json(\.gz)?$/, "") === hint,
    );
  }
  // The hint is a Hadoop catalog's, whose files are `v<version>`: another catalog may have counted in the same folder.
  const versioned = found.filter(({ version }) => version === Number(hint));
  return versioned.find(({ name }) => name.startsWith("v")) ?? versioned[0];
}

function readOnly(store: ObjectStore, metadataLocation: string): Committer {
  return {
    load: async () => ({ metadata: await readTableMetadata(store, metadataLocation), metadataLocation }),
    commit: () =>
      Promise.reject(
        unsupported(
          metadataLocation,
          "A table that is opened by its files alone can only be read.",
          "Register it in a catalog to write to it.",
        ),
      ),
  };
}
