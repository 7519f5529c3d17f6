import { invalidArgument } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import { noSuchSnapshot } from "../../errors.js";
import { ancestorsOf, snapshotById } from "../../model/metadata/lookup.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import { bigintProperty, numberProperty } from "../../model/metadata/properties.js";
import type { Snapshot, SnapshotId, SnapshotRef, TableMetadata } from "../../model/metadata/types.js";
import type { CommitOptions } from "../commit.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import type { TableRequirement, TableUpdate } from "../updates/types.js";

/** What is to expire, beyond or against what branches, tags and table properties say. */
export interface ExpireOptions {
  /** Snapshots from before this expire: a `Date`, or milliseconds. Default: `history.expire.max-snapshot-age-ms` ago, 5 days. */
  readonly olderThan?: Date | bigint | undefined;
  /** So many of a branch stay, however old. Default: `history.expire.min-snapshots-to-keep`, 1. */
  readonly retainLast?: number | undefined;
  /** These expire whatever their age, and only these where neither of the others is given. */
  readonly snapshotIds?: readonly SnapshotId[] | undefined;
}

/** What expires, or in a dry run would. */
export interface Expiry {
  readonly snapshots: readonly Snapshot[];
  /** Names of branches and tags that are older than they may be. */
  readonly refs: readonly string[];
}

const EXPIRE: OptionNames<ExpireOptions & CommitOptions & { readonly dryRun: true }> = {
  olderThan: true,
  retainLast: true,
  snapshotIds: true,
  message: true,
  token: true,
  signal: true,
  dryRun: true,
};

/** What `expireSnapshots` would take of a table as it is, by options that it has checked. */
export function whatExpires(base: TableMetadata, options: ExpireOptions): Expiry {
  const { gone, goneRefs } = expiring(base, options);
  return { snapshots: gone.flatMap((id) => snapshotById(base, id) ?? []), refs: goneRefs };
}

/**
 * Removes old snapshots from a table's metadata, by the spec's "Snapshot Retention Policy": a branch keeps its newest
 * ones and those that are young enough, by its own settings or the defaults; a tag keeps its own; what neither leads to
 * goes by age. Branches and tags that are older than they may be go as well, but never `main`.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a named snapshot that a branch or tag is at; NO_SUCH_SNAPSHOT.
 */
export function expireSnapshots(options: ExpireOptions = {}): PendingUpdate {
  check(options);
  return { propose: (base) => proposal(base, expiring(base, options)) };
}

interface Expiring {
  readonly gone: readonly SnapshotId[];
  readonly goneRefs: readonly string[];
}

function expiring(base: TableMetadata, options: ExpireOptions): Expiring {
  const now = BigInt(Date.now());
  const refs = Object.entries(base.refs).filter(([name, ref]) => !isPast(base, name, ref, now));
  const named = new Set(options.snapshotIds ?? []);
  checkNamed(base, refs, named);
  const stay = onlyNamed(options) ? undefined : kept(base, refs, options, now);
  const gone = base.snapshots
    .map(({ snapshotId }) => snapshotId)
    .filter((id) => named.has(id) || stay?.has(id) === false);
  const stays = new Set(refs.map(([name]) => name));
  return { gone, goneRefs: Object.keys(base.refs).filter((name) => !stays.has(name)) };
}

type NamedRef = readonly [name: string, ref: SnapshotRef];

function onlyNamed({ snapshotIds, olderThan, retainLast }: ExpireOptions): boolean {
  return snapshotIds !== undefined && olderThan === undefined && retainLast === undefined;
}

/** True for a reference that is older than it may be. Its age is that of its snapshot, as in the reference implementation. */
function isPast(base: TableMetadata, name: string, ref: SnapshotRef, now: bigint): boolean {
  if (name === MAIN_BRANCH) return false;
  const maxAge = ref.maxRefAgeMs ?? bigintProperty(base, "history.expire.max-ref-age-ms");
  const snapshot = snapshotById(base, ref.snapshotId);
  return snapshot === undefined || now - snapshot.timestampMs > maxAge;
}

