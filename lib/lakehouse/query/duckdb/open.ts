import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { invalidConfig } from "../../errors.js";
import { quoteString } from "../text/tokens.js";

export interface DuckDBOptions {
  /** What DuckDB may hold in memory, such as `"2GB"`; beyond it queries spill to `tempDirectory`. Default: 80% of the machine. */
  readonly memoryLimit?: string | undefined;
  /** Folder for what does not fit in memory. Default: `.tmp` in the working directory, made when needed. */
  readonly tempDirectory?: string | undefined;
  readonly threads?: number | undefined;
  /**
   * Folders whose files SQL may read by name, beside the lakehouse's own warehouse and cache. Set it when the SQL comes
   * from others (`[]` for no other folder): all other files are then out of reach, those of tables included. Without it,
   * queries read any file that the process can.
   */
  readonly allowedDirectories?: readonly string[] | undefined;
}

/**
 * Opens an in-memory DuckDB. It loads no extensions from the network, and its session time zone is UTC, so that a
 * query means the same on every machine.
 */
export async function openDuckDB(options: DuckDBOptions = {}): Promise<DuckDBInstance> {
  try {
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      ...(options.memoryLimit !== undefined && { memory_limit: options.memoryLimit }),
      ...(options.tempDirectory !== undefined && { temp_directory: options.tempDirectory }),
      ...(options.threads !== undefined && { threads: String(options.threads) }),
    });
    const connection = await instance.connect();
    // In one call: each takes a turn through another thread.
    await connection.run(settings(options).join("; "));
    connection.closeSync();
    return instance;
  } catch (cause) {
    throw invalidConfig(
      "DuckDB",
      `DuckDB cannot start: ${duckdbMessage(cause).message}.`,
      'Look at the settings of duckdb: memoryLimit is such as "2GB", threads a whole number from 1.',
      cause,
    );
  }
}

/** The schema of all that we make in DuckDB. */
export const SCHEMA = "lakehouse";

function settings({ allowedDirectories }: DuckDBOptions): string[] {
  const always = [
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL parquet_metadata_cache = true",
    "SET GLOBAL errors_as_json = true",
    `CREATE SCHEMA ${SCHEMA}`,
  ];
  if (allowedDirectories === undefined) return always;
  const list = allowedDirectories.map(quoteString).join(", ");
  return [
    ...always,
    `SET GLOBAL allowed_directories = [${list}]`,
    "SET GLOBAL enable_external_access = false",
  ];
}

export interface DuckDBMessage {
  readonly message: string;
  /** DuckDB's class of the error: `Parser`, `Binder`, `Out of Memory`, … */
  readonly type?: string | undefined;
  /** Byte of the text that the error is about. */
  readonly position?: number | undefined;
}

/** Reads an error of a connection with `errors_as_json`. */
export function duckdbMessage(error: unknown): DuckDBMessage {
  const text = error instanceof Error ? error.message : String(error);
  const start = text.indexOf("{");
  if (start < 0) return { message: text };
  try {
    const parsed = JSON.parse(text.slice(start)) as Record<string, unknown>;
    const message = parsed.exception_message ?? parsed.error_message;
    const type = parsed.exception_type ?? parsed.error_type;
    return {
      message: typeof message === "string" ? message : text,
      type: typeof type === "string" ? type : undefined,
      position: parsed.position === undefined ? undefined : Number(parsed.position),
    };
  } catch {
    return { message: text };
  }
}

/** Runs one statement and gives its rows as text: for the engine's own small questions. */
export async function ask(connection: DuckDBConnection, sql: string): Promise<(string | null)[][]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value))));
}
