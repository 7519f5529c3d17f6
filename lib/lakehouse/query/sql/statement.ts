import type { LakehouseError } from "../../errors.js";
import { invalidSql } from "../errors.js";
import { fromByteString, isKeyword, type Token, tokenize } from "../text/tokens.js";
import type { SpecialReference, TimeTravel } from "./time-travel.js";

/** A node of the tree that DuckDB's `json_serialize_sql` gives. */
export type Node = { readonly [key: string]: unknown };

/** A table that a statement reads, and where its name stands in the text. */
export interface TableReference extends TimeTravel {
  /** The name as written, one element per dotted part. */
  readonly parts: readonly string[];
  /** A branch or tag of the catalog. */
  readonly ref?: string | undefined;
  /** Bytes of the name in the text that was parsed. */
  readonly start: number;
  readonly end: number;
  readonly alias?: string | undefined;
  /** False right after DESCRIBE and SUMMARIZE, where the grammar has no place for an alias. */
  readonly mayAlias: boolean;
  /** True where `TABLE name` says `SELECT * FROM name`; the word TABLE is part of the reference then. */
  readonly isSelect: boolean;
  /** True right after DESCRIBE, DESC or SHOW; that word is part of the reference then. */
  readonly isDescribed: boolean;
  /** The SELECT whose FROM the reference stands in, and its table node. */
  readonly select?: Node | undefined;
  readonly node: Node;
}

/** A column reference that starts with the dotted name of a table: `ns.table.column`. */
export interface ColumnReference {
  readonly names: readonly string[];
  readonly start: number;
}

export interface StatementReferences {
  readonly tables: readonly TableReference[];
  readonly columns: readonly ColumnReference[];
}

/**
 * Finds the tables that a parsed statement reads. A name of one part that a WITH clause in scope defines is not a
 * table; everything else that is not a file in quotes is.
 */
export function findReferences(
  statement: Node,
  text: string,
  special: ReadonlyMap<string, SpecialReference>,
): StatementReferences {
  const tokens = tokenize(text);
  const indexByStart = new Map(tokens.map((token, i) => [token.start, i]));
  const tables: TableReference[] = [];
  const columns: ColumnReference[] = [];

  const visit = (value: unknown, scope: ReadonlySet<string>, select: Node | undefined): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, scope, select);
      return;
    }
    if (!isNode(value)) return;
    if (value.type === "BASE_TABLE") addTable(value, scope, select);
    if (value.type === "TABLE_FUNCTION") checkFunction(value);
    if (value.class === "COLUMN_REF" && Array.isArray(value.column_names) && value.column_names.length > 1) {
      columns.push({ names: value.column_names as string[], start: Number(value.query_location ?? 0) });
    }
    const inner = visitCtes(value, scope);
    for (const [key, child] of Object.entries(value)) {
      if (key === "cte_map") continue;
      if (value.type === "SELECT_NODE") visit(child, inner, key === "from_table" ? value : undefined);
      // Below a join the tables still belong to the SELECT; inside a subquery they belong to its own.
      else visit(child, inner, value.type === "JOIN" ? select : undefined);
    }
  };

  const visitCtes = (node: Node, scope: ReadonlySet<string>): ReadonlySet<string> => {
    const names = new Set(scope);
    if (node.type === "RECURSIVE_CTE_NODE" && typeof node.cte_name === "string")
      names.add(node.cte_name.toLowerCase());
    const map = isNode(node.cte_map) ? node.cte_map.map : undefined;
    if (!Array.isArray(map)) return names;
    for (const entry of map) {
      if (!isNode(entry) || typeof entry.key !== "string") continue;
      visit(entry.value, new Set(names), undefined);
      names.add(entry.key.toLowerCase());
    }
    return names;
  };

  const addTable = (node: Node, scope: ReadonlySet<string>, select: Node | undefined): void => {
    const parts = [node.catalog_name, node.schema_name, node.table_name].filter(
      (part): part is string => typeof part === "string" && part !== "",
    );
    const name = parts.at(-1) ?? "";
    const first = indexByStart.get(Number(node.query_location ?? -1));
    if (first === undefined || tokens[first]?.kind === "string") return;
    if (parts.length === 1 && scope.has(name.toLowerCase())) return;
    const last = first + 2 * (parts.length - 1);
    const before = tokens[first - 1];
    const isSelect = isKeyword(before, "TABLE");
    const isDescribed = isKeyword(before, "DESCRIBE", "DESC", "SHOW");
    const reference = special.get(name) ?? { parts };
    tables.push({
      ...reference,
      node,
      start: (isSelect || isDescribed ? before : tokens[first])?.start ?? 0,
      end: tokens[last]?.end ?? 0,
      mayAlias: !isDescribed && !isKeyword(before, "SUMMARIZE"),
      isSelect,
      isDescribed,
      alias: typeof node.alias === "string" && node.alias !== "" ? node.alias : undefined,
      select,
    });
  };

  visit(statement, new Set(), undefined);
  return { tables, columns };
}

