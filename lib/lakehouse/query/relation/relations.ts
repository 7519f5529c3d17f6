import type { DuckDBInstance } from "@duckdb/node-api";
import { closed, throwIfAborted } from "../../errors.js";
import {
  type DataFile,
  DEFAULT_NAME_MAPPING,
  everyField,
  referencedDataFile,
  type TableMetadata,
} from "../../iceberg/index.js";
import { digestOnce, identityOf, keyOf } from "../../keys.js";
import { type FileCache, type ObjectStore, reachingOut } from "../../storage/index.js";
import { Use } from "../result/use.js";
import { deletesByKind } from "./deletes.js";
import { LocalFiles } from "./local-files.js";
import type { RelationInput, RelationTask } from "./relation.js";
import { SharedRelations } from "./shared-relations.js";

/** The rows of some data files of a table. */
export interface RelationSource extends Pick<RelationInput, "fields" | "metadataColumns"> {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  readonly tasks: readonly RelationTask[];
}

/** Relations in a DuckDB: their files at hand, shared, all of it as long as a query needs them. */
export class Relations {
  readonly #instance: DuckDBInstance;
  readonly #shared: SharedRelations;
  readonly #files: LocalFiles;
  readonly #uses = new Set<Use>();
  #isClosed = false;

  /** @param scratch folder for files that are read in place of others. */
  constructor(instance: DuckDBInstance, cache: FileCache | undefined, scratch: string) {
    this.#instance = instance;
    this.#shared = new SharedRelations(instance, scratch);
    this.#files = new LocalFiles(cache);
  }

  /**
   * Runs work on a connection of its own. What it holds is released when it fails, else by whom it returns it to.
   *
   * @param signal stops the work, which only reads, and whatever goes on with what it holds.
   */
  async use<T>(work: (use: Use) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.checkOpen();
    throwIfAborted(signal);
    const use = new Use(await this.#instance.connect());
    this.#uses.add(use);
    use.onRelease(() => this.#uses.delete(use));
    if (this.#isClosed) use.cut(engineClosed);
    if (signal) use.cutBy(signal);
    try {
      const running = use.stopped ? Promise.reject(use.stopped) : work(use);
      return await (signal ? use.reading(running) : use.during(running));
    } catch (error) {
      const cause = use.stopped;
      // What was cut ends on its own, and lets go of what it holds then.
      void use.end(engineClosed);
      throw cause ?? error;
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws LakehouseError CLOSED */
  checkOpen(): void {
    if (this.#isClosed) throw engineClosed();
  }

  /** The name of the relation of some files' rows. It is there as long as `use` lasts. */
  async hold(source: RelationSource, use: Use): Promise<string> {
    const { metadata, tasks } = source;
    // Files may have been adopted from anywhere.
    const store = reachingOut(source.store);
    const equality = tasks.flatMap((task) => deletesByKind(task.deleteFiles)["equality-deletes"]);
    const files = await this.#files.hold(store, [
      ...tasks.map((task) => task.dataFile),
      ...new Set(equality),
    ]);
    use.onRelease(() => files.release());
    const { fields, metadataColumns } = source;
    const reader = { fields };
    const fieldPath = (id: number) => everyField(metadata, id, reader);
    const nameMapping = metadata.properties[DEFAULT_NAME_MAPPING];
    const input = { store, tasks, fields, metadataColumns, nameMapping, paths: files.paths, fieldPath };
    const key = keyOf([sourceKey(source), files.signature]);
    const relation = await this.#shared.hold(key, input);
    use.onRelease(relation.release);
    return relation.name;
  }

  /** Stops what runs: queries fail with CLOSED, and results that were not read to their end do when they are read on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#uses.size > 0) await Promise.all([...this.#uses].map((use) => use.end(engineClosed)));
    await this.#shared.close();
    await this.#files.close();
  }
}

const engineClosed = () => closed("query engine");

/** All that the rows of a source and their columns depend on. */
function sourceKey({ store, metadata, tasks, fields, metadataColumns }: RelationSource): string {
  return keyOf([
    identityOf(store),
    fieldsKey(fields),
    metadataColumns,
    metadata.properties[DEFAULT_NAME_MAPPING],
    metadata.currentSchemaId,
    schemasKey(metadata.schemas),
    tasksKey(tasks),
  ]);
}

const fieldsKey = digestOnce<RelationSource["fields"]>();

/** Types of columns that were dropped, too: deletes, and files without ids, may have them. */
const schemasKey = digestOnce<TableMetadata["schemas"]>((schemas) => schemas.map(({ fields }) => fields));

const tasksKey = digestOnce<RelationSource["tasks"]>((tasks) =>
  tasks.map(({ dataFile, deleteFiles, spec, sequenceNumber, number }) => [
    fileKey(dataFile),
    deleteFiles.map(fileKey),
    specKey(spec),
    sequenceNumber,
    number,
  ]),
);

const specKey = digestOnce<RelationTask["spec"]>();

/**
 * All of a file's entry but its metrics, of which only the counts of NaN make a difference for SQL. Those of delete
 * files can say which data file they are about.
 */
const fileKey = digestOnce<DataFile>((file) => [
  {
    ...file,
    columnSizes: undefined,
    valueCounts: undefined,
    nullValueCounts: undefined,
    lowerBounds: undefined,
    upperBounds: undefined,
    splitOffsets: undefined,
  },
  file.content === "position-deletes" && referencedDataFile(file),
]);
