import {
  type Abortable,
  invalidArgument,
  type LakehouseError,
  throwIfAborted,
  unsupported,
} from "../../errors.js";
import {
  type OrphanOptions,
  type OrphanReport,
  readTableMetadata,
  refConflict,
} from "../../iceberg/index.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { type ObjectStore, objectNotFound, storageFailed, storeNow } from "../../storage/index.js";
import type { Content, ContentId, IcebergTableContent } from "../model/content.js";
import type { GarbageReport, GcOptions } from "../model/garbage.js";
import { BEGINNING } from "../model/hash.js";
import { getCommit } from "../store/commits.js";
import type { StoreContext } from "../store/context.js";
import { findReachable, type Reachability } from "../store/reachability.js";
import type { RefState } from "../store/refs.js";
import { finishSweep, type SweptFiles, sweep } from "../store/sweep.js";
import { readSweep } from "../store/sweep-word.js";
import { entriesOf } from "../store/tree.js";
import type { VersionStore } from "../store/version-store.js";
import { FileSet, within } from "../versioned/files.js";
import { isShared } from "../versioned/table-places.js";
import { findDeadFiles, leadsTo } from "./dead-files.js";
import { findOrphans, folderOf, ownFolders, type SharedFiles } from "./orphans.js";

interface Shared {
  readonly versions: VersionStore;
  readonly store: ObjectStore;
  /** URI without a trailing slash. */
  readonly warehouse: string;
}

const GC: OptionNames<GcOptions> = { gracePeriodMs: true, dryRun: true, signal: true };

const WEEK_MS = 7 * 24 * 3_600_000;
const THREE_DAYS_MS = 3 * 24 * 3_600_000;

/** How often to look again because someone brought back what was found dead. */
const ATTEMPTS = 3;

/**
 * Marks what the refs and their recent logs lead to, and sweeps the rest. Any number of writers may be at work, and
 * other collectors: `store/sweep.ts` says why none of them loses anything. Stopped half way, the next run goes on.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a grace period below 0; REF_CONFLICT where others bring back what is
 * dead, or collect as well, as often as it is looked for.
 */
export async function collectGarbage(shared: Shared, options: GcOptions): Promise<GarbageReport> {
  checkOptions("gc", options, GC);
  const { gracePeriodMs = WEEK_MS, dryRun = false, signal } = options;
  const { reachable, deadFiles } = await sweepFound(
    shared,
    { gracePeriodMs, dryRun, signal },
    async (old) => {
      const reachable = await findReachable(shared.versions.context, old.objects);
      throwIfAborted(signal);
      const shown = await shownTables(shared.versions.context, reachable.refs);
      return { reachable, deadFiles: await findDeadFiles(old, reachable, shown) };
    },
  );
  return {
    dryRun,
    commits: reachable.deadCommits.map(({ hash }) => hash),
    objects: reachable.dead.length,
    objectBytes: reachable.dead.reduce((sum, { size }) => sum + size, 0),
    files: deadFiles,
  };
}

/**
 * Sweeps the files in one table's folder that no commit in the store leads to, be it one that no ref leads to any more: a
 * branch may still be made there. So no commit goes with them, and the claim of `store/sweep.ts` comes down to this: what
 * a ref leads to is what it led to when all commits were looked through, none of which names a file that goes; or a
 * commit made since, which the sweep sees before anything is deleted; or one made after that, whose files are those of
 * a commit before it, or its writer's own and so younger than the grace period.
 *
 * Where it is not certain that the folder is this table's alone, or what the table's commits led to, nothing is deleted.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE where that is so; and as `collectGarbage`.
 */
export async function removeOrphans(
  shared: Shared,
  table: IcebergTableContent,
  options: OrphanOptions,
): Promise<OrphanReport> {
  const { gracePeriodMs = THREE_DAYS_MS, dryRun = false } = options;
  const { orphans } = await sweepFound(shared, { gracePeriodMs, dryRun }, async (old) => {
    const found = await findReachable(shared.versions.context, new Date(0));
    const folder = await searchableFolder(shared.store, table, found.liveContents);
    const { files, damaged } = await findOrphans(old, found.liveContents, [folder]);
    const [missing] = damaged;
    if (missing !== undefined) throw notRemoved(folder, `${missing}, or a file that it leads to, is missing`);
    const orphans = [...files].sort((a, b) => (a.uri < b.uri ? -1 : 1));
    return { reachable: { ...found, deadRefs: [] }, deadFiles: orphans.map(({ uri }) => uri), orphans };
  });
  return {
    dryRun,
    files: orphans.map(({ uri }) => uri),
    bytes: orphans.reduce((sum, { size }) => sum + size, 0),
  };
}

