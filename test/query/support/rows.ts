import {
  defineSchema,
  type FormatVersion,
  identity,
  long,
  type Snapshot,
  string,
  type Table,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "./lake.js";
export const schema = defineSchema({ id: long(), city: string(), n: long().optional() });
export type Line = { id: bigint; city: string; n: bigint | null };

export async function create(
  formatVersion: FormatVersion,
  options: { readonly mode?: WriteMode; readonly partitioned?: boolean } = {},
): Promise<Table> {
  const { mode = "merge-on-read", partitioned = false } = options;
  const properties = {
    "write.delete.mode": mode,
    "write.update.mode": mode,
    "write.merge.mode": mode,
  };
  const table = await catalog.createTable(newName(), {
    schema,
    formatVersion,
    properties,
    ...(partitioned && { partitionSpec: [identity("city")] }),
  });
  return table.withEngine(engine) as Table;
}

export async function rows(table: Table): Promise<Line[]> {
  const found = await (await engine.scan(table, table.scan())).rows<Line>();
  return found.sort((a, b) => Number(a.id - b.id) || Number((a.n ?? -1n) - (b.n ?? -1n)));
}

/** Each row as `id: row id @ sequence number of its last update`. */
export async function lineage(table: Table): Promise<string[]> {
  const select = ["id", "_row_id", "_last_updated_sequence_number"];
  const found = await (await engine.scan(table, table.scan({ select }))).rows();
  return found.map((row) => `${row.id}: ${row._row_id} @ ${row._last_updated_sequence_number}`).sort();
}

export const line = (id: number, city = "ATL", n: number | null = id): Record<string, unknown> => ({
  id: BigInt(id),
  city,
  n: n === null ? null : BigInt(n),
});
export const lines = (from: number, to: number, city?: string): Record<string, unknown>[] =>
  Array.from({ length: to - from }, (_, i) => line(from + i, city));
export const ids = async (table: Table): Promise<number[]> =>
  (await rows(table)).map((row) => Number(row.id));

export function counters(snapshot: Snapshot | undefined): Record<string, string> {
  const { summary = {} } = snapshot ?? {};
  const shown = Object.entries(summary).filter(([key]) => /^(operation|added|removed|deleted)/.test(key));
  return Object.fromEntries(shown.filter(([key]) => !key.endsWith("-size"))) as Record<string, string>;
}

export async function deleteFiles(table: Table) {
  return [...new Set((await table.scan().planAll()).tasks.flatMap((task) => task.deleteFiles))];
}

/** A table of which `other` changes something right before the first commit of what is then done with it. */
export function raced(table: Table, other: (table: Table) => Promise<unknown>): Table {
  let raced = false;
  const committer: Table["committer"] = {
    load: () => table.committer.load(),
    async commit(request) {
      if (!raced) {
        raced = true;
        await other(table);
      }
      return table.committer.commit(request);
    },
  };
  const { identifier, store, metadata, metadataLocation } = table;
  return new (table.constructor as typeof Table)({
    identifier,
    store,
    metadata,
    metadataLocation,
    committer,
    engine,
  });
}
