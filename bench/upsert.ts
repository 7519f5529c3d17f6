import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import { defineSchema, long, openLakehouse } from "sololakehouse";
import type { Bench, Measurement } from "./harness.js";

const ROWS = 2_000_000;
const KEYS = 100_000;

export const bench: Bench = {
  about: `Upsert of ${KEYS.toLocaleString("en-US")} scattered keys into ${ROWS.toLocaleString("en-US")} rows, then a sum over all rows: in the mode that the library takes by itself, beside both modes by name. Aim: not slower than the better one.`,
  contenders: [
    { name: "ours", run: () => run(undefined) },
    { name: "copy-on-write", run: () => run("copy-on-write") },
    { name: "merge-on-read", run: () => run("merge-on-read") },
  ],
  rounds: 3,
};

async function run(mode: "copy-on-write" | "merge-on-read" | undefined): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-upsert-"));
  const lake = await openLakehouse({
    root,
    profile: "embedded",
    catalog: `sqlite:${join(root, "catalog.db")}`,
  });
  try {
    const schema = defineSchema({ id: long(), a: long(), b: long() });
    const table = await lake.createTable("bench.t", { schema });
    const at = (count: number, step: number, value: number) => {
      const of = (each: (i: number) => number) =>
        BigInt64Array.from({ length: count }, (_, i) => BigInt(each(i)));
      const columns = { id: of((i) => i * step), a: of(() => value), b: of((i) => (i * 7919) % 100_003) };
      return arrow.tableFromArrays(columns);
    };
    const filled = await table.append(at(ROWS, 1, 0));
    const began = performance.now();
    await filled.upsert(at(KEYS, ROWS / KEYS, 1), { on: ["id"], mode });
    const upserted = performance.now();
    const [row] = await (await lake.sql("select sum(a)::int as n, count(*)::int as c from bench.t")).rows();
    const read = performance.now();
    if (row?.n !== KEYS || row.c !== ROWS) throw new Error("wrong rows");
    return { upsertSeconds: (upserted - began) / 1000, readMilliseconds: read - upserted };
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}
