import { invalidArgument } from "sololakehouse/errors";
import { type FactOptions, fact } from "./record.js";
import { keepPending } from "./recorder.js";
import { one, type TableRow, type TableSource } from "./rows.js";

/** For each value its unit, or all that `fact` takes. */
export type FactsOptions = Readonly<Record<string, string | FactOptions>>;

/**
 * Records several facts under one prefix: those of an object, or of a query's one row. Gives the values back.
 *
 * @example await facts("source", lake.sql("select count(*) as rows from t"), { rows: "rows" }); // source.rows
 */
export function facts<T extends object = Record<string, unknown>>(
  prefix: string,
  values: T | { rows(): Promise<readonly TableRow[]> } | Promise<TableSource>,
  options: FactsOptions = {},
): Promise<T> {
  return keepPending(recordFacts<T>(prefix, values, options));
}

async function recordFacts<T extends object>(
  prefix: string,
  values: T | { rows(): Promise<readonly TableRow[]> } | Promise<TableSource>,
  options: FactsOptions,
): Promise<T> {
  const given = await values;
  const isSource = Array.isArray(given) || ("rows" in given && typeof given.rows === "function");
  const row = isSource ? await one<T>(given as TableSource) : (given as T);
  const unknown = Object.keys(options).find((key) => !(key in row));
  if (unknown !== undefined) {
    throw invalidArgument(
      `${prefix}.${unknown}`,
      `There is no value "${unknown}" to record.`,
      `The values are ${Object.keys(row).join(", ")}.`,
    );
  }
  for (const [key, value] of Object.entries(row)) {
    const option = options[key];
    fact(`${prefix}.${key}`, value, typeof option === "string" ? { unit: option } : option);
  }
  return row;
}
