import { randomUUID } from "node:crypto";
import { commitStateUnknown } from "../../iceberg/index.js";
import { storageFailed } from "../../storage/index.js";
import { canonicalJson, type Hash } from "../model/hash.js";
import type { ReferenceType, ReflogEntry, RefOperation } from "../model/references.js";
import type { Backend } from "./backend.js";
import type { ObjectCache } from "./object-cache.js";
import { type StoredObject, toObject } from "./stored-object.js";

/**
 * A ref as the backend holds it. It names the head of its reflog, whose entries never repeat: so no two values
 * of a ref are equal, and a compare-and-set cannot mistake a ref that went and came back for one that stayed.
 * A deleted ref stays as a value without hash, so that its reflog can bring it back. One that is about to be made
 * has neither hash nor log: only a name, which sweeps can see.
 */
export interface RefState {
  readonly name: string;
  readonly type: ReferenceType;
  readonly hash: Hash | undefined;
  readonly log: Hash | undefined;
  /** The last sweep that has passed the ref: its next move is made in the knowledge of that one. See `sweep.ts`. */
  readonly sweep: number;
  /** The last relocation that has passed the ref: who has the lake open from before moves it no more. See `same-lake.ts`. */
  readonly relocations: number;
  /** The exact text under the ref. */
  readonly value: string;
}

const PREFIX = "refs/";

export async function readRef(backend: Backend, name: string): Promise<RefState | undefined> {
  const value = await backend.getRef(PREFIX + name);
  return value === undefined ? undefined : parseRef(name, value);
}

/** All refs, deleted ones included, by name. */
export async function readRefs(backend: Backend): Promise<RefState[]> {
  const refs = await backend.listRefs(PREFIX);
  return refs.map(({ name, value }) => parseRef(name.slice(PREFIX.length), value));
}

/** One move to make. */
export interface RefChange {
  readonly name: string;
  readonly type: ReferenceType;
  readonly operation: RefOperation;
  /** `undefined` deletes. */
  readonly to: Hash | undefined;
  readonly time: number;
  readonly author: string;
  readonly message: string;
}

interface MoverContext {
  readonly backend: Backend;
  readonly objects: ObjectCache;
  readonly relocations?: number | undefined;
}

/**
 * Moves a ref from a state that was read to a new one, or reports that others moved it first. Changes that are
 * tried several times, each time from the state that is then current, have one `RefMover`: it knows its earlier
 * attempts, so that one which got through without our hearing of it is found, and not applied again.
 *
 * @typeParam T what the caller wants to know of an attempt that turns out to have got through.
 */
export class RefMover<T> {
  readonly #backend: Backend;
  readonly #objects: ObjectCache;
  readonly #relocations: number;
  readonly #attempts = new Map<Hash, { readonly sequence: number; readonly meaning: T }>();

  constructor({ backend, objects, relocations = 0 }: MoverContext) {
    this.#backend = backend;
    this.#objects = objects;
    this.#relocations = relocations;
  }

