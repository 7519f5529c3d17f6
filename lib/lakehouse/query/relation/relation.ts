import {
  type DataFile,
  type FieldId,
  type IcebergType,
  LAST_UPDATED_SEQUENCE_NUMBER,
  type NestedField,
  type PartitionSpec,
  ROW_ID,
} from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { quoteIdentifier, quoteString } from "../sql/tokens.js";
import type { FileSchema, FileSchemas } from "./file-schemas.js";
import { columnSql, projection } from "./projection.js";
import { sqlLiteral, sqlType } from "./sql-types.js";

/** What a relation needs of a scan task: a data file, the deletes that apply to it, and its partition spec. */
export interface RelationTask {
  readonly dataFile: DataFile;
  readonly deleteFiles: readonly DataFile[];
  readonly spec: PartitionSpec;
  readonly sequenceNumber: bigint;
}

/** A table at one snapshot, as far as SQL needs to know it. */
export interface RelationInput {
  readonly store: ObjectStore;
  readonly fields: readonly NestedField[];
  readonly tasks: readonly RelationTask[];
  /** Path on this machine's disk of each data file and equality delete file, by its path in the table. */
  readonly paths: ReadonlyMap<string, string>;
  /** Type of a field of this or any older schema: equality deletes may name columns that were dropped. */
  readonly fieldType: (id: FieldId) => IcebergType | undefined;
  /** The table property `schema.name-mapping.default`. */
  readonly nameMapping?: string | undefined;
  /** Adds the columns of row lineage, as readers see them, after the fields (spec, "Row Lineage"). */
  readonly lineage?: boolean | undefined;
}

export interface RelationContext {
  readonly schemas: FileSchemas;
  /** Makes a DuckDB table (file_index UBIGINT, pos BIGINT) of deleted rows and gives its name. */
  positionTable(tasks: readonly RelationTask[]): Promise<string>;
}

/**
 * SQL for the rows of a table: one SELECT per distinct file schema and set of deletes, joined by UNION ALL. Without
 * files it is an empty relation of the right types.
 */
export async function relationSql(input: RelationInput, context: RelationContext): Promise<string> {
  if (input.tasks.length === 0) {
    return emptySql(input.lineage ? [...input.fields, ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER] : input.fields);
  }
  const files = input.tasks.map((task) => task.dataFile);
  const schemas = await context.schemas.of(input.store, files, input.nameMapping);
  const groups = new Map<string, Group>();
  input.tasks.forEach((task, i) => {
    const schema = schemas[i] as FileSchema;
    const equality = task.deleteFiles.filter((file) => file.content === "equality-deletes");
    const positions = task.deleteFiles.some((file) => file.content === "position-deletes");
    const key = [schema.key, positions, ...equality.map((file) => file.filePath).sort()].join("\n");
    const group = groups.get(key) ?? { schema, equality, positions, tasks: [] };
    group.tasks.push(task);
    groups.set(key, group);
  });
  const parts = await Promise.all([...groups.values()].map((group) => groupSql(input, group, context)));
  return parts.join("\nUNION ALL\n");
}

interface Group {
  readonly schema: FileSchema;
  readonly equality: readonly DataFile[];
  readonly positions: boolean;
  readonly tasks: RelationTask[];
}

function emptySql(fields: readonly NestedField[]): string {
  const columns = fields.map((field) => `NULL::${sqlType(field.type)} AS ${quoteIdentifier(field.name)}`);
  return `SELECT ${columns.join(", ")} WHERE false`;
}

async function groupSql(input: RelationInput, group: Group, context: RelationContext): Promise<string> {
  const missing = partitionConstants(input, group);
  const lineage = input.lineage ? `, ${lineageColumns(group)}` : "";
  const columns = projection(input.fields, group.schema.root, missing) + lineage;
  const files = group.tasks.map((task) => task.dataFile);
  const from = readFiles(input, files, group.positions || input.lineage === true);
  const joins: string[] = [];
  if (group.positions) {
    const table = await context.positionTable(group.tasks);
    joins.push(`ANTI JOIN ${table} AS p ON f.file_index = p.file_index AND f.file_row_number = p.pos`);
  }
  joins.push(...(await equalityJoins(input, group, missing, context)));
  return `SELECT ${columns} FROM ${from} AS f ${joins.join(" ")}`.trimEnd();
}

