import { extname } from "node:path";
import { invalidArgument } from "../../errors.js";
import { byteSize, count } from "../../terminal/index.js";
import { formatBatches } from "../result/format.js";
import { type WrittenResult, writeResultText } from "../result/output.js";
import type { QueryResult } from "../result/query-result.js";

/** What a file of rows can be. */
export type FileFormat = "parquet" | "arrow" | "csv" | "ndjson" | "json";

const WRITERS: Readonly<Record<FileFormat, (result: QueryResult, path: string) => Promise<WrittenResult>>> = {
  parquet: (result, path) => result.toParquet(path),
  arrow: (result, path) => result.toArrowFile(path),
  csv: (result, path) => result.toCsv(path),
  ndjson: (result, path) => result.toNdjson(path),
  json: (result, path) =>
    writeResultText(path, result.batches(), (batches) => formatBatches(result.schema, batches, "json")),
};

const SUFFIXES: Readonly<Record<string, FileFormat>> = {
  ".parquet": "parquet",
  ".arrow": "arrow",
  ".feather": "arrow",
  ".csv": "csv",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
  ".json": "json",
};

/**
 * The format of a file by its name, where none was given.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a name that says none, and for a given one that is no file's.
 */
export function fileFormat(path: string, given?: string): FileFormat {
  const format = given ?? SUFFIXES[extname(path).toLowerCase()];
  if (format !== undefined && Object.hasOwn(WRITERS, format)) return format as FileFormat;
  throw invalidArgument(
    path,
    given === undefined
      ? `The name ${path} does not say in which format the rows go into it.`
      : `A file has no format ${given}.`,
    given === undefined
      ? `Let it end in ${Object.keys(SUFFIXES).join(", ")}.`
      : `Choose from ${Object.keys(WRITERS).join(", ")}.`,
  );
}

/** Writes a result's rows to a file, which is there in the end, whole: one that there was stays until then. */
export function writeResultFile(
  result: QueryResult,
  path: string,
  format: FileFormat,
): Promise<WrittenResult> {
  return WRITERS[format](result, path);
}

/** `Wrote 12 rows to out.csv (1.2 kB).` */
export const writtenLine = (path: string, { rows, bytes }: WrittenResult): string =>
  `Wrote ${count(rows, "row")} to ${path} (${byteSize(Number(bytes))}).`;
