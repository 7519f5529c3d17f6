import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { expect, onTestFinished, test } from "vitest";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/sql.md"), "utf8");

test("the statements of docs/sql.md run as they stand there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "documented-"));
  const lake = await openLakehouse({ root: join(folder, "lake") });
  onTestFinished(async () => {
    await lake.close();
    rmSync(folder, { recursive: true });
  });
  // The second is of streams, which have tests of their own (log/tables).
  const [partitions = "", , writes = ""] = [...PAGE.matchAll(/```sql\n([\s\S]*?)```/g)].map(
    ([, text]) => text,
  );
  const today = join(folder, "today.parquet");
  await lake.sql("CREATE SCHEMA flights");
  await lake.sql(
    `COPY (SELECT 1 AS id, now() AS departure, 'ATL' AS origin, 3 AS delay UNION ALL SELECT 2, now(), 'ORD', 4) TO '${today}'`,
  );
  for (const statement of writes.replace("today.parquet", today).split(/;\n+/)) {
    if (statement.trim() !== "") await lake.sql(statement);
  }
  expect(await (await lake.sql("SELECT id, origin FROM flights.silver ORDER BY id")).rows()).toEqual([
    { id: 1n, origin: "ATL" },
    { id: 2n, origin: "ORD" },
  ]);
  expect(await (await lake.sql(partitions)).rows()).toHaveLength(1);
});
