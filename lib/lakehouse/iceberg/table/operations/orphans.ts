import { unsupported } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { Committer, OrphanOptions, OrphanReport } from "../updates/types.js";

const ORPHANS: OptionNames<OrphanOptions> = { gracePeriodMs: true, dryRun: true };

/** Deletes files of a table that nothing in its catalog leads to, where the catalog can tell. */
export async function removeOrphans(
  committer: Committer,
  name: string,
  options: OrphanOptions,
): Promise<OrphanReport> {
  checkOptions("removeOrphans", options, ORPHANS);
  if (committer.removeOrphans !== undefined) return committer.removeOrphans(options);
  throw unsupported(
    name,
    `Nothing here tells which files of ${name} other tables and branches need: nothing was deleted.`,
    "Remove orphans where the catalog itself is kept.",
  );
}
