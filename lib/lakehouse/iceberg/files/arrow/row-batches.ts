import * as arrow from "apache-arrow";
import { schemaMismatch } from "../../../parquet/index.js";
import type { NestedField, Schema } from "../../model/types/types.js";
import { isAlike, isInReach } from "./alike.js";
import type { RowBatches } from "./batched-rows.js";
import { columnWriter } from "./column-writer.js";
import { converter, requireValues } from "./convert.js";
import { makeData } from "./leaf-writer.js";
import { BatchBuilder } from "./rows.js";
import { schemaToArrow, storedSchema } from "./schema.js";

/** Makes a column of a batch, whose first row is so many rows behind the first of all. */
type MakeColumn = (batch: arrow.RecordBatch, firstRow: number) => arrow.Data;

/**
 * What `rowsToBatches` makes of the rows, or throws, at the price of Arrow data: column by column where Arrow's values are
 * what the rows have, and by value where a column's are not. A batch that does not go through so goes row by row, whose
 * error names the first row.
 */
export async function* rowBatchesToBatches(
  schema: Schema,
  given: RowBatches,
): AsyncGenerator<arrow.RecordBatch> {
  const stored = schemaToArrow(storedSchema(schema));
  const type = new arrow.Struct(stored.fields);
  const columns = columnsOf(schema, given);
  const isStored = schema.fields.map((field) => field.type.type !== "unknown");
  let firstRow = 0;
  for await (const batch of given.batches) {
    const before = firstRow;
    firstRow += batch.numRows;
    if (batch.numRows === 0) continue;
    const all = attempted(() => columns?.map((make) => make(batch, before)));
    if (all === undefined) {
      yield byRow(schema, given, batch, before);
      continue;
    }
    const children = all.filter((_, i) => isStored[i]);
    const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
    yield new arrow.RecordBatch(stored, data as arrow.Data<arrow.Struct>);
  }
}

/** `undefined` where something does not fit. */
function attempted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (schemaMismatch.is(error)) return undefined;
    throw error;
  }
}

function byRow(
  schema: Schema,
  given: RowBatches,
  batch: arrow.RecordBatch,
  before: number,
): arrow.RecordBatch {
  const builder = new BatchBuilder(schema, { maxRows: batch.numRows, maxBytes: Number.POSITIVE_INFINITY });
  let row = before;
  for (const each of given.rows(given.schema, batch)) builder.append(each, row++);
  return builder.take() as arrow.RecordBatch;
}

/** `undefined` where the rows have a column that is not the schema's: their error is told by row. */
function columnsOf(schema: Schema, given: RowBatches): readonly MakeColumn[] | undefined {
  const { fields } = given.schema;
  const places = new Map(fields.map(({ name }, place) => [name, place]));
  const known = new Set(schema.fields.map(({ name }) => name));
  if (places.size < fields.length || fields.some(({ name }) => !known.has(name))) return undefined;
  return schema.fields.map((field) => columnOf(field, places.get(field.name), given));
}

function columnOf(field: NestedField, place: number | undefined, given: RowBatches): MakeColumn {
  if (place === undefined)
    return (batch, firstRow) => byValue(field, batch.numRows, firstRow, () => undefined);
  const source = given.schema.fields[place] as arrow.Field;
  const valuesOf = (batch: arrow.RecordBatch) => batch.data.children[place] as arrow.Data;
  const inTurn: MakeColumn = (batch, firstRow) =>
    byValue(field, batch.numRows, firstRow, given.values(source, valuesOf(batch)));
  if (!isAlike(field.type, source)) return inTurn;
  const convert = requireValues(field, field.name, converter(field.type, source.type, field.name));
  return (batch, firstRow) => {
    const data = valuesOf(batch);
    return isInReach(data) ? convert(data, (row) => firstRow + row) : inTurn(batch, firstRow);
  };
}

function byValue(
  field: NestedField,
  rows: number,
  firstRow: number,
  value: (row: number) => unknown,
): arrow.Data {
  const writer = columnWriter(field, field.name);
  for (let row = 0; row < rows; row++) writer.append(value(row), firstRow + row);
  return writer.finish();
}
