import { type Abortable, invalidArgument, throwIfAborted } from "../../errors.js";
import { keyOf } from "../../keys.js";
import { observe } from "../../observability/index.js";
import { checkObject } from "../../options.js";
import type { ObjectStore } from "../../storage/index.js";
import { commitConflict, commitStateUnknown } from "../errors.js";
import { booleanProperty, numberProperty } from "../model/metadata/properties.js";
import type { Snapshot, TableMetadata } from "../model/metadata/types.js";
import { type TableCommit, tableCommits } from "./metrics.js";
import type { PendingUpdate, Proposal } from "./snapshot/pending.js";
import { applyUpdates } from "./updates/apply.js";
import type {
  CommitRequest,
  Committer,
  LoadedTable,
  TableRequirement,
  TableUpdate,
} from "./updates/types.js";

/** The summary key that holds a commit's idempotency token. */
export const COMMIT_TOKEN = "sololakehouse.commit-token";

export interface CommitOptions extends Abortable {
  /** For the catalog's log. */
  readonly message?: string | undefined;
  /**
   * The same token twice gives one snapshot: the second commit finds the first one's and returns the table as it is, also
   * where that was rolled back. It is looked for among the snapshots that the table has, which are the last 50 of a new
   * table (`history.expire.max-snapshots`), and by a lakehouse's own catalog among the branch's last 1,000 commits.
   */
  readonly token?: string | undefined;
}

/**
 * Commits updates together, and again on top of whatever came first when another commit was faster
 * (spec, "Commit Conflict Resolution and Retry"). Waits between attempts grow exponentially and are random, as the
 * `commit.retry.` properties say.
 *
 * @param store where metadata files that the table has forgotten are deleted, if its properties ask for it.
 * @throws LakehouseError COMMIT_CONFLICT when an update cannot be put on top of the other commit, or attempts ran
 *   out: the table has nothing of it. COMMIT_STATE_UNKNOWN when it may or may not have happened: nothing is deleted.
 */
export async function commitUpdates(
  committer: Committer,
  start: LoadedTable,
  pending: readonly PendingUpdate[],
  options: CommitOptions = {},
  store?: ObjectStore,
): Promise<LoadedTable> {
  checkObject("update", "options", options);
  if (!Array.isArray(pending) || !pending.every(isPending)) {
    throw invalidArgument("update", "What to commit is no array of updates.", NO_UPDATE);
  }
  let retries = 0;
  const onRetry = () => {
    retries++;
  };
  return observe(
    tableCommits,
    () => commitOrRetry(committer, start, pending, options, store, onRetry),
    ({ outcome, milliseconds, result }) => ({
      table: start.metadata.location,
      ...lastAdded(start.metadata, result?.metadata),
      retries,
      outcome,
      milliseconds,
    }),
  );
}

function lastAdded(
  before: TableMetadata,
  after: TableMetadata | undefined,
): Pick<TableCommit, "snapshotId" | "operation"> {
  const known = new Set(before.snapshots.map(({ snapshotId }) => snapshotId));
  const added = after?.snapshots.findLast(({ snapshotId }) => !known.has(snapshotId));
  return { snapshotId: added?.snapshotId, operation: added?.summary?.operation };
}

const NO_UPDATE = "Give [updateProperties({ … })], [new UpdateSchema()…] or the like.";

/** True for what can be committed. */
export function isPending(update: unknown): update is PendingUpdate {
  return typeof (update as PendingUpdate | undefined | null)?.propose === "function";
}

