import { Cron } from "croner";
import { invalidArgument } from "../../errors.js";
import { type Dataset, type DatasetKey, datasetKey, datasetText, type TopicDataset } from "./dataset.js";

/**
 * What becomes of times that nobody was there for, as when no watcher ran, or a run took too long.
 *
 * - `last` (where not given): the latest of them is run. It takes in all that is new, so that the others would find nothing.
 * - `all`: each of them is run, one after the other.
 * - `none`: those more than a minute ago are passed over.
 */
export type CatchUp = "last" | "all" | "none";

export interface ScheduleOptions {
  /** By IANA's database, as in `Europe/Berlin`. `UTC` where not given. */
  readonly timezone?: string | undefined;
  readonly catchUp?: CatchUp | undefined;
}

/** Runs a pipeline at times. */
export interface Schedule
  extends Required<{ [Name in keyof ScheduleOptions]: NonNullable<ScheduleOptions[Name]> }> {
  readonly kind: "schedule";
  /** In cron's five fields. */
  readonly cron: string;
}

/** Runs a pipeline when something is new in a table or a topic. */
export interface Sensor {
  readonly kind: "sensor";
  readonly of: DatasetKey;
}

/** What begins runs of a pipeline while it is watched. */
export type PipelineTrigger = Schedule | Sensor;

const CATCH_UPS: readonly CatchUp[] = ["last", "all", "none"];
/** What every cron understands alike: `*`, `*\/5`, and lists of `7`, `Mon`, `1-5`, `1-5/2`. */
const FIELD = ((value: string) => {
  const part = `${value}(-${value}(/\\d{1,2})?)?`;
  return new RegExp(`^(\\*(/\\d{1,2})?|${part}(,${part})*)$`);
})("(\\d{1,2}|[A-Za-z]{3})");

/**
 * Times for a pipeline, in cron's five fields: minute, hour, day of the month, month, day of the week. Where both days are given,
 * either will do, as with cron.
 *
 * When clocks are put forward, times that the day does not have are run at the first that it has after them; when they are put
 * back, times that the day has twice are run the first time. Where minute or hour has a `*`, as in every 20 minutes, the clock
 * is followed as it goes.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 * @example schedule("0 6 * * Mon-Fri", { timezone: "Europe/Berlin" })
 */
export function schedule(cron: string, options: ScheduleOptions = {}): Schedule {
  const { timezone = "UTC", catchUp = "last" } = options;
  const refuse = (why: string, remedy: string) => invalidArgument(String(cron), why, remedy);
  const fields = typeof cron === "string" ? cron.trim().split(/\s+/) : [];
  const [, , day, , weekday] = fields;
  if (fields.length !== 5 || !fields.every((each) => FIELD.test(each)))
    throw refuse(
      `${JSON.stringify(cron)} is no schedule in cron's five fields.`,
      'Give minute, hour, day of the month, month and day of the week, as in "0 6 * * Mon-Fri".',
    );
  if (day?.startsWith("*/") !== weekday?.startsWith("*/") && day !== "*" && weekday !== "*")
    throw refuse(
      `${cron} has a step of one day field and something else in the other: crons do not agree on what that means.`,
      "Give one of them as *, or name the days.",
    );
  if (!CATCH_UPS.includes(catchUp))
    throw refuse(`${JSON.stringify(catchUp)} is no way to catch up.`, `Give one of ${CATCH_UPS.join(", ")}.`);
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch (cause) {
    throw invalidArgument(
      String(timezone),
      `There is no time zone ${JSON.stringify(timezone)}.`,
      'Give one of IANA\'s database, as in "Europe/Berlin".',
      cause,
    );
  }
  const made: Schedule = { kind: "schedule", cron: fields.join(" "), timezone, catchUp };
  let first: number | undefined;
  try {
    first = nextTick(made, Date.UTC(2000, 0, 1));
  } catch (cause) {
    throw invalidArgument(
      cron,
      `${cron} is no schedule: ${(cause as Error).message}.`,
      "Mend that field.",
      cause,
    );
  }
  if (first === undefined) throw refuse(`No day is one of ${cron}.`, "Name a day that there is.");
  return made;
}

/**
 * Runs the pipeline when a table has another snapshot: one run for all that have come since it was looked last.
 *
 * @example onSnapshot("bronze.events")
 */
export function onSnapshot(table: Exclude<Dataset, TopicDataset>): Sensor {
  const of = datasetKey("onSnapshot", table);
  if (of.kind === "table") return { kind: "sensor", of };
  throw invalidArgument(of.name, `onSnapshot was given the topic ${of.name}.`, "Use onOffsets for topics.");
}

/**
 * Runs the pipeline when a topic has more records: one run for all that have come since it was looked last.
 *
 * @example onOffsets("flight-events")
 */
export function onOffsets(topic: string | TopicDataset): Sensor {
  const of = datasetKey("onOffsets", typeof topic === "string" ? { topic } : topic);
  if (of.kind === "topic" && of.name !== "") return { kind: "sensor", of };
  throw invalidArgument(
    "onOffsets",
    "onOffsets was given no topic.",
    'Give its name, as in "flight-events".',
  );
}

/** Names a trigger among those of its pipeline, for people and in what is remembered. */
export function triggerName(trigger: PipelineTrigger): string {
  if (trigger.kind === "schedule") return `schedule ${trigger.cron} ${trigger.timezone}`;
  return trigger.of.kind === "table" ? `snapshot ${trigger.of.name}` : `offsets ${trigger.of.name}`;
}

/**
 * The triggers of a pipeline.
 *
 * @param written what its steps write: a sensor of it would begin a run for every run.
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function checkedTriggers(
  pipeline: string,
  triggers: readonly PipelineTrigger[],
  written: readonly DatasetKey[],
): readonly PipelineTrigger[] {
  const kinds: readonly unknown[] = ["schedule", "sensor"];
  if (!Array.isArray(triggers) || !triggers.every((each) => kinds.includes(each?.kind)))
    throw invalidArgument(
      pipeline,
      `The triggers of ${pipeline} are no list of schedules and sensors.`,
      'Give what schedule, onSnapshot and onOffsets make, as in [schedule("0 6 * * *")].',
    );
  const own = new Set(written.map(datasetText));
  const names = new Set<string>();
  for (const each of triggers) {
    const name = triggerName(each);
    if (names.has(name))
      throw invalidArgument(name, `${pipeline} has the trigger ${name} twice.`, "Leave one of them out.");
    names.add(name);
    if (each.kind === "sensor" && own.has(datasetText(each.of)))
      throw invalidArgument(
        each.of.name,
        `${pipeline} writes ${each.of.name}, so that each of its runs would begin another.`,
        "Watch what it reads.",
      );
  }
  return triggers;
}

/** The first time of a schedule after another, in milliseconds since 1970. */
export function nextTick(schedule: Schedule, after: number): number | undefined {
  return cronOf(schedule).nextRun(new Date(after))?.getTime();
}

/** The last time of a schedule that is not after another. */
export function lastTick(schedule: Schedule, until: number): number | undefined {
  // Croner has what was before a second.
  const before = Math.floor(until / 1000) * 1000 + 1000;
  return cronOf(schedule).previousRuns(1, new Date(before))[0]?.getTime();
}

function cronOf({ cron, timezone }: Schedule): Cron {
  return new Cron(cron, { timezone, mode: "5-part", fixedTimeRule: "no-wildcard" });
}