function readFiles(input: RelationInput, files: readonly DataFile[], rowNumbers: boolean): string {
  const paths = files.map((file) => quoteString(escapeGlob(input.paths.get(file.filePath) ?? file.filePath)));
  const options = `hive_partitioning = false${rowNumbers ? ", file_row_number = true" : ""}`;
  return `read_parquet([${paths.join(", ")}], ${options})`;
}

/** DuckDB takes `*`, `?` and `[` in a path for a pattern: in brackets each stands for itself. */
function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

/**
 * Fields that the files lack but their partitions tell, by field id: files that were adopted from Hive tables leave
 * identity-partitioned columns out (spec, "Column Projection").
 */
function partitionConstants(input: RelationInput, group: Group): Map<number, string> {
  const constants = new Map<number, string>();
  const present = new Set(group.schema.root.children.map((child) => child.fieldId));
  for (const field of input.fields) {
    if (present.has(field.id)) continue;
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

/** What a file stores of its rows' lineage counts; the rest is inherited from its entry in the manifest. */
function lineageColumns(group: Group): string {
  const perFile = (values: readonly (bigint | undefined)[]) =>
    `list_extract([${values.map((value) => `${value ?? "NULL"}::BIGINT`).join(", ")}], f.file_index::BIGINT + 1)`;
  const firstRowIds = perFile(group.tasks.map((task) => task.dataFile.firstRowId));
  const sequenceNumbers = perFile(group.tasks.map((task) => task.sequenceNumber));
  const stored = (field: NestedField) => columnSql(field.id, field.type, group.schema.root, new Map());
  return [
    `COALESCE(${stored(ROW_ID)}, ${firstRowIds} + f.file_row_number) AS ${ROW_ID.name}`,
    `COALESCE(${stored(LAST_UPDATED_SEQUENCE_NUMBER)}, ${sequenceNumbers}) AS ${LAST_UPDATED_SEQUENCE_NUMBER.name}`,
  ].join(", ");
}

/** One anti-join per set of delete columns and schema of delete files: null equals null (spec, "Equality Delete Files"). */
async function equalityJoins(
  input: RelationInput,
  group: Group,
  missing: ReadonlyMap<number, string>,
  context: RelationContext,
): Promise<string[]> {
  if (group.equality.length === 0) return [];
  const schemas = await context.schemas.of(input.store, group.equality, input.nameMapping);
  const sets = new Map<string, { ids: readonly FieldId[]; schema: FileSchema; files: DataFile[] }>();
  group.equality.forEach((file, i) => {
    const ids = file.equalityIds ?? [];
    const schema = schemas[i] as FileSchema;
    const key = `${ids.join()}\n${schema.key}`;
    const set = sets.get(key) ?? { ids, schema, files: [] };
    set.files.push(file);
    sets.set(key, set);
  });
  return [...sets.values()].map(({ ids, schema, files }, n) => {
    const typed = ids.map((id) => ({ id, type: input.fieldType(id) ?? { type: "unknown" as const } }));
    const keys = typed.map(({ id, type }, i) => `${columnSql(id, type, schema.root, new Map())} AS k${i}`);
    const from = readFiles(input, files, false);
    const conditions = typed.map(
      ({ id, type }, i) =>
        `${columnSql(id, type, group.schema.root, missing)} IS NOT DISTINCT FROM d${n}.k${i}`,
    );
    return `ANTI JOIN (SELECT ${keys.join(", ")} FROM ${from} AS f) AS d${n} ON ${conditions.join(" AND ")}`;
  });
}
