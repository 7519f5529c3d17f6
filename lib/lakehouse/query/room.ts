import type { Room } from "../room.js";
import type { QueryEngine } from "./engine.js";
import * as errors from "./errors.js";

/** What SQL needs of an open lakehouse. */
export interface QueryContext {
  readonly engine: QueryEngine;
}

/** SQL, for the wiring. */
export const queryRoom = {
  name: "query",
  errors,
  probe: async ({ engine }) => {
    const [row] = await (await engine.sql("select version() as version")).rows();
    return `DuckDB ${String(row?.version).replace(/^v/, "")}`;
  },
} as const satisfies Room<QueryContext>;