async function commitOrRetry(
  committer: Committer,
  start: LoadedTable,
  pending: readonly PendingUpdate[],
  options: CommitOptions,
  store: ObjectStore | undefined,
  onRetry: () => void,
): Promise<LoadedTable> {
  const began = Date.now();
  let base = start;
  for (let attempt = 0; ; attempt++) {
    if (attempt > 0) onRetry();
    const done = committedBefore(base.metadata, options.token);
    if (done !== undefined) {
      await settle(pending, undefined);
      return base;
    }
    let request: CommitRequest | undefined;
    try {
      throwIfAborted(options.signal);
      request = await proposeAll(base.metadata, pending, options, store);
      if (!committer.awaitsStored) await request.stored;
      // The last moment: from here on the commit is decided.
      throwIfAborted(options.signal);
      if (attempt > 0) refuseOtherIds(start.metadata, base.metadata, request);
      if (request.updates.length === 0) {
        await settle(pending, base.metadata);
        return base;
      }
    } catch (error) {
      await settle(pending, undefined);
      throw error;
    }
    let committed: LoadedTable;
    try {
      committed = await committer.commit(request);
    } catch (error) {
      // Whether it happened is not known: the files may be in use, so they stay.
      if (commitStateUnknown.is(error)) throw error;
      if (!commitConflict.is(error) || !mayRetry(base.metadata, attempt, began)) {
        await settle(pending, undefined);
        throw error;
      }
      await backOff(base.metadata, attempt);
      base = await committer.load();
      // Another table has taken the name: what was written belongs to the one that is gone.
      if (base.metadata.tableUuid !== start.metadata.tableUuid) {
        await settle(pending, undefined);
        throw error;
      }
      continue;
    }
    await settle(pending, withAdded(committed.metadata, request.updates));
    if (store !== undefined && !committer.keepsMetadata) {
      await deleteOldMetadata(store, base.metadata, committed.metadata);
    }
    return committed;
  }
}

/**
 * What was committed, with snapshots that the same commit let go of: a table may keep fewer than a transaction makes, and
 * the later ones have the files of those before. Where none of them is there, another commit stands in for this one.
 */
function withAdded(committed: TableMetadata, updates: readonly TableUpdate[]): TableMetadata {
  const known = new Set(committed.snapshots.map(({ snapshotId }) => snapshotId));
  const added = updates.flatMap((update) => (update.action === "add-snapshot" ? [update.snapshot] : []));
  const gone = added.filter(({ snapshotId }) => !known.has(snapshotId));
  if (gone.length === 0 || gone.length === added.length) return committed;
  return { ...committed, snapshots: [...committed.snapshots, ...gone] };
}

/**
 * Deletes the metadata files that a commit dropped out of the metadata log, where
 * `write.metadata.delete-after-commit.enabled` says so; `write.metadata.previous-versions-max` says how many stay.
 */
async function deleteOldMetadata(
  store: ObjectStore,
  before: TableMetadata,
  after: TableMetadata,
): Promise<void> {
  if (!booleanProperty(after, "write.metadata.delete-after-commit.enabled")) return;
  const kept = new Set(after.metadataLog.map((entry) => entry.metadataFile));
  const dropped = before.metadataLog.map((entry) => entry.metadataFile).filter((file) => !kept.has(file));
  // The commit is done: what cannot be deleted now is only garbage.
  if (dropped.length > 0) await store.delete(dropped).catch(() => {});
}

/**
 * Files that a transaction wrote after a change of schema or partitioning of its own carry the ids that the change
 * gave out. When another commit gave out ids meanwhile, the change would now give others.
 */
function refuseOtherIds(first: TableMetadata, base: TableMetadata, { updates }: CommitRequest): void {
  const has = (action: TableUpdate["action"]): boolean => updates.some((update) => update.action === action);
  if (!has("add-snapshot") || !(has("add-schema") || has("add-spec"))) return;
  const ids = (metadata: TableMetadata): string =>
    keyOf([
      metadata.lastColumnId,
      metadata.lastPartitionId,
      metadata.currentSchemaId,
      metadata.schemas.map((schema) => schema.schemaId),
      metadata.partitionSpecs.map((spec) => spec.specId),
    ]);
  if (ids(first) === ids(base)) return;
  throw commitConflict(
    base.location,
    "Another commit changed the schema or partitioning while this one, which changes them too, wrote files.",
    "Run the transaction again on the refreshed table.",
  );
}

/** The snapshot that a commit with this token left, if one did. */
function committedBefore(metadata: TableMetadata, token: string | undefined): Snapshot | undefined {
  if (token === undefined) return undefined;
  return metadata.snapshots.findLast((snapshot) => snapshot.summary?.[COMMIT_TOKEN] === token);
}

