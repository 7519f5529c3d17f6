import { randomUUID } from "node:crypto";
import { invalidArgument } from "../../../errors.js";
import { buildSortOrder, UNSORTED, validateSortOrder } from "../partitioning/sort-order.js";
import {
  buildPartitionSpec,
  highestPartitionFieldId,
  PARTITION_FIELD_ID_START,
  validatePartitionSpec,
} from "../partitioning/spec.js";
import type {
  PartitionFieldInit,
  PartitionSpec,
  SortFieldInit,
  SortOrder,
  SourceIds,
} from "../partitioning/types.js";
import { freshSchema } from "../schema/fresh-ids.js";
import { fieldName, highestFieldId, locateByName } from "../schema/lookup.js";
import { validateNewNames } from "../schema/reserved.js";
import { requireSchema, validateSchema } from "../schema/validate.js";
import type { Schema } from "../types/types.js";
import { requireWellFormed } from "../values/well-formed.js";
import { checkProperties } from "./properties.js";
import type { FormatVersion, TableMetadata } from "./types.js";

export const DEFAULT_FORMAT_VERSION: FormatVersion = 2;

/** Properties that say what metadata already has fields for; they are never stored (as in the reference). */
export const RESERVED_PROPERTIES: ReadonlySet<string> = new Set([
  "format-version",
  "uuid",
  "snapshot-count",
  "current-snapshot-id",
  "current-snapshot-summary",
  "current-snapshot-timestamp-ms",
  "current-schema",
  "default-partition-spec",
  "default-sort-order",
]);

/**
 * What a new table has of properties where nobody says otherwise. Every version of the metadata lists all snapshots, and the
 * catalog keeps every version, since commits and branches lead there: without a bound a table of many small commits takes
 * room by the square of their number. Each version still has the snapshot that was current then.
 */
const NEW_TABLE_PROPERTIES: Readonly<Record<string, string>> = {
  "history.expire.max-snapshots": "50",
  // Of the earlier versions, which the metadata lists as well.
  "write.metadata.previous-versions-max": "20",
};

/** `Name`: the columns, where the compiler knows them. */
export interface NewTable<Name extends string = string> {
  readonly schema: Schema;
  /** Bound to `schema` (a `PartitionSpec`), or by column name. */
  readonly partitionSpec?: PartitionSpec | readonly PartitionFieldInit<Name>[] | undefined;
  readonly sortOrder?: SortOrder | readonly SortFieldInit<Name>[] | undefined;
  /** URI of the table's folder; a trailing slash is dropped. */
  readonly location: string;
  /** `format-version` among them chooses the version, and is not kept. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Defaults to 2. */
  readonly formatVersion?: FormatVersion | undefined;
  readonly tableUuid?: string | undefined;
}

/**
 * Metadata of a new, empty table. All ids are given anew: fields from 1, schema and spec 0, partition fields from 1000.
 * Throws `INVALID_SCHEMA` or `INVALID_ARGUMENT`.
 */
export function newTableMetadata(init: NewTable): TableMetadata {
  const formatVersion = formatVersionOf(init);
  requireSchema(init.schema);
  requireWellFormed([init.schema, init.partitionSpec, init.location, init.properties]);
  validateSchema(init.schema, formatVersion);
  validateNewNames(init.schema);
  const schema = freshSchema(init.schema, 0);
  const spec = bindSpec(init, schema);
  const sortOrder = bindSortOrder(init, schema);
  const properties: Record<string, string> = { ...NEW_TABLE_PROPERTIES };
  for (const [key, value] of Object.entries(init.properties ?? {})) {
    if (!RESERVED_PROPERTIES.has(key)) properties[key] = value;
  }
  checkProperties(properties);
  return {
    formatVersion,
    tableUuid: init.tableUuid ?? randomUUID(),
    location: stripTrailingSlash(init.location),
    lastSequenceNumber: 0n,
    lastUpdatedMs: BigInt(Date.now()),
    lastColumnId: highestFieldId(schema),
    schemas: [schema],
    currentSchemaId: schema.schemaId,
    partitionSpecs: [spec],
    defaultSpecId: spec.specId,
    lastPartitionId: highestPartitionFieldId(spec),
    properties,
    currentSnapshotId: undefined,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    sortOrders: [sortOrder],
    defaultSortOrderId: sortOrder.orderId,
    refs: {},
    statistics: [],
    partitionStatistics: [],
    nextRowId: 0n,
    encryptionKeys: [],
  };
}

export function stripTrailingSlash(location: string): string {
  return location.replace(/(?<=[^/])\/+$/, "");
}

function formatVersionOf(init: NewTable): FormatVersion {
  const version = init.formatVersion ?? Number(init.properties?.["format-version"] ?? DEFAULT_FORMAT_VERSION);
  if (version === 1 || version === 2 || version === 3) return version;
  throw invalidArgument(String(version), `There is no format version ${version} to write: use 1, 2 or 3.`);
}

/** Ids of the same columns, looked up by name, in the schema with fresh ids. */
function remap(ids: SourceIds, from: Schema, to: Schema): SourceIds {
  const [first, ...rest] = ids.map((id) => {
    const name = fieldName(from, id);
    const location = name === undefined ? undefined : locateByName(to, name);
    if (location !== undefined) return location.field.id;
    throw invalidArgument(String(id), `The source column ${id} is not in the schema.`);
  });
  return [first as number, ...rest];
}

function isByName<T>(
  fields: T | readonly (PartitionFieldInit | SortFieldInit)[] | undefined,
): fields is readonly (PartitionFieldInit | SortFieldInit)[] {
  return Array.isArray(fields);
}

function bindSpec(init: NewTable, schema: Schema): PartitionSpec {
  const { partitionSpec } = init;
  if (partitionSpec === undefined) return { specId: 0, fields: [] };
  if (isByName(partitionSpec))
    return buildPartitionSpec(schema, partitionSpec as readonly PartitionFieldInit[]);
  const fields = (partitionSpec as PartitionSpec).fields.map((field, i) => ({
    ...field,
    sourceIds: remap(field.sourceIds, init.schema, schema),
    fieldId: PARTITION_FIELD_ID_START + i,
  }));
  const spec = { specId: 0, fields };
  validatePartitionSpec(spec, schema);
  return spec;
}

function bindSortOrder(init: NewTable, schema: Schema): SortOrder {
  const { sortOrder } = init;
  if (sortOrder === undefined) return UNSORTED;
  if (isByName(sortOrder)) return buildSortOrder(schema, sortOrder as readonly SortFieldInit[]);
  const bound = sortOrder as SortOrder;
  if (bound.fields.length === 0) return UNSORTED;
  const fields = bound.fields.map((field) => ({
    ...field,
    sourceIds: remap(field.sourceIds, init.schema, schema),
  }));
  const order = { orderId: 1, fields };
  validateSortOrder(order, schema);
  return order;
}
