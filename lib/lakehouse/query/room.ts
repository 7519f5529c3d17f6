import type { Catalog } from "../catalog/index.js";
import type { Table } from "../iceberg/index.js";
import type { Room } from "../room.js";
import type { QueryEngine } from "./engine/query-engine.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";

/** What SQL needs of an open lakehouse. */
export interface QueryContext {
  readonly engine: QueryEngine;
  /** Where the names in a query are looked up. */
  readonly catalog: Catalog;
  /** The rows of a table, deletes applied. */
  readonly countRows: (table: Table) => Promise<bigint>;
  /** The upkeep that a table wants, in a word each. */
  readonly wantedUpkeep: (table: Table) => Promise<readonly string[]>;
}

/** SQL, for the wiring. */
export const queryRoom = {
  name: "query",
  errors,
  metrics,
  probe: async ({ engine }) => {
    const [row] = await (await engine.sql("select version() as version")).rows();
    return `DuckDB ${String(row?.version).replace(/^v/, "")}`;
  },
  commands: async () => (await import("./commands.js")).queryCommands,
} as const satisfies Room<QueryContext>;
