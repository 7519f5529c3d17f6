import { noSuchRef } from "../../iceberg/index.js";
import { ConflictError } from "../model/conflicts.js";
import { BEGINNING, type Hash } from "../model/hash.js";
import type { StoreContext } from "./context.js";
import { readDoomed, readSweep } from "./sweep-word.js";

/** What a move of a ref leads to beyond where the ref was, other than what the move itself stores. */
export interface Brought {
  /** Commits that another ref leads to, or only their hash. */
  readonly commits?: readonly Hash[] | undefined;
  /** Metadata files that were not in the catalog before. */
  readonly files?: readonly string[] | undefined;
}

/**
 * Lets a ref be moved to what it did not lead to before, unless that is going or gone with the garbage. To be asked
 * after the ref was read and before it is moved from what was read: see `sweep.ts` for why that suffices.
 *
 * @param seen the sweep that the ref, as it was read, had seen. `ANY` asks what any sweep takes, which does not suffice.
 * @throws LakehouseError REF_CONFLICT while it is going, NO_SUCH_REF for a commit that is gone, REF_CONFLICT for a file.
 */
export async function requireSpared(
  context: StoreContext,
  subject: string,
  seen: number | "ANY",
  { commits = [], files = [] }: Brought,
): Promise<void> {
  const brought = commits.filter((hash) => hash !== BEGINNING);
  if (brought.length === 0 && files.length === 0) return;
  await requireUncondemned(context, subject, seen, brought, files);
  // Asks the backend itself: another process may have collected what this one still has in its cache.
  const found = await context.backend.get(brought);
  const gone = brought.filter((_, index) => found[index] === undefined);
  const [first] = gone;
  if (first !== undefined) {
    context.objects.forget(gone);
    throw noSuchRef(
      first,
      `There is no commit ${first}.`,
      "It may have been garbage-collected. The log lists the hashes.",
    );
  }
  for (const uri of files) {
    if (!(await context.hasFile(uri))) throw notThere(subject, `the file ${uri} is not there (any more)`);
  }
}

async function requireUncondemned(
  context: StoreContext,
  subject: string,
  seen: number | "ANY",
  commits: readonly Hash[],
  files: readonly string[],
): Promise<void> {
  for (;;) {
    const state = await readSweep(context.backend);
    // A newer sweep than the ref has seen has yet to pass it, and will look where it leads then.
    if (state.phase === "IDLE" || (seen !== "ANY" && state.sweep !== seen)) return;
    const doomed = await readDoomed(context, state);
    if (doomed === undefined) continue;
    // By name: one file has several URIs.
    const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf("/") + 1);
    const [objects, names] = [new Set(doomed.objects), new Set(doomed.files.map(nameOf))];
    const going = commits.find((hash) => objects.has(hash)) ?? files.find((uri) => names.has(nameOf(uri)));
    if (going === undefined) return;
    throw notThere(
      subject,
      `garbage is being collected, and ${going}, which no branch or tag led to, goes with it`,
    );
  }
}

function notThere(subject: string, why: string): ConflictError {
  return new ConflictError(
    subject,
    `${subject} was not moved`,
    [{ type: "UNEXPECTED_HASH", message: why }],
    "Choose another commit or file: what a branch or tag led to is never collected.",
  );
}
