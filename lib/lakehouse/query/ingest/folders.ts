import * as arrow from "apache-arrow";
import type { NestedField } from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { foldName } from "../text/names.js";
import { quoteString } from "../text/tokens.js";
import { sqlLiteral } from "../types/sql-types.js";
import type { SourceFile } from "./files.js";

/*
 * Columns that folders tell: of `day=2024-01-01/a.csv` the column `day`, as text, for all rows of the file. What a file, or
 * an object of JSON, has itself goes before what its path says of it.
 */

/** The names that a file's folders tell and its own columns do not; DuckDB takes those that differ by case for one. */
export function toldOf({ folders }: SourceFile, own: readonly string[]): string[] {
  const has = new Set(own.map(foldName));
  return [...folders.keys()].filter((name) => !has.has(foldName(name)));
}

/** The names that the folders of any of the files tell. */
export function toldOfAny(files: readonly SourceFile[]): string[] {
  return [...new Set(files.flatMap(({ folders }) => [...folders.keys()]))];
}

/** SQL for what folders tell of a row, as text, where the files are read as one relation, in this order. */
export function folderText(files: readonly SourceFile[], name: string): string {
  return byFile(files, "VARCHAR", ({ folders }) => {
    const text = folders.get(name) ?? null;
    return text === null ? "NULL" : sqlLiteral({ type: "string" }, text);
  });
}

/** The same as JSON: null where the folder says so, and SQL's NULL where there is none. */
export function folderJson(files: readonly SourceFile[], name: string): string {
  return byFile(files, "JSON", ({ folders }) =>
    folders.has(name) ? quoteString(JSON.stringify(folders.get(name))) : "NULL",
  );
}

function byFile(files: readonly SourceFile[], type: string, value: (file: SourceFile) => string): string {
  const values = files.map(value);
  if (new Set(values).size === 1) return `${values[0]}::${type}`;
  // DuckDB's own number of a file: to look its path up would take longer for each row the more files there are.
  return `list_extract([${values.join(", ")}]::${type}[], file_index::BIGINT + 1)`;
}

/** The place of the name that tells a column, or -1. */
export function toldPlace(told: readonly string[], { name }: Pick<NestedField, "name">): number {
  const place = told.indexOf(name);
  return place >= 0 ? place : told.findIndex((each) => foldName(each) === foldName(name));
}

const WITHOUT_FOLDERS = "or pass over the folders with hivePartitioning: false";

/**
 * The error of a file that is beside others whose folders tell a column.
 *
 * @param fill what else can be done, and a comma.
 */
export function folderMissing(name: string, file: SourceFile, fill = "") {
  return schemaMismatch(
    name,
    `Folders of other files tell the column ${JSON.stringify(name)}, and those of ${file.name} do not.`,
    `Load them one after the other, ${fill}${WITHOUT_FOLDERS}.`,
  );
}

/** The error of a folder whose name is no column of the table. */
export function folderExtra(name: string, file: SourceFile) {
  return schemaMismatch(
    name,
    `The folder of ${file.name} tells the column ${JSON.stringify(name)}, which the table does not have.`,
    `Add it to the table, leave it out with extraFields: "ignore", ${WITHOUT_FOLDERS}.`,
  );
}

/**
 * Adds what folders tell to a batch of a file, as columns of text.
 *
 * @param told the names that folders of any of the source's files tell.
 * @throws LakehouseError SCHEMA_MISMATCH where neither the batch nor the file's folders have one of them.
 */
export function withFolders(
  batch: arrow.RecordBatch,
  told: readonly string[],
  file: SourceFile,
): arrow.RecordBatch {
  const own = new Set(batch.schema.fields.map(({ name }) => foldName(name)));
  const names = told.filter((name) => !own.has(foldName(name)));
  if (names.length === 0) return batch;
  const added = names.map((name) => {
    const text = file.folders.get(name);
    if (text === undefined) throw folderMissing(name, file);
    const texts = new Array<string | null>(batch.numRows).fill(text);
    return arrow.vectorFromArray(texts, new arrow.Utf8()).data[0] as arrow.Data<arrow.Utf8>;
  });
  const fields = [
    ...batch.schema.fields,
    ...names.map((name) => new arrow.Field(name, new arrow.Utf8(), true)),
  ];
  const type = new arrow.Struct(fields);
  const children = [...batch.data.children, ...added];
  const data = arrow.makeData({ type, length: batch.numRows, nullCount: 0, children });
  return new arrow.RecordBatch(new arrow.Schema(fields, batch.schema.metadata), data);
}
