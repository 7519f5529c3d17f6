import type { Catalog, TableName } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import {
  assignFreshIds,
  type NestedField,
  noSuchTable,
  type Schema,
  type Table,
  updateProperties,
} from "../../iceberg/index.js";
import { ensureNamespace } from "../../namespaces.js";
import { noSuchSubject } from "../errors.js";
import type { SchemaRows } from "./decode.js";
import { linkOf, linkProperties, partFields, sameLink, type TableLink } from "./link.js";
import type { CheckedOptions } from "./options.js";

/**
 * The table that a topic is taken into, made where there is none.
 *
 * @param rows of the schema that the topic's values have, if there is one.
 * @throws LakehouseError NO_SUCH_SUBJECT where nothing tells its columns; INVALID_ARGUMENT for the table of another topic
 */
export async function openTable(
  catalog: Catalog,
  name: TableName,
  link: TableLink,
  rows: SchemaRows | undefined,
  options: CheckedOptions,
): Promise<Table> {
  const found = await find(catalog, name);
  if (found !== undefined) return linked(found, link);
  if (rows === undefined)
    throw noSuchSubject(
      link.subject,
      `The subject ${link.subject} has no schema, so that nothing tells the columns of ${String(name)}.`,
      "Register one, or make the topic with a schema.",
    );
  await ensureNamespace(catalog, name);
  const fields = [...rows.reader.fields, ...partFields(link.columns)];
  try {
    return await catalog.createTable(name, {
      schema: withIds(fields),
      partitionSpec: options.partitionSpec,
      sortOrder: options.sortOrder,
      properties: { ...options.properties, ...linkProperties(link) },
      ...(needsVersion3(fields) ? { formatVersion: 3 } : {}),
    });
  } catch (error) {
    const made = await find(catalog, name);
    if (made === undefined) throw error;
    return linked(made, link);
  }
}

/** Ids in the order of the columns. */
function withIds(fields: readonly NestedField[]): Schema {
  let last = 0;
  return { schemaId: 0, fields: assignFreshIds(fields, () => ++last), identifierFieldIds: [] };
}

/** Types that tables have from version 3 on. */
const LATER = /"type":"(timestamp_ns|timestamptz_ns|unknown|variant|geometry|geography)"/;

function needsVersion3(fields: readonly NestedField[]): boolean {
  return LATER.test(JSON.stringify(fields.map(({ type }) => type)));
}

async function find(catalog: Catalog, name: TableName): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(name);
  } catch (error) {
    if (noSuchTable.is(error)) return undefined;
    throw error;
  }
}

/** Of a table, one topic's end can be read with it. */
async function linked(table: Table, link: TableLink): Promise<Table> {
  const there = linkOf(table);
  if (there === undefined) return table.update([updateProperties({ set: linkProperties(link) })]);
  if (sameLink(there, link)) return table;
  if (there.topic !== link.topic)
    throw invalidArgument(
      table.name,
      `The table ${table.name} is made of the topic ${there.topic}.`,
      `Give ${link.topic} a table of its own.`,
    );
  return table.update([updateProperties({ set: linkProperties(link) })]);
}
