import { invalidArgument } from "../../errors.js";
import {
  buildSortOrder,
  columnsRemedy,
  isPrimitiveType,
  locateByName,
  type RowOrder,
  type SortField,
  type SortFieldInit,
  type Table,
} from "../../iceberg/index.js";
import type { CompactOptions } from "./options.js";

/** Beyond this a column's rank has so few bits that the curve tells little of it. */
const MAX_Z_COLUMNS = 8;

/**
 * The order that rows are rewritten in; `undefined` for the one that they have.
 *
 * @throws LakehouseError INVALID_ARGUMENT for columns that the table lacks or that cannot be sorted by.
 */
export function rowOrder(table: Table, { strategy, by }: CompactOptions): RowOrder | undefined {
  if (strategy === "bin-pack") return undefined;
  if (strategy === "z-order") return zOrder(table, by ?? []);
  const { fields } =
    by === undefined
      ? table.sortOrder
      : buildSortOrder(
          table.schema,
          by.map((term) => (typeof term === "string" ? ascending(term) : term)),
        );
  if (strategy === "sort" && fields.length === 0) {
    throw invalidArgument(
      table.name,
      `${table.name} has no sort order.`,
      "Say what to sort by, or give the table a sort order.",
    );
  }
  const sorted = leading(fields);
  return sorted.length === 0 ? undefined : { kind: "sort", fields: sorted };
}

function ascending(source: string): SortFieldInit {
  return {
    kind: "sort-field",
    source,
    transform: { transform: "identity" },
    direction: "asc",
    nullOrder: "nulls-first",
  };
}

const SORTABLE: ReadonlySet<string> = new Set(["identity", "year", "month", "day", "hour"]);

/** The fields up to the first whose transform the engine cannot sort by: rows that are sorted by these lie well, too. */
function leading(fields: readonly SortField[]): readonly SortField[] {
  const end = fields.findIndex(({ transform }) => !SORTABLE.has(transform.transform));
  return end < 0 ? fields : fields.slice(0, end);
}

function zOrder(table: Table, by: readonly (string | SortFieldInit)[]): RowOrder {
  if (by.length < 2 || by.length > MAX_Z_COLUMNS) {
    throw invalidArgument(
      table.name,
      `z-order takes 2 to ${MAX_Z_COLUMNS} columns, not ${by.length}.`,
      "Name those that queries filter by; for one column, use sort.",
    );
  }
  const columns = by.map((column) => {
    if (typeof column !== "string") {
      throw invalidArgument(
        column.source,
        "z-order goes by columns themselves, in no direction.",
        "Give their names.",
      );
    }
    const field = locateByName(table.schema, column)?.field;
    if (field === undefined || !isPrimitiveType(field.type)) {
      throw invalidArgument(
        column,
        `${table.name} has no column ${JSON.stringify(column)} of single values.`,
        columnsRemedy(table.schema),
      );
    }
    return field.id;
  });
  return { kind: "z-order", columns };
}
