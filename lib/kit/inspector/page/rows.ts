/// <reference lib="dom" />
import { tableFromIPC } from "apache-arrow";
import initWasm, { ParquetFile } from "parquet-wasm/esm";
import { cellText } from "./cells.js";

/** Rows as texts, in the order of `names`. */
export interface FirstRows {
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface RowsWanted {
  /** Names of columns at the top of the schema; all when left out. */
  readonly columns: readonly string[] | undefined;
  readonly rowGroup: number;
  readonly limit: number;
}

let ready: Promise<unknown> | undefined;

/** Decodes the first rows of one row group. The decoder, which is WebAssembly, is loaded at the first call. */
export async function firstRows(file: Blob, wanted: RowsWanted): Promise<FirstRows> {
  ready ??= initWasm({ module_or_path: new URL("parquet.wasm", import.meta.url) });
  try {
    await ready;
  } catch (error) {
    ready = undefined;
    throw error;
  }
  const parquet = await ParquetFile.fromFile(file);
  try {
    const { columns, rowGroup, limit } = wanted;
    const read = await parquet.read({
      rowGroups: [rowGroup],
      limit,
      ...(columns ? { columns: [...columns] } : {}),
    });
    const table = tableFromIPC(read.intoIPCStream());
    const { fields } = table.schema;
    const rows = Array.from({ length: table.numRows }, (_, row) =>
      fields.map(({ type }, column) => cellText(table.getChildAt(column)?.get(row), type)),
    );
    return { names: fields.map(({ name }) => name), rows };
  } finally {
    parquet.free();
  }
}
