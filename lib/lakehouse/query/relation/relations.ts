import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { closed } from "../../errors.js";
import {
  type DataFile,
  DEFAULT_NAME_MAPPING,
  everyField,
  referencedDataFile,
  type TableMetadata,
} from "../../iceberg/index.js";
import { digestOnce, identityOf, keyOf } from "../../keys.js";
import { type FileCache, type ObjectStore, reachingOut } from "../../storage/index.js";
import type { QueriedTable } from "../result/query-result.js";
import { deletesByKind } from "./deletes.js";
import { LocalFiles } from "./local-files.js";
import type { RelationInput, RelationTask } from "./relation.js";
import { SharedRelations } from "./shared-relations.js";

/** What one query holds until its result was read. */
export class Use {
  readonly tables: QueriedTable[] = [];
  #cut: { readonly why: unknown } | undefined;
  readonly #ends: (() => void)[] = [];

  constructor(readonly connection: DuckDBConnection) {
    this.#ends.push(() => connection.closeSync());
  }

  /** True once it was cut before the result was read: what is still to come never will. */
  readonly isCut = (): boolean => this.#cut !== undefined;

  /** What it fails with since then. */
  readonly whyCut = (): unknown => this.#cut?.why;

  /** Stops what runs on the connection. */
  cut(why: unknown): void {
    this.#cut ??= { why };
    this.connection.interrupt();
  }

  /** Cuts it when the signal says so, with its reason. */
  cutBy(signal: AbortSignal): void {
    signal.throwIfAborted();
    const cut = () => this.cut(signal.reason);
    signal.addEventListener("abort", cut, { once: true });
    this.onRelease(() => signal.removeEventListener("abort", cut));
  }

  onRelease(end: () => void): void {
    this.#ends.push(end);
  }

  readonly release = (): void => {
    for (const end of this.#ends.splice(0)) end();
  };
}

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
  /** What is being done now for uses. */
  readonly #work = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @param scratch folder for files that are read in place of others. */
  constructor(instance: DuckDBInstance, cache: FileCache | undefined, scratch: string) {
    this.#instance = instance;
    this.#shared = new SharedRelations(instance, scratch);
    this.#files = new LocalFiles(cache);
  }

  /** Runs work on a connection of its own. What it holds is released when it fails, else by whom it returns it to. */
  async use<T>(work: (use: Use) => Promise<T>): Promise<T> {
    this.checkOpen();
    const use = new Use(await this.#instance.connect());
    this.#uses.add(use);
    use.onRelease(() => this.#uses.delete(use));
    const running = this.#isClosed ? Promise.reject(closed(ENGINE)) : work(use);
    this.#work.add(running);
    try {
      return await running;
    } catch (error) {
      const cut = use.isCut() ? { why: use.whyCut() } : undefined;
      use.release();
      throw cut === undefined ? error : cut.why;
    } finally {
      this.#work.delete(running);
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws LakehouseError CLOSED */
  checkOpen(): void {
    if (this.#isClosed) throw closed(ENGINE);
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
    for (const use of this.#uses) use.cut(closed(ENGINE));
    await Promise.allSettled(this.#work);
    for (const use of this.#uses) {
      use.cut(closed(ENGINE));
      use.release();
    }
    await this.#shared.close();
    await this.#files.close();
  }
}

const ENGINE = "query engine";

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
