import { type DuckDBConnection, type DuckDBType, VARCHAR } from "@duckdb/node-api";
import { corruptFile, invalidArgument, LakehouseError } from "../../errors.js";
import type { CsvSource, NestedField } from "../../iceberg/index.js";
import { ask, duckdbMessage } from "../duckdb/open.js";
import { columnName } from "../text/names.js";
import { quoteString } from "../text/tokens.js";
import { sqlType } from "../types/sql-types.js";
import { filesSql, type SourceFile } from "./files.js";
import { folderJson, folderText, toldOf, toldOfAny } from "./folders.js";

/** A column of a source: `c0`, `c1`, … in its relation. */
export interface SourceColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

/** Files that have the same columns, or a query. */
export interface Layout {
  /** None where it is a query. */
  readonly files: readonly SourceFile[];
  /** `undefined` for JSON, where each object has its own: `c0` is the object then. */
  readonly columns: readonly SourceColumn[] | undefined;
  /**
   * The names that folders of the files tell, and not the files. They are the last of the columns, as text; beside JSON
   * they are the items of `m_folders`, as JSON.
   */
  readonly told: readonly string[];
  /** SQL for rows of some of the files: the columns, and `m_file`, the file's path. */
  relation(files: readonly SourceFile[]): string;
}

const FILE = "filename = 'm_file'";
/** What folders such as `day=1` tell is added here: DuckDB would have it replace a file's own column. */
const PLAIN = `${FILE}, hive_partitioning = false`;

/** The layouts of CSV files: those with the same header share one. Empty files have no header, and no rows. */
export async function csvLayouts(
  connection: DuckDBConnection,
  files: readonly SourceFile[],
  source: CsvSource,
): Promise<Layout[]> {
  const byHeader = new Map<
    string,
    { readonly header: readonly string[]; readonly told: readonly string[]; readonly files: SourceFile[] }
  >();
  for (const file of files) {
    const header = source.header ?? (await csvHeader(connection, file, source));
    if (header === undefined) continue;
    if (source.delimiter === undefined) refuseUnparted(header, file);
    const told = toldOf(file, header);
    const key = JSON.stringify([header, told, delimiterOf(source, file)]);
    const group = byHeader.get(key) ?? { header, told, files: [] };
    group.files.push(file);
    byHeader.set(key, group);
  }
  return [...byHeader.values()].map((group) => {
    const { header, told } = group;
    const columns = [...header, ...told].map((name) => ({ name, type: VARCHAR }));
    const names = header.map((_, i) => `'${columnName({ id: i })}': 'VARCHAR'`).join(", ");
    const settings = csvSettings(source, delimiterOf(source, group.files[0] as SourceFile));
    const relation = (some: readonly SourceFile[]) =>
      `(SELECT ${["*", ...toldColumns(some, told, header.length)].join(", ")} FROM read_csv(${filesSql(some)}, columns = {${names}}, auto_detect = false, header = ${source.header === undefined}, ${settings}, ${PLAIN}))`;
    return { files: group.files, columns, told, relation };
  });
}

/** SQL for the columns that folders tell, beside a file's own, of which there are so many. */
function toldColumns(files: readonly SourceFile[], told: readonly string[], own: number): string[] {
  return told.map((name, i) => `${folderText(files, name)} AS ${columnName({ id: own + i })}`);
}

/** A file that is parted by another delimiter would be one column of whole lines, without an error. */
function refuseUnparted([name = "", ...others]: readonly string[], file: SourceFile): void {
  const other = [";", "|", "\t"].find((each) => name.includes(each));
  if (others.length > 0 || other === undefined) return;
  const own = delimiterOf({}, file);
  throw invalidArgument(
    file.name,
    `${file.name} has one column, ${JSON.stringify(name)}, when ${JSON.stringify(own)} parts its fields.`,
    `Say what parts them: delimiter: ${JSON.stringify(other)}, or delimiter: ${JSON.stringify(own)} where it is one column.`,
  );
}

/** Lines that a header may go over, in quotes. */
const HEADER_LINES = 100;

/** The names in the first line. DuckDB's own way to them guesses how the file is written. */
async function csvHeader(
  connection: DuckDBConnection,
  file: SourceFile,
  source: CsvSource,
): Promise<string[] | undefined> {
  const { encoding = "utf-8", quote = '"', escape: escaping = quote } = source;
  // Neither in names: what parts fields, and what is null.
  const settings = `auto_detect = false, header = false, strict_mode = false, columns = {'c0': 'VARCHAR'}, delim = '\u0001', nullstr = '\u0002', quote = '', escape = '', encoding = ${quoteString(encoding)}, max_line_size = ${LINE_BYTES}, hive_partitioning = false`;
  const sql = `SELECT c0 FROM read_csv(${filesSql([file])}, ${settings}) LIMIT ${HEADER_LINES}`;
  const lines = await ask(connection, sql).catch((error) => {
    throw fileError(error, [file]);
  });
  const text = lines.map(([line]) => line ?? "").join("\n");
  return lines.length === 0 ? undefined : csvRecord(text, delimiterOf(source, file), quote, escaping);
}

/** The fields of the first record of a text. */
function csvRecord(text: string, delimiter: string, quote: string, escaping: string): string[] {
  const fields = [""];
  let isQuoted = false;
  const add = (char: string) => {
    fields[fields.length - 1] += char;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    const next = text[at + 1];
    if (isQuoted) {
      if (char === escaping && (next === quote || next === escaping)) {
        add(next);
        at += 1;
      } else if (char === quote) isQuoted = false;
      else add(char);
    } else if (char === quote && fields.at(-1) === "") isQuoted = true;
    else if (char === delimiter) fields.push("");
    else if (char === "\n") break;
    else add(char);
  }
  return fields;
}

