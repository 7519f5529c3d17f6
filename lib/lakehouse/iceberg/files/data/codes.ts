import * as arrow from "apache-arrow";
import { distinctBytes } from "../../../parquet/index.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode } from "../../model/values/bytes.js";
import { comparatorOf, valueKey } from "../../model/values/compare.js";
import type { SourceColumn } from "./arrow-values.js";

/** A column by its distinct values: row `i` holds `values[codes[i]]`. */
export interface CodedColumn {
  readonly codes: Uint32Array;
  readonly values: readonly (PrimitiveValue | null)[];
}

/** Each row's place in an order, counted from 0: what a counting sort sorts by. */
export interface Ranking {
  readonly ranks: Uint32Array;
  /** Above every rank. */
  readonly count: number;
}

/** Codes a column's values, each transformed once: neighbouring rows are often equal, and distinct values few. */
export function codeValues(
  length: number,
  column: SourceColumn,
  transform: (value: PrimitiveValue | null) => PrimitiveValue | null,
): CodedColumn {
  return codeText(length, column, transform) ?? codeColumn(length, column.read, transform);
}

function codeColumn(
  length: number,
  read: SourceColumn["read"],
  transform: (value: PrimitiveValue | null) => PrimitiveValue | null,
): CodedColumn {
  const codes = new Uint32Array(length);
  const values: (PrimitiveValue | null)[] = [];
  const byInput = new Map<unknown, number>();
  const byOutput = new Map<unknown, number>();
  for (let row = 0; row < length; row++) {
    const input = read(row);
    const key = input instanceof Uint8Array ? valueKey(input) : input;
    let code = byInput.get(key);
    if (code === undefined) {
      const output = transform(input);
      const outputKey = output === null ? null : valueKey(output);
      code = byOutput.get(outputKey);
      if (code === undefined) {
        code = values.length;
        values.push(output);
        byOutput.set(outputKey, code);
      }
      // Bounds the memo where nearly every input is distinct, as timestamps are.
      if (byInput.size < 100_000) byInput.set(key, code);
    }
    codes[row] = code;
  }
  return { codes, values };
}

/**
 * Codes a column of text or binary by its bytes, without making a value of each row. `undefined` for columns of other
 * types, and where nearly every value is distinct.
 */
function codeText(
  length: number,
  column: SourceColumn,
  transform: (value: PrimitiveValue | null) => PrimitiveValue | null,
): CodedColumn | undefined {
  const { data, isNull } = column;
  if (!arrow.DataType.isUtf8(data.type) && !arrow.DataType.isBinary(data.type)) return undefined;
  const distinct = distinctBytes(data.values as Uint8Array, data.valueOffsets as Int32Array, length);
  if (distinct === undefined) return undefined;
  const text = arrow.DataType.isUtf8(data.type);
  const inputs: (PrimitiveValue | null)[] = distinct.values.map((bytes) =>
    text ? utf8Decode(bytes) : bytes.slice(),
  );
  inputs.push(null);
  const outputs = codeColumn(inputs.length, (input) => inputs[input] ?? null, transform);
  const nullCode = outputs.codes[inputs.length - 1] as number;
  const codes = new Uint32Array(length);
  for (let row = 0; row < length; row++) codes[row] = outputs.codes[distinct.codes[row] as number] as number;
  if (column.nullable) for (let row = 0; row < length; row++) if (isNull(row)) codes[row] = nullCode;
  return { codes, values: outputs.values };
}

const MICROS_PER_HOUR = 3_600_000_000;

/**
 * Codes a timestamp column by whole units of time since the epoch, without making a bigint of each row. `undefined` for
 * columns in other units than microseconds, or beyond what a double holds.
 *
 * @param unitOf maps hours since the epoch to the partition value.
 */
export function codeTimestamps(
  length: number,
  column: SourceColumn,
  unitOf: (hours: number) => number,
): CodedColumn | undefined {
  const values = column.data.values as unknown;
  const micros =
    arrow.DataType.isTimestamp(column.data.type) && column.data.type.unit === arrow.TimeUnit.MICROSECOND;
  if (!(values instanceof BigInt64Array) || !micros) return undefined;
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const codes = new Uint32Array(length);
  const units: (number | null)[] = [];
  const byUnit = new Map<number | null, number>();
  const byHour = new Map<number, number>();
  const codeOf = (unit: number | null): number => {
    let code = byUnit.get(unit);
    if (code === undefined) {
      code = units.length;
      units.push(unit);
      byUnit.set(unit, code);
    }
    return code;
  };
  let lastHour = Number.NaN;
  let lastCode = 0;
  for (let row = 0; row < length; row++) {
    if (column.isNull(row)) {
      codes[row] = codeOf(null);
      continue;
    }
    const time = (halves[row * 2 + 1] as number) * 2 ** 32 + ((halves[row * 2] as number) >>> 0);
    if (!Number.isSafeInteger(time)) return undefined;
    const hour = Math.floor(time / MICROS_PER_HOUR);
    if (hour !== lastHour) {
      lastHour = hour;
      let code = byHour.get(hour);
      if (code === undefined) {
        code = codeOf(unitOf(hour));
        byHour.set(hour, code);
      }
      lastCode = code;
    }
    codes[row] = lastCode;
  }
  return { codes, values: units };
}

