import { type BranchingCatalog, noSuchNamespace } from "../../catalog/index.js";
import { noSuchTable } from "../../iceberg/index.js";
import type { Log } from "../../log/index.js";
import { lastTick, nextTick, type PipelineTrigger, type Schedule, type Sensor } from "../model/trigger.js";
import type { RunRecord } from "../state/types.js";

/** What a trigger asks for. */
export interface Due {
  /** What tells it from all others of the trigger; where the trigger is looked from on when it is settled. */
  readonly at: string;
  /** Nobody was there in time, and it is passed over. */
  readonly isPassed: boolean;
  /** It has a run that has ended. */
  readonly isHad: boolean;
}

/** What sensors look at. */
export interface Sources {
  readonly catalog: BranchingCatalog;
  readonly log: () => Log;
}

/** How late a time of a schedule that does not catch up may be run; how far back one is looked for that is watched for the first time. */
export const LATE_MS = 60_000;

/** Where a trigger is looked from on when it is watched for the first time; a sensor's first sight is new. */
export function firstCursor(trigger: PipelineTrigger, now: number): string | undefined {
  return trigger.kind === "schedule" ? timeText(now - LATE_MS) : undefined;
}

/**
 * Whether a schedule is looked from a time that is still to come: the clock was set back since. It is looked from now on then,
 * rather than not until that time. What has run has its key, and does not run again.
 */
export const isAhead = (cursor: string, now: number): boolean => Date.parse(cursor) > now + LATE_MS;

/**
 * What is due of a sensor. A state that had runs is due again where the branch has of none of them what it did, or, if it did
 * nothing, what it began at: the branch was moved back, or made anew under its name. Every run of a state after the first has
 * its number in its key, so that of two watchers one begins it.
 *
 * @param runsOf the runs of a state, oldest first.
 * @param isThere whether the branch has what a run left.
 */
export async function dueState(
  sensor: Sensor,
  sources: Sources,
  runsOf: (state: string) => readonly RunRecord[],
  isThere: (run: RunRecord) => Promise<boolean>,
): Promise<Due | undefined> {
  const state = await stateOf(sensor, sources);
  if (state === undefined) return undefined;
  const runs = runsOf(state);
  const numbered = (number: number, isHad: boolean): Due => ({
    at: number === 1 ? state : `${state}${AGAIN}${number}`,
    isPassed: false,
    isHad,
  });
  for (const [index, run] of [...runs.entries()].reverse()) {
    const hasEnded = run.status !== "running" && run.status !== "stopped";
    if (hasEnded && !(await isThere(run))) continue;
    return numbered(index + 1, hasEnded);
  }
  return numbered(runs.length + 1, false);
}

/** Between a state and the number of its run. */
export const AGAIN = " #";

/** The time of a schedule that is to be run next, of those after one and not after now. */
export function dueTime(schedule: Schedule, after: number, now: number): Due | undefined {
  const tick = schedule.catchUp === "all" ? nextTick(schedule, after) : lastTick(schedule, now);
  if (tick === undefined || tick <= after || tick > now) return undefined;
  const isPassed = schedule.catchUp === "none" && now - tick > LATE_MS;
  return { at: timeText(tick), isPassed, isHad: false };
}

const timeText = (ms: number): string => new Date(ms).toISOString();

/** What a sensor sees: the same text for as long as nothing is new; `undefined` where there is nothing yet. */
async function stateOf({ of }: Sensor, { catalog, log }: Sources): Promise<string | undefined> {
  try {
    if (of.kind === "table") {
      const { metadata } = await catalog.loadTable(of.name);
      if (metadata.currentSnapshotId === undefined) return undefined;
      // A snapshot that comes back, as by a rollback, comes back at another time.
      return `${metadata.currentSnapshotId} ${metadata.snapshotLog.at(-1)?.timestampMs ?? ""}`;
    }
    // A topic that is made again under its name is another.
    const topic = (await log().topics()).find(({ name }) => name === of.name);
    if (topic === undefined) return undefined;
    const offsets = await log().topic(of.name).offsets();
    if (offsets.every(({ lastStable }) => lastStable === 0n)) return undefined;
    return `${topic.id} ${offsets.map(({ lastStable }) => lastStable).join(" ")}`;
  } catch (error) {
    if (noSuchTable.is(error) || noSuchNamespace.is(error)) return undefined;
    throw error;
  }
}
