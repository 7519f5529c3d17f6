import type * as arrow from "apache-arrow";
import { LakehouseError } from "../../errors.js";
import { storedSchema } from "../arrow/index.js";
import { arrange } from "../data/arrange.js";
import { concatBatches } from "../data/concat.js";
import { type AppendData, conformingBatches } from "../data/input.js";
import { takeRows } from "../data/take.js";
import { writeDataFiles } from "../data/writer.js";
import { writeEqualityDeletes } from "../deletes/equality-delete-writer.js";
import { equalityDeleteSchema } from "../deletes/equality-schema.js";
import { type ResolvedSpec, specOf, specsById } from "../manifest/specs.js";
import type { DataFile } from "../manifest/types.js";
import { currentSchema } from "../metadata/lookup.js";
import { locateById, locateByName } from "../schema/lookup.js";
import type { FieldId, Schema } from "../schema/types.js";
import { FileChange, type SnapshotOptions, type TableState, Written } from "./file-change.js";
import { dataFileLocation } from "./locations.js";

/** What a stream changes in a table at one go. */
export interface RowDelta<Row> {
  /** Rows to add. */
  readonly rows?: AppendData<Row> | undefined;
  /** Keys of rows to delete: objects or batches with the columns of `on`. Rows of this delta are not touched. */
  readonly deletes?: AppendData<Partial<Row>> | undefined;
  /** The delete columns; dots lead into structs. Default: the schema's identifier fields. */
  readonly on?: readonly string[] | undefined;
}

/** So many keys go into one delete file. Readers hold them in memory. */
const FILE_KEYS = 1_000_000;

/**
 * Adds rows, and deletes by key those that were there before, without reading the table: data files and equality
 * deletes in one snapshot (spec, "Equality Delete Files"). Other commits are no obstacle: the deletes apply to
 * whatever is older than they are. `undefined` when there is nothing to do.
 */
export async function rowDelta<Row>(
  state: TableState,
  { rows, deletes, on }: RowDelta<Row>,
  options: SnapshotOptions,
): Promise<FileChange | undefined> {
  const { store, metadata } = state;
  const schema = currentSchema(metadata);
  const written = new Written(store);
  return written.guard(async () => {
    const deleteFiles = deletes === undefined ? [] : await writeKeys(state, schema, deletes, on, written);
    const dataFiles =
      rows === undefined
        ? []
        : written.keep(await writeDataFiles(store, metadata, conformingBatches(schema, rows)));
    if (deleteFiles.length + dataFiles.length === 0) return undefined;
    const operation = deleteFiles.length === 0 ? "append" : dataFiles.length === 0 ? "delete" : "overwrite";
    const change = { operation, addedDataFiles: dataFiles, addedDeleteFiles: deleteFiles } as const;
    return new FileChange(state, change, options);
  });
}

async function writeKeys<Row>(
  { store, metadata }: TableState,
  schema: Schema,
  deletes: AppendData<Partial<Row>>,
  on: readonly string[] | undefined,
  written: Written,
): Promise<readonly DataFile[]> {
  if (metadata.formatVersion === 1) throw refused("Tables of format version 1 have no delete files");
  const equalityIds = keyIds(schema, on);
  const spec = specOf(specsById(metadata), metadata.defaultSpecId, metadata.location);
  checkPartitioning(schema, spec, equalityIds);
  const keys = storedSchema(equalityDeleteSchema(schema, equalityIds));
  const files: DataFile[] = [];
  let held: arrow.RecordBatch[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    if (held.length === 0) return;
    const batch = concatBatches(held);
    held = [];
    count = 0;
    for (const { partition, rows } of arrange(batch, keys, spec, UNSORTED)) {
      const name = `${written.operationId}-${files.length + 1}-eq-deletes.parquet`;
      const uri = dataFileLocation(metadata, spec, partition, name);
      const target = { schema, equalityIds, specId: spec.spec.specId, partition };
      const file = await writeEqualityDeletes(store, uri, [takeRows(batch, rows)], target);
      if (file !== undefined) files.push(...written.keep([file]));
    }
  };
  for await (const batch of conformingBatches(keys, deletes)) {
    held.push(batch);
    count += batch.numRows;
    if (count >= FILE_KEYS) await flush();
  }
  await flush();
  return files;
}

const UNSORTED = { orderId: 0, fields: [] };

function keyIds(schema: Schema, on: readonly string[] | undefined): readonly FieldId[] {
  const ids = on?.map((name) => {
    const id = locateByName(schema, name)?.field.id;
    if (id === undefined) throw refused(`The table has no column ${JSON.stringify(name)}`);
    return id;
  });
  const found = ids ?? schema.identifierFieldIds;
  if (found.length > 0) return found;
  throw refused("Deletes by key need a key, and the table has no identifier fields");
}

/** A delete holds in its own partition only, so the key has to tell the partition. */
function checkPartitioning(schema: Schema, { spec }: ResolvedSpec, ids: readonly FieldId[]): void {
  for (const { sourceIds, name, transform } of spec.fields) {
    if (transform.transform === "void" || ids.includes(sourceIds[0])) continue;
    const source = locateById(schema, sourceIds[0])?.name ?? name;
    throw refused(`The table is partitioned by ${source}, which is no part of the key`);
  }
}

function refused(problem: string): LakehouseError {
  return new LakehouseError({
    code: "INVALID_ARGUMENT",
    subject: "on",
    message: `${problem}.`,
    remedy: "Name the key's columns in `on`, or delete by a filter.",
  });
}
