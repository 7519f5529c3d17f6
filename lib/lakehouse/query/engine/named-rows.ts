import {
  allFields,
  alwaysTrue,
  and,
  bind,
  CHANGE_COLUMNS,
  canPromote,
  changelogSchema,
  fieldById,
  isAncestorOf,
  isPrimitiveType,
  type NestedField,
  newTableMetadata,
  noSuchSnapshot,
  type Schema,
  schemaOfSnapshot,
  snapshotById,
  withMainAt,
} from "../../iceberg/index.js";
import { fileUri, LocalStore } from "../../storage/index.js";
import { whereSql } from "../relation/where.js";
import type { Use } from "../result/use.js";
import type { Narrowing } from "../sql/view-filter.js";
import { columnName } from "../text/names.js";
import type { PlannedRelations } from "./planned-relations.js";
import type { NamedRows } from "./query-engine.js";
import { uncommittedTasks } from "./uncommitted.js";

export interface NamedRelation {
  /** A relation of the schema's columns. */
  readonly relation: string;
  readonly schema: Schema;
}

/**
 * The relation of rows that the caller of a statement named.
 *
 * @param narrowing what the statement asks of them: files without such rows are left out.
 * @throws LakehouseError NO_SUCH_SNAPSHOT.
 */
export async function namedRelation(
  rows: NamedRows,
  narrowing: Narrowing,
  relations: PlannedRelations,
  scratch: string,
  use: Use,
): Promise<NamedRelation> {
  if ("batches" in rows) return ofBatches(rows, relations, scratch, use);
  if ("since" in rows) return ofNewRows(rows, relations, use);
  if ("changesSince" in rows) {
    const { table, changesSince: from } = rows;
    const { relation } = await relations.ofChanges(table, { from, on: [], net: true }, use);
    return { relation, schema: changelogSchema(table.metadata) };
  }
  const { table, filter = alwaysTrue } = rows;
  const { schema } = table;
  const { fields } = schema;
  const scan = table.scan({ filter: and(filter, narrowing(fields) ?? alwaysTrue) });
  const relation = await relations.ofScan(table, scan, use, { fields, metadataColumns: [] });
  if (filter.type === "true") return { relation, schema };
  const cells = fields.map(columnName).join(", ");
  const where = whereSql(bind(schema, filter), fields);
  return { relation: `(SELECT ${cells} FROM ${relation} WHERE ${where})`, schema };
}

/** The rows in Parquet files that are gone with the query: they are read, cast and compared as a table's are. */
async function ofBatches(
  { schema: given, batches }: Extract<NamedRows, { readonly batches: unknown }>,
  relations: PlannedRelations,
  scratch: string,
  use: Use,
): Promise<NamedRelation> {
  const metadata = newTableMetadata({ schema: given, location: fileUri(scratch), formatVersion: 3 });
  const [schema] = metadata.schemas as [Schema];
  async function* all() {
    yield* batches;
  }
  const tasks = await uncommittedTasks({ metadata }, { schema, batches: all() }, scratch, use);
  const { fields } = schema;
  const store = new LocalStore(scratch);
  return {
    relation: await relations.ofFiles({ store, metadata, tasks, fields, metadataColumns: [] }, use),
    schema,
  };
}

async function ofNewRows(
  { table, since }: Extract<NamedRows, { readonly since: unknown }>,
  relations: PlannedRelations,
  use: Use,
): Promise<NamedRelation> {
  const { schema, metadata } = table;
  const cells = schema.fields.map(columnName).join(", ");
  if (isAncestorOf(metadata, metadata.currentSnapshotId, since)) {
    const { relation } = await relations.ofChanges(table, { from: since, on: [], net: true }, use);
    const type = columnName(CHANGE_COLUMNS[0] as NestedField);
    return { relation: `(SELECT ${cells} FROM ${relation} WHERE ${type} = 'INSERT')`, schema };
  }
  // Of what has expired nobody can tell what the table has more; a view at it would be the table as it is.
  const snapshot = snapshotById(metadata, since);
  if (snapshot === undefined)
    throw noSuchSnapshot(
      String(since),
      `${table.name} has no snapshot ${since}, or has it no more.`,
      "Take a later one, or look at the whole table.",
    );
  // Of another line of history, or after snapshots between the two have expired, only the rows themselves can tell.
  const sides: string[] = [];
  const then = table.view(withMainAt(metadata, since), undefined);
  for (const at of canBecome(schemaOfSnapshot(metadata, snapshot), schema) ? [table, then] : [table]) {
    const columns = { fields: schema.fields, metadataColumns: [] };
    sides.push(`SELECT ${cells} FROM ${await relations.ofScan(at, at.scan(), use, columns)}`);
  }
  return { relation: `(${sides.join(" EXCEPT ALL ")})`, schema };
}

/**
 * Whether rows of the one schema can be rows of the other. A table that was made anew has columns by the names, and with the
 * ids, of those before, and may have them with other types: then no row is one that was there.
 */
function canBecome(before: Schema, after: Schema): boolean {
  return [...allFields(after)].every(({ field: { id, type } }) => {
    const was = fieldById(before, id)?.type;
    return was === undefined || (isPrimitiveType(type) ? canPromote(was, type) : was.type === type.type);
  });
}
