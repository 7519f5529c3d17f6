import type { Abortable } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import type { AppendData } from "../../files/data/append-data.js";
import { conformingBatches } from "../../files/data/input.js";
import { writeDataFiles } from "../../files/data/writer.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { FileChange, type SnapshotOptions, type TableState } from "./file-change.js";
import { APPEND } from "./option-names.js";

export interface AppendOptions extends SnapshotOptions {
  /** True writes a manifest of its own and merges none: the quickest commit, at the price of more manifests to read. */
  readonly fast?: boolean | undefined;
}

/** Adds rows. `undefined` when there are none. */
export async function append<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: AppendOptions,
): Promise<FileChange | undefined> {
  checkOptions("append", options, APPEND);
  const files = await writeRows(state, data, options);
  if (files.length === 0) return undefined;
  return new FileChange(state, { operation: "append", addedDataFiles: files, merge: !options.fast }, options);
}

export function writeRows<Row>(
  { store, metadata }: TableState,
  data: AppendData<Row>,
  { signal }: Abortable = {},
): Promise<DataFile[]> {
  return writeDataFiles(store, metadata, conformingBatches(currentSchema(metadata), data), { signal });
}
