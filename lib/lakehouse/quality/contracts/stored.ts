import { type Table, updateProperties } from "../../iceberg/index.js";
import { requireChecks } from "../checks/builders.js";
import type { Check } from "../checks/types.js";
import { invalidSuite } from "../errors.js";

/** The table property that holds the table's checks, as JSON. */
const PROPERTY = "quality.checks";

/** The checks that a table carries; none for a table without. @throws LakehouseError INVALID_SUITE for text that is none. */
export function storedChecks({ name, properties }: Pick<Table, "name" | "properties">): readonly Check[] {
  const text = properties[PROPERTY];
  if (text === undefined) return [];
  try {
    return requireChecks(JSON.parse(text) as readonly Check[]);
  } catch (cause) {
    throw invalidSuite(
      name,
      `The property ${PROPERTY} of ${name} holds no checks that this version can read: ${(cause as Error).message}`,
      "Set the table's checks anew, by lake.quality.setChecks.",
      cause,
    );
  }
}

/** The property that makes a table carry checks. */
export function checksProperty(checks: readonly Check[]): Readonly<Record<string, string>> {
  return { [PROPERTY]: JSON.stringify(checks) };
}

/** Makes a table carry checks, in place of those it had; with none it carries none. */
export async function storeChecks<Row>(table: Table<Row>, checks: readonly Check[]): Promise<Table<Row>> {
  const change = checks.length === 0 ? { remove: [PROPERTY] } : { set: checksProperty(checks) };
  return table.update([updateProperties(change)]);
}
