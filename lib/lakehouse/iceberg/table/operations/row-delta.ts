import type * as arrow from "apache-arrow";
import { checkOptions, type OptionNames } from "../../../options.js";
import { storedSchema } from "../../files/arrow/schema.js";
import type { AppendData } from "../../files/data/append-data.js";
import { arrange } from "../../files/data/arrange.js";
import { concatBatches } from "../../files/data/concat.js";
import { conformingBatches } from "../../files/data/input.js";
import { takeRows } from "../../files/data/take.js";
import { writeDataFiles } from "../../files/data/writer.js";
import { writeEqualityDeletes } from "../../files/deletes/equality-delete-writer.js";
import { equalityDeleteSchema } from "../../files/deletes/equality-schema.js";
import type { ResolvedSpec } from "../../files/manifest/specs.js";
import { dataFileLocation } from "../../files/metadata/locations.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { locateByName } from "../../model/schema/lookup.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import type { SnapshotChange } from "../snapshot/producer.js";
import { reachingSpecs, refusedKey, validateReach } from "./delete-specs.js";
import { FileChange, readRef, type SnapshotOptions, type TableState, Written } from "./file-change.js";
import { SNAPSHOT } from "./option-names.js";

/** What a stream changes in a table at one go. */
export interface RowDelta<Row> {
  /** Rows to add. */
  readonly rows?: AppendData<Row> | undefined;
  /** Keys of rows to delete: objects or batches with the columns of `on`. Rows of this delta are not touched. */
  readonly deletes?: AppendData<Partial<Row>> | undefined;
  /**
   * The delete columns; dots lead into structs. Default: the schema's identifier fields. Not typed by the row: a table with a
   * row's type would be no `Table` any more to a compiler that is not strict, as in notebooks.
   */
  readonly on?: readonly string[] | undefined;
}

const DELTA: OptionNames<RowDelta<unknown>> = { rows: true, deletes: true, on: true };

/** So many keys go into one delete file. Readers hold them in memory. */
const FILE_KEYS = 1_000_000;

/**
 * Adds rows, and deletes by key those that were there before, without reading the table: data files and equality
 * deletes in one snapshot (spec, "Equality Delete Files"). Other commits are no obstacle: the deletes apply to
 * whatever is older than they are, in whichever spec it stands. `undefined` when there is nothing to do.
 */
export async function rowDelta<Row>(
  state: TableState,
  delta: RowDelta<Row>,
  options: SnapshotOptions,
): Promise<FileChange | undefined> {
  checkOptions("rowDelta", options, SNAPSHOT);
  checkOptions("rowDelta", delta, DELTA);
  const { rows, deletes, on } = delta;
  const { store, metadata } = state;
  const schema = currentSchema(metadata);
  const written = new Written(store);
  return written.guard(async () => {
    let deleteFiles: readonly DataFile[] = [];
    let validate: SnapshotChange["validate"];
    if (deletes !== undefined) {
      const ids = keyIds(schema, on);
      const specs = await reachingSpecs(state, schema, ids, readRef(state, options));
      deleteFiles = await writeKeys(state, schema, deletes, ids, specs, written);
      validate = (base, parent) => validateReach(store, base, parent, specs);
    }
    const dataFiles =
      rows === undefined
        ? []
        : written.keep(
            await writeDataFiles(store, metadata, conformingBatches(schema, rows), {
              signal: options.signal,
            }),
          );
    if (deleteFiles.length + dataFiles.length === 0) return undefined;
    const operation = deleteFiles.length === 0 ? "append" : dataFiles.length === 0 ? "delete" : "overwrite";
    const change = { operation, addedDataFiles: dataFiles, addedDeleteFiles: deleteFiles, validate } as const;
    return new FileChange(state, change, options);
  });
}

async function writeKeys<Row>(
  { store, metadata }: TableState,
  schema: Schema,
  deletes: AppendData<Partial<Row>>,
  equalityIds: readonly FieldId[],
  specs: readonly ResolvedSpec[],
  written: Written,
): Promise<readonly DataFile[]> {
  const keys = storedSchema(equalityDeleteSchema(schema, equalityIds));
  const files: DataFile[] = [];
  let held: arrow.RecordBatch[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    if (held.length === 0) return;
    const batch = concatBatches(held);
    held = [];
    count = 0;
    for (const spec of specs) {
      for (const { partition, rows } of arrange(batch, keys, spec, UNSORTED)) {
        const name = `${written.operationId}-${files.length + 1}-eq-deletes.parquet`;
        const uri = dataFileLocation(metadata, spec, partition, name);
        const target = { schema, equalityIds, specId: spec.spec.specId, partition };
        const file = await writeEqualityDeletes(store, uri, [takeRows(batch, rows)], target);
        if (file !== undefined) files.push(...written.keep([file]));
      }
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
  if (on !== undefined && !Array.isArray(on)) throw refusedKey("The key is no array of column names");
  const ids = on?.map((name) => {
    const id = locateByName(schema, name)?.field.id;
    if (id === undefined) throw refusedKey(`The table has no column ${JSON.stringify(name)}`);
    return id;
  });
  const found = ids ?? schema.identifierFieldIds;
  if (found.length > 0) return found;
  throw refusedKey("Deletes by key need a key, and the table has no identifier fields");
}
