import { type FileHandle, open } from "node:fs/promises";
import * as arrow from "apache-arrow";
import { corruptFile } from "../../errors.js";
import {
  type AppendData,
  arrowToSchema,
  type BatchedRows,
  conformingBatches,
  type IngestOptions,
  inferRows,
  isBatchedRows,
  isRereadable,
  type NestedField,
  ROW_BATCHES,
  type Schema,
} from "../../iceberg/index.js";
import { requireAligned, schemaMismatch } from "../../parquet/index.js";
import type { SourceFile } from "./files.js";
import { toldOfAny, withFolders } from "./folders.js";

type Data = AppendData<Record<string, unknown>>;

/** Rows at hand as values of a schema, with the options' leave for columns that are on one side alone. */
export async function* dataBatches(
  data: Data,
  schema: Schema,
  { extraFields, missingFields }: IngestOptions,
): AsyncGenerator<arrow.RecordBatch> {
  const names = new Set(schema.fields.map(({ name }) => name));
  if (isBatchedRows(data)) {
    yield* conformingBatches(schema, extraFields === "ignore" ? only(names, data) : data);
    return;
  }
  const each = (item: unknown): unknown => {
    if (item instanceof arrow.RecordBatch) {
      if (item.numRows > 0) requireAligned(item);
      const given = item.schema.fields.map(({ name }) => name);
      const missing = [...names].find((name) => !given.includes(name));
      if (missing !== undefined && missingFields !== "fill") {
        throw schemaMismatch(
          missing,
          `The data has no column ${JSON.stringify(missing)}, which the table, or the data before it, has.`,
          'Fill it with its default, or null, with missingFields: "fill".',
        );
      }
      return extraFields === "ignore" ? item.selectAt(placesOf(names, item.schema)) : item;
    }
    if (extraFields !== "ignore" || typeof item !== "object" || item === null) return item;
    return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
  };
  yield* conformingBatches(schema, mapped(data, each) as Data);
}

/** The rows without other columns than these. */
function only(names: ReadonlySet<string>, data: BatchedRows & Data): Data {
  const rows: BatchedRows = {
    async [ROW_BATCHES]() {
      const given = await data[ROW_BATCHES]();
      const places = placesOf(names, given.schema);
      async function* batches(): AsyncGenerator<arrow.RecordBatch> {
        for await (const batch of given.batches) yield batch.selectAt(places);
      }
      return { ...given, schema: given.schema.selectAt(places), batches: batches() };
    },
  };
  return rows as unknown as Data;
}

/** Where these columns are: a batch's own `select`, by names, leaves its data where they were beside the others. */
function placesOf(names: ReadonlySet<string>, { fields }: arrow.Schema): number[] {
  return [...fields.keys()].filter((place) => names.has((fields[place] as arrow.Field).name));
}

function mapped(data: Data, each: (item: unknown) => unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (data instanceof arrow.Table) return data.batches.map(each);
  if (data instanceof arrow.RecordBatch) return [each(data)];
  if (Symbol.asyncIterator in data) {
    return (async function* () {
      for await (const item of data) yield each(item);
    })();
  }
  return (function* () {
    for (const item of data as Iterable<unknown>) yield each(item);
  })();
}

/** Of data that can be read once, so many rows say what the columns are; the others have to fit. */
const SAMPLE_ROWS = 10_000;

