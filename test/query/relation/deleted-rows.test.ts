import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DataFile } from "../../../lib/lakehouse/iceberg/index.js";
import { openDuckDB } from "../../../lib/lakehouse/query/duckdb/open.js";
import type { RelationInput, RelationTask } from "../../../lib/lakehouse/query/relation/relation.js";
import { SharedRelations } from "../../../lib/lakehouse/query/relation/shared-relations.js";
import { edgeOf } from "../../../lib/lakehouse/query/text/names.js";
import { runs } from "../../support/runs.js";
import { HandMadeTables } from "../support/hand-made-table.js";

const ROWS = 200;
const id = { id: 1, name: "id", required: false, type: { type: "long" } } as const;
const deleted = { id: 2, name: "deleted", required: false, type: { type: "string" } } as const;

let tables: HandMadeTables;
/** Files of 200 rows in groups of 64 rows at least, with a column that is called as the mask would like to be. */
let files: DataFile[];
let reads = 0;

beforeAll(async () => {
  tables = await HandMadeTables.open();
  files = await Promise.all([0, 1, 2].map((n) => tables.file(rowsOf(n), "id: 1, deleted: 2")));
});
afterAll(() => tables.close());

function rowsOf(file: number): string {
  const first = file * ROWS;
  return `select i as id, 'n' || i as deleted from range(${first}, ${first + ROWS}) t(i)`;
}

/** What is left of the files, in the order of ids, read in one of the ways. */
async function left(
  tasks: readonly Pick<RelationTask, "dataFile" | "deleteFiles">[],
  { maxCopiedBytes, where = "true" }: { maxCopiedBytes?: number; where?: string } = {},
): Promise<number[]> {
  const scratch = join(tables.dir, `scratch-${++reads}`);
  const duckdb = await openDuckDB();
  const relations = new SharedRelations(duckdb, scratch, maxCopiedBytes);
  const connection = await duckdb.connect();
  try {
    const { name } = await relations.hold("rows", inputOf(tasks));
    const copies = await readdir(join(scratch, "masked")).catch(() => []);
    if (maxCopiedBytes === 0) expect(copies).toEqual([]);
    const reader = await connection.runAndReadAll(
      `select id, deleted from (${edgeOf(name, [id, deleted]).sql}) where ${where} order by id`,
    );
    return reader.getRows().map(([value, text]) => {
      expect(text).toBe(`n${value}`);
      return Number(value);
    });
  } finally {
    connection.closeSync();
    await relations.close();
    duckdb.closeSync();
  }
}

function inputOf(tasks: readonly Pick<RelationTask, "dataFile" | "deleteFiles">[]): RelationInput {
  const spec = { specId: 0, fields: [] };
  return {
    store: tables.store,
    fields: [id, deleted],
    tasks: tasks.map((task) => ({ ...task, spec, sequenceNumber: 1n })),
    paths: new Map(files.map(({ filePath }) => [filePath, tables.store.localPath(filePath) ?? ""])),
    fieldPath: (field) => [id, deleted].filter((each) => each.id === field),
  };
}

function positionDeletes(rows: readonly (readonly [file: number, position: number])[]): Promise<DataFile> {
  const values = rows.map(([file, position]) => `('${files[file]?.filePath}', ${position}::bigint)`);
  const from = values.length === 0 ? "select '', 0::bigint where false" : `values ${values.join(", ")}`;
  return tables.file(
    `select * from (${from}) t(file_path, pos) order by 1, 2`,
    "file_path: 2147483546, pos: 2147483545",
    { content: "position-deletes" },
  );
}

function tasksOf(...deleteFiles: DataFile[]): { dataFile: DataFile; deleteFiles: readonly DataFile[] }[] {
  return files.map((dataFile) => ({ dataFile, deleteFiles }));
}

const all = Array.from({ length: 3 * ROWS }, (_, i) => i);

