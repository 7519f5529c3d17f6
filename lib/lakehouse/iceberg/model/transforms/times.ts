import type { PrimitiveKind, PrimitiveType, PrimitiveValue } from "../types/types.js";
import {
  civilFromDays,
  floorDiv,
  formatDate,
  formatYear,
  MICROS_PER_DAY,
  NANOS_PER_DAY,
} from "../values/temporal.js";
import type { Filing, TransformDefinition, TransformOf } from "./definition.js";
import { parsePlain } from "./parse.js";

/** A unit of time, and where it lies: whole hours from the epoch decide each of them. */
interface TimeUnit {
  /** The number of the unit from the epoch that a day lies in; `undefined` where a day has many. */
  readonly ofDays: ((days: number) => number) | undefined;
  readonly ofHours: (hours: number) => number;
  readonly result: PrimitiveType;
  readonly human: (value: number) => string;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function positiveModulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function yearOfDays(days: number): number {
  return civilFromDays(days).year - 1970;
}

function monthOfDays(days: number): number {
  const { year, month } = civilFromDays(days);
  return (year - 1970) * 12 + month - 1;
}

const YEAR: TimeUnit = {
  ofDays: yearOfDays,
  ofHours: (hours) => yearOfDays(Math.floor(hours / 24)),
  result: { type: "int" },
  human: (years) => formatYear(1970 + years),
};

const MONTH: TimeUnit = {
  ofDays: monthOfDays,
  ofHours: (hours) => monthOfDays(Math.floor(hours / 24)),
  result: { type: "int" },
  human: (months) => `${formatYear(1970 + Math.floor(months / 12))}-${two(positiveModulo(months, 12) + 1)}`,
};

const DAY: TimeUnit = {
  ofDays: (days) => days,
  ofHours: (hours) => Math.floor(hours / 24),
  result: { type: "date" },
  human: formatDate,
};

const HOUR: TimeUnit = {
  ofDays: undefined,
  ofHours: (hours) => hours,
  result: { type: "int" },
  human: (hours) => `${formatDate(Math.floor(hours / 24))}-${two(positiveModulo(hours, 24))}`,
};

/** Sources that are timestamps, with their units per day. */
const PER_DAY: Readonly<Partial<Record<PrimitiveKind, bigint>>> = {
  timestamp: MICROS_PER_DAY,
  timestamptz: MICROS_PER_DAY,
  timestamp_ns: NANOS_PER_DAY,
  timestamptz_ns: NANOS_PER_DAY,
};

function ordinalOf(unit: TimeUnit, source: PrimitiveType): (value: PrimitiveValue) => number {
  const { ofDays } = unit;
  const perDay = PER_DAY[source.type];
  if (perDay === undefined) return ofDays as (value: PrimitiveValue) => number;
  if (ofDays === undefined) return (value) => Number(floorDiv(value as bigint, perDay / 24n));
  return (value) => ofDays(Number(floorDiv(value as bigint, perDay)));
}

/**
 * Old writers rounded times before 1970 up instead of down, so a file of theirs may be filed one unit later than it
 * should: for negative results the next one counts too.
 */
function filing(ordinal: (value: PrimitiveValue) => number, misfiled: boolean): Filing {
  const latest = (value: number) => (misfiled && value < 0 ? value + 1 : value);
  return {
    equal: (value) => [...new Set([ordinal(value), latest(ordinal(value))])],
    only: () => undefined,
    atMost: (value) => ({ bound: latest(ordinal(value)), also: [] }),
    atLeast: (value) => ordinal(value),
    startsWith: () => undefined,
    notStartsWith: () => undefined,
  };
}

/** Days of dates were never misfiled. */
function mayBeMisfiled(unit: TimeUnit, source: PrimitiveType): boolean {
  return !(unit === DAY && source.type === "date");
}

type TimeKind = "year" | "month" | "day" | "hour";

function time<Kind extends TimeKind>(kind: Kind, unit: TimeUnit): TransformDefinition<TransformOf<Kind>> {
  return {
    parse: parsePlain(kind),
    toText: () => kind,
    suffix: `_${kind}`,
    takes: ({ type }) =>
      PER_DAY[type as PrimitiveKind] !== undefined || (type === "date" && unit.ofDays !== undefined),
    result: () => unit.result,
    apply: (_, source) => ordinalOf(unit, source),
    preservesOrder: true,
    project: (_, source) => filing(ordinalOf(unit, source), mayBeMisfiled(unit, source)),
    projectResult: (_, source) => {
      const misfiled = mayBeMisfiled(unit, source);
      const results = filing((value) => value as number, misfiled);
      // A result above 0 is where rows of the one below, which are not negative, are never filed.
      return { ...results, only: (value) => (!misfiled || (value as number) > 0 ? value : undefined) };
    },
    family: "time",
    datesPromote: unit.ofDays !== undefined,
    ofHours: unit.ofHours,
    human: (value) => unit.human(value as number),
  };
}

export const year = time("year", YEAR);
export const month = time("month", MONTH);
export const day = time("day", DAY);
export const hour = time("hour", HOUR);
