import { unsupported } from "../../errors.js";
import {
  allFields,
  corruptDeletes,
  type DataFile,
  equalityColumns,
  FILE,
  type FieldId,
  LAST_UPDATED_SEQUENCE_NUMBER,
  type NestedField,
  PARTITION,
  type PartitionSpec,
  POSITION,
  partitionValue,
  ROW_ID,
  SPEC_ID,
} from "../../iceberg/index.js";
import { keyOf } from "../../keys.js";
import type { ParquetNode } from "../../parquet/index.js";
import { type ObjectStore, pathOfFile } from "../../storage/index.js";
import { columnName, internalName, memberNames } from "../text/names.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";
import { sqlLiteral, sqlType } from "../types/sql-types.js";
import { deletesByKind } from "./deletes.js";
import type { FileSchema, FileSchemas } from "./file-schemas.js";
import { columnSql, type FileFacts, fileColumn, projectedSql, projection } from "./projection.js";
import { type StandIns, schemasOf } from "./stand-ins.js";

/** What a relation needs of a scan task: a data file, the deletes that apply to it, and its partition spec. */
export interface RelationTask {
  readonly dataFile: DataFile;
  readonly deleteFiles: readonly DataFile[];
  readonly spec: PartitionSpec;
  readonly sequenceNumber: bigint;
  /** What `TASK` tells of its rows. */
  readonly number?: number | undefined;
}

/** A column that is in no table: the number of the task that a row is of. */
export const TASK: NestedField = { id: -1, name: "_task", required: true, type: { type: "long" } };

/** A table at one snapshot, as far as SQL needs to know it. */
export interface RelationInput {
  readonly store: ObjectStore;
  readonly fields: readonly NestedField[];
  readonly tasks: readonly RelationTask[];
  /** Path on this machine's disk of each data file and equality delete file, by its path in the table. */
  readonly paths: ReadonlyMap<string, string>;
  /**
   * A field of this or any other schema of the table, as `everyField` gives it: equality deletes may name columns that
   * are not selected, that are narrower than they were or will be, and that were dropped.
   */
  readonly fieldPath: (id: FieldId) => readonly NestedField[] | undefined;
  /** The table property `schema.name-mapping.default`. */
  readonly nameMapping?: string | undefined;
  /** Metadata columns to add after the fields; those of row lineage as readers see them (spec, "Row Lineage"). */
  readonly metadataColumns?: readonly NestedField[] | undefined;
}

export interface RelationContext {
  readonly schemas: FileSchemas;
  readonly standIns: StandIns;
  /** Copies files of which rows are deleted, with one more column that tells which. Gives the paths of those it could. */
  copyMasked(): Promise<ReadonlyMap<RelationTask, string>>;
  /** Makes a DuckDB table (file_index UBIGINT, pos BIGINT) of deleted rows and gives its name. */
  positionTable(tasks: readonly RelationTask[]): Promise<string>;
}

/**
 * SQL for the rows of a table: one SELECT per distinct file schema and set of deletes, joined by UNION ALL. Without
 * files it is an empty relation of the right types. Its columns are called as `names.ts` says.
 */
export async function relationSql(input: RelationInput, context: RelationContext): Promise<string> {
  if (input.tasks.length === 0) {
    return emptySql(input);
  }
  const files = input.tasks.map((task) => task.dataFile);
  const schemas = await schemasOf(files, input, context.standIns, context.schemas);
  const masks = await context.copyMasked();
  const groups = new Map<string, Group>();
  input.tasks.forEach((task, i) => {
    const schema = schemas[i] as FileSchema;
    const equality = deletesByKind(task.deleteFiles)["equality-deletes"];
    const positions = masks.has(task) ? "masked" : hasPositionDeletes(task) ? "listed" : "none";
    const key = keyOf([schema.key, positions, equality.map((file) => file.filePath).sort()]);
    const group = groups.get(key) ?? { schema, equality, positions, tasks: [], paths: [] };
    group.tasks.push(task);
    group.paths.push(masks.get(task) ?? pathOf(task.dataFile, input, context));
    groups.set(key, group);
  });
  const parts = await Promise.all([...groups.values()].map((group) => groupSql(input, group, context)));
  return parts.join("\nUNION ALL\n");
}

interface Group {
  readonly schema: FileSchema;
  readonly equality: readonly DataFile[];
  /** How the deleted positions of its files are known. */
  readonly positions: "none" | "masked" | "listed";
  readonly tasks: RelationTask[];
  /** Where the file of each task is read. */
  readonly paths: string[];
}

export function hasPositionDeletes(task: RelationTask): boolean {
  return deletesByKind(task.deleteFiles)["position-deletes"].length > 0;
}

