import { type TableMetadata, writeTableMetadata } from "../../iceberg/index.js";
import type { TableName } from "../model/catalog.js";
import type { IcebergTableContent } from "../model/content.js";
import type { Checkout } from "./checkout.js";
import { type Kind, removeEntry } from "./entries.js";
import { deleteTableFiles } from "./files.js";
import { plain } from "./table-places.js";

export const TABLE: Kind<IcebergTableContent, TableMetadata> = {
  noun: "table",
  type: "ICEBERG_TABLE",
  toContent: (id, metadataLocation, metadata) => ({
    type: "ICEBERG_TABLE",
    id,
    metadataLocation,
    snapshotId: String(metadata.currentSnapshotId ?? -1n),
    schemaId: metadata.currentSchemaId,
    specId: metadata.defaultSpecId,
    sortOrderId: metadata.defaultSortOrderId,
  }),
  read: (checkout, metadataLocation) => checkout.shared.metadata.read(metadataLocation),
  async write({ shared }, metadata, version) {
    const location = await writeTableMetadata(shared.store, metadata, version);
    shared.metadata.remember(location, metadata);
    return location;
  },
};

export async function dropTable(checkout: Checkout, name: TableName, purge: boolean): Promise<void> {
  if (purge) checkout.shared.checkOwner();
  const dropped = await removeEntry(checkout, TABLE, name, "Drop");
  if (purge && !(await isShownElsewhere(checkout, dropped))) {
    await deleteTableFiles(checkout.shared.store, dropped.metadataLocation);
  }
}

/** True when the head of any branch or tag has the table, under whatever name, or another one in its folder. */
async function isShownElsewhere(
  checkout: Checkout,
  { id, metadataLocation }: IcebergTableContent,
): Promise<boolean> {
  const { versions, store } = checkout.shared;
  const folderOf = (uri: string): string => plain(store, uri.slice(0, uri.lastIndexOf("/")));
  const folder = folderOf(metadataLocation);
  const heads = new Set((await versions.references()).map(({ hash }) => hash));
  for (const hash of heads) {
    const { commit } = await versions.resolve(`@${hash}`);
    for await (const { content } of versions.entries(commit)) {
      if (content.type !== "ICEBERG_TABLE") continue;
      if (content.id === id || folderOf(content.metadataLocation) === folder) return true;
    }
  }
  return false;
}
