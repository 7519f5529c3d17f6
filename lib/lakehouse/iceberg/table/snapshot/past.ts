import { type ObjectStore, objectNotFound } from "../../../storage/index.js";
import { readTableMetadata } from "../../files/metadata/metadata-file.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import { CARRIED_WHOLE } from "./carried.js";

/** A version of a table. */
export interface PastState {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
}

/**
 * The snapshots that lead to the current one, newest first. Those that have expired are looked for in the metadata files that
 * the table remembers, and those that these remember, as far as they are there: so it ends with the table's first snapshot,
 * or with one whose parent nobody knows.
 */
export async function* pastOf({ store, metadata }: PastState): AsyncGenerator<Snapshot, void, undefined> {
  const known = new Map<SnapshotId, Snapshot>();
  const seen = new Set<string>();
  /** Those to read, the next one last. */
  const files: string[] = [];
  const add = ({ snapshots, metadataLog }: Pick<TableMetadata, "snapshots" | "metadataLog">): void => {
    for (const snapshot of snapshots) known.set(snapshot.snapshotId, snapshot);
    const more = metadataLog.map(({ metadataFile }) => metadataFile).filter((file) => !seen.has(file));
    for (const file of more) seen.add(file);
    // The oldest reaches back the furthest: with it most of the others need no look.
    const [oldest, ...others] = more;
    if (oldest !== undefined) files.push(...others, oldest);
  };
  add(metadata);
  for (let id = metadata.currentSnapshotId; id !== undefined; ) {
    while (!known.has(id)) {
      const file = files.pop();
      if (file === undefined) return;
      try {
        add(await readTableMetadata(store, file));
      } catch (error) {
        if (!objectNotFound.is(error)) throw error;
      }
    }
    const snapshot = known.get(id) as Snapshot;
    yield snapshot;
    id = snapshot.parentSnapshotId;
  }
}

/**
 * What the table's current snapshot has under a carried key: the nearest snapshot that says it decides, whoever made those
 * since.
 *
 * @returns `isCertain`: false where none says it, and snapshots have expired of which one may have.
 */
export async function carriedUnder(
  table: PastState,
  key: string,
): Promise<{ readonly text: string | undefined; readonly isCertain: boolean }> {
  let oldest: Snapshot | undefined;
  for await (const snapshot of pastOf(table)) {
    const text = snapshot.summary?.[key];
    if (text !== undefined || snapshot.summary?.[CARRIED_WHOLE] !== undefined)
      return { text, isCertain: true };
    oldest = snapshot;
  }
  return { text: undefined, isCertain: oldest?.parentSnapshotId === undefined };
}
