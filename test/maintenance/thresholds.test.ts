import { beforeAll, expect, test } from "vitest";
import type { Table } from "../../lib/lakehouse/iceberg/index.js";
import { eq } from "../../lib/lakehouse/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import type { CompactOptions } from "../../lib/lakehouse/maintenance/compaction/options.js";
import { policyOf } from "../../lib/lakehouse/maintenance/policy.js";
import { STEPS } from "../../lib/lakehouse/maintenance/steps.js";
import { catalog, engine, newName } from "../query/support/lake.js";
import { lines, schema } from "../query/support/rows.js";

const FILES = 5;
const ROWS = 4;

let table: Table;
/** Of each file: they hold the same rows. */
let size: number;

async function create(properties: Record<string, string> = {}): Promise<Table> {
  const made = await catalog.createTable(newName(), { schema, properties });
  return (made as unknown as Table).withEngine(engine) as unknown as Table;
}

beforeAll(async () => {
  table = await create();
  for (let i = 0; i < FILES; i++) table = await table.append(lines(0, ROWS), { fast: true });
  const sizes = (await table.scan().planAll()).tasks.map(({ dataFile }) => Number(dataFile.fileSizeInBytes));
  size = sizes[0] as number;
  expect(new Set(sizes)).toEqual(new Set([size]));
});

/** How many groups of how many files would be rewritten. */
async function planned(
  options: CompactOptions,
  of = table,
): Promise<readonly [groups: number, files: number]> {
  const { groups, filesBefore } = await compact(of, {
    targetFileSizeBytes: 2 ** 30,
    ...options,
    dryRun: true,
  });
  return [groups, filesBefore];
}

test("so many small files are worth a commit, or as many as make a file of the target size", async () => {
  expect(await planned({ minInputFiles: FILES })).toEqual([1, FILES]);
  expect(await planned({ minInputFiles: FILES + 1 })).toEqual([0, 0]);
  const limits = { minInputFiles: FILES + 1, minFileSizeBytes: size + 1, maxFileSizeBytes: 2 ** 30 };
  expect(await planned({ ...limits, targetFileSizeBytes: FILES * size })).toEqual([1, FILES]);
  expect(await planned({ ...limits, targetFileSizeBytes: FILES * size + 1 })).toEqual([0, 0]);
});

test("a file of just the least or the most that it may have stays", async () => {
  expect(await planned({ minFileSizeBytes: size })).toEqual([0, 0]);
  expect(await planned({ minFileSizeBytes: size + 1 })).toEqual([1, FILES]);
  expect(await planned({ minFileSizeBytes: 0, maxFileSizeBytes: size })).toEqual([0, 0]);
  expect(await planned({ minFileSizeBytes: 0, maxFileSizeBytes: size - 1 })).toEqual([1, FILES]);
});

test("a group has as many bytes as it may, and no more", async () => {
  expect(await planned({ rewriteAll: true, maxGroupSizeBytes: 2 * size })).toEqual([3, FILES]);
  expect(await planned({ rewriteAll: true, maxGroupSizeBytes: 2 * size - 1 })).toEqual([FILES, FILES]);
});

test("a file is rewritten for its deletes where more is deleted than may be, by it or of it alone", async () => {
  const only = { minFileSizeBytes: 0 };
  let worn = await create({ "format-version": "2", "write.delete.granularity": "file" });
  worn = await worn.append(lines(0, ROWS));
  worn = await worn.append(lines(ROWS, 2 * ROWS));
  worn = await worn.deleteRows(eq("id", 1), { mode: "merge-on-read" });
  expect(await planned({ ...only, maxDeletedShare: 1 / ROWS }, worn)).toEqual([0, 0]);
  expect(await planned({ ...only, maxDeletedShare: 1 / ROWS - 0.01 }, worn)).toEqual([1, 1]);
  expect(await planned({ ...only, maxDeletedShare: 1, maxDeleteFiles: 1 }, worn)).toEqual([0, 0]);
  expect(await planned({ ...only, maxDeletedShare: 1, maxDeleteFiles: 0 }, worn)).toEqual([1, 1]);
});

test("position delete files are joined from two of a data file on", async () => {
  let worn = await create({ "format-version": "2", "write.delete.granularity": "partition" });
  worn = await worn.append(lines(0, ROWS));
  const wants = async () => STEPS["position-deletes"].why(worn, policyOf(worn));
  worn = await worn.deleteRows(eq("id", 1), { mode: "merge-on-read" });
  expect(await wants()).toBeUndefined();
  worn = await worn.deleteRows(eq("id", 2), { mode: "merge-on-read" });
  expect(await wants()).toBe("a data file has 2 position delete files");
});
