import { createHash } from "node:crypto";
import {
  type JsonInput,
  type LoadedTable,
  RawJson,
  stringifyJson,
  type TableMetadata,
  tableMetadataToJson,
  tableMetadataToRawJson,
} from "../../../iceberg/index.js";
import type { ServerContext } from "../http/api.js";
import type { Answer, Call } from "./operation.js";

/** Which snapshots a client wants in the metadata: all, or those that branches and tags lead to. */
export type SnapshotsMode = "all" | "refs";

/** The body of every answer that loads a table (REST spec, `LoadTableResult`). */
export function loadAnswer(call: Call, loaded: LoadedTable, mode: SnapshotsMode = "all"): Answer {
  return {
    status: 200,
    headers: { etag: etagOf(loaded.metadataLocation, mode) },
    body: {
      "metadata-location": loaded.metadataLocation,
      metadata: metadataToJson(loaded.metadata, mode),
      ...access(call),
    },
  };
}

/** The configuration of a table's client, and the credentials that it asked for. */
export function access({ context, headers }: Call): { [key: string]: JsonInput | undefined } {
  const asked = headers["x-iceberg-access-delegation"]?.split(",").map((each) => each.trim()) ?? [];
  return {
    config: { ...context.clientConfig },
    "storage-credentials": asked.includes("vended-credentials") ? credentials(context) : undefined,
  };
}

/** The credentials that the operator configured, for everything in the warehouse. */
export function credentials({ clientConfig, clientCredentials, warehouse }: ServerContext): JsonInput[] {
  if (clientCredentials === undefined) return [];
  return [{ prefix: warehouse, config: { ...clientConfig, ...clientCredentials } }];
}

export function metadataToJson(metadata: TableMetadata, mode: SnapshotsMode = "all"): RawJson {
  if (mode === "all" && (metadata.currentSnapshotId !== undefined || metadata.formatVersion < 3)) {
    return tableMetadataToRawJson(metadata);
  }
  const json = tableMetadataToJson(mode === "all" ? metadata : withReferencedSnapshots(metadata));
  // In files of v3 null says "none"; over REST the member is a number or absent.
  const current = json["current-snapshot-id"] ?? undefined;
  return new RawJson(stringifyJson({ ...json, "current-snapshot-id": current }));
}

function withReferencedSnapshots(metadata: TableMetadata): TableMetadata {
  const referenced = new Set(Object.values(metadata.refs).map(({ snapshotId }) => snapshotId));
  if (metadata.currentSnapshotId !== undefined) referenced.add(metadata.currentSnapshotId);
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter(({ snapshotId }) => referenced.has(snapshotId)),
  };
}

/** Metadata files never change, so that their location stands for their content. */
export function etagOf(metadataLocation: string, mode: SnapshotsMode): string {
  return `"${createHash("sha256").update(`${mode}\n${metadataLocation}`).digest("base64url").slice(0, 27)}"`;
}

/** Whether `If-None-Match` names the tag (RFC 9110, section 13.1.2: compared weakly). */
export function isUnmodified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}
