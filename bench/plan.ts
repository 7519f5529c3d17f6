import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCatalog } from "sololakehouse/catalog";
import {
  type DataFile,
  defineSchema,
  type Expression,
  eq,
  identity,
  int,
  long,
  openTableAt,
  string,
  toBinary,
} from "sololakehouse/iceberg";
import { LocalStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

export const bench: Bench = {
  about:
    "Plan a scan over 10,000 data files in 100 manifests, cold: one partition of 100, which one manifest has; and one id of 100,000,000, which the bounds of one file have, while every manifest must be read. 'Reread' reads the manifests a second time, 'cached' has them in memory. Then the same over 100,000 files in 1,000 manifests. Milliseconds. Aim: 10x PyIceberg.",
  contenders: [
    { name: "ours", run: () => run(100) },
    { name: "PyIceberg", python: "plan.py" },
    { name: "ours, 100,000 files", run: () => run(1_000) },
  ],
  rounds: 3,
};

const FILES = 100;
const ROWS = 10_000n;
const folder = fileURLToPath(new URL("../../.cache/bench/", import.meta.url));

async function run(manifests: number): Promise<Measurement> {
  const { root, location } = await planTable(manifests);
  const measured: Record<string, number> = {};
  const plan = async (name: string, filter: Expression): Promise<void> => {
    let opened = await openTableAt(new LocalStore(root), location);
    for (const round of ["Cold", "Reread", "Cached"]) {
      // A store remembers the manifests that it has decoded.
      if (round === "Reread") {
        opened = await openTableAt(new LocalStore(root), location);
      }
      const began = performance.now();
      const { tasks } = await opened.scan({ filter }).planAll();
      measured[`${name}${round}Ms`] = performance.now() - began;
      if (tasks.length !== (name === "partition" ? FILES : 1)) throw new Error(`${tasks.length} files`);
    }
  };
  await plan("partition", eq("part", 42));
  await plan("id", eq("id", 420_042));
  return measured;
}

/** A table's folder, and its metadata's location. The files are not there: planning does not look at them. */
export async function planTable(
  manifests: number,
): Promise<{ readonly root: string; readonly location: string }> {
  const root = join(folder, `plan-${manifests}`);
  const pointer = join(root, "location");
  const known = await readFile(pointer, "utf8").catch(() => undefined);
  if (known !== undefined) return { root, location: known };
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const store = new LocalStore(root, { durable: false });
  const catalog = await openCatalog({ backend: ":memory:", store });
  await catalog.createNamespace("bench");
  const schema = defineSchema({ id: long(), part: int(), name: string(), a: long(), b: long(), c: long() });
  const properties = { "commit.manifest-merge.enabled": "false" };
  let made = await catalog.createTable("bench.t", { schema, partitionSpec: [identity("part")], properties });
  for (let manifest = 0; manifest < manifests; manifest++) {
    const addedDataFiles = Array.from({ length: FILES }, (_, i) => file(made.location, manifest, i));
    made = await made.commitFiles({ operation: "append", addedDataFiles, merge: false });
  }
  await catalog.close();
  await writeFile(pointer, made.metadataLocation);
  return { root, location: made.metadataLocation };
}

function file(location: string, manifest: number, i: number): DataFile {
  const first = BigInt(manifest * FILES + i) * ROWS;
  const ids = [1, 2, 3, 4, 5, 6];
  const each = <T>(value: (id: number) => T): Map<number, T> => new Map(ids.map((id) => [id, value(id)]));
  const bound = (value: bigint) => (id: number) => {
    if (id === 2) return toBinary({ type: "int" }, manifest);
    return id === 3 ? toBinary({ type: "string" }, `name-${value}`) : toBinary({ type: "long" }, value);
  };
  return {
    content: "data",
    filePath: `${location}/data/part=${manifest}/00000-${i}-5f2c6d1e-8a4b-4c5d-9e6f-7a8b9c0d1e2f.parquet`,
    fileFormat: "parquet",
    specId: 0,
    partition: [manifest],
    recordCount: ROWS,
    fileSizeInBytes: 400_000n,
    columnSizes: each(() => 60_000n),
    valueCounts: each(() => ROWS),
    nullValueCounts: each(() => 0n),
    nanValueCounts: new Map(),
    lowerBounds: each(bound(first)),
    upperBounds: each(bound(first + ROWS - 1n)),
    splitOffsets: [4n],
    sortOrderId: 0,
  };
}
