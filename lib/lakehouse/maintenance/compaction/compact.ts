import {
  commitConflict,
  type RewrittenGroup,
  replaceGroups,
  rewriteGroups,
  type Snapshot,
  type SnapshotId,
  type Table,
} from "../../iceberg/index.js";
import { observe } from "../../observability/index.js";
import { compactions } from "../metrics.js";
import { type CompactOptions, checkCompactOptions } from "./options.js";
import { bytesOf, type CompactionPlan, type PlannedGroup, planCompaction, rewritesAll } from "./plan.js";

/** What a compaction did, or in a dry run would do. */
export interface CompactionReport {
  readonly table: string;
  readonly dryRun: boolean;
  /** Groups of files that were rewritten, each by itself. */
  readonly groups: number;
  readonly filesBefore: number;
  /** In a dry run, as many as are expected; so with `bytesAfter`, which is what the files have now. */
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Delete files whose deletes are applied now, or were of no file any more. Not known in a dry run. */
  readonly deleteFilesRemoved: number;
  /** Of the commits, in order. */
  readonly snapshotIds: readonly SnapshotId[];
  /** Groups that were left as they were, because other commits changed them again and again. */
  readonly conflicts: number;
}

/** How often is planned anew: groups that another commit changed meanwhile, and files that have moved to the table's spec. */
const RETRIES = 5;
const DEFAULT_COMMITS = 10;

/**
 * Rewrites the files of a table that are worth it. The rows stay the same, whatever others do meanwhile: a group that another
 * commit changed is planned anew.
 *
 * @throws LakehouseError INVALID_ARGUMENT for options; COMMIT_CONFLICT where nothing could be committed.
 */
export async function compact(table: Table, options: CompactOptions): Promise<CompactionReport> {
  checkCompactOptions(options);
  if (options.dryRun)
    return new Report(table.name, true).planned(await planCompaction(await table.refresh(), options));
  return observe(
    compactions,
    () => rewriteFiles(table, options),
    ({ result, outcome, milliseconds }) => ({
      table: table.name,
      filesBefore: result?.filesBefore ?? 0,
      filesAfter: result?.filesAfter ?? 0,
      bytesBefore: result?.bytesBefore ?? 0,
      bytesAfter: result?.bytesAfter ?? 0,
      conflicts: result?.conflicts ?? 0,
      outcome,
      milliseconds,
    }),
  );
}

async function rewriteFiles(table: Table, options: CompactOptions): Promise<CompactionReport> {
  const report = new Report(table.name, false);
  const skipped = new Set<string>();
  let conflict: unknown;
  for (let round = 0; round <= RETRIES; round++) {
    const now = await table.refresh();
    const { snapshot, moving, staying } = await planCompaction(now, options, skipped);
    const groups = moving.length > 0 ? moving : staying;
    if (snapshot === undefined || groups.length === 0) {
      // What was in the way has done it, or taken the files out.
      conflict = undefined;
      report.conflicts = 0;
      break;
    }
    conflict = await commitGroups(now, snapshot, groups, options, report);
    if (conflict === undefined && moving.length === 0) break;
    // What is new is as it should be; where all is rewritten, it would be again.
    if (rewritesAll(options)) for (const path of report.written) skipped.add(path);
  }
  if (conflict !== undefined && report.isEmpty) throw conflict;
  return report.done();
}

/** Answers with the last conflict, where there was one. */
async function commitGroups(
  table: Table,
  snapshot: Snapshot,
  groups: readonly PlannedGroup[],
  options: CompactOptions,
  report: Report,
): Promise<unknown> {
  const { branch, signal, message = `Compact ${table.name}`, maxCommits = DEFAULT_COMMITS } = options;
  let latest = table;
  let conflict: unknown;
  report.conflicts = 0;
  for (const batch of batches(groups, maxCommits)) {
    try {
      const rewritten = await rewriteGroups(table, batch, { signal });
      const change = replaceGroups(table, rewritten, snapshot, { branch, signal });
      latest = await latest.update([change], { message, signal });
      report.add(rewritten, latest, change.snapshotId);
    } catch (error) {
      if (!commitConflict.is(error)) throw error;
      conflict = error;
      report.conflicts += batch.length;
    }
  }
  return conflict;
}

/** In as many parts as there may be commits, of about the same number of bytes. */
function batches(groups: readonly PlannedGroup[], commits: number): PlannedGroup[][] {
  const each = groups.reduce((sum, { bytes }) => sum + bytes, 0) / commits;
  const parts: PlannedGroup[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const group of groups) {
    if (bytes >= each && parts.length < commits) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(group);
    bytes += group.bytes;
  }
  return parts;
}

/** Adds up what the commits did. */
class Report {
  readonly #table: string;
  readonly #dryRun: boolean;
  #groups = 0;
  #before = { files: 0, bytes: 0 };
  #after = { files: 0, bytes: 0 };
  #deleteFiles = 0;
  readonly #snapshotIds: SnapshotId[] = [];
  /** Paths of the files that were written. */
  readonly written: string[] = [];
  conflicts = 0;

  constructor(table: string, dryRun: boolean) {
    this.#table = table;
    this.#dryRun = dryRun;
  }

  get isEmpty(): boolean {
    return this.#snapshotIds.length === 0;
  }

  planned({ moving, staying }: CompactionPlan): CompactionReport {
    for (const { tasks, bytes, files } of [...moving, ...staying]) {
      this.#count(tasks.length, bytes);
      this.#after.files += files;
      this.#after.bytes += bytes;
    }
    return this.done();
  }

  add(groups: readonly RewrittenGroup[], { metadata }: Table, snapshotId: SnapshotId): void {
    for (const { tasks, files } of groups) {
      this.#count(tasks.length, bytesOf(tasks));
      this.#after.files += files.length;
      this.#after.bytes += files.reduce((sum, file) => sum + Number(file.fileSizeInBytes), 0);
      this.written.push(...files.map(({ filePath }) => filePath));
    }
    this.#snapshotIds.push(snapshotId);
    const summary = metadata.snapshots.find((snapshot) => snapshot.snapshotId === snapshotId)?.summary;
    this.#deleteFiles += Number(summary?.["removed-delete-files"] ?? 0);
  }

  #count(files: number, bytes: number): void {
    this.#groups += 1;
    this.#before.files += files;
    this.#before.bytes += bytes;
  }

  done(): CompactionReport {
    return {
      table: this.#table,
      dryRun: this.#dryRun,
      groups: this.#groups,
      filesBefore: this.#before.files,
      filesAfter: this.#after.files,
      bytesBefore: this.#before.bytes,
      bytesAfter: this.#after.bytes,
      deleteFilesRemoved: this.#deleteFiles,
      snapshotIds: this.#snapshotIds,
      conflicts: this.conflicts,
    };
  }
}
