import type * as arrow from "apache-arrow";
import type { ResolvedSpec } from "../manifest/specs.js";
import { transformFunction } from "../partitioning/apply.js";
import { refuseUnknown } from "../partitioning/spec.js";
import { transformResultType } from "../partitioning/transform.js";
import type { PartitionField, PartitionTuple, SortOrder } from "../partitioning/types.js";
import type { Schema } from "../schema/types.js";
import { civilFromDays } from "../values/index.js";
import { type SourceColumn, sourceColumn } from "./arrow-values.js";
import {
  type CodedColumn,
  codeColumn,
  codeTimestamps,
  countingSort,
  rankCodes,
  rankNumbers,
} from "./codes.js";

/** The rows of one partition, in the order in which they are to be written. */
export interface PartitionRows {
  readonly partition: PartitionTuple;
  readonly rows: Uint32Array;
}

/**
 * Splits a batch by partition and sorts the rows of each by the sort order; without one they stay in their order.
 * Partitions come in the order of their first row. Everything is done by stable counting sorts over codes, so the cost
 * is linear in rows, and distinct values are transformed and compared once.
 */
export function arrange(
  batch: arrow.RecordBatch,
  schema: Schema,
  spec: ResolvedSpec,
  order: SortOrder,
): PartitionRows[] {
  const length = batch.numRows;
  const { codes, tuples } = partitionCodes(batch, schema, spec);
  let rows = new Uint32Array(length);
  for (let i = 0; i < length; i++) rows[i] = i;
  for (const key of order.fields.toReversed()) {
    const column = sourceColumn(schema, batch, key.sourceIds[0]);
    if (column === undefined) continue;
    const descending = key.direction === "desc";
    const nullsFirst = key.nullOrder === "nulls-first";
    const identity = key.transform.transform === "identity";
    const { ranks, count } =
      (identity ? rankNumbers(length, column, descending, nullsFirst) : undefined) ??
      rankCodes(
        codeColumn(length, column.read, transformFunction(key.transform, column.type)),
        transformResultType(key.transform, column.type),
        descending,
        nullsFirst,
      );
    rows = countingSort(rows, ranks, count) as typeof rows;
  }
  if (tuples.length === 1) return length === 0 ? [] : [{ partition: tuples[0] as PartitionTuple, rows }];
  const sorted = countingSort(rows, codes, tuples.length);
  const parts: PartitionRows[] = [];
  for (let start = 0; start < length; ) {
    const code = codes[sorted[start] as number] as number;
    let end = start + 1;
    while (end < length && codes[sorted[end] as number] === code) end++;
    parts.push({ partition: tuples[code] as PartitionTuple, rows: sorted.subarray(start, end) });
    start = end;
  }
  return parts;
}

/** Each row's partition as a code, and the tuples by code. */
function partitionCodes(
  batch: arrow.RecordBatch,
  schema: Schema,
  { spec }: ResolvedSpec,
): { codes: Uint32Array; tuples: readonly PartitionTuple[] } {
  const length = batch.numRows;
  let codes = new Uint32Array(length);
  let tuples: PartitionTuple[] = [[]];
  for (const field of spec.fields) {
    refuseUnknown(field);
    const column = sourceColumn(schema, batch, field.sourceIds[0]);
    const coded =
      column === undefined || field.transform.transform === "void"
        ? { codes: new Uint32Array(length), values: [null] }
        : codeField(length, field, column);
    // Combine with the fields before: one code for each pair that occurs.
    const width = coded.values.length;
    const combined = new Uint32Array(length);
    const pairs = new Map<number, number>();
    const next: PartitionTuple[] = [];
    let lastPair = -1;
    let lastCode = 0;
    for (let row = 0; row < length; row++) {
      const pair = (codes[row] as number) * width + (coded.codes[row] as number);
      if (pair !== lastPair) {
        lastPair = pair;
        let code = pairs.get(pair);
        if (code === undefined) {
          code = next.length;
          pairs.set(pair, code);
          next.push([
            ...(tuples[codes[row] as number] as PartitionTuple),
            coded.values[coded.codes[row] as number] ?? null,
          ]);
        }
        lastCode = code;
      }
      combined[row] = lastCode;
    }
    codes = combined as typeof codes;
    tuples = next;
  }
  return { codes, tuples };
}

function codeField(length: number, field: PartitionField, column: SourceColumn): CodedColumn {
  const { transform } = field.transform;
  const inMicros = column.type.type === "timestamp" || column.type.type === "timestamptz";
  if (
    inMicros &&
    (transform === "year" || transform === "month" || transform === "day" || transform === "hour")
  ) {
    const coded = codeTimestamps(length, column, (hours) => fromHours(transform, hours));
    if (coded !== undefined) return coded;
  }
  return codeColumn(length, column.read, transformFunction(field.transform, column.type));
}

function fromHours(unit: "year" | "month" | "day" | "hour", hours: number): number {
  if (unit === "hour") return hours;
  const days = Math.floor(hours / 24);
  if (unit === "day") return days;
  const { year, month } = civilFromDays(days);
  return unit === "year" ? year - 1970 : (year - 1970) * 12 + month - 1;
}
