import type { Abortable } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import type { AppendData } from "../../files/data/append-data.js";
import { conformingBatches } from "../../files/data/input.js";
import { PutsAhead } from "../../files/data/puts-ahead.js";
import { type DataTarget, writeDataFiles } from "../../files/data/writer.js";
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
  const puts = new PutsAhead(state.store);
  const files = await writeRows({ store: puts, metadata: state.metadata }, data, options);
  if (files.length === 0) return undefined;
  const change = { operation: "append", addedDataFiles: files, merge: !options.fast } as const;
  return new FileChange(state, { ...change, stored: () => puts.stored() }, options);
}

export function writeRows<Row>(
  { store, metadata }: { readonly store: DataTarget; readonly metadata: TableState["metadata"] },
  data: AppendData<Row>,
  { signal }: Abortable = {},
): Promise<DataFile[]> {
  return writeDataFiles(store, metadata, conformingBatches(currentSchema(metadata), data), { signal });
}
