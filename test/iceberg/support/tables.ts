import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import * as arrow from "apache-arrow";
import { schemaToArrow } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import { type NewTable, newTableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/new.js";
import type { Schema } from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { FileCommitter } from "./file-committer.js";

/** A directory that goes when the test is over. */
export async function scratch(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slh-iceberg-"));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface TestTable<Row> {
  readonly table: Table<Row>;
  readonly committer: FileCommitter;
  readonly store: LocalStore;
}

/** A new table in a directory. Puts do not wait for the disk: no test cuts the power. */
export async function createTable<Row = Record<string, unknown>>(
  directory: string,
  init: Omit<NewTable, "location">,
): Promise<TestTable<Row>> {
  const store = new LocalStore(directory, { durable: false });
  const metadata = newTableMetadata({ ...init, location: `${store.root}/db/t` });
  const committer = new FileCommitter(store, metadata.location);
  const loaded = await committer.create(metadata);
  const identifier = { namespace: ["db"], name: "t" };
  return { table: new Table<Row>({ identifier, store, committer, ...loaded }), committer, store };
}

/** Rows as one Arrow batch of the schema; values are those that Arrow's own builders take. */
export function batchOf(schema: Schema, rows: readonly Record<string, unknown>[]): arrow.RecordBatch {
  const target = schemaToArrow(schema);
  const columns = target.fields.map((field) =>
    arrow.vectorFromArray(
      rows.map((row) => row[field.name] ?? null),
      field.type,
    ),
  );
  const type = new arrow.Struct(target.fields);
  const children = columns.map((column) => column.data[0] as arrow.Data);
  return new arrow.RecordBatch(target, arrow.makeData({ type, length: rows.length, nullCount: 0, children }));
}