function delimiterOf({ delimiter }: Pick<CsvSource, "delimiter">, { name }: SourceFile): string {
  return delimiter ?? (/\.tsv(\.(gz|zst))?$/i.test(name) ? "\t" : ",");
}

/** The longest line, in bytes. */
const LINE_BYTES = 2 ** 24;

function csvSettings(
  { quote = '"', escape: escaping = quote, nulls = [""], encoding = "utf-8" }: CsvSource,
  delimiter: string,
): string {
  if (delimiter.length !== 1 || quote.length > 1 || escaping.length > 1) {
    throw invalidArgument("csv", "A delimiter, quote or escape of CSV is one character.");
  }
  return [
    `delim = ${quoteString(delimiter)}`,
    `quote = ${quoteString(quote)}`,
    `escape = ${quoteString(escaping)}`,
    `nullstr = [${nulls.map(quoteString).join(", ")}]`,
    "allow_quoted_nulls = false",
    `encoding = ${quoteString(encoding)}`,
    `max_line_size = ${LINE_BYTES}`,
  ].join(", ");
}

/** The layout of JSON files, of an array or of objects one after the other: a row is an object. */
export function jsonLayout(files: readonly SourceFile[]): Layout {
  // After a byte order mark DuckDB takes an array for one value.
  const items = "CASE WHEN json_type(json) = 'ARRAY' THEN json_extract(json, '$[*]') ELSE [json] END";
  const told = toldOfAny(files);
  const relation = (some: readonly SourceFile[]) =>
    `(SELECT unnest(${items}) AS c0, m_file${told.length === 0 ? "" : `, [${told.map((name) => folderJson(some, name)).join(", ")}] AS m_folders`} FROM read_json_objects(${filesSql(some)}, format = 'auto', maximum_object_size = ${LINE_BYTES}, ${PLAIN}))`;
  return { files, columns: undefined, told, relation };
}

/** The layouts of Parquet files: those with the same columns share one. */
export async function parquetLayouts(
  connection: DuckDBConnection,
  files: readonly SourceFile[],
): Promise<Layout[]> {
  const groups = new Map<
    string,
    { readonly own: SourceColumn[]; readonly told: readonly string[]; readonly files: SourceFile[] }
  >();
  for (const file of files) {
    const own = await columnsOf(
      connection,
      `SELECT * FROM read_parquet(${filesSql([file])}, hive_partitioning = false)`,
    ).catch((error) => {
      throw fileError(error, [file]);
    });
    const names = own.map(({ name }) => name);
    const told = toldOf(file, names);
    const key = JSON.stringify([own.map(({ name, type }) => [name, String(type)]), told]);
    const group = groups.get(key) ?? { own, told, files: [] };
    group.files.push(file);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ own, told, files }) => {
    const names = own.map((_, i) => columnName({ id: i }));
    const relation = (some: readonly SourceFile[]) =>
      `(SELECT ${["*", ...toldColumns(some, told, own.length)].join(", ")} FROM read_parquet(${filesSql(some)}, ${PLAIN}) AS q(${[...names, "m_file"].join(", ")}))`;
    const columns = [...own, ...told.map((name) => ({ name, type: VARCHAR }))];
    return { files, columns, told, relation };
  });
}

/** The layout of a query that DuckDB can run as it is. */
export async function sqlLayout(
  connection: DuckDBConnection,
  sql: string,
  renamed: ReadonlyMap<string, string>,
): Promise<Layout> {
  const columns = await columnsOf(connection, sql);
  const names = columns.map((_, i) => columnName({ id: i })).join(", ");
  const body = sql.replace(/;\s*$/, "");
  return {
    files: [],
    columns: columns.map(({ name, type }) => ({ name: renamed.get(name) ?? name, type })),
    told: [],
    relation: () => `(SELECT *, '' AS m_file FROM (${body}\n) AS q(${names}))`,
  };
}

/** A layout without rows, for what depends on the columns alone. */
export async function emptyLayout(
  connection: DuckDBConnection,
  fields: readonly Pick<NestedField, "name" | "type">[],
): Promise<Layout> {
  const list = fields.map(({ type }, i) => `NULL::${sqlType(type)} AS ${columnName({ id: i })}`);
  const sql = `SELECT ${[...list, "'' AS m_file"].join(", ")} WHERE false`;
  const found = await columnsOf(connection, sql);
  const columns = fields.map(({ name }, i) => ({ name, type: (found[i] as SourceColumn).type }));
  return { files: [], columns, told: [], relation: () => `(${sql})` };
}

/** The columns that a statement gives. */
export async function columnsOf(connection: DuckDBConnection, sql: string): Promise<SourceColumn[]> {
  const statement = await connection.prepare(sql);
  try {
    return Array.from({ length: statement.columnCount }, (_, i) => ({
      name: statement.columnName(i),
      type: statement.columnType(i),
    }));
  } finally {
    statement.destroySync();
  }
}

/** An error of DuckDB while it read files of a source: they are what is wrong. */
export function fileError(cause: unknown, files: readonly SourceFile[]): LakehouseError {
  if (cause instanceof LakehouseError) return cause;
  let text = duckdbMessage(cause)
    .message.replace(/\n(Possible |\n|LINE )[\s\S]*$/, "")
    .trim();
  for (const { path, name } of files) text = text.replaceAll(path, name);
  const file = files.find(({ path }) => duckdbMessage(cause).message.includes(path)) ?? files[0];
  const name = file?.name ?? "source";
  const where = text.includes(name) ? "" : ` of ${name}`;
  return corruptFile(
    name,
    `The rows${where} cannot be read: ${text.replace(/\.?$/, ".")}`,
    "Mend the file, or say how it is written: delimiter, quote, encoding.",
    cause,
  );
}
