import {
  type BranchingCatalog,
  type Entry,
  exportCommits,
  type Hash,
  type Reference,
  type StoredCommits,
  type TableName,
} from "../catalog/index.js";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import {
  type Abortable,
  corruptFile,
  invalidArgument,
  type LakehouseError,
  throwIfAborted,
} from "../errors.js";
import { noSuchTable, type TableIdentifier } from "../iceberg/index.js";
import { keyOf } from "../keys.js";
import { objectNotFound, reachingOut } from "../storage/index.js";
import { CopyingIn } from "./copy-in.js";
import { backupCorrupt, backupIncomplete } from "./errors.js";
import { FileGatherer, type WantedFile } from "./gather.js";
import type { BackedUpFile, BackupSummary } from "./model.js";
import { identifiersOf, nameOf, tableKeyOf } from "./names.js";
import type { BackupPlace } from "./place.js";
import { RunFiles } from "./runs.js";

export interface TakeOptions extends Abortable {
  /** The tables to take; the whole lakehouse where not given. */
  readonly tables?: readonly TableName[] | undefined;
}

export interface BackupReport extends BackupSummary {
  /** What was copied now: the rest was there from earlier backups. */
  readonly copied: { readonly files: number; readonly bytes: number };
}

/** What the refs of a catalog were at, at one moment. */
interface State {
  readonly at: Date;
  readonly refs: readonly Reference[];
  readonly entries: ReadonlyMap<Hash, readonly Entry[]>;
  readonly commits: StoredCommits | undefined;
}

/** How often to begin again because files went away meanwhile. */
const ATTEMPTS = 5;

/**
 * Copies what the branches and tags show, with all that their history leads to and that is still there. The refs are read
 * once: every table is as the one commit has it, whatever is committed meanwhile. Files are immutable, so nothing keeps
 * writers waiting; one that goes away before it was copied (of a table that was dropped for good, a branch that was
 * deleted) makes it begin again, from the commits that there are then. What was copied by then is not copied again.
 *
 * With the whole lakehouse go the runs of its experiments, as they are after the refs were read: every run that a commit
 * names is among them.
 *
 * @param experiments where runs are kept; none are taken where not given.
 * @throws LakehouseError NO_SUCH_TABLE; BACKUP_INCOMPLETE for a file that a branch or tag shows and that is not there;
 *   CORRUPT_FILE for one that has not the length that its table says; STORAGE_FAILED; ABORTED. There is no backup then.
 */
export async function takeBackup(
  catalog: BranchingCatalog,
  place: BackupPlace,
  { tables, signal }: TakeOptions,
  experiments?: string,
): Promise<BackupReport> {
  // Tables may have adopted files from anywhere.
  const store = reachingOut(catalog.store);
  checkApart(store.root, place.root);
  const names = identifiersOf(tables);
  const [known, there] = [await knownFiles(place), await place.objects()];
  const copying = new CopyingIn(store, place, known, there);
  const runFiles = new RunFiles(experiments);
  const copyingRuns = new CopyingIn(runFiles, place, known, there);
  const lost = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    try {
      const state = await readState(catalog, names);
      const wanted = await gather(catalog, state, signal);
      const files = await mapConcurrent(wanted, READ_CONCURRENCY, async (file) => {
        throwIfAborted(signal);
        return copyIn(copying, file);
      });
      // A server's commits are not in a backup, which is restored table by table.
      const runs = state.commits === undefined ? [] : await runFiles.locations();
      const ofRuns = await mapConcurrent(runs, READ_CONCURRENCY, (location) => {
        throwIfAborted(signal);
        return copyingRuns.copy({ location, kind: "experiments" });
      });
      const { copied } = copying;
      return await finish(place, state, names, present([...files, ...ofRuns]), {
        root: copying.root,
        copied: {
          files: copied.files + copyingRuns.copied.files,
          bytes: copied.bytes + copyingRuns.copied.bytes,
        },
      });
    } catch (error) {
      if (!isGone(error)) throw error;
      if (lost.has(error.subject) || attempt === ATTEMPTS)
        throw objectNotFound.is(error) ? incomplete(error.subject, error) : error;
      lost.add(error.subject);
    }
  }
}

/** A file, or a commit or tree of a branch that was deleted meanwhile. */
function isGone(error: unknown): error is LakehouseError {
  return objectNotFound.is(error) || (corruptFile.is(error) && /^[0-9a-f]{64}$/.test(error.subject));
}

/** @throws LakehouseError INVALID_ARGUMENT for a backup among the files that it is of. */
function checkApart(lake: string, backups: string): void {
  if (!`${backups}/`.startsWith(`${lake}/`)) return;
  throw invalidArgument(
    backups,
    `${backups} lies among the files of the tables, and would go with them.`,
    "Choose a place outside, best on another disk or service.",
  );
}

