import { LakehouseError } from "../../errors.js";
import {
  type ColumnMetrics,
  columnMetrics,
  type ParquetFooter,
  readFooter,
  splitOffsets,
} from "../../parquet/index.js";
import type { ObjectInfo } from "../../storage/index.js";
import { storedSchema } from "../arrow/index.js";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import { fileMetrics, type MetricsConfig, metricsConfig } from "../data/metrics.js";
import { parquetFit } from "../data/parquet-types.js";
import { updateProperties } from "../evolution/settings.js";
import { type ResolvedSpec, specOf, specsById } from "../manifest/specs.js";
import type { DataFile } from "../manifest/types.js";
import { currentSchema, defaultSortOrder } from "../metadata/lookup.js";
import { TableScan } from "../scan/scan.js";
import { fieldById, locateById } from "../schema/lookup.js";
import {
  createNameMapping,
  DEFAULT_NAME_MAPPING,
  findMapped,
  type NameMapping,
  nameMappingFromJson,
  nameMappingToJson,
} from "../schema/name-mapping.js";
import { isPrimitiveType, typeToString } from "../schema/type-text.js";
import type { FieldId, Schema } from "../schema/types.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { validateNoNewDataFiles } from "../snapshot/validate.js";
import { FileChange, readRef, type SnapshotOptions, sinceOf, type TableState } from "./file-change.js";
import { inferPartition } from "./infer-partition.js";

/**
 * Adopts Parquet files where they are, without rewriting them: their metrics come from their footers, their
 * partition from Hive-style folders (`origin=ATL/`) or, where these tell nothing, from bounds that leave one value.
 * Files without field ids are matched by name: the table gets a name mapping of its schema if it has none.
 *
 * @param paths URIs of files, or of folders that end in `/`, of which all `.parquet` files are taken.
 * @throws LakehouseError INVALID_ARGUMENT for a file that the table has already, or that is given twice, or whose
 *   partition cannot be told; SCHEMA_MISMATCH for one that does not fit the schema; OBJECT_NOT_FOUND, CORRUPT_FILE.
 */
export async function addFiles(
  state: TableState,
  paths: readonly string[],
  options: SnapshotOptions,
): Promise<PendingUpdate[]> {
  const { store, metadata } = state;
  const objects = await findObjects(state, paths);
  if (objects.length === 0) return [];
  const { tasks } = await new TableScan(store, metadata, { ref: readRef(state, options) }).planAll();
  const known = new Set(tasks.map((task) => task.dataFile.filePath));
  const given = new Set(objects.map(({ uri }) => uri));
  const twice = objects.find(({ uri }) => known.has(uri));
  if (twice !== undefined) throw refused(twice.uri, "is in the table already");
  const schema = currentSchema(metadata);
  const text = metadata.properties[DEFAULT_NAME_MAPPING];
  const mapping = text === undefined ? createNameMapping(schema) : nameMappingFromJson(text);
  const spec = specOf(specsById(metadata), metadata.defaultSpecId, metadata.location);
  const config = metricsConfig(metadata, storedSchema(schema), defaultSortOrder(metadata));
  let mapped = false;
  const files = await mapConcurrent(objects, READ_CONCURRENCY, async (object) => {
    const footer = await readFooter(store, object.uri, object.size);
    const hasIds = footer.columns.some(({ node }) => node.fieldId !== undefined);
    mapped ||= !hasIds;
    return adopt(object, hasIds ? footer : withIds(footer, mapping), schema, spec, config);
  });
  const since = sinceOf(state, options);
  const change = new FileChange(
    state,
    {
      operation: "append",
      addedDataFiles: files,
      validate: (base, parent) =>
        validateNoNewDataFiles(since(base, parent), (file) => given.has(file.filePath)),
    },
    options,
  );
  if (!mapped || text !== undefined) return [new Adoption(change)];
  const set = { [DEFAULT_NAME_MAPPING]: nameMappingToJson(mapping) };
  return [updateProperties({ set }), new Adoption(change)];
}

/** A change whose files are not its own: when it comes to nothing, they stay. */
class Adoption implements PendingUpdate {
  readonly #change: FileChange;

  constructor(change: FileChange) {
    this.#change = change;
  }

  propose(base: Parameters<PendingUpdate["propose"]>[0]): ReturnType<PendingUpdate["propose"]> {
    return this.#change.propose(base);
  }

  settle(committed: Parameters<NonNullable<PendingUpdate["settle"]>>[0]): Promise<void> {
    return this.#change.settleMetadata(committed);
  }
}

