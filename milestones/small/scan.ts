// Written by slh run from the cells of m04 that have the tag module:../small/scan.ts.

import { fromBinary, type PrimitiveType, readAvro, type Schema } from "sololakehouse/iceberg";
import { headOf } from "../small/commits.js";
import { getObject } from "../small/store.js";
import { manifestsOf, nameOf, readMetadata } from "../small/table.js";

/** A value of a column as bounds have it: a timestamp is a count of microseconds. */
export type Value = number | bigint | string;

/** A row of a manifest, as far as a planner needs it. Status 2 is a file that was deleted. */
interface Entry {
  readonly status: number;
  readonly data_file: {
    readonly file_path: string;
    readonly lower_bounds: ReadonlyMap<number, Uint8Array> | null;
    readonly upper_bounds: ReadonlyMap<number, Uint8Array> | null;
  };
}

/** Whether a file may hold a value from `from` on and below `to`. Without a bound there is no proof, so it may. */
export function mayMatch<T extends Value>(
  lower: T | undefined,
  upper: T | undefined,
  from: T,
  to: T,
): boolean {
  const allBelow = upper !== undefined && upper < from;
  const allAbove = lower !== undefined && lower >= to;
  return !allBelow && !allAbove;
}

/** The files of a table on a ref that a query for a range of one column has to open, and those that it need not. */
export async function planScan<T extends Value>(
  root: string,
  ref: string,
  name: string,
  schema: Schema,
  range: { readonly column: string; readonly from: T; readonly to: T },
): Promise<{ open: string[]; skipped: string[] }> {
  const plan = { open: [] as string[], skipped: [] as string[] };
  const location = (await headOf(root, ref))?.tables[name];
  const column = schema.fields.find((field) => field.name === range.column);
  if (!location || !column) throw new Error(`${ref} has no ${name}.${range.column}.`);
  const metadata = await readMetadata(root, location);
  const current = metadata.snapshots.find((one) => one["snapshot-id"] === metadata["current-snapshot-id"]);
  for (const { manifest_path } of current ? await manifestsOf(root, current) : []) {
    const entries = readAvro<Entry>(await getObject(root, nameOf(root, manifest_path)));
    for (const { status, data_file } of entries) {
      if (status === 2) continue; // deleted
      const boundIn = (bounds: ReadonlyMap<number, Uint8Array> | null) => {
        const bytes = bounds?.get(column.id);
        return bytes && (fromBinary(column.type as PrimitiveType, bytes) as T);
      };
      const [lower, upper] = [boundIn(data_file.lower_bounds), boundIn(data_file.upper_bounds)];
      plan[mayMatch(lower, upper, range.from, range.to) ? "open" : "skipped"].push(data_file.file_path);
    }
  }
  return plan;
}
