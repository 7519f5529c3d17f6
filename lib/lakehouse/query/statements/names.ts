import type { Catalog } from "../../catalog/index.js";
import { nearNames } from "../../errors.js";
import {
  type NestedField,
  noSuchTable,
  type Schema,
  type Table,
  type TableIdentifier,
} from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { SpecialReference } from "../sql/time-travel.js";
import { foldName } from "../text/names.js";
import type { Statement, StatementContext } from "./context.js";
import type { Path } from "./cursor.js";

/** What a statement is to change. */
export interface TargetName {
  readonly identifier: TableIdentifier;
  /** As errors and the catalog's log say it. */
  readonly text: string;
  readonly catalog: Catalog;
  /** What the catalog is seen on, where the statement says it. */
  readonly ref: string | undefined;
}

/** A name that a statement changes: with a branch where it says one, and in no state of the past. */
export function targetName({ parts }: Path, statement: Statement, context: StatementContext): TargetName {
  const { options, prepared } = statement;
  const special: SpecialReference = prepared.special.get(parts.join(".")) ?? { parts };
  const text = special.parts.join(".");
  if (special.version !== undefined || special.timestamp !== undefined || options.at !== undefined) {
    throw invalidSql(
      text,
      `The past of ${text} cannot be changed: a statement that writes names a table as it is now.`,
      "Leave VERSION, TIMESTAMP and `at` out; table.rollback(snapshotId) takes a table back.",
    );
  }
  const ref = special.ref ?? options.ref;
  const identifier = { namespace: special.parts.slice(0, -1), name: special.parts.at(-1) ?? "" };
  return { identifier, text, catalog: context.catalog(ref), ref };
}

/** The name of a table or view, which has a namespace. */
export function tableName(path: Path, statement: Statement, context: StatementContext): TargetName {
  const target = targetName(path, statement, context);
  if (target.identifier.namespace.length > 0) return target;
  throw invalidSql(
    target.text,
    `The name ${target.text} has no namespace.`,
    `Write it as in flights.${target.text}; CREATE SCHEMA makes namespaces.`,
  );
}

/** @throws LakehouseError NO_SUCH_TABLE; INVALID_SQL for what only shows a table. */
export async function loadTarget(target: TargetName, context: StatementContext): Promise<Table> {
  try {
    return (await target.catalog.loadTable(target.identifier)).withEngine(context.engine);
  } catch (error) {
    if (noSuchTable.is(error)) await refuseReading(target);
    throw error;
  }
}

/** `raw.flights.stream` and `raw.flights.changes` show a table, and have no rows of their own. */
async function refuseReading({ catalog, identifier, text }: TargetName): Promise<void> {
  const { namespace } = identifier;
  const name = identifier.name.toLowerCase();
  if (namespace.length < 2 || !["stream", "changes"].includes(name)) return;
  try {
    await catalog.loadTable({ namespace: namespace.slice(0, -1), name: namespace.at(-1) ?? "" });
  } catch (error) {
    if (noSuchTable.is(error)) return;
    throw error;
  }
  const table = namespace.join(".");
  throw invalidSql(
    text,
    `${text} is only for reading.`,
    name === "stream" ? `Change ${table}, or append records to its topic.` : `Change ${table}.`,
  );
}

/** A top-level column by its name: the one that is spelled just so, else the one that differs by case alone. */
export function columnNamed({ fields }: Pick<Schema, "fields">, name: string, table: string): NestedField {
  const exact = fields.find((field) => field.name === name);
  const folded = fields.filter((field) => foldName(field.name) === foldName(name));
  const [found] = exact ? [exact] : folded;
  if (found !== undefined && (exact !== undefined || folded.length === 1)) return found;
  const names = fields.map((field) => field.name);
  const [near] = nearNames(name, names);
  throw invalidSql(
    name,
    folded.length > 1
      ? `${name} could mean each of the columns ${folded.map((field) => field.name).join(", ")} of ${table}.`
      : `${table} has no column ${JSON.stringify(name)}.`,
    near === undefined || folded.length > 1
      ? `Its columns are ${names.join(", ")}.`
      : `Did you mean ${near}?`,
  );
}

/** Columns by name, none of them twice. */
export function columnsNamed(
  schema: Pick<Schema, "fields">,
  names: readonly string[],
  table: string,
): NestedField[] {
  const found = names.map((name) => columnNamed(schema, name, table));
  const twice = found.find((field, i) => found.indexOf(field) < i);
  if (twice === undefined) return found;
  throw invalidSql(twice.name, `The column ${JSON.stringify(twice.name)} is named twice.`, "Name it once.");
}
