import { randomUUID } from "node:crypto";
import { isLakehouseError, LakehouseError } from "../errors.js";
import {
  type LoadedTable,
  newTableMetadata,
  type TableIdentifier,
  type TableMetadata,
  writeTableMetadata,
} from "../iceberg/index.js";
import type { CreateTableOptions, NamespaceName, PageRequest, TableName } from "./catalog.js";
import { deleteTableFiles } from "./files.js";
import { namespaceKey, tableKey, tableLocation, toIdentifier } from "./identifiers.js";
import { explained, requireNamespace, retried } from "./namespaces.js";
import { toPage } from "./paging.js";
import {
  type Content,
  type ContentId,
  type ContentKey,
  type IcebergTableContent,
  keyName,
} from "./versioned/content.js";
import type { Page } from "./versioned/log.js";
import type { Place } from "./versioned/versions.js";
import type { View } from "./view.js";

/** What the catalog keeps of a table's metadata. */
export function toTableContent(
  id: ContentId,
  metadataLocation: string,
  metadata: TableMetadata,
): IcebergTableContent {
  return {
    type: "ICEBERG_TABLE",
    id,
    metadataLocation,
    snapshotId: String(metadata.currentSnapshotId ?? -1n),
    schemaId: metadata.currentSchemaId,
    specId: metadata.defaultSpecId,
    sortOrderId: metadata.defaultSortOrderId,
  };
}

/** A table's content at a commit. Throws `NO_SUCH_TABLE`. */
export async function requireTable(view: View, head: Place, key: ContentKey): Promise<IcebergTableContent> {
  const content = await view.shared.versions.content(head, key);
  if (content?.type === "ICEBERG_TABLE") return content;
  throw await view.noSuchTable(key, head);
}

export async function loadTable(view: View, key: ContentKey): Promise<LoadedTable> {
  const { metadataLocation } = await requireTable(view, await view.head(), key);
  return { metadata: await view.shared.metadata.read(metadataLocation), metadataLocation };
}

/** Writes the new table's metadata, then commits its entry. */
export async function createTable<Row>(
  view: View,
  name: TableName,
  options: CreateTableOptions<Row>,
): Promise<LoadedTable> {
  const key = tableKey(name);
  const branch = view.branch();
  await requireFree(view, key);
  const location = options.location ?? tableLocation(view.shared.warehouse, key, randomUUID());
  checkLocation(view.shared.store.root, location);
  const metadata = newTableMetadata({ ...options, location });
  const metadataLocation = await writeTableMetadata(view.shared.store, metadata, 0);
  const content = toTableContent(randomUUID(), metadataLocation, metadata);
  try {
    const message = `Create table ${keyName(key)}`;
    await view.shared.versions.commit(branch, [{ type: "PUT", key, content, expected: null }], { message });
  } catch (error) {
    if (!isLakehouseError(error, "COMMIT_STATE_UNKNOWN")) await view.shared.store.delete([metadataLocation]);
    throw await explained(view, key, error);
  }
  view.shared.metadata.remember(metadataLocation, metadata);
  return { metadata, metadataLocation };
}

/** Throws `TABLE_EXISTS`, `VIEW_EXISTS`, `NO_SUCH_NAMESPACE` before anything is written for the name. */
export async function requireFree(view: View, key: ContentKey): Promise<void> {
  const existing = await view.content(key);
  if (existing !== undefined) throw view.taken(key, existing);
  if (key.length > 1) await requireNamespace(view, key.slice(0, -1));
}

export async function listTables(
  view: View,
  namespace: NamespaceName,
  page: PageRequest,
): Promise<Page<TableIdentifier>> {
  const key = namespaceKey(namespace);
  if (key.length > 0) await requireNamespace(view, key);
  const head = await view.head();
  const children = view.shared.versions.children(head, key, page.pageToken);
  const tables = (async function* () {
    for await (const child of children) {
      if (child.content.type === "ICEBERG_TABLE") yield toIdentifier(child.key);
    }
  })();
  return toPage(tables, page, ({ name }) => name);
}

export async function dropTable(view: View, name: TableName, purge: boolean): Promise<void> {
  const dropped = await removeEntry(view, tableKey(name), "Drop");
  if (purge && !(await isShownElsewhere(view, dropped))) {
    await deleteTableFiles(view.shared.store, dropped.metadataLocation);
  }
}

/** Forgets the table and leaves its files. Answers with its last state: every commit before is in it, none comes after. */
export async function unregisterTable(view: View, name: TableName): Promise<LoadedTable> {
  const { metadataLocation } = await removeEntry(view, tableKey(name), "Unregister");
  return { metadata: await view.shared.metadata.read(metadataLocation), metadataLocation };
}

function removeEntry(view: View, key: ContentKey, verb: string): Promise<IcebergTableContent> {
  return retried(async () => {
    const current = await requireTable(view, await view.head(), key);
    const message = `${verb} table ${keyName(key)}`;
    await view.commit([{ type: "DELETE", key, expected: current }], { message });
    return current;
  });
}

/** True when the head of any branch or tag has the table, under whatever name. */
async function isShownElsewhere(view: View, { id }: Content): Promise<boolean> {
  const { versions } = view.shared;
  const heads = new Set((await versions.references()).map(({ hash }) => hash));
  for (const hash of heads) {
    const { commit } = await versions.resolve(`@${hash}`);
    for await (const { content } of versions.entries(commit)) if (content.id === id) return true;
  }
  return false;
}

export function renameTable(view: View, from: TableName, to: TableName): Promise<void> {
  return moveEntry(view, "table", tableKey(from), tableKey(to), requireTable);
}

/** Puts what `read` finds under another key, where nothing is yet. */
export async function moveEntry(
  view: View,
  noun: string,
  source: ContentKey,
  target: ContentKey,
  read: (view: View, head: Place, key: ContentKey) => Promise<Content>,
): Promise<void> {
  await retried(async () => {
    const content = await read(view, await view.head(), source);
    await requireFree(view, target);
    try {
      await view.commit(
        [
          { type: "DELETE", key: source, expected: content },
          { type: "PUT", key: target, content, expected: null },
        ],
        { message: `Rename ${noun} ${keyName(source)} to ${keyName(target)}` },
      );
    } catch (error) {
      throw await explained(view, target, error);
    }
  });
}

export async function registerTable(
  view: View,
  name: TableName,
  metadataLocation: string,
  overwrite: boolean,
): Promise<LoadedTable> {
  const key = tableKey(name);
  if (!overwrite) await requireFree(view, key);
  const metadata = await view.shared.metadata.read(metadataLocation);
  await retried(async () => {
    const existing = await view.content(key);
    if (existing !== undefined && existing.type !== "ICEBERG_TABLE") throw view.taken(key, existing);
    if (existing !== undefined && !overwrite) throw view.taken(key, existing);
    const content = toTableContent(existing?.id ?? randomUUID(), metadataLocation, metadata);
    try {
      const message = `Register table ${keyName(key)}`;
      await view.commit([{ type: "PUT", key, content, expected: existing ?? null }], { message });
    } catch (error) {
      throw await explained(view, key, error);
    }
  });
  return { metadata, metadataLocation };
}

/** Throws `INVALID_ARGUMENT` for a location outside the store: nobody could read the table back. */
export function checkLocation(root: string, location: string): void {
  if (location === root || location.startsWith(`${root}/`)) return;
  throw new LakehouseError({
    code: "INVALID_ARGUMENT",
    subject: location,
    message: `The location ${location} lies outside the catalog's store ${root}.`,
    remedy: "Leave the location out, or choose one below the store's root.",
  });
}