/** The snapshots that stay. */
function kept(
  base: TableMetadata,
  refs: readonly NamedRef[],
  options: ExpireOptions,
  now: bigint,
): ReadonlySet<SnapshotId> {
  const oldest =
    millisecondsOf(options.olderThan) ?? now - bigintProperty(base, "history.expire.max-snapshot-age-ms");
  const atLeast = options.retainLast ?? numberProperty(base, "history.expire.min-snapshots-to-keep");
  const stay = new Set(refs.map(([, ref]) => ref.snapshotId));
  const reached = new Set(stay);
  for (const [, ref] of refs) {
    if (ref.type === "tag") continue;
    const since = ref.maxSnapshotAgeMs === undefined ? oldest : now - ref.maxSnapshotAgeMs;
    let count = 0;
    let ended = false;
    for (const { snapshotId, timestampMs } of ancestorsOf(base, ref.snapshotId)) {
      reached.add(snapshotId);
      // What is behind one that goes, goes too: a branch's history has no holes.
      ended ||= count >= (ref.minSnapshotsToKeep ?? atLeast) && timestampMs < since;
      if (!ended) stay.add(snapshotId);
      count += 1;
    }
  }
  for (const { snapshotId, timestampMs } of base.snapshots)
    if (!reached.has(snapshotId) && timestampMs >= oldest) stay.add(snapshotId);
  return stay;
}

function proposal(base: TableMetadata, { gone, goneRefs }: Expiring) {
  const updates: TableUpdate[] = goneRefs.map((refName) => ({ action: "remove-snapshot-ref", refName }));
  if (gone.length > 0) updates.push({ action: "remove-snapshots", snapshotIds: gone });
  // A reference that moved meanwhile may lead to what was to go.
  const requirements: TableRequirement[] = Object.entries(base.refs).map(([ref, { snapshotId }]) => ({
    type: "assert-ref-snapshot-id",
    ref,
    snapshotId,
  }));
  return { requirements: updates.length === 0 ? [] : requirements, updates };
}

function checkNamed(base: TableMetadata, refs: readonly NamedRef[], named: ReadonlySet<SnapshotId>): void {
  for (const id of named) {
    if (snapshotById(base, id) === undefined) {
      throw noSuchSnapshot(String(id), `The table has no snapshot ${id}.`);
    }
    const [name, ref] = refs.find(([, { snapshotId }]) => snapshotId === id) ?? [];
    if (ref === undefined) continue;
    throw invalidArgument(
      String(id),
      `Snapshot ${id} cannot expire: the ${ref.type} ${JSON.stringify(name)} is at it.`,
      "Move or remove the reference first.",
    );
  }
}

function check(options: ExpireOptions): void {
  checkOptions("expireSnapshots", options, EXPIRE);
  const { retainLast, olderThan, snapshotIds } = options;
  const invalid =
    retainLast !== undefined && !(Number.isSafeInteger(retainLast) && retainLast >= 1)
      ? `retainLast is ${String(retainLast)}: it should be a whole number from 1 up`
      : olderThan !== undefined && !isTime(olderThan)
        ? "olderThan is no date, and no bigint of milliseconds"
        : snapshotIds !== undefined && !isIds(snapshotIds)
          ? "snapshotIds is no array of bigints"
          : undefined;
  if (invalid === undefined) return;
  throw invalidArgument("expireSnapshots", `${invalid}.`);
}

function isTime(given: unknown): boolean {
  return typeof given === "bigint" || (given instanceof Date && !Number.isNaN(given.getTime()));
}

function isIds(given: unknown): boolean {
  return Array.isArray(given) && given.every((id) => typeof id === "bigint");
}

function millisecondsOf(time: Date | bigint | undefined): bigint | undefined {
  return time instanceof Date ? BigInt(time.getTime()) : time;
}