describe("rows at deleted positions", () => {
  test("are left out, whether files are copied or positions joined", async () => {
    const anyRow = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: ROWS + 5 }));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyRow, { selector: String, maxLength: 300 }), async (rows) => {
        const gone = new Set(rows.filter(([, at]) => at < ROWS).map(([file, at]) => file * ROWS + at));
        const expected = all.filter((value) => !gone.has(value));
        const tasks = tasksOf(await positionDeletes(rows));
        expect(await left(tasks)).toEqual(expected);
        expect(await left(tasks, { maxCopiedBytes: 0 })).toEqual(expected);
      }),
      { numRuns: runs(15) },
    );
  });

  test.each([
    ["none", []],
    ["the first and the last row of a file", [0, ROWS - 1]],
    ["the first and the last bits of a word", [63, 64, 127, 128, 191, 192]],
    ["all rows of a file", all.slice(0, ROWS)],
    ["rows that the file has not", [ROWS, ROWS + 1000, 2 ** 40]],
  ])("%s", async (_, positions) => {
    const deletes = await positionDeletes(positions.map((position) => [1, position]));
    const gone = new Set(positions.filter((at) => at < ROWS).map((at) => at + ROWS));
    expect(await left(tasksOf(deletes))).toEqual(all.filter((value) => !gone.has(value)));
  });

  test("are left out of a filtered read, whose filter may not know them", async () => {
    const deletes = await positionDeletes([
      [0, 10],
      [0, 11],
      [2, 199],
    ]);
    const where = "id < 13 or id >= 597 or deleted = 'n11'";
    const expected = [...all.slice(0, 10), 12, 597, 598];
    expect(await left(tasksOf(deletes), { where })).toEqual(expected);
    expect(await left(tasksOf(deletes), { where, maxCopiedBytes: 0 })).toEqual(expected);
  });

  test("are left out along with rows of deleted keys, and beside files without deletes", async () => {
    const positions = await positionDeletes([
      [0, 0],
      [1, 5],
    ]);
    const keys = await tables.file("select unnest([1, 201, 401])::bigint as id", "id: 1", {
      content: "equality-deletes",
      equalityIds: [1],
    });
    const tasks = [
      { dataFile: files[0] as DataFile, deleteFiles: [positions, keys] },
      { dataFile: files[1] as DataFile, deleteFiles: [positions] },
      { dataFile: files[2] as DataFile, deleteFiles: [] },
    ];
    const expected = all.filter((value) => ![0, 1, 205].includes(value));
    expect(await left(tasks)).toEqual(expected);
    expect(await left(tasks, { maxCopiedBytes: 0 })).toEqual(expected);
  });

  test("are left out where only some files have room for a copy", async () => {
    const deletes = await positionDeletes([
      [0, 7],
      [1, 7],
      [2, 7],
    ]);
    const expected = all.filter((value) => value % ROWS !== 7);
    const maxCopiedBytes = Number(files[0]?.fileSizeInBytes) * 2;
    expect(await left(tasksOf(deletes), { maxCopiedBytes })).toEqual(expected);
  });
});

describe("copies of files with deleted rows", () => {
  test("are shared by the relations that read the same deletes, and make room for others when none is left", async () => {
    const scratch = join(tables.dir, "shared");
    const size = Number(files[0]?.fileSizeInBytes);
    const duckdb = await openDuckDB();
    const relations = new SharedRelations(duckdb, scratch, size * 2);
    const copies = async () => (await readdir(join(scratch, "masked"))).sort();
    const task = async (position: number) => {
      const deleteFiles = [await positionDeletes([[0, position]])];
      return inputOf([{ dataFile: files[0] as DataFile, deleteFiles }]);
    };
    const same = await task(1);
    for (let i = 0; i < 140; i++) (await relations.hold(`same ${i}`, same)).release();
    expect(await copies()).toEqual(["1.parquet"]);
    // Views are kept until there are many; the 128 others push out all that read the first copy.
    const other = await task(2);
    for (let i = 0; i < 140; i++) (await relations.hold(`other ${i}`, other)).release();
    expect(await copies()).toEqual(["1.parquet", "2.parquet"]);
    (await relations.hold("third", await task(3))).release();
    await expect.poll(copies).toEqual(["2.parquet", "3.parquet"]);
    await relations.close();
    duckdb.closeSync();
  });
});
