import type { CreateTableOptions } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import { type ColumnName, fieldById, fieldByName, type TypedSchema } from "../../iceberg/index.js";
import { checkObject } from "../../options.js";
import { freshness, notNull, requireChecks, unique } from "../checks/builders.js";
import { requireKnown } from "../checks/columns.js";
import type { Check, Severity } from "../checks/types.js";
import { noSuchColumn } from "../errors.js";

/** What a table promises to those who read it. */
export interface ContractInit<Row>
  extends Pick<CreateTableOptions<Row>, "partitionSpec" | "sortOrder" | "properties" | "formatVersion"> {
  /** `flights.silver`. */
  readonly name: string;
  /** Its columns, with their docs. It gives the row type: `RowOf<typeof schema>`. */
  readonly schema: TypedSchema<Row>;
  /** Columns that together name a row. The schema's identifier where not given. */
  readonly keys?: readonly ColumnName<NoInfer<Row>>[] | undefined;
  /**
   * How old its newest row may be. A check that blocks also refuses what comes late to a table that has stood still: with
   * the severity `warn` it comes in, and is reported.
   */
  readonly freshness?:
    | {
        readonly column: ColumnName<NoInfer<Row>>;
        readonly within: string;
        /** `block` where not given. */
        readonly severity?: Severity | undefined;
      }
    | undefined;
  /** Whom to ask. */
  readonly owner: string;
  readonly description?: string | undefined;
  readonly checks?: readonly Check[] | undefined;
}

/** A contract with all that follows from it: the keys' checks and the one of freshness come before its own. */
export interface Contract<Row = Record<string, unknown>> extends Omit<ContractInit<Row>, "keys" | "checks"> {
  readonly keys: readonly string[];
  readonly checks: readonly Check[];
}

/**
 * Declares a table once: its row type, how it is made, what is checked and what the data dictionary says follow from it.
 *
 * @throws LakehouseError INVALID_ARGUMENT for checks of one name; INVALID_CHECK for columns that the schema lacks.
 * @example
 * const schema = defineSchema({ id: long(), origin: string().doc("IATA code"), at: timestamp() });
 * const silver = contract({
 *   name: "flights.silver", schema, keys: ["id"], owner: "data@example.org",
 *   freshness: { column: "at", within: "24h" },
 *   checks: [pattern("origin", "^[A-Z]{3}$"), references("origin", "flights.airports", "iata")],
 * });
 */
export function contract<Row>(init: ContractInit<Row>): Contract<Row> {
  checkObject("contract", "terms", init);
  const { name, schema, freshness: age, owner, checks = [] } = init;
  if (typeof name !== "string" || !name.includes("."))
    throw invalidArgument(
      String(name),
      "A contract is for a table by its name.",
      "Write it as in flights.silver.",
    );
  if (typeof owner !== "string" || owner.trim() === "")
    throw invalidArgument(name, `The contract of ${name} has no owner.`, "Say whom to ask.");
  if (typeof schema !== "object" || schema === null || !Array.isArray(schema.fields))
    throw invalidArgument(name, `The contract of ${name} has no schema.`, "Give what defineSchema made.");
  const keys = init.keys ?? schema.identifierFieldIds.map((id) => fieldById(schema, id)?.name as string);
  for (const column of [...keys, ...(age === undefined ? [] : [age.column])])
    if (fieldByName(schema, column) === undefined)
      throw noSuchColumn(
        name,
        column,
        schema.fields.map((field) => field.name),
      );
  const nullable = keys.filter((key) => fieldByName(schema, key)?.required === false);
  const implied: Check[] = [
    ...nullable.map((key) => notNull(key)),
    ...(keys.length === 0 ? [] : [unique(keys)]),
    ...(age === undefined ? [] : [freshness(age.column, age.within, { severity: age.severity ?? "block" })]),
  ];
  const said = new Set(requireChecks(checks).map((check) => check.name));
  requireKnown(schema, checks);
  // One that is spelled out has a severity or an allowance of its own.
  return { ...init, keys, checks: [...implied.filter((check) => !said.has(check.name)), ...checks] };
}

/** True for what `contract` made. */
export function isContract<Row>(given: unknown): given is Contract<Row> {
  return (
    typeof given === "object" && given !== null && "schema" in given && "checks" in given && "owner" in given
  );
}
