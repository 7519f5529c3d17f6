import type { Content } from "../model/content.js";
import type { Hash } from "../model/hash.js";
import type { StoreContext } from "./context.js";
import { isRevived, type Reachability } from "./reachability.js";
import { type RefState, readRef, readRefs, removeRef, stampRef } from "./refs.js";
import { isSameLake, relocatedMeanwhile } from "./same-lake.js";
import { type Doomed, moveSweep, readDoomed, readSweep, type SweepState, toLists } from "./sweep-word.js";

/*
 * Why a sweep never takes what a ref leads to.
 *
 * Words. D: what a sweep condemns. S: the sweep word, which counts sweeps (`sweep-word.ts`). Each ref holds the number
 * of the last sweep that has passed it, its *stamp*; a stamp changes the ref's value, so that whoever read the ref
 * before loses the compare-and-set and reads it again. Everything that a move stores carries the stamp of the ref as it
 * was read: a commit, a tree node or a log entry of one stamp never has the hash of one of another stamp.
 *
 * A sweep n does, in this order:
 *   1. lists the stored objects and files, marks what refs and recent log entries lead to; D is what is listed, old
 *      enough and not marked;
 *   2. writes D and moves S to `n CONDEMNED`;
 *   3. stamps every ref with n;
 *   4. looks again at every ref, with all that its log has recorded since 1. If one leads to anything in D, the sweep
 *      ends here and nothing was deleted, and so it does where the lake was relocated (`same-lake.ts`);
 *   5. moves S to `n SWEEPING`: D is final;
 *   6. deletes D, at any time and as often as it likes;
 *   7. moves S to `n IDLE`.
 *
 * A move of a ref (a) reads the ref, (b) where it leads to more than the ref's own past and what it stores itself,
 * asks S, and refuses what D holds or what is gone (`spared.ts`), (c) stores, and (d) swaps the value read in (a).
 * A new ref is first taken as an empty name, and S read after that: so every ref was in the store before any sweep
 * beyond its stamp was announced, and step 3 finds it.
 *
 * Claim: once D is final, no ref leads to it, ever. Take a ref and a move of it that leads to something in D.
 * - It swaps before step 3 stamps the ref: step 4 sees it (in the value, or in the log), and D is never final.
 * - It read the ref before the stamp, and swaps after: the values differ, and it fails.
 * - It read the ref after the stamp. What it stores carries n or more, and everything in D was listed in step 1,
 *   before any ref had the stamp n: none of that is in D. The ref's own past is not in D by step 4. For what else it
 *   leads to, it read S after the stamp, hence after step 2: either D was there to be read, and D is closed (below);
 *   or S was past step 7, all of D was deleted, and the move did not find it.
 * D is closed: a commit that a ref once led to and that is not in D leads to nothing in D. If it was marked, so was all
 * that it leads to. If a ref was moved to it after step 1, step 4 saw it in the log. Else its log entry is younger
 * than the grace period and marks it, or both are old and unmarked, and it is in D. (Step 1 also marks from commits that
 * are young.)
 *
 * What follows from it:
 * - No clock is needed. The grace period says what can be brought back, and how long a data file may lie unnamed.
 * - A delete may arrive late, from a process that was stopped for hours or has died: what it names is gone for good, and
 *   no writer ever makes an object of that hash, or a file of that name, again.
 * - A dead sweep needs no lease. In `CONDEMNED`, another one takes the word over, and the first cannot make its D
 *   final. In `SWEEPING`, another one deletes the rest, for D is final whoever deletes it.
 * - Commits to a branch ask nobody: they cost what they did. One that is under way while its branch is stamped is
 *   made again.
 *
 * The one thing that time decides: a data file that no metadata names yet must be younger than the grace period.
 * `test/catalog/store/sweep-model.test.ts` goes through the interleavings, and fails when any of the steps is left out.
 */

/** How many objects go in one request. */
const BATCH = 500;

/** What a sweep needs to know and do about the files that contents name. */
export interface SweptFiles {
  delete(uris: readonly string[]): Promise<void>;
  /** True when one of the contents leads to one of the doomed files. */
  lead(contents: readonly Content[], doomed: ReadonlySet<string>): Promise<boolean>;
}

/** Deletes the rest of what an earlier sweep condemned for good and did not come to delete. Answers with the state after. */
export async function finishSweep(context: StoreContext, files: SweptFiles): Promise<SweepState> {
  for (;;) {
    const state = await readSweep(context.backend);
    if (state.phase !== "SWEEPING") return state;
    const doomed = await readDoomed(context, state);
    if (doomed === undefined) continue;
    await deleteDoomed(context, doomed, files);
    await end(context, state);
  }
}

/**
 * Deletes what was found dead, from `before`, the word as it was when the search began. False, with nothing deleted,
 * when a ref has come to lead there, or another sweep was faster.
 */
export async function sweep(
  context: StoreContext,
  before: SweepState,
  found: Reachability,
  deadFiles: readonly string[],
  files: SweptFiles,
): Promise<boolean> {
  const { backend } = context;
  const doomed: Doomed = { objects: found.dead.map(({ hash }) => hash), files: deadFiles };
  const stored = toLists(doomed);
  const next = { sweep: before.sweep + 1, lists: stored.map(({ hash }) => hash) };
  const condemned = await moveSweep(backend, before, { ...next, phase: "CONDEMNED" }, stored);
  if (condemned === undefined) return false;
  await backend.deleteObjects(before.lists);
  const refs = await stampRefs(context, condemned.sweep);
  const isSame = await isSameLake(context);
  if (!isSame || (await isRevived(context, refs, found, doomed, files))) {
    await end(context, condemned);
    if (!isSame) throw relocatedMeanwhile(backend);
    return false;
  }
  for (const ref of refs) {
    const isDead = found.deadRefs.some(({ name, log }) => name === ref.name && log === ref.log);
    if (isDead && ref.hash === undefined) await removeRef(backend, ref);
  }
  const final = await moveSweep(backend, condemned, { ...next, phase: "SWEEPING" });
  if (final === undefined) return false;
  await deleteDoomed(context, doomed, files);
  await end(context, final);
  return true;
}

/** Tells every ref of a sweep. Answers with the refs as they are then. */
async function stampRefs({ backend }: StoreContext, sweep: number): Promise<RefState[]> {
  for (const { name } of await readRefs(backend)) {
    for (;;) {
      const state = await readRef(backend, name);
      if (state === undefined || state.sweep >= sweep || (await stampRef(backend, state, sweep))) break;
    }
  }
  return readRefs(backend);
}

async function deleteDoomed(context: StoreContext, doomed: Doomed, files: SweptFiles): Promise<void> {
  await files.delete(doomed.files);
  for (let start = 0; start < doomed.objects.length; start += BATCH) {
    const batch: readonly Hash[] = doomed.objects.slice(start, start + BATCH);
    await context.backend.deleteObjects(batch);
    context.objects.forget(batch);
  }
}

/** Ends a sweep, unless another one has taken it over. Its lists are of no use then. */
async function end({ backend, objects }: StoreContext, state: SweepState): Promise<void> {
  const ended = await moveSweep(backend, state, { sweep: state.sweep, phase: "IDLE", lists: [] });
  if (ended === undefined) return;
  await backend.deleteObjects(state.lists);
  objects.forget(state.lists);
}
