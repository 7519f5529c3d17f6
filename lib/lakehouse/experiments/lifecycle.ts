import { userInfo } from "node:os";
import { basename } from "node:path";
import { isBranchingCatalog } from "../catalog/index.js";
import { aborted, invalidArgument, throwIfAborted } from "../errors.js";
import { noSuchRef, refExists } from "../iceberg/index.js";
import { mayBeAlive, thisProcess } from "../process-owner.js";
import { ActiveRun, type Pinned } from "./active-run.js";
import { runActive } from "./errors.js";
import type { ExperimentsContext, RunInit, RunOutcome, RunWork } from "./experiments.js";
import { catalogFacts, codeFacts, TAGS, tagOf } from "./facts.js";
import { checkExperimentName, checkOwnTag, checkParam, checkRunName, checkTag } from "./limits.js";
import type { Run, RunStatus } from "./model.js";
import type { TrackingStore } from "./store.js";

/** As many runs of the experiment are looked at for such as were killed. */
const LOOKED_AT = 100;

/** Begins a run or goes on with one, calls its function, and ends it. */
export async function startRun<Result>(
  context: ExperimentsContext,
  store: TrackingStore,
  init: RunInit,
  work: RunWork<Result>,
  pinned?: Pinned,
): Promise<RunOutcome<Result>> {
  const { signal } = init;
  throwIfAborted(signal);
  checkExperimentName(init.experiment);
  if (init.name !== undefined) checkRunName(init.name);
  const params = checked(init.params, checkParam);
  const tags = checked(init.tags, checkOwnTag);
  const { id, at } =
    init.resume === undefined
      ? await beginRun(context, store, init, tags, pinned)
      : await resumeRun(store, init.resume, init.experiment, params, tags);
  try {
    if (init.keep !== false) await keepCommit(context, id, at.commit);
    if (init.resume === undefined) await store.log(id, { params });
    const result = await work(new ActiveRun(context, store, await store.run(id), at, signal));
    throwIfAborted(signal);
    await store.updateRun(id, "FINISHED", new Date());
    return { run: await store.run(id), result };
  } catch (error) {
    const status: RunStatus = signal?.aborted ? "KILLED" : "FAILED";
    // Why the function failed is what is to be heard of, also where the store fails, too.
    await store.updateRun(id, status, new Date()).catch(() => {});
    throw signal?.aborted && error === signal.reason ? aborted(signal) : error;
  }
}

interface Begun {
  readonly id: string;
  readonly at: Pinned;
}

async function beginRun(
  { catalog }: ExperimentsContext,
  store: TrackingStore,
  { experiment, name, task }: RunInit,
  tags: Readonly<Record<string, string>>,
  pinned: Pinned | undefined,
): Promise<Begun> {
  const { id: experimentId } =
    (await store.experiment(experiment)) ?? (await store.createExperiment(experiment));
  await endKilled(store, experimentId);
  const [where, code] = await Promise.all([catalogFacts(catalog), codeFacts(process.cwd())]);
  const at: Pinned = pinned ?? { commit: where[TAGS.commit], snapshots: new Map() };
  const facts = {
    "mlflow.source.name": basename(process.argv[1] ?? "node"),
    "mlflow.source.type": "LOCAL",
    ...code,
    ...where,
    ...(at.commit !== undefined && { [TAGS.commit]: at.commit }),
    ...(task !== undefined && { [TAGS.task]: checkTag(TAGS.task, task) }),
    ...(at.reproduces !== undefined && { [TAGS.reproduces]: at.reproduces }),
    ...hereTags(),
    ...tags,
  };
  const startedAt = new Date();
  const id = await store.createRun({
    experimentId,
    name: name ?? `${experiment} ${startedAt.toISOString().slice(0, 19).replace("T", " ")}`.slice(-250),
    user: userName(),
    startedAt,
    tags: facts,
  });
  return { id, at };
}

async function resumeRun(
  store: TrackingStore,
  id: string,
  experiment: string,
  params: Readonly<Record<string, string>>,
  tags: Readonly<Record<string, string>>,
): Promise<Begun> {
  const run = await store.run(id);
  if ((await store.experiment(experiment))?.id !== run.experimentId)
    throw invalidArgument(
      id,
      `The run ${id} is none of ${experiment}.`,
      "Name the experiment that it is of.",
    );
  if (run.status === "RUNNING" && !isGone(run))
    throw runActive(
      id,
      `The run ${id} is going on, in process ${run.tags[TAGS.process] ?? "(unknown)"} of ${run.tags[TAGS.host] ?? "another machine"}.`,
      "Wait until it has ended, or begin another run.",
    );
  const code = await codeFacts(process.cwd());
  const was = run.tags[TAGS.code];
  // Part of it is made by other code then than the commit that it names.
  const isOther = was !== undefined && (code[TAGS.code] !== was || code[TAGS.dirty] === "true");
  const facts = { ...hereTags(), ...(isOther && { [TAGS.dirty]: "true" }) };
  await store.log(id, { params, tags: { ...facts, ...tags } });
  await store.updateRun(id, "RUNNING", undefined);
  return { id, at: pinnedBy(run) };
}

/** What a run has read. */
export function pinnedBy({ tags, inputs }: Run): Pinned {
  const tables = inputs.filter(({ sourceType }) => sourceType === "iceberg");
  return {
    commit: tags[TAGS.commit],
    snapshots: new Map(tables.map(({ name, digest }) => [name, digest])),
  };
}

/** Runs that no process is in any more. */
async function endKilled(store: TrackingStore, experimentId: string): Promise<void> {
  for (const run of await store.runs({ experimentId, limit: LOOKED_AT }))
    if (run.status === "RUNNING" && isGone(run)) await store.updateRun(run.id, "KILLED", new Date());
}

/** True where it is certain: it was of this machine, and has ended. */
function isGone({ tags }: Run): boolean {
  const { [TAGS.host]: host, [TAGS.process]: number, [TAGS.started]: started } = tags;
  const pid = Number(number);
  if (host === undefined || !Number.isSafeInteger(pid) || pid < 1) return false;
  return !mayBeAlive({ host, pid, started });
}

/** A tag of the catalog on the commit: what it leads to stays. */
async function keepCommit(
  { catalog }: ExperimentsContext,
  runId: string,
  commit: string | undefined,
): Promise<void> {
  if (commit === undefined || !isBranchingCatalog(catalog)) return;
  const message = `What the run ${runId} reads`;
  await catalog.createTag(tagOf(runId), { from: `@${commit}`, message }).catch((error: unknown) => {
    // A run that goes on has it.
    if (!refExists.is(error)) throw error;
  });
}

export async function releaseRun({ catalog }: ExperimentsContext, runId: string): Promise<void> {
  if (!isBranchingCatalog(catalog)) return;
  if (!/^[\w-]+$/.test(runId)) throw invalidArgument(runId, `${runId} is no id of a run.`);
  await catalog.deleteReference(tagOf(runId)).catch((error: unknown) => {
    if (!noSuchRef.is(error)) throw error;
  });
}

function hereTags(): Readonly<Record<string, string>> {
  const { host, pid, started } = thisProcess();
  return {
    [TAGS.host]: host,
    [TAGS.process]: String(pid),
    ...(started !== undefined && { [TAGS.started]: started }),
  };
}

/** A container may have no name for its user. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}

function checked(
  given: RunInit["params"],
  check: (key: unknown, value: unknown) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, check(key, value)]));
}
