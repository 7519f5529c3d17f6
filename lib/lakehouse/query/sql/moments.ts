import { type Constant, dayText, timestampText } from "../types/constants.js";
import { isNode, type Node } from "./statement.js";

/** A length of time as DuckDB adds it: months first, whose last day is the last that there is, then days, then the rest. */
interface Interval {
  readonly months: number;
  readonly days: number;
  readonly milliseconds: number;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** The units that are certain, by their names in texts and, with `to_` in front, as functions. */
const UNITS: ReadonlyMap<string, Interval> = new Map([
  ["year", { months: 12, days: 0, milliseconds: 0 }],
  ["month", { months: 1, days: 0, milliseconds: 0 }],
  ["week", { months: 0, days: 7, milliseconds: 0 }],
  ["day", { months: 0, days: 1, milliseconds: 0 }],
  ["hour", { months: 0, days: 0, milliseconds: 3600 * SECOND }],
  ["minute", { months: 0, days: 0, milliseconds: 60 * SECOND }],
  ["second", { months: 0, days: 0, milliseconds: SECOND }],
]);
/** Of any unit: far from where DuckDB overflows, and from where a number is no longer exact. */
const MOST = 1_000_000;

/**
 * What a day or a timestamp is when lengths of time are added to it or taken off it, as in `DATE '2001-01-01' + INTERVAL 1
 * MONTH`. `undefined` for anything else, and where it is not certain what DuckDB makes of it: that goes by the session's
 * calendar for timestamps with a time zone.
 *
 * @param constantOf reads what is no sum.
 */
export function momentOf(
  node: Node,
  constantOf: (node: unknown) => Constant | undefined,
): Constant | undefined {
  if (node.type === "OPERATOR_CAST") return castMoment(node, constantOf);
  if (!isPlainCall(node) || node.is_operator !== true) return undefined;
  const [left, right, ...more] = childrenOf(node);
  if (left === undefined || right === undefined || more.length > 0) return undefined;
  if (node.function_name === "+")
    return moved(left, right, 1, constantOf) ?? moved(right, left, 1, constantOf);
  return node.function_name === "-" ? moved(left, right, -1, constantOf) : undefined;
}

/** A cast of a sum to a day, which forgets the time, or of a day to a timestamp. */
function castMoment(
  { child, cast_type: type, try_cast: isTry }: Node,
  constantOf: (node: unknown) => Constant | undefined,
): Constant | undefined {
  if (isTry === true || !isNode(child) || !isNode(type)) return undefined;
  const moment = momentOf(child, constantOf);
  if (moment === undefined || !("text" in moment)) return undefined;
  if (type.id === "DATE") return { kind: "date", text: moment.text.slice(0, 10) };
  return type.id === "TIMESTAMP" ? { kind: "timestamp", text: moment.text } : undefined;
}

function moved(
  from: Node,
  by: Node,
  sign: 1 | -1,
  constantOf: (node: unknown) => Constant | undefined,
): Constant | undefined {
  const start = momentOf(from, constantOf) ?? (isDayOrTimestamp(from) ? constantOf(from) : undefined);
  if (start?.kind !== "date" && start?.kind !== "timestamp") return undefined;
  const days = start.kind === "date" ? wholeOf(by, constantOf, false) : undefined;
  if (days !== undefined) {
    const sum = plus(start, { months: 0, days: sign * days, milliseconds: 0 });
    const text = sum && dayText(sum);
    return text === undefined ? undefined : { kind: "date", text };
  }
  const interval = intervalOf(by, constantOf);
  return interval && plus(start, times(interval, sign));
}

/** Text as one of the two types that follow no time zone. */
function isDayOrTimestamp({ type, cast_type: to, try_cast: isTry }: Node): boolean {
  return (
    type === "OPERATOR_CAST" && isTry !== true && isNode(to) && (to.id === "DATE" || to.id === "TIMESTAMP")
  );
}

function intervalOf(node: Node, constantOf: (node: unknown) => Constant | undefined): Interval | undefined {
  if (node.type === "OPERATOR_CAST" && isNode(node.cast_type) && node.cast_type.id === "INTERVAL") {
    const text = node.try_cast === true ? undefined : constantOf(node.child);
    return text?.kind === "string" ? intervalIn(text.text) : undefined;
  }
  if (!isPlainCall(node)) return undefined;
  const [, unit] = /^to_(\w+)s$/.exec(String(node.function_name)) ?? [];
  const [count, ...more] = childrenOf(node);
  const one = UNITS.get(unit ?? "");
  const whole = more.length === 0 && count !== undefined ? wholeOf(count, constantOf, true) : undefined;
  return one && whole !== undefined ? times(one, whole) : undefined;
}

/** `1 day`, `-2 months 3 hours`: whole numbers of units. */
function intervalIn(text: string): Interval | undefined {
  if (!/^( *[+-]?\d{1,7} +[a-z]+)+ *$/i.test(text)) return undefined;
  let sum: Interval = { months: 0, days: 0, milliseconds: 0 };
  for (const [, count, unit] of text.matchAll(/([+-]?\d+) +([a-z]+)/gi)) {
    const one = UNITS.get((unit as string).toLowerCase().replace(/s$/, ""));
    if (one === undefined || Math.abs(Number(count)) > MOST) return undefined;
    const more = times(one, Number(count));
    sum = {
      months: sum.months + more.months,
      days: sum.days + more.days,
      milliseconds: sum.milliseconds + more.milliseconds,
    };
  }
  return sum;
}

/** @param mayBeCast also below the casts, and the `trunc`, that the parser puts around the number of an interval. */
function wholeOf(
  node: Node,
  constantOf: (node: unknown) => Constant | undefined,
  mayBeCast: boolean,
): number | undefined {
  if (mayBeCast) {
    const type = node.type === "OPERATOR_CAST" && isNode(node.cast_type) ? String(node.cast_type.id) : "";
    const isCast = ["INTEGER", "BIGINT", "DOUBLE"].includes(type) && node.try_cast !== true;
    const [of, ...more] = node.function_name === "trunc" && isPlainCall(node) ? childrenOf(node) : [];
    const inner = isCast ? node.child : more.length === 0 ? of : undefined;
    if (isNode(inner)) return wholeOf(inner, constantOf, true);
  }
  const constant = node.type === "VALUE_CONSTANT" ? constantOf(node) : undefined;
  let count = constant?.kind === "integer" ? Number(constant.value) : undefined;
  if (mayBeCast && constant?.kind === "string" && /^[+-]?\d{1,7}$/.test(constant.text))
    count = Number(constant.text);
  return count !== undefined && Math.abs(count) <= MOST ? count : undefined;
}

/** The sum, as a timestamp; `undefined` beyond the years that are written with four digits. */
function plus(start: Constant, { months, days, milliseconds }: Interval): Constant | undefined {
  const text = timestampText(start);
  if (text === undefined) return undefined;
  const [seconds = "", fraction = ""] = text.split(".");
  const from = new Date(`${seconds}Z`);
  const month = from.getUTCFullYear() * 12 + from.getUTCMonth() + months;
  const day = Math.min(from.getUTCDate(), daysOf(month));
  const midnight = dayOf(month, day);
  const time = from.getTime() - dayOf(from.getUTCFullYear() * 12 + from.getUTCMonth(), from.getUTCDate());
  const sum = new Date(midnight + days * DAY + time + milliseconds);
  if (Number.isNaN(sum.getTime())) return undefined;
  const [whole = ""] = sum.toISOString().split(".");
  // In other years there are signs and six digits.
  if (!/^\d{4}-/.test(whole) || whole.startsWith("0000")) return undefined;
  return { kind: "timestamp", text: fraction === "" ? whole : `${whole}.${fraction}` };
}

/** Midnight of a day of a month that is counted from the year 0, in milliseconds. */
function dayOf(month: number, day: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(Math.floor(month / 12), month - Math.floor(month / 12) * 12, day);
}

function daysOf(month: number): number {
  return new Date(dayOf(month + 1, 0)).getUTCDate();
}

function times({ months, days, milliseconds }: Interval, count: number): Interval {
  return { months: months * count, days: days * count, milliseconds: milliseconds * count };
}

/** A call of a function of DuckDB's own, with nothing but arguments. */
function isPlainCall(node: Node): boolean {
  const { type, schema, catalog, distinct, filter, order_bys: order } = node;
  if (type !== "FUNCTION" || schema || catalog || distinct || filter) return false;
  return !(isNode(order) && Array.isArray(order.orders) && order.orders.length > 0);
}

function childrenOf({ children }: Node): readonly Node[] {
  return Array.isArray(children) ? children.filter(isNode) : [];
}
