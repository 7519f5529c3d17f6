import { LakehouseError } from "../../errors.js";
import type { ObjectStore } from "../../storage/index.js";
import { metadataFileVersion, readTableMetadata } from "../metadata/index.js";
import type { Committer } from "../updates/types.js";
import { MovedStore } from "./moved-store.js";
import { Table } from "./table.js";

export interface OpenOptions {
  /** The table was moved or copied: what its metadata locates below its old place is looked for below its folder. */
  readonly moved?: boolean | undefined;
}

/**
 * Opens a table by its files alone, to be read: without a catalog nobody says which version is current tomorrow.
 *
 * @param location URI of a metadata file, or of a table's folder: then the version that its hint names, or the highest.
 * @throws LakehouseError NO_SUCH_TABLE, OBJECT_NOT_FOUND, INVALID_METADATA.
 */
export async function openTableAt(
  store: ObjectStore,
  location: string,
  options: OpenOptions = {},
): Promise<Table> {
  const metadataLocation = isMetadataFile(location) ? location : await latestMetadata(store, location);
  const metadata = await readTableMetadata(store, metadataLocation);
  const folder = metadataLocation.replace(/\/metadata\/[^/]*$/, "");
  const identifier = { namespace: [], name: folder.slice(folder.lastIndexOf("/") + 1) };
  return new Table({
    identifier,
    store: options.moved ? new MovedStore(store, metadata.location, folder) : store,
    committer: readOnly(store, metadataLocation),
    metadata,
    metadataLocation,
  });
}

function isMetadataFile(location: string): boolean {
  return /\.metadata\.json(\.gz)?$/.test(location);
}

async function latestMetadata(store: ObjectStore, folder: string): Promise<string> {
  const metadataFolder = `${folder.replace(/\/+$/, "")}/metadata`;
  const found: { uri: string; version: number }[] = [];
  for await (const { uri } of store.list(`${metadataFolder}/`)) {
    if (isMetadataFile(uri)) found.push({ uri, version: metadataFileVersion(uri) ?? -1 });
  }
  const hintFile = `${metadataFolder}/version-hint.text`;
  const hint =
    (await store.head(hintFile)) &&
    Number(
      Buffer.from(await store.read(hintFile))
        .toString("utf8")
        .trim(),
    );
  const hinted = found.find(({ version }) => version === hint);
  const highest = found.reduce<(typeof found)[number] | undefined>(
    (best, each) => (best === undefined || each.version >= best.version ? each : best),
    undefined,
  );
  const latest = hinted ?? highest;
  if (latest !== undefined) return latest.uri;
  throw new LakehouseError({
    code: "NO_SUCH_TABLE",
    subject: folder,
    message: `There is no table at ${folder}: ${metadataFolder} holds no metadata file.`,
    remedy: "Name the table's folder, the one that has metadata/ in it, or a metadata file.",
  });
}

function readOnly(store: ObjectStore, metadataLocation: string): Committer {
  return {
    load: async () => ({ metadata: await readTableMetadata(store, metadataLocation), metadataLocation }),
    commit: () =>
      Promise.reject(
        new LakehouseError({
          code: "UNSUPPORTED_FEATURE",
          subject: metadataLocation,
          message: "A table that is opened by its files alone can only be read.",
          remedy: "Register it in a catalog to write to it.",
        }),
      ),
  };
}
