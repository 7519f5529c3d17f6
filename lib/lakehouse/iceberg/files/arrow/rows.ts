import * as arrow from "apache-arrow";
import { memberReader, type ReadMember } from "../../model/schema/lookup.js";
import type { Schema } from "../../model/types/types.js";
import { type ColumnWriter, columnWriter, plainObject, refuseUnknownKeys } from "./column-writer.js";
import { makeData } from "./leaf-writer.js";
import { schemaToArrow, storedSchema } from "./schema.js";

/** A batch ends at so many rows, or at about so many bytes, so that memory stays flat whatever comes. */
export interface BatchLimits {
  /** Defaults to 65,536. */
  readonly maxRows?: number;
  /** Defaults to 16 MiB. */
  readonly maxBytes?: number;
}

const CHECK_BYTES_EVERY = 256;

/** Collects rows of a schema into Arrow batches. */
export class BatchBuilder {
  private writers: ColumnWriter[] = [];
  private rows = 0;
  private readonly names: ReadonlySet<string>;
  private readonly readers: readonly ReadMember[];
  readonly schema: arrow.Schema;

  constructor(
    private readonly table: Schema,
    private readonly limits: Required<BatchLimits>,
  ) {
    this.names = new Set(table.fields.map((field) => field.name));
    this.readers = table.fields.map(({ name }) => memberReader(name));
    this.schema = schemaToArrow(storedSchema(table));
  }

  get length(): number {
    return this.rows;
  }

  /** Takes a row whole, or not at all. */
  append(row: unknown, index: number): void {
    const { fields } = this.table;
    if (this.writers.length === 0) this.writers = fields.map((field) => columnWriter(field, field.name));
    const object = plainObject(row, { row: index, column: "*" });
    refuseUnknownKeys(object, this.names, index, "");
    try {
      for (let i = 0; i < this.writers.length; i += 1)
        this.writers[i]!.append(this.readers[i]!(object), index);
    } catch (error) {
      this.keep(this.rows);
      throw error;
    }
    this.rows += 1;
  }

  /** Drops the rows behind so many. */
  keep(rows: number): void {
    for (const writer of this.writers) writer.keep(rows);
    this.rows = rows;
  }

  get full(): boolean {
    if (this.rows >= this.limits.maxRows) return true;
    if (this.rows % CHECK_BYTES_EVERY !== 0) return false;
    return this.bytes >= this.limits.maxBytes;
  }

  /** Held so far, about. */
  get bytes(): number {
    return this.writers.reduce((sum, writer) => sum + writer.bytes, 0);
  }

  /** The rows so far as a batch; `undefined` when there are none. */
  take(): arrow.RecordBatch | undefined {
    if (this.rows === 0) return undefined;
    const stored = this.writers.filter((_, i) => this.table.fields[i]!.type.type !== "unknown");
    const children = stored.map((writer) => writer.finish());
    const data = makeData({
      type: new arrow.Struct(this.schema.fields),
      length: this.rows,
      nullCount: 0,
      children,
    });
    this.writers = [];
    this.rows = 0;
    return new arrow.RecordBatch(this.schema, data as arrow.Data<arrow.Struct>);
  }
}

/**
 * Turns rows of plain objects into Arrow batches of the schema's stored columns, one batch in memory at a time. Values that a
 * row leaves out take their write default, or null. Throws `SCHEMA_MISMATCH` naming the row (from 0), the column, what
 * was expected and what was found.
 */
export async function* rowsToBatches(
  schema: Schema,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  limits: BatchLimits = {},
): AsyncGenerator<arrow.RecordBatch> {
  const builder = new BatchBuilder(schema, {
    maxRows: limits.maxRows ?? 65_536,
    maxBytes: limits.maxBytes ?? 16 << 20,
  });
  let index = 0;
  // An array is not awaited row by row: that would cost more than the conversion.
  if (Symbol.iterator in rows) {
    for (const row of rows) {
      builder.append(row, index);
      index += 1;
      if (builder.full) yield builder.take() as arrow.RecordBatch;
    }
  } else {
    for await (const row of rows) {
      builder.append(row, index);
      index += 1;
      if (builder.full) yield builder.take() as arrow.RecordBatch;
    }
  }
  const last = builder.take();
  if (last !== undefined) yield last;
}

/** Checks one row against a schema. Throws `SCHEMA_MISMATCH` naming the row, the column, what was expected and what was found. */
export function validateRow(schema: Schema, row: unknown, index = 0): void {
  new BatchBuilder(schema, { maxRows: 1, maxBytes: 1 }).append(row, index);
}
