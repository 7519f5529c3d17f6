import { setTimeout as sleep } from "node:timers/promises";
import {
  type BranchingCatalog,
  branchingOf,
  ConflictError,
  type Hash,
  isBranchingCatalog,
} from "../../catalog/index.js";
import { invalidArgument, readOnly, throwIfAborted } from "../../errors.js";
import { commitConflict, noSuchRef, noSuchTable, refConflict, type Table } from "../../iceberg/index.js";
import { observe } from "../../observability/index.js";
import { type CheckOptions, checkTable, type QualityContext } from "../check.js";
import type { Check } from "../checks/types.js";
import { CheckFailedError, checkFailed } from "../errors.js";
import { History } from "../history.js";
import { publications } from "../metrics.js";
import type { CheckReport } from "../run/report.js";
import {
  type Branches,
  branchesOf,
  findLanded,
  type Landed,
  makeBranch,
  newToken,
  removeBranch,
  sweep,
} from "./branches.js";

export interface AuditOptions extends Pick<CheckOptions, "checks" | "samples" | "record" | "now" | "signal"> {
  /**
   * Names what is published, so that it is once: the same token again goes on where the last attempt ended, and does
   * nothing where it was published (so far back as the branch's last thousand commits). After checks have blocked it, what
   * is given is written anew.
   */
  readonly token?: string | undefined;
  /** Which rows the checks of rows look at: those that came (`new`, the default), or the whole `table` with them. */
  readonly audit?: "new" | "table" | undefined;
  /** For the log of the branch. */
  readonly message?: string | undefined;
}

/** What became of a publication that its checks let through. */
export interface Publication {
  /** `unchanged`: nothing was written. `before`: the token was published already, by this or another call. */
  readonly outcome: "published" | "unchanged" | "before";
  /** The commit on the branch that brought it. */
  readonly hash?: Hash | undefined;
  /** What the checks found; of one that was published before it is in the history. */
  readonly report?: CheckReport | undefined;
  /** Rows that were set aside. */
  readonly rejected?: number | undefined;
}

/** A commit's property that says what it published: tables and their tokens, a line each. */
const PUBLISHED = "quality.published";
/** How often a publication is put on the branch anew because others were faster. */
const TRIES = 50;
/** How often rows are written anew because they did not go with what others wrote meanwhile. */
const REWRITES = 10;
/** Commits of the branch among which a token is looked for. */
const REMEMBERED = 1000;

/** How rows come onto a branch. */
export interface Landing {
  /** Writes all of it onto a branch. */
  readonly write: (branch: string) => Promise<void>;
  /** Whether `write` can be called again. */
  readonly isRepeatable: boolean;
  /** Makes a branch to be merged, of what landed and of the commit that the target is at, where that is not the landed one. */
  readonly prepare?: ((landed: string, at: string, branch: string) => Promise<number>) | undefined;
  /** Tables that it changes beside its own. */
  readonly others?: readonly string[] | undefined;
}

interface Job {
  readonly context: QualityContext;
  readonly catalog: BranchingCatalog;
  readonly target: string;
  readonly table: string;
  readonly token: string;
  readonly branches: Branches;
  readonly landing: Landing;
  readonly checks: readonly Check[];
  readonly options: AuditOptions;
}

/**
 * Write, audit, publish. Rows land on a branch of their own. On another, made of what the target is now and of what
 * landed, the checks run; and if they let it pass, the target moves to it in one step, provided that it is still where the
 * audit began. Else that is done again: so what was checked is what the target becomes, whoever else publishes meanwhile.
 *
 * @throws CheckFailedError CHECK_FAILED
 * @throws LakehouseError COMMIT_CONFLICT where others changed the same rows and `write` cannot be called again; REF_CONFLICT
 *   where others kept moving the target; and as what writes the rows.
 */
export function publish(
  context: QualityContext,
  table: string,
  checks: readonly Check[],
  landing: Landing,
  options: AuditOptions,
): Promise<Publication> {
  const { catalog } = context;
  return observe(
    publications,
    () => publishOnce(context, table, checks, landing, options),
    ({ result, outcome, milliseconds }) => ({
      table,
      target: isBranchingCatalog(catalog) ? catalog.ref : undefined,
      hash: result?.hash,
      rejected: result?.rejected ?? 0,
      outcome,
      milliseconds,
    }),
  );
}

