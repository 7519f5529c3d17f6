import { invalidArgument, type LakehouseError } from "../../errors.js";
import { noSuchRef } from "../../iceberg/index.js";
import type { Hash } from "../model/hash.js";
import { parseReferenceExpression, type RelativeStep } from "../model/reference-expression.js";
import type { Reference } from "../model/references.js";
import type { Place } from "../model/versions.js";
import {
  ancestorAt,
  type Commit,
  commitAsOf,
  findCommit,
  getCommit,
  history,
  isAncestor,
} from "./commits.js";
import { liveRef, type StoreContext } from "./context.js";
import { readRefs, reflogChain } from "./refs.js";

/** What a reference expression names. */
export interface ResolvedReference {
  /** The branch or tag of the expression, where it has one, with its present head. */
  readonly reference: Reference | undefined;
  readonly commit: Commit & Place;
  /** True for a branch or tag alone: what is read there changes when the ref moves, and a branch can be written. */
  readonly isHead: boolean;
}

/**
 * The commit that an expression names. `main@<hash>` must lie in main's history; a hash may be cut short to 8
 * digits where that is clear. Throws `NO_SUCH_REF`, `INVALID_ARGUMENT`.
 */
export async function resolveReference(context: StoreContext, text: string): Promise<ResolvedReference> {
  const { name, hash, steps } = parseReferenceExpression(text);
  const state = name === undefined ? undefined : await liveRef(context, name);
  const reference = state && { type: state.type, name: state.name, hash: state.hash };
  let commit: Commit;
  if (hash === undefined) {
    commit = await getCommit(context.objects, (reference as Reference).hash);
  } else {
    const found =
      hash.length === 64
        ? await findCommit(context.objects, hash)
        : await abbreviated(context, hash, reference);
    if (found === undefined) throw noSuchCommit(text, hash, reference);
    if (
      reference &&
      !(await isAncestor(context.objects, found, await getCommit(context.objects, reference.hash)))
    ) {
      throw noSuchCommit(text, hash, reference);
    }
    commit = found;
  }
  for (const step of steps) commit = await takeStep(context, text, commit, step);
  const seen = state && { seen: state.sweep };
  return { reference, commit: { ...commit, ...seen }, isHead: hash === undefined && steps.length === 0 };
}

async function takeStep(
  { objects, now }: StoreContext,
  text: string,
  commit: Commit,
  step: RelativeStep,
): Promise<Commit> {
  switch (step.kind) {
    case "predecessor":
      if (step.count > commit.depth) throw tooFar(text, `has only ${commit.depth} before it`);
      return ancestorAt(objects, commit, commit.depth - step.count);
    case "parent": {
      const parent = commit.parents[step.position - 1];
      if (parent === undefined) throw tooFar(text, `has ${commit.parents.length} parents`);
      return getCommit(objects, parent);
    }
    case "time":
      return commitAsOf(objects, commit, step.time, now());
  }
}

/** Every hash that a ref, deleted ones included, is known to have been at. */
async function* loggedHashes({ backend, objects }: StoreContext): AsyncGenerator<Hash> {
  for (const { log } of await readRefs(backend)) {
    for await (const { entry } of reflogChain(objects, log)) {
      if (entry.from !== undefined) yield entry.from;
      if (entry.to !== undefined) yield entry.to;
    }
  }
}

async function heads(context: StoreContext): Promise<Reference[]> {
  const states = await readRefs(context.backend);
  return states.flatMap(({ type, name, hash }) => (hash === undefined ? [] : [{ type, name, hash }]));
}

/**
 * The one commit whose hash starts so. Looks along the first parents of the refs given; where no ref is asked for,
 * also among the commits that a reflog names, so that what a log once showed can be brought back.
 */
async function abbreviated(
  context: StoreContext,
  prefix: string,
  reference: Reference | undefined,
): Promise<Commit | undefined> {
  const { objects } = context;
  const found = new Map<string, Commit>();
  const seen = new Set<string>();
  for (const { hash } of reference ? [reference] : await heads(context)) {
    for await (const commit of history(objects, await getCommit(objects, hash))) {
      if (seen.has(commit.hash)) break;
      seen.add(commit.hash);
      if (commit.hash.startsWith(prefix)) found.set(commit.hash, commit);
    }
  }
  if (reference === undefined) {
    for await (const hash of loggedHashes(context)) {
      if (seen.has(hash) || !hash.startsWith(prefix)) continue;
      const commit = await findCommit(objects, hash);
      if (commit !== undefined) found.set(hash, commit);
    }
  }
  if (found.size > 1) {
    throw invalidArgument(
      prefix,
      `${found.size} commits start with ${prefix}.`,
      "Give more digits of the hash.",
    );
  }
  return [...found.values()][0];
}

function noSuchCommit(text: string, hash: string, reference: Reference | undefined): LakehouseError {
  const where = reference === undefined ? "" : ` in the history of ${reference.name}`;
  return noSuchRef(text, `There is no commit ${hash}${where}.`, "The log lists the hashes.");
}

function tooFar(text: string, why: string): LakehouseError {
  return noSuchRef(text, `${text} steps behind the beginning: the commit ${why}.`, "Take fewer steps.");
}
