import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalog } from "sololakehouse/catalog";
import { defineSchema, long, string, type Table } from "sololakehouse/iceberg";
import { LocalStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

/** As many on each side, and few enough for the slower one. */
const COMMITS = 200;

export const bench: Bench = {
  about:
    "Commits a second (a property of a table set; SQLite for the catalog, metadata files on the local disk), on one table and on 100, by 1 and by 8 writers, beside PyIceberg's SQLite catalog. Ours syncs every file to the disk, PyIceberg none: `unsynced` is ours likewise. Aim: 10x.",
  contenders: [
    { name: "ours", run: () => run(true) },
    { name: "ours, unsynced", run: () => run(false) },
    { name: "PyIceberg SqlCatalog", python: "catalog_commits.py" },
  ],
};

async function run(durable: boolean): Promise<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), "bench-catalog-"));
  const store = new LocalStore(join(directory, "warehouse"), { durable });
  const catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  try {
    await catalog.createNamespace("bench");
    const schema = defineSchema({ id: long(), data: string().optional() });
    const tables: Table[] = [];
    for (let n = 0; n < 100; n++) tables.push(await catalog.createTable(`bench.t${n}`, { schema }));
    const perSecond = async (among: readonly Table[], writers: number): Promise<number> => {
      const start = performance.now();
      const write = async (writer: number): Promise<void> => {
        for (let n = writer; n < COMMITS; n += writers) {
          const updates = [
            { action: "set-properties" as const, updates: { [`writer-${writer}`]: String(n) } },
          ];
          await among[n % among.length]?.committer.commit({ requirements: [], updates });
        }
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      return COMMITS / ((performance.now() - start) / 1000);
    };
    const one = tables.slice(0, 1);
    return {
      oneTable1: await perSecond(one, 1),
      oneTable8: await perSecond(one, 8),
      hundredTables1: await perSecond(tables, 1),
      hundredTables8: await perSecond(tables, 8),
    };
  } finally {
    await catalog.close();
    await rm(directory, { recursive: true, force: true });
  }
}