/** Turns codes into ranks: that of a value is its place in the order, nulls first or last as asked. */
export function rankCodes(
  column: CodedColumn,
  type: PrimitiveType,
  descending: boolean,
  nullsFirst: boolean,
): Ranking {
  const compare = comparatorOf(type);
  const order = column.values.map((_, code) => code);
  order.sort((a, b) => {
    const left = column.values[a] ?? null;
    const right = column.values[b] ?? null;
    if (left === null || right === null) {
      if (left === right) return 0;
      return (left === null) === nullsFirst ? -1 : 1;
    }
    return descending ? compare(right, left) : compare(left, right);
  });
  const rankOf = new Uint32Array(order.length);
  order.forEach((code, rank) => {
    rankOf[code] = rank;
  });
  const ranks = new Uint32Array(column.codes.length);
  for (let row = 0; row < ranks.length; row++) ranks[row] = rankOf[column.codes[row] as number] as number;
  return { ranks, count: order.length };
}

/** Puts rows in the order of their keys, equal ones as they were. `keys[row]` is below `count`. */
export function countingSort(rows: Uint32Array, keys: Uint32Array, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < rows.length; i++) {
    const key = (keys[rows[i] as number] as number) + 1;
    starts[key] = (starts[key] as number) + 1;
  }
  for (let key = 1; key <= count; key++) starts[key] = (starts[key] as number) + (starts[key - 1] as number);
  const sorted = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    const key = keys[row] as number;
    sorted[starts[key] as number] = row;
    starts[key] = (starts[key] as number) + 1;
  }
  return sorted;
}

/**
 * Ranks a numeric column by sorting its values, which suits columns of many distinct values. `undefined` where a
 * value is no exact double, and the general way has to be taken.
 */
export function rankNumbers(
  length: number,
  column: SourceColumn,
  descending: boolean,
  nullsFirst: boolean,
): Ranking | undefined {
  const numbers = exactNumbers(length, column);
  if (numbers === undefined) return undefined;
  // Loops, since filter() with a function takes as long as all of this together.
  const known = new Float64Array(length);
  let knownCount = 0;
  for (let row = 0; row < length; row++)
    if (!column.isNull(row)) known[knownCount++] = numbers[row] as number;
  // A typed array sorts by value, NaN last: the order that the spec asks of floats.
  const distinct = known.subarray(0, knownCount).sort();
  let count = 0;
  for (let i = 0; i < knownCount; i++) {
    const value = distinct[i] as number;
    if (count === 0 || !Object.is(value, distinct[count - 1])) distinct[count++] = value;
  }
  const nullShift = nullsFirst ? 1 : 0;
  const ranks = new Uint32Array(length);
  let rank = 0;
  for (let row = 0; row < length; row++) {
    if (column.isNull(row)) {
      ranks[row] = nullsFirst ? 0 : count;
      continue;
    }
    // Rows that come in the order of the column need no search: theirs is the value of the row before, or the next one.
    const value = numbers[row] as number;
    if (rank + 1 < count && Object.is(distinct[rank + 1], value)) rank++;
    else if (!Object.is(distinct[rank], value)) rank = find(distinct, count, value);
    ranks[row] = nullShift + (descending ? count - 1 - rank : rank);
  }
  return { ranks, count: count + 1 };
}

function exactNumbers(length: number, column: SourceColumn): Float64Array | undefined {
  const values = column.data.values as unknown;
  if (values instanceof BigInt64Array && column.type.type !== "decimal") {
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    const numbers = new Float64Array(length);
    for (let row = 0; row < length; row++) {
      const value = (halves[row * 2 + 1] as number) * 2 ** 32 + ((halves[row * 2] as number) >>> 0);
      if (!Number.isSafeInteger(value) && !column.isNull(row)) return undefined;
      numbers[row] = value;
    }
    return numbers;
  }
  const numeric = ["int", "date", "float", "double"].includes(column.type.type);
  if (
    !numeric ||
    !(values instanceof Int32Array || values instanceof Float32Array || values instanceof Float64Array)
  ) {
    return undefined;
  }
  return Float64Array.from(values.subarray(0, length));
}

/** Index of `value` among the first `count` of `sorted`, where it is sure to be. Knows -0 from 0, and NaN. */
function find(sorted: Float64Array, count: number, value: number): number {
  if (Number.isNaN(value)) return count - 1;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = sorted[middle] as number;
    const before = at < value || (Object.is(at, -0) && Object.is(value, 0));
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}
