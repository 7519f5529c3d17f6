/** Times of schedules, held against a model that looks at every minute. */
import fc from "fast-check";
import { definePipeline, onOffsets, onSnapshot, schedule, step } from "sololakehouse/orchestration";
import { describe, expect, test } from "vitest";
import { lastTick, nextTick } from "../../lib/lakehouse/orchestration/model/trigger.js";
import { dueTime } from "../../lib/lakehouse/orchestration/watch/due.js";
import { runs } from "../support/runs.js";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** The values of a field, by counting. */
function valuesOf(field: string, low: number, high: number): Set<number> {
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", by = "1"] = part.split("/");
    const [from = low, to = range === "*" ? high : from] = range === "*" ? [] : range.split("-").map(Number);
    for (let value = from; value <= to; value += Number(by)) found.add(value);
  }
  return found;
}

interface Local {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minutes: number;
}

/** What a clock on the wall shows. */
function clockOf(timeZone: string): (ms: number) => Local {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    month: "numeric",
    day: "numeric",
    weekday: "short",
    hour: "numeric",
    minute: "numeric",
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      month: Number(parts.month),
      day: Number(parts.day),
      weekday: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"].indexOf(parts.weekday as string),
      minutes: Number(parts.hour) * 60 + Number(parts.minute),
    };
  };
}

/** Every time of a schedule between two, by looking at the clock in every minute. */
function model(cron: string, timeZone: string, from: number, to: number): number[] {
  const [minute, hour, day, month, weekday] = cron.split(" ") as [string, string, string, string, string];
  const minutes = valuesOf(minute, 0, 59);
  const hours = valuesOf(hour, 0, 23);
  const days = valuesOf(day, 1, 31);
  const months = valuesOf(month, 1, 12);
  const weekdays = new Set([...valuesOf(weekday, 0, 6)].map((each) => each % 7));
  const isDay = (at: Local) => {
    const [byDay, byWeekday] = [days.has(at.day), weekdays.has(at.weekday)];
    return months.has(at.month) && (day === "*" || weekday === "*" ? byDay && byWeekday : byDay || byWeekday);
  };
  const isTime = (of: number) => minutes.has(of % 60) && hours.has(Math.floor(of / 60));
  const follows = [minute, hour].some((field) => /[*/]/.test(field));
  const clock = clockOf(timeZone);
  const found: number[] = [];
  /** The furthest that the wall's clock has come on its day. */
  let [today, furthest] = ["", -1];
  // A day before, so that what the first day has shown already is known.
  for (let ms = from - DAY; ms <= to; ms += MINUTE) {
    const at = clock(ms);
    if (`${at.month}-${at.day}` !== today) [today, furthest] = [`${at.month}-${at.day}`, -1];
    let isIt = isDay(at) && isTime(at.minutes);
    if (!follows) {
      // A time that comes again is not run again; one that was left out is run at the first time after it.
      if (at.minutes <= furthest) isIt = false;
      for (let left = furthest + 1; left < at.minutes; left++) if (isDay(at) && isTime(left)) isIt = true;
    }
    furthest = Math.max(furthest, at.minutes);
    if (isIt && ms >= from) found.push(ms);
  }
  return found;
}

/** Around changes of clocks in 2026, and without any. Lord Howe's are by half an hour. */
const PLACES = [
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Asia/Kolkata", "2026-02-28"],
  ["UTC", "2026-12-31"],
] as const;

const number = (low: number, high: number) => fc.integer({ min: low, max: high });
const field = (low: number, high: number) =>
  fc.oneof(
    fc.constant("*"),
    number(2, 20).map((by) => `*/${by}`),
    fc.uniqueArray(number(low, high), { minLength: 1, maxLength: 3 }).map((each) => each.join(",")),
    fc.tuple(number(low, high), number(low, high), number(1, 3)).map(([a, b, by]) => {
      const range = `${Math.min(a, b)}-${Math.max(a, b)}`;
      return by === 1 ? range : `${range}/${by}`;
    }),
  );
const days = fc.oneof(
  { weight: 3, arbitrary: fc.constant(["*", "*"]) },
  field(1, 28).map((day) => [day, "*"]),
  number(0, 7).map((weekday) => ["*", String(weekday)]),
  fc.tuple(number(1, 28), number(0, 6)).map(([day, weekday]) => [String(day), String(weekday)]),
);
const crons = fc
  .tuple(
    field(0, 59),
    fc.oneof(field(0, 23), number(0, 3).map(String)),
    days,
    fc.constantFrom("*", "2-4", "10-12"),
  )
  .map(([minute, hour, [day, weekday], month]) => `${minute} ${hour} ${day} ${month} ${weekday}`);

