import type { SnapshotId, Table } from "../../iceberg/index.js";
import type { BranchingCatalog, RefExpression } from "../branching-catalog.js";
import type { Content, ContentKey, ContentType } from "../versioned/content.js";
import type { DiffEntry } from "../versioned/versions.js";

/** What a table holds at a commit; zero where it has no snapshot. */
export interface TableContents {
  /** Those that a reader finds: deletes are applied. */
  readonly rows: bigint;
  /** Data files. */
  readonly files: bigint;
  readonly bytes: bigint;
  /** Every snapshot that its metadata lists, oldest first. */
  readonly snapshots: readonly SnapshotId[];
  readonly schemaId: number;
  readonly specId: number;
}

/** A table, view or namespace that two commits hold differently. */
export interface TableDiff {
  readonly key: ContentKey;
  /** The key's parts with dots between them. */
  readonly name: string;
  readonly type: ContentType;
  readonly change: "added" | "removed" | "changed" | "renamed";
  /** What it was called, where it was renamed. */
  readonly renamedFrom?: string;
  /** Tables only: absent where it was added. */
  readonly before?: TableContents;
  /** Tables only: absent where it was removed. */
  readonly after?: TableContents;
}

/** What differs from one commit to another, by name, with what each table held before and after. */
export async function diffTables(
  catalog: BranchingCatalog,
  from: RefExpression,
  to: RefExpression,
  countRows: (table: Table) => Promise<bigint>,
): Promise<readonly TableDiff[]> {
  // Both refs may move meanwhile: everything is read at the commits that they name now.
  const [left, right] = await Promise.all([catalog.commitAt(from), catalog.commitAt(to)]);
  const [before, after] = [catalog.on(`@${left.hash}`), catalog.on(`@${right.hash}`)];
  const found = pairRenames(await catalog.diff(before.ref, after.ref));
  return Promise.all(
    found.map(async ({ key, formerKey, from, to }): Promise<TableDiff> => {
      const old = await stateOf(before, formerKey ?? key, from, countRows);
      const now = await stateOf(after, key, to, countRows);
      return {
        key,
        name: key.join("."),
        type: ((to ?? from) as Content).type,
        change: formerKey
          ? "renamed"
          : from === undefined
            ? "added"
            : to === undefined
              ? "removed"
              : "changed",
        ...(formerKey && { renamedFrom: formerKey.join(".") }),
        ...(old && { before: old }),
        ...(now && { after: now }),
      };
    }),
  );
}

interface Difference extends DiffEntry {
  readonly formerKey?: ContentKey;
}

/** A content that is gone under one key and new under another was renamed: one difference, not two. */
function pairRenames(entries: readonly DiffEntry[]): Difference[] {
  const gone = new Map(entries.flatMap((entry) => (entry.from && !entry.to ? [[entry.from.id, entry]] : [])));
  const paired = entries.map((entry): Difference => {
    const former = entry.from === undefined && entry.to ? gone.get(entry.to.id) : undefined;
    return former?.from ? { ...entry, from: former.from, formerKey: former.key } : entry;
  });
  const renamed = new Set(paired.flatMap(({ formerKey }) => (formerKey ? [formerKey] : [])));
  return paired.filter(({ key }) => !renamed.has(key));
}

async function stateOf(
  catalog: BranchingCatalog,
  key: ContentKey,
  content: Content | undefined,
  countRows: (table: Table) => Promise<bigint>,
): Promise<TableContents | undefined> {
  if (content?.type !== "ICEBERG_TABLE") return undefined;
  const table = await catalog.loadTable({
    namespace: key.slice(0, -1),
    name: key.at(-1) ?? "",
  });
  const { metadata, currentSnapshot } = table;
  const total = (name: string) => BigInt(currentSnapshot?.summary?.[name] ?? 0);
  return {
    rows: await countRows(table),
    files: total("total-data-files"),
    bytes: total("total-files-size"),
    snapshots: metadata.snapshots.map(({ snapshotId }) => snapshotId),
    schemaId: metadata.currentSchemaId,
    specId: metadata.defaultSpecId,
  };
}