async function findObjects({ store }: TableState, paths: readonly string[]): Promise<ObjectInfo[]> {
  const found = new Map<string, ObjectInfo>();
  const add = (object: ObjectInfo): void => {
    if (found.has(object.uri)) throw refused(object.uri, "is given twice");
    found.set(object.uri, object);
  };
  for (const path of paths) {
    if (!path.endsWith("/")) {
      const object = await store.head(path);
      if (object === undefined) {
        throw new LakehouseError({
          code: "OBJECT_NOT_FOUND",
          subject: path,
          message: `There is no object ${path}.`,
        });
      }
      add(object);
      continue;
    }
    for await (const object of store.list(path)) {
      const parts = object.uri.slice(path.length).split("/");
      // Engines leave markers and unfinished files under names that begin so.
      const hidden = parts.some((part) => part.startsWith("_") || part.startsWith("."));
      if (object.uri.endsWith(".parquet") && !hidden) add(object);
    }
  }
  return [...found.values()];
}

/** The footer with the ids that names stand for. Columns below lists and maps have no metrics, and go without. */
function withIds(footer: ParquetFooter, mapping: NameMapping): ParquetFooter {
  const columns = footer.columns.map((column) => {
    const fieldId = column.repeated ? undefined : findMapped(mapping, column.path)?.fieldId;
    return fieldId === undefined ? column : { ...column, node: { ...column.node, fieldId } };
  });
  const children = footer.schema.children.map((child) => {
    const fieldId = mapping.find((field) => field.names.includes(child.name))?.fieldId;
    return fieldId === undefined ? child : { ...child, fieldId };
  });
  return { ...footer, columns, schema: { ...footer.schema, children } };
}

function adopt(
  object: ObjectInfo,
  footer: ParquetFooter,
  schema: Schema,
  spec: ResolvedSpec,
  config: MetricsConfig,
): DataFile {
  const { uri } = object;
  const present = new Set<FieldId>();
  for (const { fieldId, name } of footer.schema.children) {
    if (fieldId === undefined || fieldById(schema, fieldId) === undefined) {
      throw mismatch(uri, `its column ${JSON.stringify(name)} is not in the table`);
    }
    present.add(fieldId);
  }
  const unbounded = checkTypes(uri, footer, schema);
  const metrics = columnMetrics(footer).map((column): ColumnMetrics => {
    if (!unbounded.has(column.fieldId)) return column;
    const { lower: _lower, upper: _upper, ...rest } = column;
    return rest;
  });
  const partition = inferPartition(uri, spec, schema, metrics, present);
  const byId = new Map(metrics.map((column) => [column.fieldId, column]));
  const fromPath = new Set(
    spec.spec.fields.flatMap(({ sourceIds, transform }, i) =>
      transform.transform === "identity" && partition[i] !== null ? sourceIds[0] : [],
    ),
  );
  for (const field of schema.fields) {
    if (!field.required) continue;
    if (!present.has(field.id)) {
      if (fromPath.has(field.id) || (field.initialDefault ?? null) !== null) continue;
      throw mismatch(uri, `it lacks the required column ${JSON.stringify(field.name)}`);
    }
    const nulls = byId.get(field.id)?.nullCount;
    if (isPrimitiveType(field.type) && nulls !== 0n && mayBeNull(footer, field.id)) {
      throw mismatch(
        uri,
        `its column ${JSON.stringify(field.name)} may have nulls, and is required in the table`,
      );
    }
  }
  return {
    content: "data",
    filePath: uri,
    fileFormat: "parquet",
    specId: spec.spec.specId,
    partition,
    recordCount: footer.rowCount,
    fileSizeInBytes: BigInt(object.size),
    ...fileMetrics(metrics, schema, config),
    splitOffsets: splitOffsets(footer),
    sortOrderId: 0,
  };
}

function mayBeNull(footer: ParquetFooter, id: FieldId): boolean {
  return footer.schema.children.find(({ fieldId }) => fieldId === id)?.repetition !== "required";
}

/** The columns whose statistics are in another form than the table's. */
function checkTypes(uri: string, footer: ParquetFooter, schema: Schema): Set<FieldId> {
  const unbounded = new Set<FieldId>();
  for (const column of footer.columns) {
    const { fieldId } = column.node;
    const field = fieldId === undefined ? undefined : locateById(schema, fieldId)?.field;
    if (fieldId === undefined || field === undefined) continue;
    const fit = isPrimitiveType(field.type) ? parquetFit(field.type, column) : undefined;
    if (fit === undefined) {
      const stored = column.node.logicalType?.kind ?? column.node.physicalType;
      const name = column.path.join(".");
      throw mismatch(
        uri,
        `its column ${JSON.stringify(name)} is ${stored}, and ${typeToString(field.type)} in the table`,
      );
    }
    if (fit === "values") unbounded.add(fieldId);
  }
  return unbounded;
}

function mismatch(uri: string, problem: string): LakehouseError {
  return new LakehouseError({
    code: "SCHEMA_MISMATCH",
    subject: uri,
    message: `${uri} cannot be added: ${problem}.`,
    remedy: "Evolve the table's schema to fit, or write the file again.",
  });
}

function refused(uri: string, problem: string): LakehouseError {
  return new LakehouseError({
    code: "INVALID_ARGUMENT",
    subject: uri,
    message: `${uri} cannot be added: it ${problem}.`,
  });
}
