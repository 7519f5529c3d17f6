import type { Hash } from "../../catalog/index.js";
import { pipelineRunning, RunFailedError, runLost } from "../errors.js";
import type { PipelineDefinition } from "../model/definition.js";
import { type PipelineTrigger, triggerName } from "../model/trigger.js";
import { isOnBranch } from "../run/branches.js";
import { failureOf } from "../run/failure.js";
import { isLeft } from "../run/run.js";
import type { RunStore } from "../state/store.js";
import type { Failure, RunRecord, RunRequest } from "../state/types.js";
import { AGAIN, type Due, dueState, dueTime, firstCursor, isAhead, type Sources } from "./due.js";

/** What became of something that was due. */
export interface WatchEvent {
  readonly pipeline: string;
  /** The trigger, as in `schedule 0 6 * * * Europe/Berlin`, `snapshot bronze.events`, `offsets flight-events`. */
  readonly trigger: string;
  /** What tells it from all others of the trigger: the time, the snapshot, the offsets. */
  readonly at: string;
  /**
   * `succeeded`, `partial`, `failed`, `stopped`: the run's. `had`: another watcher had run it. `passed`: its time was over before
   * anybody was there. `waits`: another run of the pipeline is at work. `due`: it is told, and not run. `error`: it could not be begun, and is tried again.
   */
  readonly outcome:
    | "succeeded"
    | "partial"
    | "failed"
    | "stopped"
    | "had"
    | "passed"
    | "waits"
    | "due"
    | "error";
  readonly run: string | undefined;
  readonly error: Failure | undefined;
}

