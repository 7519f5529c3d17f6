import type { Column } from "../../model/schema/builders.js";
import type { AppendData } from "./append-data.js";

/** Paths, `file:` or `s3:` URIs, or globs of them (`raw/2024-*.csv`, `s3://bucket/raw/*.parquet`). */
export type Paths = string | readonly string[];

/** What files of any format have in common. */
export interface FilesSource {
  /**
   * Whether folders such as `day=2024-01-01` in the paths as given are columns: where a file, or an object of JSON, has
   * no such column of its own. `__HIVE_DEFAULT_PARTITION__` is null. Default true.
   */
  readonly hivePartitioning?: boolean | undefined;
}

/**
 * Files of comma-separated values (RFC 4180). All is text until a column's type is known: an empty field is null, and
 * a quoted one empty text. With BOM or without, any line ends, quoted ones within a field, `.gz` and `.zst`.
 */
export interface CsvSource extends FilesSource {
  readonly csv: Paths;
  /** Default `,`, and a tab for `.tsv`. Nothing is guessed; a header that no comma parts, but `;`, is an error. */
  readonly delimiter?: string | undefined;
  /** The columns' names where the files have no header line. */
  readonly header?: readonly string[] | undefined;
  /** Default `"`. */
  readonly quote?: string | undefined;
  /** What stands before a quote within quotes. Default `"`. */
  readonly escape?: string | undefined;
  /** Unquoted texts that are null. Default: the empty one. */
  readonly nulls?: readonly string[] | undefined;
  /** Default `utf-8`. */
  readonly encoding?: "utf-8" | "utf-16" | "latin-1" | undefined;
}

/** An array of objects, or objects one after the other, over any number of lines. */
export interface JsonSource extends FilesSource {
  readonly json: Paths;
}

/** An object a line. */
export interface NdjsonSource extends FilesSource {
  readonly ndjson: Paths;
}

export interface ParquetSource extends FilesSource {
  readonly parquet: Paths;
}

/** Arrow IPC: files, or their bytes; the file format or the stream format. */
export interface ArrowSource extends FilesSource {
  readonly arrow: Paths | Uint8Array;
}

/** The rows of a query. */
export interface SqlSource {
  readonly sql: string;
  /** The branch, tag or commit of the catalog on which names without `@` are looked up. */
  readonly ref?: string | undefined;
}

/**
 * Where rows come from: a query, files, or data at hand (rows, Arrow data, bytes of Arrow IPC). Text alone is a query where it begins as one does (`SELECT`,
 * `WITH`, `FROM`, `VALUES`, and then a space), else the path of files, whose format its ending tells: `.csv`, `.tsv`,
 * `.json`, `.ndjson`, `.jsonl`, `.parquet`, `.arrow`, `.feather`.
 */
export type Source<Row = Record<string, unknown>> =
  | Paths
  | SqlSource
  | CsvSource
  | JsonSource
  | NdjsonSource
  | ParquetSource
  | ArrowSource
  | Uint8Array
  | AppendData<Row>;

/** What a column is made of, where it is not the source's own value: a type to cast it to, or an SQL expression. */
export type Cast = Column<unknown, boolean> | { readonly sql: string };

/** What may differ between a source and the table. None of it happens unless it is asked for. */
export interface IngestOptions {
  /**
   * Columns whose values are converted, as DuckDB's CAST does: `{ delay: int() }` rounds 3.7 to 4. Or an expression over
   * the source's columns: `{ day: { sql: "strptime(day, '%d/%m/%Y')" } }`. In those of JSON each field is its text, and
   * `record` is the whole object.
   */
  readonly cast?: Readonly<Record<string, Cast>> | undefined;
  /** What becomes of the source's columns that the table does not have. Default `refuse`. */
  readonly extraFields?: "refuse" | "ignore" | undefined;
  /**
   * What becomes of the table's columns that the source does not have: `refuse` (the default), or `fill` them with their
   * defaults, which are null where none is declared. An object of JSON, or a row, may leave out what is optional.
   */
  readonly missingFields?: "refuse" | "fill" | undefined;
}
