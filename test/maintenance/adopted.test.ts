import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { eq, identity, type Table } from "../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import { catalog, directory, engine, newName } from "../query/support/lake.js";
import { line, rows, schema } from "../query/support/rows.js";

test("files of others, whose partition stands in their path alone, are compacted to files that have it", async () => {
  const duckdb = await DuckDBInstance.create();
  const connection = await duckdb.connect();
  const folder = join(directory, "hive");
  for (const part of [0, 1, 2]) {
    const some = `SELECT (i + ${part * 10})::BIGINT AS id, CASE WHEN i % 2 = 0 THEN 'ATL' ELSE 'a b/c' END AS city, i::BIGINT AS n FROM range(10) t(i)`;
    const options = `FORMAT parquet, PARTITION_BY (city), OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'p${part}_{i}'`;
    await connection.run(`COPY (${some}) TO '${folder}' (${options})`);
  }
  connection.closeSync();
  duckdb.closeSync();
  for (const formatVersion of [2, 3] as const) {
    let table = (
      await catalog.createTable(newName(), { schema, formatVersion, partitionSpec: [identity("city")] })
    ).withEngine(engine) as Table;
    table = await table.addFiles([`${folder}/`]);
    table = await table.append([line(100, "ATL"), line(101, "a b/c")]);
    table = await table.deleteRows(eq("id", 4), { mode: "merge-on-read" });
    const expected = await rows(table);
    expect(expected).toHaveLength(31);
    const report = await compact(table, { minInputFiles: 2 });
    expect(report).toMatchObject({ filesBefore: 8, filesAfter: 2 });
    const after = await table.refresh();
    expect(await rows(after)).toEqual(expected);
    expect((await after.scan({ filter: eq("city", "a b/c") }).planAll()).tasks).toHaveLength(1);
    // They were not the table's to delete, and others may still read them.
    await after.expireSnapshots({ retainLast: 1, olderThan: new Date(Date.now() + 1000) });
    await catalog.collectGarbage({ gracePeriodMs: 0 });
    expect(await rows(table)).toEqual(expected);
  }
});
