/** Dates and times as text and as counts from the epoch (spec, Appendix D), proleptic Gregorian, any year. */

export const MICROS_PER_DAY = 86_400_000_000n;
export const NANOS_PER_DAY = 86_400_000_000_000n;

/** Days from 1970-01-01 to a civil date. */
export function daysFromCivil(year: number, month: number, day: number): number {
  // Years start in March, so that the leap day is the last day of a year.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** The civil date `days` after 1970-01-01. */
export function civilFromDays(days: number): CivilDate {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function pad(value: number | bigint, width: number): string {
  return String(value).padStart(width, "0");
}

export function formatYear(year: number): string {
  if (year < 0) return `-${pad(-year, 4)}`;
  return year > 9999 ? `+${year}` : pad(year, 4);
}

/** `2017-11-16`. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${formatYear(year)}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** `22:31:08.123456` from microseconds, with all six digits. */
export function formatTime(micros: bigint): string {
  return formatTimeOfDay(micros, 6);
}

function formatTimeOfDay(units: bigint, digits: 6 | 9): string {
  const perSecond = digits === 6 ? 1_000_000n : 1_000_000_000n;
  const seconds = Number(units / perSecond);
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return `${clock}.${pad(units % perSecond, digits)}`;
}

/** `2017-11-16T22:31:08.123456` from microseconds (or nine digits from nanoseconds); no zone. */
export function formatTimestamp(value: bigint, unit: "micros" | "nanos"): string {
  const perDay = unit === "micros" ? MICROS_PER_DAY : NANOS_PER_DAY;
  const days = floorDiv(value, perDay);
  return `${formatDate(Number(days))}T${formatTimeOfDay(value - days * perDay, unit === "micros" ? 6 : 9)}`;
}

/** Years beyond 9999 have a sign in ISO 8601, and in DuckDB's text none. */
const DATE = /^([+-]\d{4,9}|\d{4,7})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const TIMESTAMP = /^([^T ]+)(?:[T ]([^Z+-]+?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Days from the epoch; `undefined` when the text is no `YYYY-MM-DD` of a real day. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const days = daysFromCivil(year, month, day);
  // The 31st of a month of 30 days comes back as another day.
  if (civilFromDays(days).day !== day) return undefined;
  return Math.abs(days) <= 0x7fffffff ? days : undefined;
}

/** Units from midnight; `undefined` when the text is no time of day, or is more precise than the unit. */
function parseTimeOfDay(text: string, digits: 6 | 9): bigint | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = match[4] ?? "";
  if (/[1-9]/.test(fraction.slice(digits))) return undefined;
  const units = BigInt(fraction.slice(0, digits).padEnd(digits, "0"));
  return BigInt(hour * 3600 + minute * 60 + second) * (digits === 6 ? 1_000_000n : 1_000_000_000n) + units;
}

/** Microseconds from midnight of `HH:MM[:SS[.ffffff]]`. */
export function parseTime(text: string): bigint | undefined {
  return parseTimeOfDay(text, 6);
}

/**
 * Microseconds or nanoseconds from the epoch. With `zoned` the text must carry `Z` or an offset, without it must not,
 * and a date alone is its midnight. `undefined` when the text does not fit, or is more precise than the unit.
 */
export function parseTimestamp(text: string, unit: "micros" | "nanos", zoned: boolean): bigint | undefined {
  const seconds = plainSeconds(text, zoned);
  if (seconds !== undefined)
    return in64Bits(BigInt(seconds) * (unit === "micros" ? 1_000_000n : 1_000_000_000n));
  const match = TIMESTAMP.exec(text.trim());
  if (match === null) return undefined;
  const days = parseDate(match[1]!);
  const time =
    match[2] === undefined ? (zoned ? undefined : 0n) : parseTimeOfDay(match[2], unit === "micros" ? 6 : 9);
  if (days === undefined || time === undefined || (match[3] !== undefined) !== zoned) return undefined;
  const perDay = unit === "micros" ? MICROS_PER_DAY : NANOS_PER_DAY;
  const value = BigInt(days) * perDay + time - (zoned ? offset(match[3]!) * (perDay / 1440n) : 0n);
  return in64Bits(value);
}

function in64Bits(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/**
 * Seconds from the epoch of `YYYY-MM-DDTHH:MM:SS`, with a `Z` where it is zoned: the form of most, read by its digits, which
 * is ten times as fast. `undefined` for any other form, and for what is no time.
 */
function plainSeconds(text: string, zoned: boolean): number | undefined {
  if (text.length !== (zoned ? 20 : 19) || (zoned && text.charCodeAt(19) !== 90)) return undefined;
  const isPlain =
    text.charCodeAt(4) === 45 &&
    text.charCodeAt(7) === 45 &&
    text.charCodeAt(10) === 84 &&
    text.charCodeAt(13) === 58 &&
    text.charCodeAt(16) === 58;
  if (!isPlain) return undefined;
  const year = digits(text, 0) * 100 + digits(text, 2);
  const [month, day] = [digits(text, 5), digits(text, 8)];
  const [hour, minute, second] = [digits(text, 11), digits(text, 14), digits(text, 17)];
  const isTime = year >= 0 && hour <= 23 && minute <= 59 && second <= 59;
  // The last days of months are left to the other way, which knows them.
  if (!(isTime && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return undefined;
  return daysFromCivil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

/** Two digits as a number; NaN where they are none. */
function digits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Minutes east of UTC. */
function offset(zone: string): bigint {
  if (zone === "Z" || zone === "z") return 0n;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(":", "") || 0);
  return BigInt(zone.startsWith("-") ? -minutes : minutes);
}
