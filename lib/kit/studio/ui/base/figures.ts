/** `1,234`. */
export const count = (value: number | bigint | string): string => {
  const exact = typeof value === "string" ? BigInt(value) : value;
  return exact.toLocaleString("en-US");
};

/** `1 file`, `2 files`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** `532 bytes`, `66.8 kB`, `1.31 MB`: decimal units, three digits. */
export function bytes(size: number): string {
  const unit = Math.min(4, Math.floor(Math.log10(Math.max(1, size)) / 3));
  if (unit === 0) return counted(size, "byte");
  const value = size / 1000 ** unit;
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)} ${["", "kB", "MB", "GB", "TB"][unit]}`;
}

/** `0.3 s`, `12 s`, `2 min 05 s`: a time that passes. */
export function seconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000);
  if (whole < 10) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** `2001-02-14 05:30`, in UTC, of an ISO time. */
export const minute = (iso: string): string => iso.slice(0, 16).replace("T", " ");
