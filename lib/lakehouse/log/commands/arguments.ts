import { InvalidArgumentError } from "commander";
import type { ReadFrom } from "../topic.js";

/** `name=value`, as often as it is given. */
export function pair(text: string, before: readonly (readonly [string, string])[] = []) {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is a name, = and a value.");
  return [...before, [text.slice(0, at), text.slice(at + 1)] as const];
}

/** `beginning`, `end`, an offset, or a time as ISO 8601 has it. */
export function place(text: string): ReadFrom {
  if (text === "beginning" || text === "end") return text;
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  const time = /^\d{4}-\d\d(-\d\d)?/.test(text) ? new Date(text) : undefined;
  if (time !== undefined && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError("It is beginning, end, an offset, or a time such as 2026-11-29T12:00:00Z.");
}

/** A whole number as JSON has it; as text where it is too large for a number. */
export function jsonNumber(number: bigint): number | string {
  return Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
}

/** As ISO 8601 has it; the number where it is none that a date may be. @param timestamp in milliseconds since the epoch. */
export function timeText(timestamp: bigint): string {
  const time = new Date(Number(timestamp));
  return Number.isNaN(time.getTime()) ? String(timestamp) : time.toISOString();
}