/**
 * What the newest backup knows of files, and the newest that is of the whole lakehouse. Of what cannot be read, nothing:
 * then all is read again.
 */
async function knownFiles(place: BackupPlace): Promise<readonly BackedUpFile[]> {
  try {
    const summaries = await place.summaries();
    const newest = new Set([summaries.find(({ tables }) => tables === null), summaries[0]]);
    const indexes = [...newest].map((summary) => (summary === undefined ? undefined : place.index(summary)));
    return (await Promise.all(indexes)).flatMap((index) => index?.files ?? []);
  } catch (error) {
    if (backupCorrupt.is(error)) return [];
    throw error;
  }
}

async function readState(
  catalog: BranchingCatalog,
  names: readonly TableIdentifier[] | undefined,
): Promise<State> {
  const at = new Date();
  const refs = await catalog.references();
  const entries = new Map<Hash, readonly Entry[]>();
  const wanted = names && new Set(names.map(tableKeyOf));
  const found = new Set<string>();
  for (const hash of new Set(refs.map((ref) => ref.hash))) {
    const shown: Entry[] = [];
    for await (const entry of catalog.versions.entries(await catalog.versions.commitAt(hash))) {
      const key = keyOf(entry.key);
      if (wanted !== undefined && (entry.content.type !== "ICEBERG_TABLE" || !wanted.has(key))) continue;
      found.add(key);
      shown.push(entry);
    }
    entries.set(hash, shown);
  }
  const missing = names?.find((table) => !found.has(tableKeyOf(table)));
  if (missing !== undefined) {
    const name = nameOf(missing);
    throw noSuchTable(name, `There is no table ${name} on any branch or tag.`, "Look at slh tables.");
  }
  const commits =
    names === undefined ? await exportCommits(catalog.versions, [...entries.keys()]) : undefined;
  return { at, refs, entries, commits };
}

/** All files, those that are shown before those of history. */
async function gather(
  { store }: BranchingCatalog,
  { entries, commits }: State,
  signal: AbortSignal | undefined,
): Promise<readonly WantedFile[]> {
  const gatherer = new FileGatherer(store);
  const shown = new Map<string, boolean>();
  for (const { content } of [...entries.values()].flat()) {
    if (content.type !== "NAMESPACE") shown.set(content.metadataLocation, content.type === "ICEBERG_VIEW");
  }
  await mapConcurrent([...shown], READ_CONCURRENCY, async ([location, isView]) => {
    throwIfAborted(signal);
    if (isView) gatherer.addView(location, true);
    else await gatherer.addTable(location, true);
  });
  const earlier = new Set(commits?.locations.values());
  await mapConcurrent([...earlier], READ_CONCURRENCY, async (location) => {
    throwIfAborted(signal);
    if (shown.has(location)) return;
    if (commits?.views.has(location)) gatherer.addView(location, false);
    else await gatherer.addTable(location, false);
  });
  return [...gatherer.files.values()];
}

async function copyIn(copying: CopyingIn, wanted: WantedFile): Promise<BackedUpFile | undefined> {
  try {
    const file = await copying.copy(wanted);
    if (wanted.isShown && wanted.size !== undefined && wanted.size !== file.size)
      throw wrongLength(wanted, file.size);
    return file;
  } catch (error) {
    if (!wanted.isShown && objectNotFound.is(error)) return undefined;
    throw error;
  }
}

function wrongLength({ location, size }: WantedFile, found: number): Error {
  return corruptFile(
    location,
    `${location} is ${found} bytes long, and its manifest says ${size}. There is no backup.`,
    "Restore the table from an earlier backup under another name, and see what is lost; other tables can be backed up by name.",
  );
}

function present(files: readonly (BackedUpFile | undefined)[]): BackedUpFile[] {
  // In one order, so that of a lakehouse that has not changed the index is the same object.
  return files.filter((file) => file !== undefined).sort((a, b) => (a.location < b.location ? -1 : 1));
}

async function finish(
  place: BackupPlace,
  { at, refs, entries, commits }: State,
  names: readonly TableIdentifier[] | undefined,
  files: readonly BackedUpFile[],
  { root, copied }: Pick<CopyingIn, "root" | "copied">,
): Promise<BackupReport> {
  const summary = await place.finish(
    {
      createdAt: at.toISOString(),
      root,
      tables: names?.map(nameOf) ?? null,
      hasHistory: commits !== undefined,
      refs,
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
    },
    {
      entries: Object.fromEntries(entries),
      files,
      commits: commits?.objects ?? null,
      locations: [...(commits?.locations ?? [])],
    },
  );
  return { ...summary, copied };
}

function incomplete(location: string, cause: unknown): Error {
  return backupIncomplete(
    location,
    `${location}, which a branch or tag leads to, is not there. There is no backup.`,
    "Look with slh table verify what is damaged. Back up the other tables by name, or restore that one from an earlier backup.",
    cause,
  );
}
