import { readManifests, type Table } from "../iceberg/index.js";
import { compact } from "./compaction/compact.js";
import type { StepName, UpkeepPolicy } from "./policy.js";

/** One kind of upkeep. */
export interface Step {
  /** Why a table wants it, in a few words; `undefined` where it does not. Only metadata is read. */
  readonly why: (table: Table, policy: UpkeepPolicy) => Promise<string | undefined>;
  /** Does it. Answers with what was done, in a few words. */
  readonly run: (table: Table, policy: UpkeepPolicy, signal: AbortSignal | undefined) => Promise<string>;
}

/** Manifests that are fewer than these are read in one go. */
const FEW_MANIFESTS = 10;

export const STEPS: Readonly<Record<StepName, Step>> = {
  compaction: {
    why: async (table, { compaction }) => {
      const { filesBefore, filesAfter, groups } = await compact(table, { ...compaction, dryRun: true });
      return groups === 0 ? undefined : `${files(filesBefore)} could be ${filesAfter}`;
    },
    run: async (table, { compaction }, signal) => {
      const { filesBefore, filesAfter, deleteFilesRemoved } = await compact(table, { ...compaction, signal });
      const deletes = deleteFilesRemoved === 0 ? "" : `, ${deleteFilesRemoved} delete files applied`;
      return `${files(filesBefore)} are ${filesAfter} now${deletes}`;
    },
  },
  "position-deletes": {
    why: async (table) => {
      const { tasks } = await table.scan().planAll();
      const positions = tasks.map(
        (task) =>
          task.deleteFiles.filter(
            (file) => file.content === "position-deletes" && file.fileFormat !== "puffin",
          ).length,
      );
      const most = Math.max(0, ...positions);
      if (most > 1) return `a data file has ${most} position delete files`;
      if (table.metadata.formatVersion < 3 || most === 0) return undefined;
      return "position delete files could be deletion vectors";
    },
    run: async (table, _, signal) => {
      const after = await table.rewritePositionDeletes({
        signal,
        message: `Rewrite deletes of ${table.name}`,
      });
      const summary = after.currentSnapshot?.summary;
      return `${summary?.["removed-delete-files"] ?? 0} delete files are ${summary?.["added-delete-files"] ?? 0} now`;
    },
  },
  manifests: {
    why: async (table) => {
      const manifests = await manifestsOf(table);
      const bytes = manifests.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0);
      const target = Number(table.properties["commit.manifest.target-size-bytes"] ?? 8 * 1024 ** 2);
      const specs = new Set(manifests.map(({ partitionSpecId, content }) => `${partitionSpecId} ${content}`));
      const enough = Math.max(Math.ceil(bytes / target), specs.size);
      if (manifests.length <= Math.max(FEW_MANIFESTS, 2 * enough)) return undefined;
      return `${manifests.length} manifests of ${Math.round(bytes / 1000)} kB could be ${enough}`;
    },
    run: async (table, _, signal) => {
      const before = (await manifestsOf(table)).length;
      const after = await table.rewriteManifests({ signal, message: `Rewrite manifests of ${table.name}` });
      return `${before} manifests are ${(await manifestsOf(after)).length} now`;
    },
  },
  expiry: {
    why: async (table) => {
      const { snapshots, refs } = await table.expireSnapshots({ dryRun: true });
      if (snapshots.length + refs.length === 0) return undefined;
      return `${expired(snapshots.length, refs.length)} are old enough to go`;
    },
    run: async (table, _, signal) => {
      const { snapshots, refs } = await table.expireSnapshots({ dryRun: true });
      await table.expireSnapshots({ signal, message: `Expire snapshots of ${table.name}` });
      return `${expired(snapshots.length, refs.length)} are gone`;
    },
  },
};

function files(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

function expired(snapshots: number, refs: number): string {
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  return refs === 0 ? of(snapshots, "snapshot") : `${of(snapshots, "snapshot")} and ${of(refs, "reference")}`;
}

async function manifestsOf({ store, currentSnapshot }: Table) {
  return currentSnapshot === undefined ? [] : readManifests(store, currentSnapshot);
}