async function publishOnce(
  context: QualityContext,
  table: string,
  checks: readonly Check[],
  landing: Landing,
  options: AuditOptions,
): Promise<Publication> {
  const catalog = branchingOf(context.catalog);
  const { name: target, type } = await catalog.reference(catalog.ref);
  if (type !== "BRANCH")
    throw readOnly(
      target,
      `${target} is a tag, which stays where it is.`,
      "Publish to a branch, as in lake.on(branch).quality.",
    );
  const token = options.token ?? newToken();
  const job: Job = {
    context,
    catalog,
    target,
    table,
    token,
    branches: branchesOf(table, token),
    landing,
    checks,
    options,
  };
  await sweep(catalog, table, undefined);
  for (let rewrites = 0; ; rewrites++) {
    const hash = await publishedIn(job, (await catalog.reference(target)).hash);
    if (hash !== undefined) {
      await sweep(catalog, table, token);
      return { outcome: "before", hash };
    }
    try {
      const published = await auditAndMove(job, await land(job));
      await sweep(catalog, table, token);
      // What was blocked under this token has been put right.
      await removeBranch(catalog, job.branches.blocked);
      return published;
    } catch (error) {
      // Another call with the token has ended meanwhile, and tidied up: what cannot be written again it must have published.
      if (options.token !== undefined && noSuchRef.is(error) && rewrites < REWRITES) {
        if (landing.isRepeatable) continue;
        const other = await publishedIn(job, (await catalog.reference(target)).hash);
        if (other !== undefined) return { outcome: "before", hash: other };
      }
      const isStale = commitConflict.is(error);
      // What nobody knows the token of, nobody will go on with.
      if (isStale || options.token === undefined || checkFailed.is(error)) await sweep(catalog, table, token);
      if (!isStale || !landing.isRepeatable || rewrites >= REWRITES) throw error;
    }
  }
}

/** The commit that published the token, among a commit and those before it. */
async function publishedIn({ catalog, table, token, options }: Job, at: Hash): Promise<Hash | undefined> {
  if (options.token === undefined) return undefined;
  const { items } = await catalog.on(`@${at}`).log({ pageSize: REMEMBERED });
  return items.find(({ properties }) => linesOf(properties).includes(`${table} ${token}`))?.hash;
}

const linesOf = (properties: Readonly<Record<string, string>>): readonly string[] =>
  properties[PUBLISHED]?.split("\n") ?? [];

/**
 * The property that a commit has to have which merges others, so that what they published under tokens of their users' is
 * known as published on the branch that they are merged into: a token is looked for along first parents.
 */
export function publishedBy(
  merged: readonly { readonly properties: Readonly<Record<string, string>> }[],
): Readonly<Record<string, string>> {
  const lines = merged.flatMap(({ properties }) => linesOf(properties)).filter((line) => !ONCE.test(line));
  return lines.length === 0 ? {} : { [PUBLISHED]: [...new Set(lines)].join("\n") };
}

/** Of a token that nobody will ask for again. */
const ONCE = / once-\d+-[0-9a-f]{12}$/;

/** Writes the rows onto a branch that is whole once it is there; takes the one that is there. */
async function land({ catalog, target, branches, landing, options }: Job): Promise<Landed> {
  const found = await findLanded(catalog, branches);
  if (found !== undefined) return found;
  const { hash: from } = await catalog.reference(target);
  const writing = branches.attempt("landing");
  await catalog.createBranch(writing, { from: `@${from}` });
  try {
    throwIfAborted(options.signal);
    await landing.write(writing);
    throwIfAborted(options.signal);
    const branch = branches.landed(from);
    await makeBranch(catalog, branch, writing);
    return { branch, from };
  } finally {
    await removeBranch(catalog, writing);
  }
}

async function auditAndMove(job: Job, landed: Landed): Promise<Publication> {
  const { catalog, target, table } = job;
  let known: Audited | undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    throwIfAborted(job.options.signal);
    const { hash: at } = await catalog.reference(target);
    // Looked for in just the commit that this one is put on: where the target moves, it is looked for again.
    const before = await publishedIn(job, at);
    if (before !== undefined) return { outcome: "before", hash: before };
    const done = await tryAt(job, landed, at, known);
    if ("outcome" in done) return done;
    known = done;
    await sleep(Math.random() * Math.min(2000, 10 * 2 ** attempt));
  }
  throw new ConflictError(
    target,
    `${target} was moved by others each of the ${TRIES} times that ${table} was to be published`,
    [{ type: "UNEXPECTED_HASH", message: `${target} kept moving` }],
    "Publish it again when less is going on.",
  );
}

/** What was found, and what it depends on of the target. */
interface Audited {
  readonly of: string;
  readonly report: CheckReport | undefined;
}

