import { refExists } from "../../iceberg/index.js";
import { ConflictError } from "../model/conflicts.js";
import type { Hash } from "../model/hash.js";
import { checkReferenceName } from "../model/reference-expression.js";
import type { Reference, ReferenceType, RefOperation, RefWriteOptions } from "../model/references.js";
import { liveRef, type StoreContext } from "./context.js";
import { RefMover, type RefState, readRef, reserveRef, stampRef } from "./refs.js";
import { requireSameLake, requireSameRecord } from "./same-lake.js";
import { requireSpared } from "./spared.js";
import { readSweep } from "./sweep-word.js";

interface Write {
  readonly type: ReferenceType;
  readonly operation: RefOperation;
  readonly to: Hash | undefined;
}

/**
 * The ref as it is, or its name taken for one to be made. It has seen the last sweep that was announced before it was
 * there: one that is announced later finds it (`sweep.ts`).
 */
async function readOrReserve(
  { backend }: StoreContext,
  name: string,
  type: ReferenceType,
): Promise<RefState> {
  for (;;) {
    const state = await readRef(backend, name);
    const { sweep } = await readSweep(backend);
    if (state === undefined) await reserveRef(backend, name, { type, sweep });
    else if (state.hash !== undefined || state.sweep >= sweep) return state;
    else await stampRef(backend, state, sweep);
  }
}

/** What no sweep is the number of: whether a commit is there is all that is asked. */
const UNSEEN = -1;

/** Writes a ref by what `decide` makes of its state; again where others were first. `reserve` makes one that is not there. */
async function write(
  context: StoreContext,
  name: string,
  { author = context.author, message = "", expectedHash }: RefWriteOptions,
  decide: (state: RefState | undefined) => Promise<Write>,
  reserve?: ReferenceType,
): Promise<void> {
  return context.inTurn(name, async () => {
    const mover = new RefMover<true>(context);
    for (;;) {
      const state = reserve
        ? await readOrReserve(context, name, reserve)
        : await readRef(context.backend, name);
      if ((await mover.landed(state)) !== undefined) return;
      requireSameLake(context, state === undefined ? [] : [state]);
      if (reserve) await requireSameRecord(context);
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
      if (change.to !== undefined) {
        await requireSpared(context, name, state?.sweep ?? 0, { commits: [change.to] });
      }
      const made = { name, ...change, time: context.now(), author, message };
      if (await mover.move(state, [made], [], true)) return;
    }
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
  // No name is taken for a commit that is not there.
  await requireSpared(context, name, UNSEEN, { commits: [at] });
  const create = async (state: RefState | undefined): Promise<Write> => {
    if (state?.hash === undefined) return { type, operation: "CREATE", to: at };
    throw refExists(
      name,
      `There is a ${state.type.toLowerCase()} ${name} already.`,
      "Choose another name, or assign that one.",
    );
  };
  await write(context, name, options, create, type);
  return { type, name, hash: at };
}

export async function assignRef(
  context: StoreContext,
  name: string,
  to: Hash,
  options: RefWriteOptions = {},
): Promise<Reference> {
  let type: ReferenceType = "BRANCH";
  await write(context, name, options, async () => {
    ({ type } = await liveRef(context, name));
    return { type, operation: "ASSIGN", to };
  });
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
