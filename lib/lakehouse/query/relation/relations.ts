import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { DEFAULT_NAME_MAPPING, everyField, type TableMetadata } from "../../iceberg/index.js";
import { type FileCache, type ObjectStore, reachingOut } from "../../storage/index.js";
import { LocalFiles } from "../local-files.js";
import type { QueriedTable } from "../result.js";
import type { RelationInput, RelationTask } from "./relation.js";
import { RelationViews } from "./views.js";

/** What one query holds until its result was read. */
export class Use {
  readonly tables: QueriedTable[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(readonly connection: DuckDBConnection) {
    this.#ends.push(() => connection.closeSync());
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

/** Relations in a DuckDB: their files at hand, their views shared, all of it as long as a query needs them. */
export class Relations {
  readonly #instance: DuckDBInstance;
  readonly #views: RelationViews;
  readonly #files: LocalFiles;

  /** @param scratch folder for files that are read in place of others. */
  constructor(instance: DuckDBInstance, cache: FileCache | undefined, scratch: string) {
    this.#instance = instance;
    this.#views = new RelationViews(instance, scratch);
    this.#files = new LocalFiles(cache);
  }

  /** Runs work on a connection of its own. What it holds is released when it fails, else by whom it returns it to. */
  async use<T>(work: (use: Use) => Promise<T>): Promise<T> {
    const use = new Use(await this.#instance.connect());
    try {
      return await work(use);
    } catch (error) {
      use.release();
      throw error;
    }
  }

  /**
   * The name of the view of some files' rows. It is there as long as `use` lasts.
   *
   * @param key names the rows and columns for good.
   */
  async view(key: string, source: RelationSource, use: Use): Promise<string> {
    const { metadata, tasks } = source;
    // Files may have been adopted from anywhere.
    const store = reachingOut(source.store);
    const equality = tasks.flatMap((task) =>
      task.deleteFiles.filter((file) => file.content === "equality-deletes"),
    );
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
    const view = await this.#views.view(`${key}\n${files.signature}`, input);
    use.onRelease(view.release);
    return view.name;
  }

  async close(): Promise<void> {
    await this.#views.close();
    await this.#files.close();
  }
}

/** JSON, with the bigints that it has no form for. */
export function keyText(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
}
