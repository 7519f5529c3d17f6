import { setTimeout as sleep } from "node:timers/promises";
import { type Ending, observe } from "../../observability/index.js";
import { type BranchMove, branchMoves } from "../metrics.js";
import { type Commit, getCommit } from "./commits.js";
import { ConflictError } from "./content.js";
import { liveRef, type StoreContext } from "./context.js";
import type { Hash, StoredObject } from "./hash.js";
import { type RefChange, RefMover, type RefOperation, type RefState, readRef } from "./refs.js";
import { type Brought, requireSpared } from "./spared.js";

/** Where a branch goes from a head: the new commits, with what has to be stored for them. */
export interface Advance {
  readonly to: Hash;
  readonly objects: readonly StoredObject[];
  /** What it leads to that is neither the head's nor new. */
  readonly brings?: Brought;
  readonly operation: RefOperation;
  readonly author: string;
  readonly message: string;
}

/**
 * Makes a change on a head, where the branch has seen a sweep; `undefined` where there is nothing to do. Throws what
 * the caller shall get.
 */
export type Build = (head: Commit, sweep: number) => Promise<Advance | undefined>;

/** The head that a change found, and the one that it left. */
export interface Advanced {
  readonly before: Hash;
  readonly after: Hash;
}

export interface WaitingChange {
  readonly build: Build;
  readonly resolve: (advanced: Advanced) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of a change of a batch, if the batch goes through. */
interface Outcome {
  readonly change: WaitingChange;
  readonly result: Advanced | { readonly error: unknown };
}

/** Others may move the branch so often before changes give up. Between the tries lie up to 50 ms each. */
const ATTEMPTS = 500;

/** So many changes at most go in one move of a branch. */
const BATCH = 64;

/**
 * Moves a branch to what `build` makes of its head. When others were first, builds again on the new head: what
 * conflicts is decided key by key in `build`, so that changes to different tables never disturb each other.
 *
 * Changes of this process that come while another is being made wait, and then go together: each is a commit of
 * its own on top of the one before, and the branch moves once for all of them. So what a move costs (a flush to
 * the disk, a round trip to a store) is shared by all who write at a time.
 */
export function advance(context: StoreContext, branch: string, build: Build): Promise<Advanced> {
  const waiting = context.waiting.get(branch) ?? [];
  context.waiting.set(branch, waiting);
  return new Promise((resolve, reject) => {
    waiting.push({ build, resolve, reject });
    // Whoever has the turn takes all that wait; those whose change went along find nothing left to do.
    void context.inTurn(branch, () => makeTogether(context, branch, waiting.splice(0, BATCH)));
  });
}

async function makeTogether(
  context: StoreContext,
  branch: string,
  batch: readonly WaitingChange[],
): Promise<void> {
  if (batch.length === 0) return;
  if (context.waiting.get(branch)?.length === 0) context.waiting.delete(branch);
  try {
    let retries = 0;
    const moved = await observe(
      branchMoves,
      () => moveTogether(context, branch, batch, () => void retries++),
      (ending) => describeMove(branch, retries, ending),
    );
    for (const { change, result } of moved) {
      if ("error" in result) change.reject(result.error);
      else change.resolve(result);
    }
  } catch (error) {
    // The branch is gone, or nobody knows whether it moved: the same for all.
    for (const { reject } of batch) reject(error);
  }
}

function describeMove(branch: string, retries: number, ending: Ending<readonly Outcome[]>): BranchMove {
  const { outcome, milliseconds, result = [] } = ending;
  const changes = result.filter(({ result }) => "after" in result && result.after !== result.before).length;
  return { branch, changes, retries, outcome, milliseconds };
}

async function moveTogether(
  context: StoreContext,
  branch: string,
  batch: readonly WaitingChange[],
  onRetry: () => void,
): Promise<readonly Outcome[]> {
  const mover = new RefMover<readonly Outcome[]>(context);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) onRetry();
    if (attempt > 1) await sleep(Math.random() * Math.min(50, 2 ** attempt));
    const landed = await mover.landed(await readRef(context.backend, branch));
    if (landed !== undefined) return landed;
    const live = await liveRef(context, branch, "BRANCH");
    const unstage: (() => void)[] = [];
    try {
      const { outcomes, moves, objects } = await buildAll(context, live, batch, unstage);
      const [first, ...rest] = moves;
      if (first === undefined || (await mover.move(live, [first, ...rest], objects, outcomes)))
        return outcomes;
    } finally {
      for (const release of unstage) release();
    }
  }
  throw new ConflictError(
    branch,
    `The branch ${branch} moved ${ATTEMPTS} times under this change`,
    [{ type: "UNEXPECTED_HASH", message: `${branch} never stayed still` }],
    "Try again when fewer writers are at work.",
  );
}

/** Builds each change on top of the ones before it. One that throws is left out, and only its caller hears of it. */
async function buildAll(
  context: StoreContext,
  { name: branch, hash: start, sweep }: RefState & { hash: Hash },
  batch: readonly WaitingChange[],
  unstage: (() => void)[],
): Promise<{ outcomes: Outcome[]; moves: RefChange[]; objects: StoredObject[] }> {
  const outcomes: Outcome[] = [];
  const moves: RefChange[] = [];
  const objects: StoredObject[] = [];
  let head = start;
  for (const change of batch) {
    try {
      const next = await change.build(await getCommit(context.objects, head), sweep);
      if (next?.brings !== undefined) await requireSpared(context, branch, sweep, next.brings);
      outcomes.push({ change, result: { before: head, after: next?.to ?? head } });
      if (next === undefined) continue;
      unstage.push(context.objects.stage(next.objects));
      objects.push(...next.objects);
      const { to, operation, author, message } = next;
      moves.push({ name: branch, type: "BRANCH", operation, to, time: context.now(), author, message });
      head = to;
    } catch (error) {
      outcomes.push({ change, result: { error } });
    }
  }
  return { outcomes, moves, objects };
}