/** Publishes on top of one commit, if that is still the target's when the checks are through. */
async function tryAt(
  job: Job,
  landed: Landed,
  at: Hash,
  known: Audited | undefined,
): Promise<Publication | Audited> {
  const { catalog, target, branches, table, token, landing, options } = job;
  const candidate = branches.attempt("audit");
  const prepared = landing.prepare === undefined ? undefined : branches.attempt("landing");
  let audited = known;
  await catalog.createBranch(candidate, { from: `@${at}` });
  try {
    const rejected =
      prepared === undefined ? undefined : await landing.prepare?.(landed.branch, `@${at}`, prepared);
    const merged = await catalog.merge(prepared ?? landed.branch, {
      into: candidate,
      message: options.message ?? `Publish ${table}`,
      properties: { [PUBLISHED]: `${table} ${token}` },
    });
    if (prepared === undefined && merged.mergeBase !== landed.from) throw takenBack(target, table);
    if (!merged.applied) return { outcome: "unchanged" };
    await requireOwn(job, at, candidate);
    const of = await stateOf(job, at);
    if (audited?.of !== of) audited = { of, report: await audit(job, at, candidate) };
    const { report } = audited;
    if (report !== undefined && !report.passed) {
      await removeBranch(catalog, branches.blocked);
      await makeBranch(catalog, branches.blocked, candidate);
      throw new CheckFailedError(report, branches.blocked, target);
    }
    const message = options.message ?? `Publish ${table}`;
    const { hash } = await catalog.reference(candidate);
    await catalog.assignReference(target, `@${hash}`, { expectedHash: at, message });
    return { outcome: "published", hash, report, ...(rejected !== undefined && { rejected }) };
  } catch (error) {
    if (!refConflict.is(error)) throw error;
    return audited ?? { of: "", report: undefined };
  } finally {
    await removeBranch(catalog, candidate);
    if (prepared !== undefined) await removeBranch(catalog, prepared);
  }
}

/** The commit that the rows were written on is no longer the target's: what it held would come back with them. */
function takenBack(target: string, table: string): ConflictError {
  return new ConflictError(
    target,
    `${target} was set back while ${table} was being published`,
    [{ type: "VALUE_DIFFERS", message: "the commit that the rows were written on is no longer on it" }],
    "Publish it again.",
  );
}

/** What the audit depends on of the target, as text: the same text, the same findings. */
async function stateOf({ catalog, table, checks }: Job, at: Hash): Promise<string> {
  const readsMore = (check: Check) =>
    check.kind === "sql" ||
    (check.kind === "drift" && typeof check.against === "string") ||
    /\b(from|table)\b/i.test(`${check.where ?? ""} ${check.kind === "expression" ? check.expression : ""}`);
  if (checks.some(readsMore)) return at;
  const names = [table, ...checks.flatMap((check) => (check.kind === "references" ? [check.table] : []))];
  const there = catalog.on(`@${at}`);
  const states = await Promise.all(names.map(async (name) => (await tableOf(there, name))?.metadataLocation));
  // What is referred to may be a view, of any tables.
  if (states.slice(1).includes(undefined)) return at;
  return JSON.stringify(states.map((state) => state ?? null));
}

/** Checks what the target would be. Where there are no checks there is nothing to find. */
async function audit(job: Job, at: Hash, candidate: string): Promise<CheckReport | undefined> {
  const { context, catalog, target, table, checks, options } = job;
  if (checks.length === 0) return undefined;
  const before = (await tableOf(catalog.on(`@${at}`), table))?.currentSnapshot?.snapshotId;
  const seen = catalog.on(candidate);
  const { samples, now, signal } = options;
  const opened = await seen.loadTable(table);
  // A table that was made anew, or has forgotten that snapshot, is new as a whole.
  const isKnown = opened.metadata.snapshots.some(({ snapshotId }) => snapshotId === before);
  const since = options.audit === "table" || !isKnown ? undefined : before;
  const report = await checkTable(
    { ...context, catalog: seen },
    {
      table: opened,
      ref: candidate,
      recordedRef: target,
      isNew: before === undefined && options.audit !== "table",
    },
    { checks, since, samples, now, signal },
  );
  if (options.record !== false) await new History(catalog, context.engine).record(report);
  return report;
}

/** What is not looked at shall not come along. */
async function requireOwn({ catalog, table, landing }: Job, at: Hash, candidate: string): Promise<void> {
  const own = new Set([table, ...(landing.others ?? [])]);
  const changed = await catalog.diff(`@${at}`, candidate);
  const other = changed.find(
    ({ key, from, to }) => (to ?? from)?.type !== "NAMESPACE" && !own.has(key.join(".")),
  );
  if (other === undefined) return;
  throw invalidArgument(
    other.key.join("."),
    `What was written for ${table} has also changed ${other.key.join(".")}, which no check of this publication looks at.`,
    "Publish each table by a call of its own.",
  );
}

async function tableOf(catalog: BranchingCatalog, name: string): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(name);
  } catch (error) {
    if (noSuchTable.is(error)) return undefined;
    throw error;
  }
}
