/** Exact decimals as unscaled integers: `12.30` with scale 2 is `1230n`. */

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * The unscaled value of decimal text at `scale`; `undefined` when the text is no number, needs more digits after the
 * point than `scale`, or more digits than `precision`.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  const whole = match[2] ?? "";
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  if (whole === "" && (match[3] ?? "") === "") return undefined;
  const shift = Number(match[4] ?? 0) + scale - fraction.length;
  let unscaled = BigInt(whole + fraction || "0");
  if (shift >= 0) {
    if (unscaled !== 0n && shift > 2 * precision) return undefined;
    unscaled *= unscaled === 0n ? 1n : 10n ** BigInt(shift);
  } else {
    const divisor = 10n ** BigInt(Math.min(-shift, 5000));
    if (unscaled % divisor !== 0n) return undefined;
    unscaled /= divisor;
  }
  if (unscaled >= 10n ** BigInt(precision)) return undefined;
  return match[1] === "-" ? -unscaled : unscaled;
}

/** Decimal text with exactly `scale` digits after the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/** The shortest big-endian two's complement of an integer: one byte for 0. */
export function unscaledToBytes(unscaled: bigint): Uint8Array {
  if (unscaled >= -0x80n && unscaled <= 0x7fn) return Uint8Array.of(Number(unscaled) & 0xff);
  let length = 1;
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length += 1;
  return unscaledToFixed(unscaled, length);
}

/** Big-endian two's complement in exactly `length` bytes. The value must fit. */
export function unscaledToFixed(unscaled: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = BigInt.asUintN(length * 8, unscaled);
  for (let i = length - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The integer of a big-endian two's complement of any length; 0 for no bytes. */
export function unscaledFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** Bytes that the unscaled value of a decimal of this precision needs as a fixed (spec, Appendix A, Parquet and Avro). */
export function decimalRequiredBytes(precision: number): number {
  const highest = 10n ** BigInt(precision) - 1n;
  return unscaledToBytes(highest).length;
}
