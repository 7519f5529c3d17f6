import { type ObjectStore, objectNotFound } from "../../../storage/index.js";
import { readTableMetadata } from "../../files/metadata/metadata-file.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";

/**
 * The snapshots that lead to the current one, newest first. Those that have expired are looked for in the metadata files that
 * the table remembers, and those that these remember, as far as they are there: so it ends with the table's first snapshot,
 * or with one whose parent nobody knows.
 */
export async function* pastOf({
  store,
  metadata,
}: {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
}): AsyncGenerator<Snapshot, void, undefined> {
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
