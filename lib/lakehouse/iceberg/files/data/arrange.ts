import type * as arrow from "apache-arrow";
import { refuseUnknown } from "../../model/partitioning/spec.js";
import type { PartitionField, PartitionTuple, SortOrder } from "../../model/partitioning/types.js";
import { definitionOf } from "../../model/transforms/table.js";
import { transformFunction, transformResultType } from "../../model/transforms/transform.js";
import type { Schema } from "../../model/types/types.js";
import type { ResolvedSpec } from "../manifest/specs.js";
import { type SourceColumn, sourceColumn } from "./arrow-values.js";
import {
  type CodedColumn,
  codeTimestamps,
  codeValues,
  countingSort,
  type Ranking,
  rankCodes,
  rankNumbers,
} from "./codes.js";

/** The rows of one partition, in the order in which they are to be written. */
export interface PartitionRows {
  readonly partition: PartitionTuple;
  readonly rows: Uint32Array;
}

/** Ranks of several keys are sorted by at once as long as there are no more combinations of them than this. */
const COMBINED_RANKS = 1 << 18;

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
  if (length === 0) return [];
  const partitions = partitionCodes(batch, schema, spec);
  const rankings: Ranking[] = [];
  for (const { sourceIds, direction, nullOrder, transform } of order.fields) {
    const column = sourceColumn(schema, batch, sourceIds[0]);
    if (column === undefined) continue;
    const descending = direction === "desc";
    const nullsFirst = nullOrder === "nulls-first";
    rankings.push(
      (transform.transform === "identity"
        ? rankNumbers(length, column, descending, nullsFirst)
        : undefined) ??
        rankCodes(
          codeValues(length, column, transformFunction(transform, column.type)),
          transformResultType(transform, column.type),
          descending,
          nullsFirst,
        ),
    );
  }
  const rows = sortedRows(length, [
    { ranks: partitions.codes, count: partitions.tuples.length },
    ...rankings,
  ]);
  const sizes = new Uint32Array(partitions.tuples.length);
  for (let row = 0; row < length; row++) sizes[partitions.codes[row] as number]!++;
  let start = 0;
  return partitions.tuples.map((partition, code) => {
    const end = start + (sizes[code] as number);
    const part = { partition, rows: rows.subarray(start, end) };
    start = end;
    return part;
  });
}

/** The numbers of the rows in the order of their ranks, the first of them the most significant. */
function sortedRows(length: number, rankings: readonly Ranking[]): Uint32Array {
  let rows = new Uint32Array(length);
  for (let row = 0; row < length; row++) rows[row] = row;
  for (let least = rankings.length - 1; least >= 0; ) {
    let { ranks, count } = rankings[least--] as Ranking;
    for (; least >= 0; least--) {
      const above = rankings[least] as Ranking;
      if (above.count * count > COMBINED_RANKS) break;
      ranks = combined(above.ranks, ranks, count);
      count *= above.count;
    }
    if (count > 1) rows = countingSort(rows, ranks, count) as typeof rows;
  }
  return rows;
}

function combined(above: Uint32Array, below: Uint32Array, count: number): Uint32Array {
  const ranks = new Uint32Array(below.length);
  for (let row = 0; row < ranks.length; row++)
    ranks[row] = (above[row] as number) * count + (below[row] as number);
  return ranks;
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
  const { ofHours } = definitionOf(field.transform);
  const inMicros = column.type.type === "timestamp" || column.type.type === "timestamptz";
  if (inMicros && ofHours !== undefined) {
    const coded = codeTimestamps(length, column, ofHours);
    if (coded !== undefined) return coded;
  }
  return codeValues(length, column, transformFunction(field.transform, column.type));
}
