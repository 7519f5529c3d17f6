import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DuckDBInstance } from "@duckdb/node-api";
import type {
  DataFile,
  Expression,
  PartitionSpec,
  Schema,
  Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

/** Files that DuckDB wrote, put together as a table by hand: what a scan would plan, without metadata around it. */
export class HandMadeTables {
  readonly dir: string;
  readonly store: LocalStore;
  readonly #connection: DuckDBConnection;
  #count = 0;

  private constructor(dir: string, connection: DuckDBConnection) {
    this.dir = dir;
    this.store = new LocalStore(dir);
    this.#connection = connection;
  }

  static async open(): Promise<HandMadeTables> {
    const dir = await mkdtemp(join(tmpdir(), "query-"));
    return new HandMadeTables(dir, await (await DuckDBInstance.create()).connect());
  }

  async close(): Promise<void> {
    this.#connection.closeSync();
    await rm(this.dir, { recursive: true });
  }

  /** Writes the rows of a SELECT as a Parquet file with the field ids of `ids`, in DuckDB's FIELD_IDS notation. */
  async file(select: string, ids: string | undefined, more: Partial<DataFile> = {}): Promise<DataFile> {
    const path = join(this.dir, `part-${++this.#count}.parquet`);
    const fieldIds = ids === undefined ? "" : `, field_ids {${ids}}`;
    await this.#connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet${fieldIds})`);
    const filePath = pathToFileURL(path).href;
    const { fileSize, rowCount } = await readFooter(this.store, filePath);
    return {
      content: "data",
      filePath,
      fileFormat: "parquet",
      specId: 0,
      partition: [],
      recordCount: rowCount,
      fileSizeInBytes: BigInt(fileSize),
      ...more,
    };
  }

  table(
    schema: Schema,
    files: readonly (DataFile | { dataFile: DataFile; deleteFiles: readonly DataFile[] })[],
    options: {
      spec?: PartitionSpec;
      properties?: Record<string, string>;
      onScan?: (filter?: Expression) => void;
    } = {},
  ): Table {
    const { spec = { specId: 0, fields: [] } } = options;
    const tasks = files.map((file) => ({
      sequenceNumber: 1n,
      ...("dataFile" in file ? file : { dataFile: file, deleteFiles: [] }),
      spec,
    }));
    const metadata = { schemas: [schema], properties: options.properties ?? {} };
    const table = {
      name: "test.table",
      store: this.store,
      metadataLocation: `hand-made-${++this.#count}`,
      metadata,
      properties: options.properties ?? {},
      scan: (request: { filter?: Expression }) => {
        options.onScan?.(request.filter);
        const report = { resultDeleteFiles: 0, resultFileSizeInBytes: 0n, skippedDataFiles: 0 };
        return {
          metadata,
          schema,
          tableSchema: schema,
          filter: request.filter ?? { type: "true" },
          planAll: async () => ({ tasks, report }),
        };
      },
    };
    return table as unknown as Table;
  }
}
