import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isLakehouseError } from "../errors.js";
import {
  applyViewUpdates,
  checkViewRequirements,
  currentViewVersion,
  metadataFileVersion,
  newViewMetadata,
  readViewMetadata,
  type TableIdentifier,
  type ViewMetadata,
  writeViewMetadata,
} from "../iceberg/index.js";
import type { NamespaceName, PageRequest, TableName } from "./catalog.js";
import { namespaceKey, tableKey, tableLocation, toIdentifier } from "./identifiers.js";
import { explained, requireNamespace, retried } from "./namespaces.js";
import { toPage } from "./paging.js";
import { checkLocation, moveEntry, requireFree } from "./tables.js";
import {
  ConflictError,
  type ContentId,
  type ContentKey,
  encodeKey,
  type IcebergViewContent,
  keyName,
} from "./versioned/content.js";
import type { Page } from "./versioned/log.js";
import type { Place } from "./versioned/versions.js";
import type { View } from "./view.js";
import type { CreateViewOptions, LoadedView, ViewCommitRequest } from "./view-catalog.js";

/** How often a commit is built again because another commit changed the view meanwhile. */
const ATTEMPTS = 20;

function toViewContent(id: ContentId, metadataLocation: string, metadata: ViewMetadata): IcebergViewContent {
  return {
    type: "ICEBERG_VIEW",
    id,
    metadataLocation,
    versionId: metadata.currentVersionId,
    schemaId: currentViewVersion(metadata).schemaId,
  };
}

/** A view's content at a commit. Throws `NO_SUCH_VIEW`. */
async function requireView(view: View, head: Place, key: ContentKey): Promise<IcebergViewContent> {
  const content = await view.shared.versions.content(head, key);
  if (content?.type === "ICEBERG_VIEW") return content;
  throw await view.noSuchView(key, head);
}

export async function loadView(view: View, name: TableName): Promise<LoadedView> {
  const { metadataLocation } = await requireView(view, await view.head(), tableKey(name));
  return { metadata: await readViewMetadata(view.shared.store, metadataLocation), metadataLocation };
}

/** Writes the new view's metadata, then commits its entry. */
export async function createView(
  view: View,
  name: TableName,
  options: CreateViewOptions,
): Promise<LoadedView> {
  const key = tableKey(name);
  const branch = view.branch();
  await requireFree(view, key);
  const location = options.location ?? tableLocation(view.shared.warehouse, key, randomUUID());
  checkLocation(view.shared.store.root, location);
  const metadata = newViewMetadata({ ...options, location });
  const metadataLocation = await writeViewMetadata(view.shared.store, metadata, 0);
  const content = toViewContent(randomUUID(), metadataLocation, metadata);
  try {
    const message = `Create view ${keyName(key)}`;
    await view.shared.versions.commit(branch, [{ type: "PUT", key, content, expected: null }], { message });
  } catch (error) {
    if (!isLakehouseError(error, "COMMIT_STATE_UNKNOWN")) await view.shared.store.delete([metadataLocation]);
    throw await explained(view, key, error);
  }
  return { metadata, metadataLocation };
}

export async function listViews(
  view: View,
  namespace: NamespaceName,
  page: PageRequest,
): Promise<Page<TableIdentifier>> {
  const key = namespaceKey(namespace);
  if (key.length > 0) await requireNamespace(view, key);
  const head = await view.head();
  const children = view.shared.versions.children(head, key, page.pageToken);
  const views = (async function* () {
    for await (const child of children) {
      if (child.content.type === "ICEBERG_VIEW") yield toIdentifier(child.key);
    }
  })();
  return toPage(views, page, ({ name }) => name);
}

export async function dropView(view: View, name: TableName): Promise<void> {
  const key = tableKey(name);
  await retried(async () => {
    const expected = await requireView(view, await view.head(), key);
    await view.commit([{ type: "DELETE", key, expected }], { message: `Drop view ${keyName(key)}` });
  });
}

export function renameView(view: View, from: TableName, to: TableName): Promise<void> {
  return moveEntry(view, "view", tableKey(from), tableKey(to), requireView);
}

export async function registerView(
  view: View,
  name: TableName,
  metadataLocation: string,
): Promise<LoadedView> {
  const key = tableKey(name);
  await requireFree(view, key);
  const metadata = await readViewMetadata(view.shared.store, metadataLocation);
  const content = toViewContent(randomUUID(), metadataLocation, metadata);
  try {
    const message = `Register view ${keyName(key)}`;
    await view.commit([{ type: "PUT", key, content, expected: null }], { message });
  } catch (error) {
    throw await explained(view, key, error);
  }
  return { metadata, metadataLocation };
}

/**
 * Checks the requirements, writes the view's next metadata file and commits its entry; again on top of what came
 * first when another commit was faster. The file of an attempt that lost is deleted; while it is not known whether
 * an attempt won, it stays.
 */
export function commitView(view: View, name: TableName, request: ViewCommitRequest): Promise<LoadedView> {
  const key = tableKey(name);
  const branch = view.branch();
  return view.shared.inTurn(`${branch}\n${encodeKey(key)}`, () => commitInTurn(view, branch, key, request));
}

async function commitInTurn(
  view: View,
  branch: string,
  key: ContentKey,
  { requirements, updates, message = `Update view ${keyName(key)}`, token }: ViewCommitRequest,
): Promise<LoadedView> {
  const { versions, store } = view.shared;
  for (let attempt = 1; ; attempt++) {
    const head = await view.head();
    const current = await requireView(view, head, key);
    const base = await readViewMetadata(store, current.metadataLocation);
    if (token !== undefined && (await versions.findToken(head, token)) !== undefined) {
      return { metadata: base, metadataLocation: current.metadataLocation };
    }
    checkViewRequirements(base, requirements);
    const metadata = applyViewUpdates(base, updates);
    if (metadata === base) return { metadata: base, metadataLocation: current.metadataLocation };
    checkLocation(store.root, metadata.location);
    const version = (metadataFileVersion(current.metadataLocation) ?? 0) + 1;
    const metadataLocation = await writeViewMetadata(store, metadata, version);
    const content = toViewContent(current.id, metadataLocation, metadata);
    try {
      await versions.commit(branch, [{ type: "PUT", key, content, expected: current }], {
        message,
        expectedHash: head.hash,
        ...(token === undefined ? {} : { token }),
      });
      return { metadata, metadataLocation };
    } catch (error) {
      if (isLakehouseError(error, "COMMIT_STATE_UNKNOWN")) throw error;
      await store.delete([metadataLocation]);
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw await explained(view, key, error);
      await sleep(Math.random() * Math.min(50, 2 ** attempt));
    }
  }
}
