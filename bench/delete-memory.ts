import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq, openLakehouse, type Table } from "sololakehouse";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const ROWS = 20_000_000;

export const bench: Bench = {
  about:
    "Delete 1% of 20,000,000 rows, spread over every file, copy-on-write: peak resident memory of the process that does it. Aim: below 500 MiB. Beside it merge-on-read.",
  contenders: [
    { name: "copy-on-write", run: () => run("copy-on-write") },
    { name: "merge-on-read (v3)", run: () => run("merge-on-read") },
  ],
  rounds: 1,
};

/** The table is written by a process of its own, so that its memory does not count. */
async function run(mode: "copy-on-write" | "merge-on-read"): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-delete-memory-"));
  try {
    write(root);
    const lake = await openLakehouse({ root, profile: "embedded" });
    const table = (await lake.table("bench.t")) as Table;
    const time = await seconds(() => table.deleteRows(eq("k", 7), { mode }));
    const peak = peakRssMiB();
    const [row] = await (await lake.sql("select count(*) as n from bench.t")).rows();
    await lake.close();
    if (Number(row?.n) !== ROWS * 0.99) throw new Error(`${row?.n} rows left`);
    return { seconds: time, peakRssMiB: peak };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function write(root: string): void {
  const program = `
    const { defineSchema, double, int, long, openLakehouse, string } = await import(${JSON.stringify(import.meta.resolve("sololakehouse"))});
    const lake = await openLakehouse({ root: ${JSON.stringify(root)}, profile: "embedded" });
    const schema = defineSchema({ id: long(), k: int(), v: double(), s: string() });
    const table = await lake.createTable("bench.t", { schema, formatVersion: 3 });
    await table.append(await lake.sql("select i::bigint as id, (i % 100)::int as k, random() as v, 'name ' || (i % 5000) as s from range(${ROWS}) t(i)"));
    await lake.close();
    process.exit(0);`;
  const file = join(root, "write.mjs");
  writeFileSync(file, program);
  const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