/** The columns of data at hand, and the data, whole, to be read from then on. */
export async function inferData(
  data: Data,
): Promise<{ readonly fields: readonly NestedField[]; readonly data: Data }> {
  if (data instanceof arrow.Table || data instanceof arrow.RecordBatch) {
    return { fields: arrowFields(data.schema), data };
  }
  if (isBatchedRows(data)) {
    const rows = await data[ROW_BATCHES]();
    const again: BatchedRows = { [ROW_BATCHES]: async () => rows };
    return {
      fields: arrowFields(new arrow.Schema(rows.schema.fields.map(asInFiles))),
      data: again as unknown as Data,
    };
  }
  if (isRereadable(data)) {
    const [first] = data as Iterable<unknown>;
    if (first instanceof arrow.RecordBatch) return { fields: arrowFields(first.schema), data };
    return { fields: inferRows(data as Iterable<unknown>), data };
  }
  const items =
    Symbol.asyncIterator in data
      ? (data as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (data as Iterable<unknown>)[Symbol.iterator]();
  const head: unknown[] = [];
  for (let next = await items.next(); !next.done; next = await items.next()) {
    head.push(next.value);
    if (next.value instanceof arrow.RecordBatch || head.length === SAMPLE_ROWS) break;
  }
  async function* all(): AsyncGenerator<unknown> {
    try {
      yield* head;
      for (let next = await items.next(); !next.done; next = await items.next()) yield next.value;
    } finally {
      await items.return?.();
    }
  }
  const [first] = head;
  const fields = first instanceof arrow.RecordBatch ? arrowFields(first.schema) : inferRows(head);
  return { fields, data: all() as Data };
}

/** The column that a query's own type would become: 64 bits without a sign are a decimal, and an interval is its text. */
function asInFiles(field: arrow.Field): arrow.Field {
  const { type } = field;
  if (arrow.DataType.isInterval(type)) return field.clone({ type: new arrow.Utf8() });
  const isUnsigned = arrow.DataType.isInt(type) && type.bitWidth === 64 && !type.isSigned;
  return isUnsigned ? field.clone({ type: new arrow.Decimal(0, 20, 128) }) : field;
}

/** What has no type, since it is all null, is text; unsigned 64 bits, which a long does not hold, are an error that says so. */
function arrowFields(schema: arrow.Schema): readonly NestedField[] {
  const fields = schema.fields.map((field) =>
    arrow.DataType.isNull(field.type) ? field.clone({ type: new arrow.Utf8() }) : field,
  );
  return arrowToSchema(new arrow.Schema(fields)).fields;
}

/** The batches of Arrow IPC files, one file after the other, with what their folders tell, as text. */
export async function* arrowFileBatches(
  source: readonly SourceFile[] | Uint8Array,
): AsyncGenerator<arrow.RecordBatch> {
  if (source instanceof Uint8Array) {
    yield* ipcBatches("bytes", source);
    return;
  }
  const told = toldOfAny(source);
  for (const file of source) {
    const { name, path } = file;
    const handle = await open(path, "r");
    try {
      if ((await handle.stat()).size === 0) continue;
      for await (const batch of ipcBatches(name, handle)) yield withFolders(batch, told, file);
    } finally {
      await handle.close().catch(() => {});
    }
  }
}

/** The columns of Arrow IPC, as its first file has them. */
export async function arrowFileFields(
  source: readonly SourceFile[] | Uint8Array,
): Promise<readonly NestedField[]> {
  const [first] = source instanceof Uint8Array ? [] : source;
  const handle = first && (await open(first.path, "r"));
  const name = first?.name ?? "bytes";
  try {
    return arrowFields((await ipcReader(name, handle ?? (source as Uint8Array))).schema);
  } finally {
    await handle?.close().catch(() => {});
  }
}

async function ipcReader(name: string, source: FileHandle | Uint8Array): Promise<arrow.RecordBatchReader> {
  try {
    const reader =
      source instanceof Uint8Array
        ? arrow.RecordBatchReader.from(source)
        : await arrow.RecordBatchReader.from(source);
    return await reader.open();
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

async function* ipcBatches(name: string, source: FileHandle | Uint8Array): AsyncGenerator<arrow.RecordBatch> {
  const reader = await ipcReader(name, source);
  for (;;) {
    let next: IteratorResult<arrow.RecordBatch>;
    try {
      next = await reader.next();
    } catch (cause) {
      throw unreadable(name, cause);
    }
    if (next.done) return;
    yield next.value;
  }
}

function unreadable(name: string, cause: unknown): Error {
  return corruptFile(
    name,
    `${name} cannot be read as Arrow IPC: ${(cause as Error).message}.`,
    "Give a file or a stream of Arrow's IPC format.",
    cause,
  );
}