function emptySql({ fields, metadataColumns = [] }: RelationInput): string {
  const none = ({ type }: NestedField) => `NULL::${sqlType(type)}`;
  const columns = [
    ...fields.map((field) => `${none(field)} AS ${columnName(field)}`),
    ...metadataColumns.map((field) => `${none(field)} AS ${internalName(field)}`),
  ];
  return `SELECT ${columns.join(", ")} WHERE false`;
}

async function groupSql(input: RelationInput, group: Group, context: RelationContext): Promise<string> {
  const facts = { missing: partitionConstants(input, group), mayMislead: mayMislead(group) };
  const columns = [
    ...projection(input.fields, group.schema.root, facts),
    ...(input.metadataColumns ?? []).map(
      (field) => `${metadataColumn(input, field, group)} AS ${internalName(field)}`,
    ),
  ];
  const masked = group.positions === "masked";
  const from = readFiles(group.paths, group.schema, masked ? ["deleted"] : []);
  const joins: string[] = [];
  if (group.positions === "listed") {
    const table = await context.positionTable(group.tasks);
    joins.push(`ANTI JOIN ${table} AS p ON f.file_index = p.file_index AND f.file_row_number = p.pos`);
  }
  joins.push(...(await equalityJoins(input, group, facts, context)));
  // Written as a comparison, DuckDB does it while it reads; `NOT deleted` it would do after.
  if (masked) joins.push("WHERE f.deleted = false");
  return `SELECT ${columns.join(", ")} FROM ${from} ${joins.join(" ")}`.trimEnd();
}

/** The files as `f`, with their columns named by place; DuckDB adds `file_index` and `file_row_number`. */
function readFiles(paths: readonly string[], schema: FileSchema, more: readonly string[] = []): string {
  const list = paths.map((path) => quoteString(escapeGlob(path)));
  const columns = [...schema.root.children.map((_, place) => fileColumn(place)), ...more];
  return `read_parquet([${list.join(", ")}], hive_partitioning = false) AS f(${columns.join(", ")})`;
}

/** Where a data file, or what stands in for it, lies on this machine's disk. */
export function pathOf(
  { filePath }: DataFile,
  { paths }: Pick<RelationInput, "paths">,
  { standIns }: Pick<RelationContext, "standIns">,
): string {
  const standIn = standIns.get(filePath);
  return standIn ? pathOfFile(standIn.filePath) : (paths.get(filePath) ?? filePath);
}

/** DuckDB takes `*`, `?` and `[` in a path for a pattern: in brackets each stands for itself. */
function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

/**
 * Fields that the files lack but their partitions tell, by field id: files that were adopted from Hive tables leave
 * identity-partitioned columns out (spec, "Column Projection"). Columns to delete by are among them, selected or not.
 */
function partitionConstants(input: RelationInput, group: Group): Map<number, string> {
  const constants = new Map<number, string>();
  const sources = new Set(
    group.tasks.flatMap(({ spec }) =>
      spec.fields
        .filter(({ transform }) => transform.transform === "identity")
        .map(({ sourceIds }) => sourceIds[0]),
    ),
  );
  const present = fieldIdsOf(group.schema.root);
  const fields = new Map<FieldId, NestedField>();
  for (const { equalityIds = [] } of group.equality) {
    for (const id of equalityIds) for (const field of input.fieldPath(id) ?? []) fields.set(field.id, field);
  }
  for (const { field } of allFields(input)) fields.set(field.id, field);
  for (const field of fields.values()) {
    if (!sources.has(field.id) || present.has(field.id)) continue;
    const values = group.tasks.map(({ dataFile, spec }) => {
      const at = spec.fields.findIndex(
        ({ sourceIds, transform }) => transform.transform === "identity" && sourceIds[0] === field.id,
      );
      const value = at >= 0 ? dataFile.partition[at] : undefined;
      return sqlLiteral(field.type, value !== undefined ? value : (field.initialDefault ?? null));
    });
    const distinct = new Set(values);
    const [only] = distinct;
    if (distinct.size === 1 && only !== undefined) constants.set(field.id, only);
    else constants.set(field.id, `list_extract([${values.join(", ")}], f.file_index::BIGINT + 1)`);
  }
  return constants;
}

const NOTHING_KNOWN: FileFacts = { missing: new Map(), mayMislead: () => true };

function mayMislead({ schema, tasks }: Group): (id: FieldId) => boolean {
  return (id) =>
    schema.tellsZerosApart || tasks.some(({ dataFile }) => dataFile.nanValueCounts?.get(id) !== 0n);
}

function fieldIdsOf(node: ParquetNode, ids = new Set<number>()): Set<number> {
  if (node.fieldId !== undefined) ids.add(node.fieldId);
  for (const child of node.children) fieldIdsOf(child, ids);
  return ids;
}

