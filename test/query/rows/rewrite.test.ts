import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  alwaysFalse,
  defineSchema,
  isIn,
  long,
  type Schema,
  storedSchema,
  string,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

/** Each row as `id: row id @ sequence number of its last update`. */
async function lineage(engine: QueryEngine, table: Table): Promise<string[]> {
  const { store, metadata, schema } = table;
  const { tasks } = await table.scan().planAll();
  const request = { store, metadata, tasks, where: alwaysFalse, schema: storedSchema(schema) };
  const rows: string[] = [];
  for await (const batch of engine.remainingRows(request)) {
    for (const { id, _row_id, _last_updated_sequence_number } of batch)
      rows.push(`${id}: ${_row_id} @ ${_last_updated_sequence_number}`);
  }
  return rows.sort();
}

/** A table of format version 3 with an engine that rewrites it. */
async function withTable(
  schema: Schema,
  use: (table: Table, engine: QueryEngine) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "query-rewrite-"));
  const engine = await openQueryEngine({ resolve: async () => undefined });
  const catalog = await openCatalog({
    backend: ":memory:",
    store: new LocalStore(directory, { durable: false }),
  });
  try {
    await catalog.createNamespace("n");
    await use((await catalog.createTable("n.t", { schema, formatVersion: 3 })).withEngine(engine), engine);
  } finally {
    await engine.close();
    await catalog.close();
    await rm(directory, { recursive: true });
  }
}

test("rows that are rewritten keep their row ids, and when they were last updated", () =>
  withTable(defineSchema({ id: long(), text: string().optional() }), async (table, engine) => {
    const first = await table.append([{ id: 1 }, { id: 2 }, { id: 3 }]);
    const loaded = await first.append([{ id: 4 }, { id: 5 }]);
    expect(await lineage(engine, loaded)).toEqual([
      "1: 0 @ 1",
      "2: 1 @ 1",
      "3: 2 @ 1",
      "4: 3 @ 2",
      "5: 4 @ 2",
    ]);
    const after = await loaded.deleteRows(isIn("id", [2, 4]));
    expect(await lineage(engine, after)).toEqual(["1: 0 @ 1", "3: 2 @ 1", "5: 4 @ 2"]);
  }));
