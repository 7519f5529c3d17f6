import { isUtf8 } from "node:buffer";
import * as arrow from "apache-arrow";
import type { PrimitiveType } from "../../model/types/types.js";
import { byteRanges, decimalWords, dictionaryValues, unitsPerSecond } from "./read.js";

/** The value at an index, where it would not come through; `undefined` where it would. */
type Lost = (index: number) => unknown;

/** What values of an Arrow type lose on the way to an Iceberg type. */
export interface Loss {
  /** What is kept, in words. */
  readonly expected: string;
  /** What finds the values of a chunk that would lose something; `undefined` where it is sure that none does. */
  find(data: arrow.Data): Lost | undefined;
}

/** `undefined` where every value of the Arrow type is one of the Iceberg type. */
export function lossOf(type: PrimitiveType, from: arrow.DataType): Loss | undefined {
  if (arrow.DataType.isDictionary(from)) return dictionaryLoss(lossOf(type, from.dictionary));
  switch (type.type) {
    case "string":
      return { expected: "text in UTF-8", find: notUtf8 };
    case "date":
      return arrow.DataType.isDate(from) && from.unit === arrow.DateUnit.MILLISECOND
        ? PARTS_OF_DAYS
        : undefined;
    case "time":
      return timeLoss(from as arrow.Time);
    case "timestamp":
    case "timestamptz":
      return timestampLoss(from as arrow.Timestamp, 1_000_000n);
    case "timestamp_ns":
    case "timestamptz_ns":
      return timestampLoss(from as arrow.Timestamp, 1_000_000_000n);
    case "decimal":
      return decimalLoss(type.precision);
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "uuid":
    case "fixed":
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return undefined;
  }
}

/** Values of 64 bits or less. */
function integers(data: arrow.Data, lost: (value: bigint) => boolean, unit: string): Lost {
  const values = data.values as ArrayLike<number | bigint>;
  return (i) => {
    const value = BigInt(values[i]!);
    return lost(value) ? `${value} ${unit}` : undefined;
  };
}

const MS_PER_DAY = 86_400_000n;

const PARTS_OF_DAYS: Loss = {
  expected: "whole days, of 32 bits",
  find: (data) => {
    const lost = (ms: bigint) =>
      ms % MS_PER_DAY !== 0n || BigInt.asIntN(32, ms / MS_PER_DAY) !== ms / MS_PER_DAY;
    return integers(data, lost, "ms");
  },
};

/** Arrow's times of day are any integers; only those of a day are times. */
function timeLoss({ unit }: arrow.Time): Loss {
  const day = 86_400n * unitsPerSecond(unit);
  return {
    expected: "from 00:00 to before 24:00",
    find: (data) => integers(data, (value) => value < 0n || value >= day, UNITS[unit]),
  };
}

const UNITS = ["s", "ms", "us", "ns"] as const;

/** A coarser unit reaches further than 64 bits of a finer one do; a finer one has digits that a coarser one has not. */
function timestampLoss({ unit }: arrow.Timestamp, perSecond: bigint): Loss | undefined {
  const from = unitsPerSecond(unit);
  if (from === perSecond) return undefined;
  if (from > perSecond) {
    const factor = from / perSecond;
    return {
      expected: "in whole microseconds",
      find: (data) => integers(data, (value) => value % factor !== 0n, UNITS[unit]),
    };
  }
  const factor = perSecond / from;
  const beyond = (value: bigint) => BigInt.asIntN(64, value * factor) !== value * factor;
  return {
    expected:
      perSecond === 1_000_000n ? "64 bits of microseconds" : `64 bits of nanoseconds: from ${NS_RANGE}`,
    find: (data) => integers(data, beyond, UNITS[unit]),
  };
}

const NS_RANGE = "1677-09-21 to 2262-04-11";

/** Nothing in Arrow keeps a decimal to the digits that its type says. */
function decimalLoss(precision: number): Loss {
  const limit = 10n ** BigInt(precision);
  const surely = Number(limit) * 0.999;
  return {
    expected: `no more than ${precision} digits`,
    find: (data) => {
      const words = data.values as Uint32Array;
      const count = (data.type as arrow.Decimal).bitWidth / 32;
      return (i) => {
        const start = i * count;
        // Doubles are enough to say that a value is far from the limit, which nearly all are.
        let about = words[start + count - 1]! | 0;
        for (let word = count - 2; word >= 0; word -= 1) about = about * 2 ** 32 + words[start + word]!;
        if (Math.abs(about) < surely) return undefined;
        const value = decimalWords(words, start, count);
        return value >= limit || value <= -limit ? `unscaled ${value}` : undefined;
      };
    },
  };
}

function notUtf8(data: arrow.Data): Lost | undefined {
  const ranges = byteRanges(data);
  if (ranges === undefined) {
    // Views: as bytes their own accessor gives them as they are.
    const views = new arrow.Vector([data.clone(new arrow.BinaryView())]);
    return (i) => unlessUtf8(views.get(i) as Uint8Array);
  }
  const { bytes, start, end } = ranges;
  const { length } = data;
  if (length === 0) return undefined;
  if (isUtf8(bytes.subarray(start(0), end(length - 1)))) {
    // Whole together is not whole each: a character may be cut between two of them.
    let cut = false;
    for (let i = 0; i < length && !cut; i += 1) cut = start(i) < end(i) && (bytes[start(i)]! & 0xc0) === 0x80;
    if (!cut) return undefined;
  }
  return (i) => unlessUtf8(bytes.subarray(start(i), end(i)));
}

function unlessUtf8(bytes: Uint8Array): Uint8Array | undefined {
  return isUtf8(bytes) ? undefined : bytes;
}

/** A dictionary's values are looked at once, each; and a key may lead nowhere. */
function dictionaryLoss(inner: Loss | undefined): Loss {
  return {
    expected: inner?.expected ?? "keys of the dictionary",
    find: (data) => {
      const keys = data.values as ArrayLike<number | bigint>;
      const lost = dictionaryValues(data, (chunk) => inner?.find(chunk) ?? (() => undefined));
      return (i) => {
        const key = Number(keys[i]);
        return key >= 0 && key < lost.length ? lost[key] : `key ${key} of a dictionary of ${lost.length}`;
      };
    },
  };
}