/** One of the values for each file, in the order of the files. */
function perFile(type: string, values: readonly string[]): string {
  return `list_extract([${values.map((value) => `${value}::${type}`).join(", ")}], f.file_index::BIGINT + 1)`;
}

/** The partition of each file; null where the table has no partition fields. */
function partitionStruct({ type }: NestedField, tasks: Group["tasks"]): string {
  if (type.type !== "struct") return `NULL::${sqlType(type)}`;
  const names = memberNames(type.fields);
  const values = tasks.map(({ dataFile, spec }) => {
    const members = type.fields.map((field, i) => {
      const value = sqlLiteral(field.type, partitionValue(spec, dataFile.partition, field));
      return `${quoteIdentifier(names[i] as string)} := ${value}`;
    });
    return `struct_pack(${members.join(", ")})`;
  });
  return perFile(sqlType(type), values);
}

/** What a file stores of its rows' lineage counts; the rest is inherited from its entry in the manifest. */
function metadataColumn(input: RelationInput, column: NestedField, { tasks, schema }: Group): string {
  // A table that broke the spec, and gave the id to a column of its own, stores that under it.
  const isUsers = input.fieldPath(column.id) !== undefined;
  const stored = () => (isUsers ? "NULL" : projectedSql([column], schema.root, NOTHING_KNOWN));
  switch (column.id) {
    case FILE.id:
      return perFile(
        "VARCHAR",
        tasks.map(({ dataFile }) => quoteString(dataFile.filePath)),
      );
    case TASK.id:
      return perFile(
        "BIGINT",
        tasks.map((task) => String(task.number ?? "NULL")),
      );
    case POSITION.id:
      return "f.file_row_number";
    case SPEC_ID.id:
      return perFile(
        "INTEGER",
        tasks.map(({ spec }) => String(spec.specId)),
      );
    case PARTITION.id:
      return partitionStruct(column, tasks);
    case ROW_ID.id: {
      const first = perFile(
        "BIGINT",
        tasks.map(({ dataFile }) => String(dataFile.firstRowId ?? "NULL")),
      );
      return `COALESCE(${stored()}, ${first} + f.file_row_number)`;
    }
    case LAST_UPDATED_SEQUENCE_NUMBER.id: {
      const sequenceNumbers = tasks.map((task) => String(task.sequenceNumber));
      return `COALESCE(${stored()}, ${perFile("BIGINT", sequenceNumbers)})`;
    }
    default:
      throw unsupported(column.name, `Rows have no metadata column ${column.name}.`);
  }
}

/** One anti-join per set of delete columns and schema of delete files: null equals null (spec, "Equality Delete Files"). */
async function equalityJoins(
  input: RelationInput,
  group: Group,
  facts: FileFacts,
  context: RelationContext,
): Promise<string[]> {
  if (group.equality.length === 0) return [];
  const schemas = await schemasOf(group.equality, input, context.standIns, context.schemas);
  const sets = new Map<string, { keys: readonly DeleteKey[]; schema: FileSchema; files: DataFile[] }>();
  group.equality.forEach((file, i) => {
    const schema = schemas[i] as FileSchema;
    const key = `${file.equalityIds?.join()}\n${schema.key}`;
    const set = sets.get(key) ?? { keys: deleteKeys(input, group, facts, file, schema), schema, files: [] };
    set.files.push(file);
    sets.set(key, set);
  });
  return [...sets.values()].map(({ keys, schema, files }, n) => {
    const columns = keys.map(({ deleted }, i) => `${deleted} AS k${i}`);
    const from = readFiles(
      files.map((file) => pathOf(file, input, context)),
      schema,
    );
    const conditions = keys.map(({ stored }, i) => `${stored} IS NOT DISTINCT FROM d${n}.k${i}`);
    return `ANTI JOIN (SELECT ${columns.join(", ")} FROM ${from}) AS d${n} ON ${conditions.join(" AND ")}`;
  });
}

/** SQL for the two values of a delete column that are compared: in the delete file, and in the data files. */
interface DeleteKey {
  readonly deleted: string;
  readonly stored: string;
}

/** A delete file has its delete columns, always; a data file may lack them, and has their values all the same. */
function deleteKeys(
  { fieldPath }: RelationInput,
  group: Group,
  facts: FileFacts,
  file: DataFile,
  schema: FileSchema,
): DeleteKey[] {
  return equalityColumns(file, (id) => fieldPath(id)?.at(-1)?.type).map(({ id }) => {
    const path = fieldPath(id) as readonly NestedField[];
    const deleted = columnSql(path.at(-1) as NestedField, schema.root, NOTHING_KNOWN);
    if (deleted === undefined) throw corruptDeletes(file.filePath, `it has no column with field id ${id}`);
    return { deleted, stored: projectedSql(path, group.schema.root, facts) };
  });
}