  /**
   * Makes changes of one ref, one after the other, in one move: each has its entry in the reflog. True when the
   * ref moved. False when it was elsewhere: read it, look for an earlier attempt (`landed`), try again. Throws
   * `COMMIT_STATE_UNKNOWN` when the backend failed and the move may have happened or still happen.
   */
  async move(
    before: RefState | undefined,
    changes: readonly [RefChange, ...RefChange[]],
    objects: readonly StoredObject[],
    meaning: T,
  ): Promise<boolean> {
    // That of a deleted ref may be gone with the garbage.
    const newest = before?.log && (await this.#objects.find<ReflogEntry>(before.log));
    const stored = [...objects];
    const sweep = before?.sweep ?? 0;
    let [from, previous, sequence] = [before?.hash, before?.log, newest ? newest.sequence : 0];
    for (const { name, type, operation, to, time, author, message } of changes) {
      sequence += 1;
      const entry: ReflogEntry = {
        kind: "reflog",
        ref: name,
        refType: type,
        operation,
        from,
        to,
        time,
        author,
        message,
        sequence,
        previous,
        sweep: sweep || undefined,
      };
      const logged = toObject(entry);
      stored.push(logged);
      [from, previous] = [to, logged.hash];
    }
    const [{ name, type }] = changes;
    const log = previous as Hash;
    this.#attempts.set(log, { sequence, meaning });
    const relocations = Math.max(before?.relocations ?? 0, this.#relocations);
    const next = refValue({ type, hash: from, log, sweep, relocations });
    const move = { name: PREFIX + name, expected: before?.value, next };
    try {
      if (!(await this.#backend.moveRef(move, stored))) return false;
    } catch (failure) {
      const outcome = await this.#outcome(name, before?.value, failure);
      if (outcome === "lost") return false;
    }
    this.#objects.remember(stored);
    return true;
  }

  /** The earlier attempt that turns out to have moved the ref, if one did. `now` is the ref as just read. */
  async landed(now: RefState | undefined): Promise<T | undefined> {
    if (this.#attempts.size === 0 || now === undefined) return undefined;
    const oldest = Math.min(...[...this.#attempts.values()].map(({ sequence }) => sequence));
    for await (const { hash, entry } of reflogChain(this.#objects, now.log)) {
      const attempt = this.#attempts.get(hash);
      if (attempt !== undefined) return attempt.meaning;
      if (entry.sequence <= oldest) break;
    }
    return undefined;
  }

  /** What became of a move that failed: found in the log, or made impossible by another move, or unknown. */
  async #outcome(name: string, expected: string | undefined, failure: unknown): Promise<"moved" | "lost"> {
    // Only a storage failure leaves it open: whatever else a backend throws, it throws before it moves.
    if (!storageFailed.is(failure)) throw failure;
    let cause: unknown = failure;
    try {
      const now = await readRef(this.#backend, name);
      if ((await this.landed(now)) !== undefined) return "moved";
      if (now?.value !== expected) return "lost";
    } catch (error) {
      cause = error;
    }
    throw commitStateUnknown(
      name,
      `The catalog failed while ${name} was moved, and it may move yet (${failure.message}).`,
      "Look at the log before trying again.",
      cause,
    );
  }
}

/**
 * Tells a ref of a sweep: whoever read it before has to read it again before it moves. Answers `false` where the ref
 * has moved meanwhile.
 */
export function stampRef(
  backend: Backend,
  { name, value, ...state }: RefState,
  sweep: number,
): Promise<boolean> {
  return backend.moveRef({ name: PREFIX + name, expected: value, next: refValue({ ...state, sweep }) }, []);
}

/** Tells every ref of a relocation: whoever read one before has to read it again, and learns that the lake was moved. */
export async function stampRelocation(backend: Backend, relocations: number): Promise<void> {
  for (const { name } of await readRefs(backend)) {
    for (;;) {
      const state = await readRef(backend, name);
      if (state === undefined || state.relocations >= relocations) break;
      // A name that was only taken has nothing else that makes its value one of its own.
      const own = state.log === undefined ? { reservation: randomUUID() } : {};
      const move = { name: PREFIX + name, expected: state.value };
      const next = refValue({ ...state, ...own, relocations });
      if (await backend.moveRef({ ...move, next }, [])) break;
    }
  }
}

/**
 * Takes a name for a ref that is about to be made, so that every sweep from now on finds it. Answers `false` where
 * there is one of that name.
 */
export function reserveRef(
  backend: Backend,
  name: string,
  { type, sweep }: Pick<RefState, "type" | "sweep">,
): Promise<boolean> {
  const next = refValue({ type, sweep, reservation: randomUUID() });
  return backend.moveRef({ name: PREFIX + name, expected: undefined, next }, []);
}

/** Takes a deleted ref away for good. */
export function removeRef(backend: Backend, { name, value }: RefState): Promise<boolean> {
  return backend.moveRef({ name: PREFIX + name, expected: value, next: undefined }, []);
}

/** The reflog from `head` back, as far as garbage collection has left it. */
export async function* reflogChain(
  objects: ObjectCache,
  head: Hash | undefined,
): AsyncGenerator<{ hash: Hash; entry: ReflogEntry }> {
  let hash = head;
  while (hash !== undefined) {
    const entry: ReflogEntry | undefined = await objects.find<ReflogEntry>(hash);
    if (entry === undefined) return;
    yield { hash, entry };
    hash = entry.previous;
  }
}

interface RefValue {
  readonly type: ReferenceType;
  readonly hash?: Hash | undefined;
  readonly log?: Hash | undefined;
  readonly sweep?: number | undefined;
  readonly relocations?: number | undefined;
  /** Tells a name that was taken from the same name taken again. */
  readonly reservation?: string | undefined;
}

function refValue({ type, hash, log, reservation, sweep = 0, relocations = 0 }: RefValue): string {
  return canonicalJson({
    ...{ type, hash, log, reservation },
    sweep: sweep || undefined,
    relocations: relocations || undefined,
  });
}

function parseRef(name: string, value: string): RefState {
  const { type, hash, log, sweep = 0, relocations = 0 } = JSON.parse(value) as RefValue;
  return { name, type, hash, log, sweep, relocations, value };
}