/** One request out of several updates: each is proposed on top of what the ones before it make of the table. */
async function proposeAll(
  base: TableMetadata,
  pending: readonly PendingUpdate[],
  options: CommitOptions,
  store: ObjectStore | undefined,
): Promise<CommitRequest> {
  const requirements: TableRequirement[] = [{ type: "assert-table-uuid", uuid: base.tableUuid }];
  const updates: TableUpdate[] = [];
  let metadata = base;
  let stored: Promise<void> | undefined;
  for (const [i, update] of pending.entries()) {
    const proposal = withToken(await update.propose(metadata, store), options.token);
    for (const requirement of proposal.requirements) {
      // What an earlier update of this request changed is not for the catalog to check: it is not there yet.
      if (holdsBefore(requirement, updates) && !requirements.some((known) => same(known, requirement))) {
        requirements.push(requirement);
      }
    }
    updates.push(...proposal.updates);
    stored = proposal.stored ?? stored;
    if (i === pending.length - 1) continue;
    // The next one may read what this one has written.
    await stored;
    metadata = applyUpdates(metadata, proposal.updates);
  }
  return { requirements, updates, message: options.message, token: options.token, stored };
}

function withToken(proposal: Proposal, token: string | undefined): Proposal {
  if (token === undefined) return proposal;
  const updates = proposal.updates.map((update): TableUpdate => {
    if (update.action !== "add-snapshot") return update;
    const { snapshot } = update;
    const summary = { operation: "append" as const, ...snapshot.summary, [COMMIT_TOKEN]: token };
    return { ...update, snapshot: { ...snapshot, summary } };
  });
  return { ...proposal, updates };
}

function holdsBefore(requirement: TableRequirement, earlier: readonly TableUpdate[]): boolean {
  switch (requirement.type) {
    case "assert-ref-snapshot-id":
      return !earlier.some(
        (u) =>
          (u.action === "set-snapshot-ref" || u.action === "remove-snapshot-ref") &&
          u.refName === requirement.ref,
      );
    case "assert-last-assigned-field-id":
      return !earlier.some((u) => u.action === "add-schema");
    case "assert-current-schema-id":
      return !earlier.some((u) => u.action === "set-current-schema");
    case "assert-last-assigned-partition-id":
      return !earlier.some((u) => u.action === "add-spec");
    case "assert-default-spec-id":
      return !earlier.some((u) => u.action === "set-default-spec");
    case "assert-default-sort-order-id":
      return !earlier.some((u) => u.action === "set-default-sort-order");
    case "assert-create":
    case "assert-table-uuid":
      return true;
  }
}

function same(a: TableRequirement, b: TableRequirement): boolean {
  return keyOf(a) === keyOf(b);
}

async function settle(
  pending: readonly PendingUpdate[],
  committed: TableMetadata | undefined,
): Promise<void> {
  for (const update of pending) {
    // What is left over is only garbage: failing to delete it must not hide how the commit ended.
    await update.settle?.(committed)?.catch(() => {});
  }
}

/**
 * Runs a whole operation, and again on the table as it is then when another commit was in its way, with such waits
 * between as the `commit.retry.` properties say.
 */
export async function runAgain<T>(
  metadata: TableMetadata,
  retries: number,
  run: () => Promise<T>,
): Promise<T> {
  const began = Date.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!commitConflict.is(error) || !mayRetry(metadata, attempt, began, retries)) throw error;
      await backOff(metadata, attempt);
    }
  }
}

/**
 * How often an operation is made again.
 *
 * @param otherwise where neither the caller nor the table says.
 * @throws LakehouseError INVALID_ARGUMENT for what is no number of times.
 */
export function retriesOf(metadata: TableMetadata, asked: number | undefined, otherwise: number): number {
  if (asked === undefined) {
    const isSet = metadata.properties["commit.retry.num-retries"] !== undefined;
    return isSet ? numberProperty(metadata, "commit.retry.num-retries") : otherwise;
  }
  if (Number.isSafeInteger(asked) && asked >= 0) return asked;
  throw invalidArgument("retry", `${asked} is no number of retries.`, "Give a whole number from 0 up.");
}

function mayRetry(
  metadata: TableMetadata,
  attempt: number,
  began: number,
  retries = numberProperty(metadata, "commit.retry.num-retries"),
): boolean {
  return attempt < retries && Date.now() - began < numberProperty(metadata, "commit.retry.total-timeout-ms");
}

/** Waits a random time below an exponentially growing bound: writers that met once shall not meet again. */
async function backOff(metadata: TableMetadata, attempt: number): Promise<void> {
  const bound = Math.min(
    numberProperty(metadata, "commit.retry.max-wait-ms"),
    numberProperty(metadata, "commit.retry.min-wait-ms") * 2 ** Math.min(attempt, 20),
  );
  await new Promise((resolve) => setTimeout(resolve, bound * (0.25 + 0.75 * Math.random())));
}