/** What looking takes. */
export interface Watching extends Sources {
  readonly store: RunStore;
  readonly definition: PipelineDefinition;
  /** Those that are looked at. */
  readonly triggers: readonly PipelineTrigger[];
  /** Only tells what is due. */
  readonly dryRun: boolean;
  /** The branch that its runs publish to. */
  readonly target: string;
  /** By a run, a commit of the target that has what it left there. */
  readonly seen: Map<string, Hash>;
  /** Runs the pipeline; answers with `undefined` where the key has been run. */
  readonly start: (request: RunRequest) => Promise<Pick<RunRecord, "id" | "status"> | undefined>;
  readonly onEvent: (event: WatchEvent) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks once at all triggers of a pipeline, and runs what is due, one run after the other. A trigger's cursor moves on once what
 * was due has a run that has ended: whoever dies before leaves it due, and the run's key, which is unique, says whether it was
 * run. So neither two watchers nor one that begins again run anything twice, or leave it out.
 *
 * @returns whether something waits for a run that is at work.
 */
export async function lookOnce(watching: Watching, now: () => number): Promise<{ readonly waits: boolean }> {
  const left = watching.dryRun ? undefined : await takeUpLeft(watching);
  let waits = left?.outcome === "waits";
  for (const trigger of watching.triggers) {
    for (;;) {
      if (watching.signal?.aborted) return { waits };
      const outcome = await runDue(watching, trigger, now());
      if (outcome === "waits" || outcome === "error") waits = true;
      // A schedule may have more than one time to catch up with; what a sensor sees then is seen at the next look.
      if (trigger.kind === "sensor" || outcome === undefined || outcome === "waits" || outcome === "error")
        break;
    }
  }
  return { waits };
}

/** Goes on with a run of a watcher that has ended in the middle of it. */
async function takeUpLeft(watching: Watching): Promise<WatchEvent | undefined> {
  const { store, definition, target } = watching;
  const last = store.last(definition.name, target);
  if (last?.key === undefined || (last.trigger !== "schedule" && last.trigger !== "sensor")) return undefined;
  if (!isLeft(store, last)) return undefined;
  const { trigger, key } = last;
  const name = definition.triggers.map(triggerName).find((each) => key.startsWith(`${each} `));
  // A trigger that the pipeline does not have any more: its run is done all the same.
  if (name === undefined) return run(watching, { trigger, key }, trigger, key);
  const event = await run(watching, { trigger, key }, name, key.slice(name.length + 1));
  if (isSettled(event.outcome)) store.setCursor(definition.name, cursorName(target, name), event.at);
  return event;
}

const cursorName = (target: string, trigger: string): string => `${target} ${trigger}`;

/** Whether what was due has a run that has ended. */
const isSettled = (outcome: WatchEvent["outcome"]): boolean =>
  outcome !== "waits" && outcome !== "error" && outcome !== "stopped";

async function runDue(
  watching: Watching,
  trigger: PipelineTrigger,
  now: number,
): Promise<WatchEvent["outcome"] | undefined> {
  const { store, definition, target, dryRun, onEvent } = watching;
  const name = triggerName(trigger);
  const inStore = cursorName(target, name);
  let due: Due | undefined;
  let cursor: string | undefined;
  try {
    cursor = store.cursor(definition.name, inStore);
    if (cursor === undefined) {
      const first = firstCursor(trigger, now);
      if (first !== undefined && !dryRun) store.beginCursor(definition.name, inStore, first);
      cursor = store.cursor(definition.name, inStore) ?? first;
    } else if (trigger.kind === "schedule" && isAhead(cursor, now)) {
      cursor = firstCursor(trigger, now) as string;
      if (!dryRun) store.setCursor(definition.name, inStore, cursor);
    }
    due =
      trigger.kind === "schedule"
        ? dueTime(trigger, Date.parse(cursor as string), now)
        : await dueState(
            trigger,
            watching,
            (state) => runsOf(watching, `${name} ${state}`),
            (run) => isThere(watching, run),
          );
  } catch (error) {
    onEvent(eventOf(watching, name, "", "error", undefined, failureOf(error)));
    return "error";
  }
  if (due === undefined || (due.isHad && (dryRun || due.at === cursor))) return undefined;
  const { at } = due;
  const key = `${name} ${at}`;
  if (dryRun) {
    const known = store.byKey(definition.name, target, key);
    const isAtWork = known !== undefined && !isLeft(store, known);
    onEvent(eventOf(watching, name, at, isAtWork ? "waits" : due.isPassed ? "passed" : "due", known?.id));
    return undefined;
  }
  // Another watcher may be at it since it was due.
  const isPassed = due.isPassed && store.byKey(definition.name, target, key) === undefined;
  const event = isPassed
    ? eventOf(watching, name, at, "passed")
    : await run(watching, { trigger: trigger.kind, key }, name, at);
  if (isPassed) onEvent(event);
  if (isSettled(event.outcome)) store.setCursor(definition.name, inStore, at);
  return event.outcome;
}

/** The runs for a key, and those for the same again, oldest first. */
function runsOf({ store, definition, target }: Watching, key: string): readonly RunRecord[] {
  return store
    .withKey(definition.name, target, key)
    .filter((run) => run.key === key || run.key?.startsWith(key + AGAIN));
}

/** Whether the branch has what a run left there: looked for among the commits since it was last seen to. */
async function isThere({ catalog, target, seen }: Watching, run: RunRecord): Promise<boolean> {
  const made = run.hash ?? run.base;
  const { hash: head } = await catalog.reference(target);
  const known = seen.get(run.id);
  const isOn =
    (known !== undefined && (await isOnBranch(catalog, `@${head}`, known))) ||
    (await isOnBranch(catalog, `@${head}`, made));
  if (isOn) seen.set(run.id, head);
  return isOn;
}

/** Runs the pipeline for a trigger, and tells what became of it. */
async function run(
  watching: Watching,
  request: RunRequest & { readonly key: string },
  name: string,
  at: string,
): Promise<WatchEvent> {
  const { store, definition, target, start, onEvent } = watching;
  const event = await attempt();
  onEvent(event);
  return event;

  async function attempt(): Promise<WatchEvent> {
    const tell = (outcome: WatchEvent["outcome"], id?: string, error?: Failure) =>
      eventOf(watching, name, at, outcome, id, error);
    try {
      const report = await start(request);
      if (report !== undefined) return tell(report.status as "succeeded" | "partial", report.id);
      const known = store.byKey(definition.name, target, request.key);
      return tell(known?.status === "running" ? "waits" : "had", known?.id);
    } catch (error) {
      if (pipelineRunning.is(error) || runLost.is(error)) return tell("waits");
      if (error instanceof RunFailedError) return tell("failed", error.run, failureOf(error));
      // What failed outside of steps has ended its run, where there is one by then.
      const known = store.byKey(definition.name, target, request.key);
      const outcome = known === undefined || known.status === "running" ? "error" : known.status;
      return tell(outcome as "failed" | "stopped" | "error", known?.id, failureOf(error));
    }
  }
}

function eventOf(
  { definition }: Watching,
  trigger: string,
  at: string,
  outcome: WatchEvent["outcome"],
  run?: string,
  error?: Failure,
): WatchEvent {
  return { pipeline: definition.name, trigger, at, outcome, run, error };
}