/** Functions that list what is in the engine: what it keeps for itself, and none of the lakehouse's tables. */
const LISTING =
  /^(duckdb_(columns|constraints|databases|indexes|schemas|tables|views)|pragma_(database_list|show|table_info))$/i;

function checkFunction({ function: called }: Node): void {
  const name = isNode(called) ? String(called.function_name) : "";
  if (!LISTING.test(name)) return;
  throw invalidSql(
    `${name}()`,
    `${name}() would tell of the engine, not of the lakehouse.`,
    "SHOW TABLES, DESCRIBE and information_schema list what is here.",
  );
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What comes before the statement proper: EXPLAIN, which DuckDB can run but not show the tree of. */
export function splitExplain(text: string): { readonly prefix: string; readonly body: string } {
  const tokens = tokenize(text);
  if (!isKeyword(tokens[0], "EXPLAIN")) return { prefix: "", body: text };
  const start = (isKeyword(tokens[1], "ANALYZE") ? tokens[2] : tokens[1])?.start ?? text.length;
  return { prefix: text.slice(0, start), body: text.slice(start) };
}

const COMMITS =
  "Each statement is a commit of its own; to have several seen together, run them on a branch (lake.branch) and merge it (lake.merge).";

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["BEGIN", COMMITS],
  ["START", COMMITS],
  ["COMMIT", COMMITS],
  ["ROLLBACK", COMMITS],
  ["USE", "Write names in full, as in flights.bronze, and the branch as sql(text, { ref })."],
  ["ATTACH", "Read files by their names, as in SELECT * FROM 'file.parquet'."],
  ["SET", "Settings of the engine are given to openLakehouse({ duckdb })."],
  [
    "VACUUM",
    "Expired snapshots go by table.expireSnapshots(), and files that nothing leads to by lake.gc().",
  ],
]);

const STATEMENTS =
  "Write a query (SELECT, WITH, VALUES, DESCRIBE, SUMMARIZE, EXPLAIN of one, SHOW TABLES), or INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE, ALTER, DROP or COPY … TO.";

/** Why a statement that is no query is refused, and what to do instead. */
export function refuseStatement(text: string): LakehouseError {
  const tokens = tokenize(text);
  const first: Token | undefined = tokens[0];
  // DuckDB makes several statements of it, one of which finds out the values.
  if (tokens.some((token) => isKeyword(token, "PIVOT", "PIVOT_WIDER"))) {
    return invalidSql(
      fromByteString(text),
      "A PIVOT here names the values that become columns.",
      "Write them behind its column: ON city IN ('Bern', 'Basel').",
    );
  }
  const word = fromByteString(first?.text ?? "").toUpperCase();
  return invalidSql(
    fromByteString(text),
    `${word || "An empty text"} is no statement that is run here.`,
    REMEDIES.get(word) ?? STATEMENTS,
  );
}
