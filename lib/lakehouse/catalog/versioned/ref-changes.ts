import { LakehouseError } from "../../errors.js";
import { getCommit, isAncestor } from "./commits.js";
import { ConflictError } from "./content.js";
import { liveRef, type StoreContext } from "./context.js";
import { BEGINNING, type Hash } from "./hash.js";
import { checkReferenceName } from "./reference-expression.js";
import {
  type Reference,
  type ReferenceType,
  RefMover,
  type RefOperation,
  type RefState,
  readRef,
  readRefs,
} from "./refs.js";
import { isSweeping } from "./sweep.js";

export interface RefWriteOptions {
  /** The ref must be here, or the change is a `REF_CONFLICT`. */
  readonly expectedHash?: Hash;
  readonly author?: string;
  /** For the reflog. */
  readonly message?: string;
}

interface Write {
  readonly type: ReferenceType;
  readonly operation: RefOperation;
  readonly to: Hash | undefined;
}

/** Writes a ref by what `decide` makes of its state; again where others were first. Answers with the state before. */
async function write(
  context: StoreContext,
  name: string,
  { author = context.author, message = "", expectedHash }: RefWriteOptions,
  decide: (state: RefState | undefined) => Promise<Write>,
): Promise<RefState | undefined> {
  return context.inTurn(name, async () => {
    const mover = new RefMover<true>(context.backend, context.objects);
    for (;;) {
      const state = await readRef(context.backend, name);
      if ((await mover.landed(state)) !== undefined) return state;
      const change = await decide(state);
      if (expectedHash !== undefined && state?.hash !== expectedHash) {
        throw new ConflictError(
          name,
          `${name} is elsewhere`,
          [
            {
              type: "UNEXPECTED_HASH",
              message: `it is expected at ${expectedHash} and is at ${state?.hash ?? "no commit"}`,
            },
          ],
          "Read it again and decide anew.",
        );
      }
      const made = { name, ...change, time: context.now(), author, message };
      if (await mover.move(state, [made], [], true)) return state;
    }
  });
}

/** Asks the backend itself: another process may have collected a commit that this one still has in its cache. */
async function requireStored(context: StoreContext, hash: Hash): Promise<void> {
  if (hash === BEGINNING) return;
  const [found] = await context.backend.get([hash]);
  if (found !== undefined) return;
  throw new LakehouseError({
    code: "NO_SUCH_REF",
    subject: hash,
    message: `There is no commit ${hash}.`,
    remedy: "It may have been garbage-collected. The log lists the hashes.",
  });
}

/**
 * A commit that no ref leads to may be going with the garbage at this moment. Then the ref goes back to where it was,
 * rather than lead nowhere. See `announceSweep`.
 */
async function standBackFromSweep(
  context: StoreContext,
  { name, type, at, before }: { name: string; type: ReferenceType; at: Hash; before: Hash | undefined },
): Promise<void> {
  if (at === BEGINNING || !(await isSweeping(context))) return;
  const { objects } = context;
  const others = (await readRefs(context.backend)).filter((ref) => ref.name !== name);
  const commit = await getCommit(objects, at);
  for (const hash of [before, ...others.map((ref) => ref.hash)]) {
    if (hash !== undefined && (await isAncestor(objects, commit, await getCommit(objects, hash)))) return;
  }
  const message = "Garbage is being collected";
  const operation = before === undefined ? "DELETE" : "ASSIGN";
  await write(context, name, { expectedHash: at, message }, async () => ({ type, operation, to: before }));
  throw new LakehouseError({
    code: "REF_CONFLICT",
    subject: name,
    message: `Garbage is being collected, and no branch or tag leads to ${at}: it may be going.`,
    remedy: "Try again when that has ended.",
  });
}

export async function createRef(
  context: StoreContext,
  type: ReferenceType,
  name: string,
  at: Hash,
  options: RefWriteOptions = {},
): Promise<Reference> {
  checkReferenceName(name);
  await requireStored(context, at);
  const before = await write(context, name, options, async (state) => {
    if (state?.hash === undefined) return { type, operation: "CREATE", to: at };
    throw new LakehouseError({
      code: "REF_EXISTS",
      subject: name,
      message: `There is a ${state.type.toLowerCase()} ${name} already.`,
      remedy: "Choose another name, or assign that one.",
    });
  });
  await standBackFromSweep(context, { name, type, at, before: before?.hash });
  return { type, name, hash: at };
}

export async function assignRef(
  context: StoreContext,
  name: string,
  to: Hash,
  options: RefWriteOptions = {},
): Promise<Reference> {
  await requireStored(context, to);
  let type: ReferenceType = "BRANCH";
  const before = await write(context, name, options, async () => {
    ({ type } = await liveRef(context, name));
    return { type, operation: "ASSIGN", to };
  });
  await standBackFromSweep(context, { name, type, at: to, before: before?.hash });
  return { type, name, hash: to };
}

export async function deleteRef(
  context: StoreContext,
  name: string,
  options: RefWriteOptions = {},
): Promise<Reference> {
  let deleted: Reference | undefined;
  await write(context, name, options, async () => {
    const { type, hash } = await liveRef(context, name);
    deleted = { type, name, hash };
    return { type, operation: "DELETE", to: undefined };
  });
  return deleted as Reference;
}