async function shownTables(
  { objects }: StoreContext,
  refs: readonly RefState[],
): Promise<ReadonlySet<ContentId>> {
  const shown = new Set<ContentId>();
  for (const hash of new Set(refs.flatMap(({ hash }) => hash ?? []))) {
    if (hash === BEGINNING) continue;
    const { tree } = await getCommit(objects, hash);
    for await (const { content } of entriesOf(objects, tree, [])) shown.add(content.id);
  }
  return shown;
}

async function searchableFolder(
  store: ObjectStore,
  { id, metadataLocation }: IcebergTableContent,
  contents: ReadonlySet<Content>,
): Promise<string> {
  const metadata = await readTableMetadata(store, metadataLocation).catch((cause: unknown) => {
    // Of a table that was purged, and that a rollback has brought back.
    if (!objectNotFound.is(cause)) throw cause;
    throw notRemoved(metadataLocation.replace(/\/[^/]*$/, ""), `${metadataLocation} is missing`, cause);
  });
  const folder = folderOf(store, metadata);
  if (isShared(metadata)) throw notRemoved(folder, "the table's property gc.enabled is false");
  const own = (await ownFolders(store, contents)).get(id);
  if (own === undefined) throw notRemoved(folder, "the table's newest metadata file is missing");
  if ("refusal" in own) throw notRemoved(folder, own.refusal);
  if (own.folder !== folder) throw notRemoved(folder, `on another branch the table is in ${own.folder}`);
  return folder;
}

function notRemoved(folder: string, why: string, cause?: unknown): LakehouseError {
  return unsupported(
    folder,
    `Whether files in ${folder} are orphans is not certain: ${why}. Nothing was deleted.`,
    undefined,
    cause,
  );
}

/** What to delete, of what is older than the grace period. */
interface Found {
  readonly reachable: Reachability;
  readonly deadFiles: readonly string[];
}

/** Where to look: objects put last before a date, and files. */
interface Old extends SharedFiles {
  readonly objects: Date;
}

/** Deletes what `find` finds, or in a dry run only finds it; again, where others bring it back meanwhile. */
async function sweepFound<F extends Found>(
  shared: Shared,
  { gracePeriodMs, dryRun, signal }: { readonly gracePeriodMs: number; readonly dryRun: boolean } & Abortable,
  find: (old: Old) => Promise<F>,
): Promise<F> {
  if (!(typeof gracePeriodMs === "number" && gracePeriodMs >= 0)) {
    throw invalidArgument(
      "gracePeriodMs",
      `${String(gracePeriodMs)} is no grace period: nothing was deleted.`,
      "Give milliseconds, longer than the longest write.",
    );
  }
  if (typeof dryRun !== "boolean") {
    throw invalidArgument("dryRun", `dryRun is true or false, not ${String(dryRun)}: nothing was deleted.`);
  }
  // Infinity would make an invalid Date, to which nothing is young.
  const before = (now: Date): Date => new Date(Math.max(0, now.getTime() - gracePeriodMs));
  const { context } = shared.versions;
  const { store } = shared;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    throwIfAborted(signal);
    const kept = new FileSet(store);
    const files: SweptFiles = {
      delete: (uris) => store.delete(within(store, uris)),
      lead: (contents, doomed) => leadsTo(kept, contents, doomed),
    };
    const state = dryRun ? await readSweep(context.backend) : await finishSweep(context, files);
    const objects = before(await context.backend.now());
    const cutoff = before(await filesNow(shared, dryRun));
    const found = await find({ store, kept, cutoff, objects });
    throwIfAborted(signal);
    const { reachable, deadFiles } = found;
    const isEmpty = reachable.dead.length + reachable.deadRefs.length + deadFiles.length === 0;
    if (dryRun || isEmpty || (await sweep(context, state, reachable, deadFiles, files))) return found;
  }
  throw refConflict(
    "garbage",
    `What no ref led to was brought back, or collected by another process, ${ATTEMPTS} times while it was being collected.`,
    "Collect again when fewer branches are being made.",
  );
}

async function filesNow({ store, warehouse, versions }: Shared, dryRun: boolean): Promise<Date> {
  // Where nothing can be written nothing can be deleted by the wrong clock either.
  if (versions.context.backend.readOnly) return new Date();
  const probe = `${warehouse}/.sololakehouse-clock`;
  try {
    const now = await storeNow(store, probe);
    await store.delete([probe]);
    return now;
  } catch (error) {
    if (dryRun && storageFailed.is(error)) return new Date();
    throw error;
  }
}
