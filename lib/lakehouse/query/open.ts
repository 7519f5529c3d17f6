import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { closed, invalidConfig } from "../errors.js";
import { OpenStreams } from "../iceberg/index.js";
import { observe } from "../observability/index.js";
import type { QueryEngine, QueryEngineOptions } from "./engine/query-engine.js";
import { type AnsweredQuery, queries } from "./metrics.js";
import type { QueryResult } from "./result/query-result.js";

/**
 * Opens a query engine: an in-memory DuckDB that reads the data files which our own planner chose.
 *
 * @example
 * const engine = await openQueryEngine({ resolve: (name) => catalog.loadTable(name.join(".")) });
 * const result = await engine.sql("SELECT count(*) AS flights FROM flights.bronze_flights");
 * console.log(await result.format("table"));
 */
export async function openQueryEngine(options: QueryEngineOptions): Promise<QueryEngine> {
  const { openDuckDB } = await import("./duckdb/open.js");
  const scratch = join(tmpdir(), `sololakehouse-${randomUUID()}`);
  const allowed = { allowedDirectories: allowedDirectories(options, scratch) };
  // DuckDB starts on threads of its own while the rest is loaded.
  const opening = openDuckDB({ ...options, ...allowed });
  const [instance, { DuckDBEngine }] = await Promise.all([opening, import("./engine/duckdb-engine.js")]);
  return new DuckDBEngine(instance, options, scratch);
}

/** The folders that DuckDB may read where they are limited: what the engine itself reads from is among them. */
function allowedDirectories(
  { allowedDirectories: asked, cache, tempDirectory }: QueryEngineOptions,
  scratch: string,
): readonly string[] | undefined {
  if (asked === undefined) return undefined;
  // Of a text each letter would be a folder, "/" too.
  if (!Array.isArray(asked) || !asked.every((folder) => typeof folder === "string" && folder !== ""))
    throw invalidConfig(
      "allowedDirectories",
      "allowedDirectories is not a list of folders.",
      'Write ["/data/shared"], or [] where the warehouse is all that queries may read.',
    );
  const own = [scratch, cache?.dir, tempDirectory].filter((folder) => folder !== undefined);
  return [...asked, ...own].map((folder) => resolve(folder));
}

/**
 * The same, opened when it is first asked for something: DuckDB takes longer to load than all else, and who only
 * looks into the catalog, or appends, has no use for it. Settings that make no sense show then.
 */
export function deferQueryEngine(options: QueryEngineOptions): QueryEngine {
  let opened: Promise<QueryEngine> | undefined;
  let isClosed = false;
  const streams = new OpenStreams();
  const open = async (): Promise<QueryEngine> => {
    if (isClosed) throw closed("query engine");
    opened ??= openQueryEngine(options);
    return opened;
  };
  return {
    sql: (...request) => observed("sql", async () => (await open()).sql(...request)),
    scan: (...request) => observed("scan", async () => (await open()).scan(...request)),
    changes: (...request) => observed("changes", async () => (await open()).changes(...request)),
    async *remainingRows(request) {
      yield* (await open()).remainingRows(request);
    },
    async *changedRows(request) {
      yield* (await open()).changedRows(request);
    },
    matchingPositions: async (request) => (await open()).matchingPositions(request),
    scanRows: async (...request) => (await open()).scanRows(...request),
    async *readSource(request) {
      yield* (await open()).readSource(request);
    },
    inferSource: async (request) => (await open()).inferSource(request),
    openMerge: async (request) => (await open()).openMerge(request),
    streams,
    get isClosed() {
      return isClosed;
    },
    close: async () => {
      isClosed = true;
      try {
        await streams.close();
      } finally {
        await (await opened?.catch(() => undefined))?.close();
      }
    },
  };
}

function observed(kind: AnsweredQuery["kind"], work: () => Promise<QueryResult>): Promise<QueryResult> {
  return observe(queries, work, ({ outcome, milliseconds, result }) => {
    const tables = result?.tables ?? [];
    const dataFiles = tables.reduce((sum, table) => sum + table.dataFiles, 0);
    const skippedDataFiles = tables.reduce((sum, table) => sum + table.skippedDataFiles, 0);
    return { kind, dataFiles, skippedDataFiles, outcome, milliseconds };
  });
}
