import type { FactValue, RecordedFact, TableValue } from "../../notebook/index.js";
import type { Modifier } from "./insertions.js";

/** A no-break space: a number is never parted from its unit. */
const NBSP = "\u00A0";

/** Factors to the first unit of each family. Decimal and binary prefixes are told apart, as the units are. */
const FAMILIES: readonly Readonly<Record<string, number>>[] = [
  {
    B: 1,
    bytes: 1,
    kB: 1e3,
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
  },
  { ns: 1e-9, µs: 1e-6, us: 1e-6, ms: 1e-3, s: 1, seconds: 1, min: 60, minutes: 60, h: 3600, hours: 3600 },
];

/** What one of a unit is in the first of its family, and a word for the family; undefined for a unit of no family. */
export function unitFactor(unit: string): { factor: number; family: string } | undefined {
  if (unit === "%") return { factor: 0.01, family: "share" };
  if (unit === "x" || unit === "×") return { factor: 1, family: "ratio" };
  const family = FAMILIES.find((known) => unit in known);
  const factor = family?.[unit];
  return family && factor !== undefined ? { factor, family: Object.keys(family)[0] ?? unit } : undefined;
}

const MODIFIERS = 'digits N, unit "MB", compact, percent, bare';

/**
 * A fact as words: `3,000,000 rows`, `13.5 MB`, `21x`. Integers are grouped; other numbers keep three significant
 * digits unless `digits` says otherwise.
 *
 * Modifiers: `digits 1` (decimals), `unit "MB"` (converts bytes or times), `compact` (3 million), `percent` (0.22
 * becomes 22%), `bare` (no unit).
 *
 * @returns the text, or the reason why the modifiers do not fit the fact.
 */
export function formatFact(
  fact: Pick<RecordedFact, "value" | "unit">,
  modifiers: readonly Modifier[] = [],
): { text: string } | { problem: string } {
  let value: FactValue = fact.value;
  let unit = fact.unit;
  let digits: number | undefined;
  let compact = false;
  for (const { word, args } of modifiers) {
    if (typeof value !== "number" && word !== "bare") {
      return { problem: `"| ${word}" needs a number, and the fact is ${JSON.stringify(value)}.` };
    }
    if (word === "digits" && /^\d+$/.test(args[0] ?? "")) digits = Number(args[0]);
    else if (word === "bare") unit = undefined;
    else if (word === "compact") compact = true;
    else if (word === "percent") [value, unit] = [(value as number) * 100, "%"];
    else if (word === "unit" && args[0] !== undefined) {
      const target = args[0];
      const family = FAMILIES.find((known) => unit !== undefined && unit in known && target in known);
      if (!family) return { problem: `a fact in ${unit ?? "no unit"} cannot be shown in "${target}".` };
      value = ((value as number) * (family[unit ?? ""] ?? 1)) / (family[target] ?? 1);
      unit = target;
    } else return { problem: `"| ${[word, ...args].join(" ")}" is not a modifier of a fact: ${MODIFIERS}.` };
  }
  return {
    text: withUnit(
      compact ? formatCompact(value as number, digits) : formatValue(value, digits),
      value,
      unit,
    ),
  };
}

/** A value without unit: numbers grouped, `yes` and `no` for booleans, an en dash for null. */
export function formatValue(value: TableValue, digits?: number): string {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  if (digits !== undefined) {
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

function formatCompact(value: number, digits?: number): string {
  const scale = Math.abs(value) >= 1e9 ? 1e9 : Math.abs(value) >= 1e6 ? 1e6 : 1;
  const word = scale === 1e9 ? `${NBSP}billion` : scale === 1e6 ? `${NBSP}million` : "";
  return formatValue(value / scale, digits) + word;
}

function withUnit(text: string, value: FactValue, unit: string | undefined): string {
  if (unit === undefined || unit === "") return text;
  if (unit === "x" || unit === "×" || unit === "%") return text + unit;
  // "1 file", not "1 files"; symbols (ms, rows/s) have no plural.
  const singular = value === 1 && /^[a-z]{3,}s$/.test(unit) ? unit.slice(0, -1) : unit;
  return `${text}${NBSP}${singular}`;
}
