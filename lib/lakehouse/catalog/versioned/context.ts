import { setTimeout as sleep } from "node:timers/promises";
import { LakehouseError } from "../../errors.js";
import { nearest } from "../suggestions.js";
import type { Backend } from "./backend.js";
import { type Commit, getCommit } from "./commits.js";
import { ConflictError } from "./content.js";
import type { Hash, StoredObject } from "./hash.js";
import type { ObjectCache } from "./object-cache.js";
import { type ReferenceType, RefMover, type RefOperation, type RefState, readRef, readRefs } from "./refs.js";
import type { InTurn } from "./turns.js";

/** What the operations of a version store work with. */
export interface StoreContext {
  readonly backend: Backend;
  readonly objects: ObjectCache;
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  /** Who acts where a call does not say. */
  readonly author: string;
  /** By the name of the ref. */
  readonly inTurn: InTurn;
}

/** A ref that exists. Throws `NO_SUCH_REF` with a name that is close. */
export async function liveRef(
  context: StoreContext,
  name: string,
  type?: ReferenceType,
): Promise<RefState & { hash: Hash }> {
  const state = await readRef(context.backend, name);
  if (state?.hash === undefined) {
    const others = (await readRefs(context.backend)).filter(({ hash }) => hash !== undefined);
    throw new LakehouseError({
      code: "NO_SUCH_REF",
      subject: name,
      message: `There is no branch or tag ${name}.`,
      remedy: nearest(
        name,
        others.map((ref) => ref.name),
      ),
    });
  }
  if (type !== undefined && state.type !== type) {
    throw new LakehouseError({
      code: "INVALID_ARGUMENT",
      subject: name,
      message: `${name} is a ${state.type.toLowerCase()}, not a ${type.toLowerCase()}.`,
      remedy:
        type === "BRANCH" ? "Only branches take commits: create one from it." : "Give the name of a tag.",
    });
  }
  return state as RefState & { hash: Hash };
}

/** Where a branch goes from a head: the new commits, or `undefined` where there is nothing to do. */
export interface Advance {
  readonly to: Hash;
  readonly objects: readonly StoredObject[];
  readonly operation: RefOperation;
  readonly author: string;
  readonly message: string;
}

/** Others may move the branch so often before a change gives up. Between the tries lie up to 50 ms each. */
const ATTEMPTS = 500;

/**
 * Moves a branch to what `build` makes of its head. When others were first, builds again on the new head: what
 * conflicts is decided key by key in `build`, so that changes to different tables never disturb each other.
 * Answers with the head it left and, where `build` had something to do, the one it set.
 */
export async function advance(
  context: StoreContext,
  branch: string,
  build: (head: Commit) => Promise<Advance | undefined>,
): Promise<{ before: Hash; after: Hash }> {
  return context.inTurn(branch, async () => {
    const mover = new RefMover(context.backend, context.objects);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 1) await sleep(Math.random() * Math.min(50, 2 ** attempt));
      const state = await readRef(context.backend, branch);
      const landed = await mover.landed(state);
      if (landed?.to !== undefined) return { before: landed.from ?? landed.to, after: landed.to };
      const live = await liveRef(context, branch, "BRANCH");
      const next = await build(await getCommit(context.objects, live.hash));
      if (next === undefined) return { before: live.hash, after: live.hash };
      const { to, objects, operation, author, message } = next;
      const change = {
        name: branch,
        type: "BRANCH",
        operation,
        to,
        time: context.now(),
        author,
        message,
      } as const;
      if (await mover.move(live, change, objects)) return { before: live.hash, after: to };
    }
    throw new ConflictError(
      branch,
      `The branch ${branch} moved ${ATTEMPTS} times under this change`,
      [{ type: "UNEXPECTED_HASH", message: `${branch} never stayed still` }],
      "Try again when fewer writers are at work.",
    );
  });
}