describe("a schedule", () => {
  test("has the times that its clock shows, when clocks are set as well", () => {
    fc.assert(
      fc.property(crons, fc.constantFrom(...PLACES), (cron, [timezone, change]) => {
        const from = Date.parse(`${change}T00:00:00Z`) - 30 * 60 * MINUTE;
        const to = from + 3 * DAY;
        const wanted = model(cron, timezone, from, to);
        const made = schedule(cron, { timezone });
        const found: number[] = [];
        for (let at = nextTick(made, from - 1); at !== undefined && at <= to; at = nextTick(made, at))
          found.push(at);
        expect(found.map(iso)).toEqual(wanted.map(iso));
        for (const until of [to, from + 1.3 * DAY, from + 1.5 * DAY + 17]) {
          const last = wanted.filter((each) => each <= until).at(-1);
          if (last !== undefined) expect(iso(lastTick(made, until) as number)).toBe(iso(last));
        }
      }),
      { numRuns: runs(40) },
    );
  });

  test.each([
    ["30 2 * * *", ["03-29T01:00", "03-30T00:30", "10-25T00:30", "10-26T01:30"]],
    [
      "*/30 2 * * *",
      ["03-30T00:00", "03-30T00:30", "10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30"],
    ],
  ])("says of %s what becomes of an hour that is missing or comes twice", (cron, wanted) => {
    const made = schedule(cron, { timezone: "Europe/Berlin" });
    const of = (from: string, to: string) => {
      const found = [];
      for (
        let at = nextTick(made, Date.parse(from)) as number;
        at < Date.parse(to);
        at = nextTick(made, at) as number
      )
        found.push(iso(at).slice(5, 16));
      return found;
    };
    const found = [
      ...of("2026-03-28T12:00:00Z", "2026-03-30T00:45:00Z"),
      ...of("2026-10-24T12:00:00Z", "2026-10-26T02:00:00Z"),
    ];
    expect(found.slice(0, wanted.length)).toEqual(wanted);
  });

  test("catches up as it says", () => {
    const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
    const due = (catchUp: "last" | "all" | "none", after: string, now: string) =>
      dueTime(schedule("0 * * * *", { catchUp }), at(after), at(now));
    const time = (text: string, isPassed = false) => ({
      at: `2026-01-01T${text}.000Z`,
      isPassed,
      isHad: false,
    });
    expect(due("last", "01:00:00", "04:30:00")).toEqual(time("04:00:00"));
    expect(due("all", "01:00:00", "04:30:00")).toEqual(time("02:00:00"));
    expect(due("none", "01:00:00", "04:30:00")).toEqual(time("04:00:00", true));
    expect(due("none", "01:00:00", "04:00:59")).toEqual(time("04:00:00"));
    for (const each of ["last", "all", "none"] as const) {
      expect(due(each, "04:00:00", "04:59:59")).toBeUndefined();
      // A clock that was set back.
      expect(due(each, "04:00:00", "02:30:00")).toBeUndefined();
    }
  });

  test.each([
    ["* * * *", {}],
    ["0 0 6 * * *", {}],
    ["@daily", {}],
    ["0 6 L * *", {}],
    ["0 6 ? * 1#2", {}],
    ["61 6 * * *", {}],
    ["0 6 */2 * 1", {}],
    ["0 6 30 2 *", {}],
    ["0 6 * * *", { timezone: "Europe/Berln" }],
    ["0 6 * * *", { catchUp: "some" }],
  ])("is refused as %j, %j", (cron, options) => {
    expect(() => schedule(cron, options as object)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

test("a pipeline refuses triggers that it would set off itself, or has twice", () => {
  const steps = [step({ name: "s", reads: { a: "n.a" }, writes: { b: "n.b" }, run: () => {} })];
  const of = (...triggers: Parameters<typeof definePipeline>[0]["triggers"] & object) =>
    definePipeline({ name: "p", steps, triggers });
  expect(of(schedule("0 6 * * *"), onSnapshot("n.a"), onOffsets("t")).triggers).toHaveLength(3);
  expect(() => of(onSnapshot("n.b"))).toThrow("each of its runs would begin another");
  expect(() => of(schedule("0 6 * * *"), schedule("0  6 * * *"))).toThrow("twice");
  expect(() => of("0 6 * * *" as never)).toThrow("no list of schedules");
});

const iso = (ms: number): string => new Date(ms).toISOString();
