// parquet-wasm: the Rust implementation of Arrow and Parquet, as an independent judge.
import * as arrow from "apache-arrow";
import { readParquet, Table, type WriterProperties, writeParquet } from "parquet-wasm";

export function rustRead(bytes: Uint8Array): arrow.Table {
  return arrow.tableFromIPC(readParquet(bytes).intoIPCStream());
}

export function rustWrite(table: arrow.Table, properties: WriterProperties): Uint8Array {
  return writeParquet(Table.fromIPCStream(arrow.tableToIPC(table, "stream")), properties);
}
