import { LakehouseError } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { FileSet, within } from "./files.js";
import type { Content, IcebergTableContent } from "./versioned/content.js";
import type { Hash } from "./versioned/hash.js";
import { findReachable, type Reachability } from "./versioned/reachability.js";
import { announceSweep, isRevived, sweep } from "./versioned/sweep.js";
import type { VersionStore } from "./versioned/version-store.js";

export interface GcOptions {
  /**
   * What is younger stays, in milliseconds: changes under way have written objects that no ref leads to yet, and
   * a branch deleted or rolled back by mistake can be brought back from its reflog for so long. 7 days where not
   * given; longer than the longest commit, always.
   */
  readonly gracePeriodMs?: number | undefined;
  /** Finds out, and deletes nothing. */
  readonly dryRun?: boolean;
}

/** What garbage collection deleted, or in a dry run would delete. */
export interface GarbageReport {
  readonly dryRun: boolean;
  /** Commits that no branch, tag or recent reflog entry leads to. */
  readonly commits: readonly Hash[];
  /** Catalog objects: those commits, their trees, reflog entries, leftovers of commits that lost a race. */
  readonly objects: number;
  /** Their size in bytes. */
  readonly objectBytes: number;
  /** URIs of metadata, manifests, data and other files that only those commits refer to. */
  readonly files: readonly string[];
}

interface Shared {
  readonly versions: VersionStore;
  readonly store: ObjectStore;
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** How often to look again because someone brought back what was found dead. */
const ATTEMPTS = 3;

/**
 * Marks what the refs and their recent logs lead to, and sweeps the rest. Files go before the commits that lead
 * to them: stopped half way, the next run finds the same garbage again.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a grace period below 0; REF_CONFLICT where others bring back what is
 * dead as often as it is looked for. Nothing went then.
 */
export async function collectGarbage(shared: Shared, options: GcOptions): Promise<GarbageReport> {
  const { gracePeriodMs = WEEK_MS, dryRun = false } = options;
  if (!(gracePeriodMs >= 0)) {
    throw new LakehouseError({
      code: "INVALID_ARGUMENT",
      subject: "gracePeriodMs",
      message: `${gracePeriodMs} is no grace period: nothing was deleted.`,
      remedy: "Give milliseconds, longer than the longest commit.",
    });
  }
  const { context } = shared.versions;
  // Infinity would make an invalid Date, to which nothing is young.
  const cutoff = new Date(Math.max(0, context.now() - gracePeriodMs));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const reachable = await findReachable(context, cutoff);
    const files = await deadFiles(shared, reachable);
    if (!dryRun && !(await sweepUnlessRevived(shared, reachable, files, cutoff))) continue;
    return {
      dryRun,
      commits: reachable.deadCommits.map(({ hash }) => hash),
      objects: reachable.dead.length,
      objectBytes: reachable.dead.reduce((sum, { size }) => sum + size, 0),
      files,
    };
  }
  throw new LakehouseError({
    code: "REF_CONFLICT",
    subject: "garbage",
    message: `Commits that no ref led to were brought back ${ATTEMPTS} times while they were being collected; nothing was deleted.`,
    remedy: "Collect again when fewer branches are being made.",
  });
}

/** False when a ref leads to what was found dead: then nothing is deleted. */
async function sweepUnlessRevived(
  { versions: { context }, store }: Shared,
  reachable: Reachability,
  files: readonly string[],
  cutoff: Date,
): Promise<boolean> {
  const end = await announceSweep(context);
  try {
    if (await isRevived(context, reachable, new Set(files))) return false;
    await store.delete(files);
    await sweep(context, reachable, cutoff);
    return true;
  } finally {
    await end();
  }
}

/** The files that dead commits refer to and no live one does. */
async function deadFiles({ store }: Shared, { deadCommits, liveContents }: Reachability): Promise<string[]> {
  const liveLocations = new Set<string>();
  for (const content of liveContents) {
    if (content.type !== "NAMESPACE") liveLocations.add(content.metadataLocation);
  }
  const puts = deadCommits.flatMap(({ operations }) =>
    operations.flatMap((operation) => (operation.type === "PUT" ? operation.content : [])),
  );
  const isDead = (content: Content): boolean =>
    content.type !== "NAMESPACE" && !liveLocations.has(content.metadataLocation);
  const tables = puts.filter(isDead).filter((content) => content.type === "ICEBERG_TABLE");
  const views = puts.filter(isDead).flatMap((content) => (content.type === "ICEBERG_VIEW" ? content : []));

  const doomed = new FileSet(store);
  const folders = new Set<string>();
  for (const { metadataLocation } of tables) {
    const metadata = await doomed.add(metadataLocation, true);
    if (metadata !== undefined) folders.add(`${metadata.location}/`);
  }
  const kept = new FileSet(store);
  for (const content of relatives(liveContents, tables, folders))
    await kept.add(content.metadataLocation, false);
  const files = [...doomed.files].filter((file) => !kept.files.has(file));
  return within(store, [...files, ...views.map(({ metadataLocation }) => metadataLocation)]).sort();
}

/** The live states of the same tables, and of others in the same folders (registered twice): they share files. */
function* relatives(
  liveContents: ReadonlySet<Content>,
  dead: readonly IcebergTableContent[],
  folders: ReadonlySet<string>,
): Generator<IcebergTableContent> {
  const ids = new Set(dead.map(({ id }) => id));
  const seen = new Set<string>();
  for (const content of liveContents) {
    if (content.type !== "ICEBERG_TABLE" || seen.has(content.metadataLocation)) continue;
    const { id, metadataLocation } = content;
    if (!ids.has(id) && ![...folders].some((folder) => metadataLocation.startsWith(folder))) continue;
    seen.add(metadataLocation);
    yield content;
  }
}
