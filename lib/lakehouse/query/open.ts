import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closed } from "../errors.js";
import type { QueryEngine, QueryEngineOptions } from "./engine/query-engine.js";

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
  const { allowedDirectories } = options;
  const allowed = allowedDirectories && { allowedDirectories: [...allowedDirectories, scratch] };
  // DuckDB starts on threads of its own while the rest is loaded.
  const opening = openDuckDB({ ...options, ...allowed });
  const [instance, { DuckDBEngine }] = await Promise.all([opening, import("./engine/duckdb-engine.js")]);
  return new DuckDBEngine(instance, options, scratch);
}

/**
 * The same, opened when it is first asked for something: DuckDB takes longer to load than all else, and who only
 * looks into the catalog, or appends, has no use for it. Settings that make no sense show then.
 */
export function deferQueryEngine(options: QueryEngineOptions): QueryEngine {
  let opened: Promise<QueryEngine> | undefined;
  let isClosed = false;
  const open = async (): Promise<QueryEngine> => {
    if (isClosed) throw closed("query engine");
    opened ??= openQueryEngine(options);
    return opened;
  };
  return {
    sql: async (...request) => (await open()).sql(...request),
    scan: async (...request) => (await open()).scan(...request),
    changes: async (...request) => (await open()).changes(...request),
    async *remainingRows(request) {
      yield* (await open()).remainingRows(request);
    },
    async *changedRows(request) {
      yield* (await open()).changedRows(request);
    },
    matchingPositions: async (request) => (await open()).matchingPositions(request),
    openMerge: async (request) => (await open()).openMerge(request),
    get isClosed() {
      return isClosed;
    },
    close: async () => {
      isClosed = true;
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
