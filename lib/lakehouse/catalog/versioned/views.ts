import { setTimeout as sleep } from "node:timers/promises";

import {
  applyViewUpdates,
  checkViewRequirements,
  commitStateUnknown,
  currentViewVersion,
  metadataFileVersion,
  readViewMetadata,
  type ViewMetadata,
  writeViewMetadata,
} from "../../iceberg/index.js";
import type { TableName } from "../model/catalog.js";
import { ConflictError } from "../model/conflicts.js";
import { type ContentKey, encodeKey, type IcebergViewContent, keyName } from "../model/content.js";
import { tableKey } from "../model/identifiers.js";
import { checkPropertySize } from "../model/property-limits.js";
import type { LoadedView, ViewCommitRequest } from "../model/view-catalog.js";
import type { Checkout } from "./checkout.js";
import { checkLocation, type Kind, loadEntry, requireEntry } from "./entries.js";
import { discard } from "./files.js";
import { explained } from "./namespaces.js";
import { readAt } from "./recorded.js";

/** How often a commit is built again because another commit changed the view meanwhile. */
const ATTEMPTS = 20;

export const VIEW: Kind<IcebergViewContent, ViewMetadata> = {
  noun: "view",
  type: "ICEBERG_VIEW",
  toContent: (id, metadataLocation, metadata) => ({
    type: "ICEBERG_VIEW",
    id,
    metadataLocation,
    versionId: metadata.currentVersionId,
    schemaId: currentViewVersion(metadata).schemaId,
  }),
  read: ({ shared }, metadataLocation) =>
    readAt(shared, metadataLocation, () => readViewMetadata(shared.store, metadataLocation)),
  write: (checkout, metadata, version) => writeViewMetadata(checkout.shared.store, metadata, version),
};

/**
 * Checks the requirements, writes the view's next metadata file and commits its entry; again on top of what came
 * first when another commit was faster. The file of an attempt that lost is deleted; while it is not known whether
 * an attempt won, it stays.
 */
export async function commitView(
  checkout: Checkout,
  name: TableName,
  request: ViewCommitRequest,
): Promise<LoadedView> {
  const key = tableKey(name);
  return checkout.shared.inTurn(`${checkout.branch()}\n${encodeKey(key)}`, () =>
    commitInTurn(checkout, key, request),
  );
}

async function commitInTurn(
  checkout: Checkout,
  key: ContentKey,
  {
    requirements,
    updates,
    message = `Update view ${keyName(key)}`,
    token = checkout.token,
  }: ViewCommitRequest,
): Promise<LoadedView> {
  const { versions, store } = checkout.shared;
  for (let attempt = 1; ; attempt++) {
    const head = await checkout.head();
    const made = token === undefined ? undefined : await versions.findToken(head, token);
    if (made !== undefined) return loadEntry(checkout, VIEW, key, made);
    const current = await requireEntry(checkout, VIEW, head, key);
    const base = await VIEW.read(checkout, current.metadataLocation);
    checkViewRequirements(base, requirements);
    const metadata = applyViewUpdates(base, updates);
    if (metadata === base) return { metadata: base, metadataLocation: current.metadataLocation };
    checkLocation(store.root, metadata.location);
    if (metadata.properties !== base.properties) checkPropertySize("view", keyName(key), metadata.properties);
    const version = (metadataFileVersion(current.metadataLocation) ?? 0) + 1;
    const metadataLocation = await VIEW.write(checkout, metadata, version);
    const content = VIEW.toContent(current.id, metadataLocation, metadata);
    try {
      await checkout.commit([{ type: "PUT", key, content, expected: current }], {
        message,
        expectedHash: head.hash,
        seen: head.seen,
        token,
      });
      return { metadata, metadataLocation };
    } catch (error) {
      if (commitStateUnknown.is(error)) throw error;
      await discard(store, [metadataLocation]);
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS)
        throw await explained(checkout, key, error);
      await sleep(Math.random() * Math.min(50, 2 ** attempt));
    }
  }
}
