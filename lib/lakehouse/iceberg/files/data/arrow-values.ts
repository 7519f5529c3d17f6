import type * as arrow from "apache-arrow";
import { locateById } from "../../model/schema/lookup.js";
import type { FieldId, PrimitiveType, PrimitiveValue, Schema } from "../../model/types/types.js";
import { canonicalReader, nullTest } from "../arrow/read.js";

/** A primitive column found in a batch: its buffers, and which rows have no value, for its own or a struct's sake. */
export interface SourceColumn {
  readonly type: PrimitiveType;
  readonly data: arrow.Data;
  /** False where no row is null. */
  readonly nullable: boolean;
  readonly isNull: (row: number) => boolean;
  /** The canonical value, or null. */
  readonly read: (row: number) => PrimitiveValue | null;
}

/** The column with this field id, also inside structs; `undefined` where the batch has none. */
export function sourceColumn(
  schema: Schema,
  batch: arrow.RecordBatch,
  id: FieldId,
): SourceColumn | undefined {
  const located = locateById(schema, id);
  if (located?.path === undefined) return undefined;
  let data: arrow.Data = batch.data;
  const tests: ((row: number) => boolean)[] = [];
  for (const name of located.path) {
    const child = data.children[data.type.children.findIndex((field: arrow.Field) => field.name === name)];
    if (child === undefined) return undefined;
    data = child;
    if (data.nullCount > 0) tests.push(nullTest(data));
  }
  const type = located.field.type as PrimitiveType;
  const read = canonicalReader(type, data);
  const isNull = anyOf(tests);
  return { type, data, nullable: tests.length > 0, isNull, read: (row) => (isNull(row) ? null : read(row)) };
}

function anyOf(tests: readonly ((row: number) => boolean)[]): (row: number) => boolean {
  const [first, ...rest] = tests;
  if (first === undefined) return () => false;
  return rest.length === 0 ? first : (row) => tests.some((test) => test(row));
}
