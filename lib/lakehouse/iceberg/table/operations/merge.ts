import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import { storedSchema } from "../../files/arrow/schema.js";
import type { AppendData } from "../../files/data/append-data.js";
import { conformingBatches } from "../../files/data/input.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import { fieldById } from "../../model/schema/lookup.js";
import type { Schema } from "../../model/types/types.js";
import { describeValue } from "../../model/values/canonical.js";
import { TableScan } from "../scan/scan.js";
import { type FileChange, readRef, type TableState } from "./file-change.js";
import { MERGE } from "./option-names.js";
import { changeRows, engineOf, type RowChangeOptions } from "./row-changes.js";

export interface RowMergeOptions<Row = Record<string, unknown>>
  extends Omit<RowChangeOptions, "caseSensitive"> {
  /** The key: columns by which rows are matched. Default: the schema's identifier fields. */
  readonly on?: readonly (keyof Row & string)[] | undefined;
  /**
   * What becomes of a new row with a null in its key. Default `refuse`: as SQL compares, it equals no row, and would be
   * inserted again each time. With `match` null is a value like any other.
   */
  readonly nullKeys?: "refuse" | "match" | undefined;
  /**
   * Of rows with one key the one that is greatest in this column counts, be it new or in the table: so that late and repeated
   * rows can come in any order. Null is less than any value. A new row that is not greater than the table's changes
   * nothing; new rows that are equal in it are one where they are equal in all.
   */
  readonly newest?: (keyof Row & string) | undefined;
  /** What becomes of a row that the table has under the key of a new one. Default `update`: it takes all its values. */
  readonly whenMatched?: "update" | "delete" | "ignore" | undefined;
  /** What becomes of a new row whose key the table does not have. Default `insert`. */
  readonly whenNotMatched?: "insert" | "ignore" | undefined;
}

export type UpsertOptions<Row = Record<string, unknown>> = Omit<
  RowMergeOptions<Row>,
  "whenMatched" | "whenNotMatched"
>;

/** What makes a merge an upsert. */
export const UPSERT = { whenMatched: "update", whenNotMatched: "insert" } as const;

/**
 * Matches new rows with those of the table by key, and updates, deletes or inserts. Rows that an update would leave as
 * they are, are not touched. `undefined` when nothing changes.
 */
export async function merge<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: RowMergeOptions<Row>,
): Promise<FileChange | undefined> {
  checkOptions("merge", options, MERGE);
  const { store, metadata } = state;
  const schema = currentSchema(metadata);
  const { whenMatched = "update", whenNotMatched = "insert", nullKeys = "refuse" } = options;
  const rows = await engineOf(state).openMerge({
    store,
    metadata,
    schema: storedSchema(schema),
    source: conformingBatches(schema, data),
    on: keyColumns(schema, options.on),
    newest: options.newest === undefined ? undefined : orderColumn(schema, options.newest),
    nullKeys,
  });
  try {
    const ref = readRef(state, options);
    const { tasks } = await new TableScan(store, metadata, { ref, filter: rows.range }).planAll();
    const matched = await rows.match(tasks, whenMatched === "update");
    const change = {
      command: "merge" as const,
      covers: rows.range,
      whole: [],
      partly: whenMatched === "ignore" ? new Map() : matched,
      remaining: rows.remainingRows.bind(rows),
      changed: whenMatched === "update" && matched.size > 0 ? rows.updatedRows() : undefined,
      added: whenNotMatched === "insert" ? rows.insertedRows() : undefined,
    };
    return await changeRows(state, change, options);
  } finally {
    await rows.close();
  }
}

function keyColumns(schema: Schema, on: readonly string[] | undefined): readonly string[] {
  const identifiers = schema.identifierFieldIds ?? [];
  if (on !== undefined && !Array.isArray(on))
    throw badKey(`A key is an array of columns, not ${describeValue(on)}`);
  const names = on ?? identifiers.map((id) => fieldById(schema, id)?.name ?? "");
  if (names.length === 0) throw badKey("A merge needs a key, and the table has no identifier fields");
  for (const name of names) {
    const field = schema.fields.find((each) => each.name === name);
    if (field === undefined) throw badKey(`${JSON.stringify(name)} is no top-level column of the table`);
    if (NO_KEYS.has(field.type.type)) {
      throw badKey(`${JSON.stringify(name)} is of type ${field.type.type}, which is no key`);
    }
  }
  return names;
}

function orderColumn(schema: Schema, name: string): string {
  const field = schema.fields.find((each) => each.name === name);
  if (field !== undefined && !NO_KEYS.has(field.type.type)) return name;
  throw invalidArgument(
    "newest",
    field === undefined
      ? `${JSON.stringify(name)} is no top-level column of the table.`
      : `${JSON.stringify(name)} is of type ${field.type.type}, by which nothing is newer.`,
    "Name a column that grows with each version of a row.",
  );
}

const NO_KEYS = new Set(["struct", "list", "map", "variant", "geometry", "geography", "unknown"]);

function badKey(problem: string): LakehouseError {
  return invalidArgument("on", `${problem}.`, "Name the key's columns in `on`.");
}
