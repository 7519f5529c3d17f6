import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalog } from "sololakehouse/catalog";
import { defineSchema, long, string, type Table } from "sololakehouse/iceberg";
import { LocalStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

const COMMITS = 150;

export const bench: Bench = {
  about: `Small commits: ${COMMITS} appends of 10 rows to one table, one after another; commits a second, over all of them and over the last 50. Beside PyIceberg with its SQLite catalog, merging and fast. Ours syncs every file to the disk, PyIceberg none: \`unsynced\` is ours likewise. Aim: 10x.`,
  contenders: [
    { name: "ours", run: () => run(true) },
    { name: "ours, unsynced", run: () => run(false) },
    { name: "PyIceberg SqlCatalog", python: "commits.py" },
  ],
  rounds: 3,
};

async function run(durable: boolean): Promise<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), "bench-commits-"));
  const store = new LocalStore(join(directory, "warehouse"), { durable });
  const catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  try {
    await catalog.createNamespace("bench");
    const schema = defineSchema({ id: long(), data: string().optional() });
    const append = async (name: string, fast: boolean): Promise<readonly [number, number]> => {
      let table = (await catalog.createTable(`bench.${name}`, { schema })) as Table;
      const times: number[] = [performance.now()];
      for (let n = 0; n < COMMITS; n++) {
        const rows = Array.from({ length: 10 }, (_, i) => ({ id: BigInt(n * 10 + i), data: `row ${i}` }));
        table = await table.append(rows, { fast });
        times.push(performance.now());
      }
      const perSecond = (from: number): number =>
        (COMMITS - from) / (((times.at(-1) ?? 0) - (times[from] ?? 0)) / 1000);
      return [perSecond(0), perSecond(COMMITS - 50)];
    };
    const [mergingPerSecond, lastMergingPerSecond] = await append("merging", false);
    const [fastPerSecond, lastFastPerSecond] = await append("fast", true);
    return { mergingPerSecond, lastMergingPerSecond, fastPerSecond, lastFastPerSecond };
  } finally {
    await catalog.close();
    await rm(directory, { recursive: true, force: true });
  }
}
