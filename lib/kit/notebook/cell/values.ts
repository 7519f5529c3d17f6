import { invalidArgument } from "sololakehouse/errors";
import type { FactValue, TableValue } from "../file/recorded.js";

/** Names of facts, figures, tables and exercises, as prose writes them: `compaction.files_before`. */
const NAME = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

export function checkName(name: string, what: string): void {
  if (NAME.test(name)) return;
  throw invalidArgument(
    name,
    `${JSON.stringify(name)} cannot name a ${what}.`,
    "Use letters, digits and single . _ - between them.",
  );
}

/** A 64-bit integer as JSON can hold it: a number when that is exact, else its decimal digits. */
const fromBigint = (value: bigint): number | string => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
};

export function factValue(name: string, value: unknown): FactValue {
  if (typeof value === "bigint") return fromBigint(value);
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalidArgument(
    name,
    `The fact ${name} has the value ${String(value)}, of the type ${typeof value}.`,
    "Record a finite number, a text or a boolean.",
  );
}

export function tableValue(value: unknown): TableValue {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return fromBigint(value);
    default:
      if (value instanceof Date) return value.toISOString();
      if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
      return JSON.stringify(plain(value));
  }
}

/** The same data in what JSON knows: 64-bit integers, dates, maps and typed arrays translated. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") return fromBigint(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) return Array.from(value as Uint8Array, plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/**
 * A value as a reader likes it: thousands separated, at most three decimals (three significant digits below 1).
 *
 * @example formatValue(3000000) // "3,000,000"
 */
export function formatValue(value: TableValue, unit?: string): string {
  const text =
    typeof value === "number"
      ? Math.abs(value) >= 1 || value === 0
        ? value.toLocaleString("en-US", { maximumFractionDigits: 3 })
        : value.toLocaleString("en-US", { maximumSignificantDigits: 3 })
      : value === null
        ? "–"
        : String(value);
  if (!unit) return text;
  return unit === "%" || unit === "x" ? `${text}${unit}` : `${text} ${unit}`;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

/** Text of an author as HTML: escaped, with `code` in backticks. */
export const inlineHtml = (text: string): string => escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
