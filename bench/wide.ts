import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { defineSchema, double, eq, long, string, type Table } from "sololakehouse/iceberg";
import type { Bench, Measurement } from "./harness.js";

const ROWS = 20;

export const bench: Bench = {
  about: `Wide tables: ${ROWS} rows of 3,000 and of 10,000 columns (a third each long, double, string): create, append, update one row, query two columns with a filter, read all; seconds. Beside PyIceberg with its SQLite catalog, which updates by overwriting the row. What grows faster than the columns has a quadratic part.`,
  contenders: [
    { name: "ours", run },
    { name: "PyIceberg SqlCatalog", python: "wide.py" },
  ],
  rounds: 3,
};

async function run(): Promise<Measurement> {
  const found: Record<string, number> = {};
  for (const columns of [3_000, 10_000]) {
    const directory = await mkdtemp(join(tmpdir(), "bench-wide-"));
    const lake = await openLakehouse({ root: directory, profile: "embedded" });
    const kinds = [() => long().optional(), () => double().optional(), () => string().optional()];
    const declared = Object.fromEntries(
      Array.from({ length: columns }, (_, i) => [`c${i}`, kinds[i % 3]?.() ?? long()]),
    );
    const rows = Array.from({ length: ROWS }, (_, row) =>
      Object.fromEntries(
        Array.from({ length: columns }, (_, i) => [
          `c${i}`,
          i % 3 === 0 ? BigInt(row * columns + i) : i % 3 === 1 ? (row + i) / 7 : `value ${row} of ${i}`,
        ]),
      ),
    );
    const measure = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await work();
      found[`${what}${columns}Seconds`] = (performance.now() - start) / 1000;
      return result;
    };
    try {
      const schema = defineSchema(declared);
      const warm = await lake.createTable("bench.warm", { schema: defineSchema({ c0: long() }) });
      await warm.append([{ c0: 1n }]);
      const empty = await measure("create", () => lake.createTable("bench.wide", { schema }));
      const filled = await measure("append", () => empty.append(rows));
      const table = await measure("update", () => filled.updateRows(eq("c0", 0n), { c3: -1n }));
      await measure("query", async () =>
        (await lake.sql("SELECT c1, c2 FROM bench.wide WHERE c3 >= 0")).rows(),
      );
      await measure("read", async () => (await lake.read(table as Table)).toArrow());
    } finally {
      await lake.close();
      await rm(directory, { recursive: true, force: true });
    }
  }
  return found;
}
