import { invalidArgument } from "../../errors.js";
import { refConflict } from "../../iceberg/index.js";
import { type ObjectStore, storageFailed, storeNow } from "../../storage/index.js";
import type { GarbageReport, GcOptions } from "../model/garbage.js";
import { findReachable } from "../store/reachability.js";
import { finishSweep, type SweptFiles, sweep } from "../store/sweep.js";
import { readSweep } from "../store/sweep-word.js";
import type { VersionStore } from "../store/version-store.js";
import { FileSet, within } from "../versioned/files.js";
import { findDeadFiles, leadsTo, type SharedFiles } from "./dead-files.js";

interface Shared {
  readonly versions: VersionStore;
  readonly store: ObjectStore;
  /** URI without a trailing slash. */
  readonly warehouse: string;
}

const WEEK_MS = 7 * 24 * 3_600_000;

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
  const { gracePeriodMs = WEEK_MS, dryRun = false } = options;
  if (!(gracePeriodMs >= 0)) {
    throw invalidArgument(
      "gracePeriodMs",
      `${gracePeriodMs} is no grace period: nothing was deleted.`,
      "Give milliseconds, longer than the longest write.",
    );
  }
  // Infinity would make an invalid Date, to which nothing is young.
  const before = (now: Date): Date => new Date(Math.max(0, now.getTime() - gracePeriodMs));
  const { context } = shared.versions;
  const { store } = shared;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const kept = new FileSet(store);
    const files: SweptFiles = {
      delete: (uris) => store.delete(within(store, uris)),
      lead: (contents, doomed) => leadsTo(kept, contents, doomed),
    };
    const state = dryRun ? await readSweep(context.backend) : await finishSweep(context, files);
    const cutoff = before(await context.backend.now());
    const filesCutoff = before(await filesNow(shared, dryRun));
    const reachable = await findReachable(context, cutoff);
    const dead: SharedFiles = { store, kept, cutoff: filesCutoff };
    const deadFiles = await findDeadFiles(dead, reachable);
    const isEmpty = reachable.dead.length + reachable.deadRefs.length + deadFiles.length === 0;
    if (!dryRun && !isEmpty && !(await sweep(context, state, reachable, deadFiles, files))) continue;
    return {
      dryRun,
      commits: reachable.deadCommits.map(({ hash }) => hash),
      objects: reachable.dead.length,
      objectBytes: reachable.dead.reduce((sum, { size }) => sum + size, 0),
      files: deadFiles,
    };
  }
  throw refConflict(
    "garbage",
    `Commits that no ref led to were brought back, or collected by another process, ${ATTEMPTS} times while they were being collected.`,
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
