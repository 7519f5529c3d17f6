import { invalidArgument } from "../../errors.js";
import {
  type AppendData,
  type ArrowSource,
  Column,
  type CsvSource,
  describeValue,
  type IngestOptions,
  isBatchedRows,
  type JsonSource,
  type NdjsonSource,
  type ParquetSource,
  type Source,
  type SqlSource,
} from "../../iceberg/index.js";

/** A source by its kind. */
export type Given =
  | (SqlSource & { readonly kind: "sql" })
  | (CsvSource & { readonly kind: "csv" })
  | (JsonSource & { readonly kind: "json" })
  | (NdjsonSource & { readonly kind: "ndjson" })
  | (ParquetSource & { readonly kind: "parquet" })
  | (ArrowSource & { readonly kind: "arrow" })
  | { readonly kind: "data"; readonly data: AppendData<Record<string, unknown>> };

type FileKind = Exclude<Given["kind"], "sql" | "data">;

/** The keys that each kind of source may have. */
const KEYS = {
  sql: ["sql", "ref"],
  csv: ["csv", "delimiter", "header", "quote", "escape", "nulls", "encoding", "hivePartitioning"],
  json: ["json", "hivePartitioning"],
  ndjson: ["ndjson", "hivePartitioning"],
  parquet: ["parquet", "hivePartitioning"],
  arrow: ["arrow", "hivePartitioning"],
} as const satisfies Record<FileKind | "sql", readonly string[]>;

const ENDINGS: Readonly<Record<string, FileKind>> = {
  csv: "csv",
  tsv: "csv",
  json: "json",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
  arrow: "arrow",
  feather: "arrow",
};

const QUERY = /^\s*(select|with|from|values)\s/i;

/** @throws LakehouseError INVALID_ARGUMENT for what is no source. */
export function givenSource(source: Source): Given {
  if (typeof source === "string" && QUERY.test(source)) return { kind: "sql", sql: source };
  if (typeof source === "string" || isPaths(source)) return filesByEnding(source);
  if (source instanceof Uint8Array) return { kind: "arrow", arrow: source };
  if (typeof source === "object" && source !== null) {
    if (
      Symbol.iterator in source ||
      Symbol.asyncIterator in source ||
      "numRows" in source ||
      isBatchedRows(source)
    ) {
      return { kind: "data", data: source as AppendData<Record<string, unknown>> };
    }
    for (const kind of Object.keys(KEYS) as (FileKind | "sql")[]) {
      if (kind in source) return checked(kind, source as unknown as Readonly<Record<string, unknown>>);
    }
  }
  throw invalidArgument(
    "source",
    `${typeof source === "object" && source !== null ? `An object with the keys ${Object.keys(source).join(", ")}` : `A value of type ${typeof source}`} is no source of rows.`,
    'Give a query, a path, { csv: "…" }, { json: "…" }, { ndjson: "…" }, { parquet: "…" }, { arrow: "…" }, { sql: "…" }, rows or Arrow data.',
  );
}

/** @throws LakehouseError INVALID_ARGUMENT for options that say nothing. */
export function checkIngest({ cast, extraFields, missingFields }: IngestOptions): void {
  const oneOf = (name: string, value: string | undefined, words: readonly string[]) => {
    if (value === undefined || words.includes(value)) return;
    throw invalidArgument(name, `${name} is ${describeValue(value)}.`, `It can be ${words.join(" or ")}.`);
  };
  oneOf("extraFields", extraFields, ["refuse", "ignore"]);
  oneOf("missingFields", missingFields, ["refuse", "fill"]);
  if (cast === undefined) return;
  const isCast = (each: unknown) =>
    each instanceof Column ||
    (typeof each === "object" && each !== null && "sql" in each && typeof each.sql === "string");
  const wrong =
    typeof cast !== "object" || cast === null ? cast : Object.values(cast).find((each) => !isCast(each));
  if (wrong === undefined) return;
  throw invalidArgument(
    "cast",
    `A cast is a type or an expression, not ${describeValue(wrong)}.`,
    'Write it as in cast: { delay: int(), day: { sql: "…" } }.',
  );
}

function isPaths(source: Source): source is readonly string[] {
  return Array.isArray(source) && source.length > 0 && source.every((item) => typeof item === "string");
}

function filesByEnding(paths: string | readonly string[]): Given {
  const kind = kindOfFiles(paths);
  return { kind, [kind]: paths } as unknown as Given;
}

/**
 * The kind of source that the endings of files tell.
 *
 * @throws LakehouseError INVALID_ARGUMENT where they tell none, or several.
 */
export function kindOfFiles(
  paths: string | readonly string[],
): "csv" | "json" | "ndjson" | "parquet" | "arrow" {
  const kinds = new Set([paths].flat().map((path) => kindOf(path)));
  const [kind] = kinds;
  if (kinds.size === 1 && kind !== undefined) return kind;
  const subject = String([paths].flat()[0]);
  throw invalidArgument(
    subject,
    kinds.size > 1 ? "The files are of several formats." : `The ending of ${subject} tells no format.`,
    'Say which it is, as in { csv: "…" }.',
  );
}

function kindOf(path: string): FileKind | undefined {
  const ending = /\.([a-z]+)$/i.exec(path.replace(/\.(gz|zst)$/i, ""))?.[1];
  return ENDINGS[ending?.toLowerCase() ?? ""];
}

function checked(kind: FileKind | "sql", source: Readonly<Record<string, unknown>>): Given {
  const known: readonly string[] = KEYS[kind];
  const unknown = Object.keys(source).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalidArgument(
      unknown,
      `A source of ${kind} has no option ${JSON.stringify(unknown)}.`,
      `Its options are ${known.join(", ")}.`,
    );
  }
  const value = source[kind];
  const isText = typeof value === "string" && value !== "";
  const fits =
    kind === "sql"
      ? isText
      : isText ||
        (kind === "arrow" && value instanceof Uint8Array) ||
        (Array.isArray(value) && value.every((path) => typeof path === "string" && path !== ""));
  if (!fits) {
    throw invalidArgument(
      kind,
      `${JSON.stringify(kind)} of a source is ${JSON.stringify(value) ?? typeof value}.`,
      kind === "sql" ? "Give it a query, as text." : "Give it a path, or an array of paths.",
    );
  }
  const { hivePartitioning } = source;
  if (hivePartitioning !== undefined && typeof hivePartitioning !== "boolean") {
    throw invalidArgument(
      "hivePartitioning",
      `hivePartitioning is ${describeValue(hivePartitioning)}.`,
      "It can be true or false.",
    );
  }
  return { kind, ...source } as unknown as Given;
}
