import { invalidArgument } from "../../errors.js";

const DAY_MS = 86_400_000;
/** A century and more. */
const MOST = 50_000;

/**
 * The days from one to another, both among them, as slices.
 *
 * @throws LakehouseError INVALID_ARGUMENT for what is no day, and for days that go backwards.
 * @example daysBetween("2001-03-01", "2001-03-31")
 */
export function daysBetween(from: string, to: string): string[] {
  const [first, last] = [from, to].map((day) => {
    const ms = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
    if (!Number.isNaN(ms) && textOf(ms) === day) return ms;
    throw invalidArgument(String(day), `${JSON.stringify(day)} is no day.`, "Write it as 2001-03-04.");
  }) as [number, number];
  const days = (last - first) / DAY_MS + 1;
  if (days < 1) throw invalidArgument(from, `${from} is after ${to}.`, "Give the earlier day first.");
  if (days > MOST)
    throw invalidArgument(from, `From ${from} to ${to} are ${days} days.`, `Give ${MOST} at most.`);
  return Array.from({ length: days }, (_, i) => textOf(first + i * DAY_MS));
}

const textOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
