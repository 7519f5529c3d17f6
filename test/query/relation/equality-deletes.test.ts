import { describe, expect, test, vi } from "vitest";
import { writeDataFiles } from "../../../lib/lakehouse/iceberg/files/data/writer.js";
import {
  bucket,
  type Column,
  type DataFile,
  date,
  decimal,
  defineSchema,
  eq,
  type FormatVersion,
  fieldByName,
  identity,
  int,
  long,
  type PartitionFieldInit,
  type PrimitiveType,
  rowsToBatches,
  type ScanOptions,
  type Schema,
  string,
  struct,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
  upgradeFormatVersion,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "../support/lake.js";

const versions: FormatVersion[] = [2, 3];

type Row = Record<string, unknown>;

async function create(formatVersion: FormatVersion, schema: Schema, more: object = {}): Promise<Table<Row>> {
  const table = await catalog.createTable(newName(), { schema, formatVersion, ...more });
  return table.withEngine(engine) as Table<Row>;
}

/** The rows, as text in order. */
async function rows(table: Table<Row>, options: ScanOptions = {}): Promise<string[]> {
  const found = await (await engine.scan(table, table.scan(options))).rows();
  return found.map((row) => Object.values(row).join(" ")).sort();
}

const keyed = defineSchema({ k: long(), v: int().optional() });
const numbered = (...keys: number[]) => keys.map((k) => ({ k, v: k * 10 }));

describe.each(versions)("a change of rows after a delete by key, in v%i", (version) => {
  const changes: [
    string,
    (
      table: Pick<Table<Row>, "deleteRows" | "updateRows" | "overwrite" | "merge">,
      mode: WriteMode,
    ) => Promise<unknown>,
    string[],
  ][] = [
    ["update", (table, mode) => table.updateRows(eq("k", 2), { v: 0 }, { mode }), ["2 0", "3 30"]],
    ["delete", (table, mode) => table.deleteRows(eq("k", 2), { mode }), ["3 30"]],
    ["overwrite", (table) => table.overwrite(numbered(4), { where: eq("k", 2) }), ["3 30", "4 40"]],
    ["merge", (table, mode) => table.merge([{ k: 2, v: 0 }], { on: ["k"], mode }), ["2 0", "3 30"]],
  ];
  for (const mode of ["copy-on-write", "merge-on-read"] as const) {
    test.each(changes)(`${mode}: %s`, async (_, change, expected) => {
      const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
      const deleted = await table.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
      await change(deleted, mode);
      expect(await rows(await deleted.refresh())).toEqual(expected);
      // On top of what was deleted by position.
      const more = await (await deleted.append(numbered(7, 8, 9))).deleteRows(eq("k", 8), {
        mode: "merge-on-read",
      });
      const twice = await more.rowDelta({ on: ["k"], deletes: [{ k: 9 }] });
      await twice.updateRows(eq("k", 7), { v: 0 }, { mode });
      expect(await rows(await twice.refresh())).toEqual([...expected, "7 0"].sort());
    });
    test.each(changes)(`${mode}, in one transaction: %s`, async (_, change, expected) => {
      const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
      const transaction = table.begin();
      await transaction.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
      await change(transaction as unknown as Table<Row>, mode);
      expect(await rows(await transaction.commit())).toEqual(expected);
    });
  }
});

describe("a delete column that a data file lacks", () => {
  test.each([
    ["its default", ["US"], []],
    ["null", [null], ["1 US", "2 US"]],
  ])("has its initial default: deleted by %s", async (_, keys, expected) => {
    const old = await (await create(3, defineSchema({ k: long() }))).append([{ k: 1 }, { k: 2 }]);
    const wider = await old.update([new UpdateSchema().addColumn("c", string().optional().default("US"))]);
    const after = await wider.rowDelta({ on: ["c"], deletes: keys.map((c) => ({ c })) });
    expect(await rows(after)).toEqual(expected);
    expect(await rows(after, { select: ["k"] })).toEqual(expected.map((row) => row.slice(0, 1)));
    expect(await changed(after)).toEqual(expected.length === 0 ? ["1 US DELETE", "2 US DELETE"] : []);
    const dropped = await after.update([new UpdateSchema().dropColumn("c")]);
    expect(await rows(dropped)).toEqual(expected.map((row) => row.slice(0, 1)));
  });
});

describe("a delete column is compared in the widest type that it has had", () => {
  test.each<
    [string, FormatVersion, () => Column<unknown, boolean>, PrimitiveType, unknown[], unknown, string[]]
  >([
    ["int to long", 2, int, { type: "long" }, [1, 2], 2n ** 40n + 1n, ["1", "2"]],
    ["int to long, met", 2, int, { type: "long" }, [1, 2], 2n, ["1"]],
    [
      "decimal",
      2,
      () => decimal(4, 2),
      { type: "decimal", precision: 9, scale: 2 },
      ["1.25"],
      "10001.25",
      ["1.25"],
    ],
    [
      "decimal, met",
      2,
      () => decimal(4, 2),
      { type: "decimal", precision: 9, scale: 2 },
      ["1.25"],
      "1.25",
      [],
    ],
    [
      "date to timestamp",
      3,
      date,
      { type: "timestamp" },
      ["2024-01-01"],
      "2024-01-01T12:00:00",
      ["2024-01-01T00:00:00.000000"],
    ],
    ["date to timestamp, met", 3, date, { type: "timestamp" }, ["2024-01-01"], "2024-01-01T00:00:00", []],
  ])("%s", async (_, version, column, wider, stored, deleted, expected) => {
    const old = await create(version, defineSchema({ c: column().optional() }));
    const appended = await old.append(stored.map((c) => ({ c })));
    const widened = await appended.update([new UpdateSchema().updateType("c", wider)]);
    expect(await rows(await widened.rowDelta({ on: ["c"], deletes: [{ c: deleted }] }))).toEqual(expected);
  });

  test("also where the snapshot that is read knew it by a narrower one", async () => {
    const old = await create(3, defineSchema({ c: date().optional(), k: int() }));
    const appended = await old.append([{ c: "2024-01-01", k: 1 }]);
    const deleted = await appended.rowDelta({ on: ["c"], deletes: [{ c: "2024-01-02" }] });
    const widened = await deleted.update([new UpdateSchema().updateType("c", { type: "timestamp" })]);
    const snapshotId = deleted.currentSnapshot?.snapshotId;
    expect(await rows(widened, { snapshotId, select: ["k"] })).toEqual(["1"]);
  });
});

test("a field of a struct that files lack is null in null structs, and else its default", async () => {
  const old = await create(3, defineSchema({ k: int(), s: struct({ x: int() }).optional() }));
  const appended = await old.append([
    { k: 1, s: { x: 1 } },
    { k: 2, s: null },
  ]);
  const added = new UpdateSchema().addColumn("s.c", string().optional().default("US"));
  const wider = await appended.update([
    added,
    new UpdateSchema().addColumn("t", struct({ c: int() }).optional()),
  ]);
  const keys = async (on: string, deletes: Row[]) => {
    const branch = newName().replace(".", "-");
    await wider.createRef(branch, { type: "branch" });
    const deleted = await (await wider.refresh()).rowDelta({ on: [on], deletes }, { branch });
    return rows(deleted, { ref: branch, select: ["k"] });
  };
  expect(await keys("s.c", [{ s: { c: "US" } }])).toEqual(["2"]);
  expect(await keys("s.c", [{ s: null }])).toEqual(["1"]);
  expect(await keys("t.c", [{ t: null }])).toEqual([]);
  expect(await keys("t.c", [{ t: { c: 1 } }])).toEqual(["1", "2"]);
});

describe("by the metrics of a delete file, only its delete columns tell", () => {
  /** Deletes by `k`, with whole rows in the file. */
  const deleteWhole = async (table: Table<Row>, deleted: Row[]) => {
    const batches = rowsToBatches(table.schema, deleted);
    const files = await writeDataFiles(table.store, table.metadata, batches);
    const equalityIds = [fieldByName(table.schema, "k")?.id ?? 0];
    const addedDeleteFiles = files.map((file) => ({
      ...file,
      content: "equality-deletes" as const,
      equalityIds,
    }));
    return table.commitFiles({ operation: "delete", addedDeleteFiles });
  };

  test("which rows are deleted", async () => {
    const table = await (await create(2, keyed)).append(numbered(1, 2, 3));
    const deleted = await deleteWhole(table, [{ k: 1, v: 999 }]);
    expect(await rows(deleted, { filter: eq("v", 10) })).toEqual([]);
    expect(await rows(await deleted.deleteRows(eq("v", 20)))).toEqual(["3 30"]);
  });

  test.each(["copy-on-write", "merge-on-read"] as const)("what is a conflict, %s", async (mode) => {
    const table = await (await create(2, keyed)).append(numbered(1, 2, 3));
    const other = await table.refresh();
    // What is updated is deleted meanwhile, by a file whose `v` says otherwise.
    vi.spyOn(table, "refresh").mockImplementation(async () => {
      await deleteWhole(other, [{ k: 1, v: 999 }]);
      return table;
    });
    await expect(table.updateRows(eq("v", 10), { v: 11 }, { mode })).rejects.toMatchObject({
      code: "COMMIT_CONFLICT",
    });
    expect(await rows(await other.refresh())).toEqual(["2 20", "3 30"]);
  });
});

test("a delete file without its delete column, or that names none, is refused", async () => {
  const table = await (await create(2, keyed)).append(numbered(1));
  const withId = (equalityIds: number[]) =>
    table.commitFiles({
      operation: "delete",
      addedDeleteFiles: [{ ...(file as DataFile), content: "equality-deletes", equalityIds }],
    });
  const other = await create(2, defineSchema({ k: long() }));
  const [file] = await writeDataFiles(other.store, other.metadata, rowsToBatches(other.schema, [{ k: 1n }]));
  await expect(rows(await withId([2]))).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  await table.rollback(table.currentSnapshot?.snapshotId ?? 0n);
  await expect(rows(await withId([77]))).rejects.toMatchObject({ code: "INVALID_METADATA" });
});

/** What the newest snapshot changed. */
async function changed(table: Table<Row>): Promise<string[]> {
  const from = table.metadata.snapshots.at(-2)?.snapshotId;
  const found = await (await engine.changes(table, { from })).rows();
  return found.map((row) => Object.values(row).slice(0, -2).join(" ")).sort();
}

describe("a delete by key reaches rows in every spec", () => {
  const schema = defineSchema({ k: long(), p: string() });
  const two = [
    { k: 1, p: "a" },
    { k: 2, p: "b" },
  ];

  test.each<[string, PartitionFieldInit[], (spec: UpdatePartitionSpec) => UpdatePartitionSpec, string[]]>([
    [
      "from one partitioning to another",
      [identity("p")],
      (spec) => spec.addField(bucket("k", 4)),
      ["k", "p"],
    ],
    ["from none to one", [], (spec) => spec.addField(bucket("k", 4)), ["k"]],
    ["from one to none", [identity("p")], (spec) => spec.removeField("p"), ["k"]],
  ])("%s", async (_, partitionSpec, evolve, on) => {
    const old = await (await create(2, schema, { partitionSpec })).append(two);
    const evolved = await old.update([evolve(new UpdatePartitionSpec())]);
    const newer = await evolved.append([
      { k: 1, p: "a" },
      { k: 3, p: "c" },
    ]);
    const deletes = [{ k: 1, ...(on.includes("p") && { p: "a" }) }] as Row[];
    const after = await newer.rowDelta({ on, deletes, rows: [{ k: 1, p: "z" }] });
    expect(await rows(after)).toEqual(["1 z", "2 b", "3 c"]);
  });

  test("of a table of version 1, whose dropped partition field is void", async () => {
    const first = await (await create(1, schema, { partitionSpec: [identity("p")] })).append(two);
    const voided = await first.update([new UpdatePartitionSpec().removeField("p")]);
    const upgraded = await voided.update([upgradeFormatVersion(2)]);
    expect(await rows(await upgraded.rowDelta({ on: ["k"], deletes: [{ k: 1 }] }))).toEqual(["2 b"]);
  });

  test("or is refused where the key does not tell the partition", async () => {
    const old = await (await create(2, schema, { partitionSpec: [identity("p")] })).append(two);
    const spec = new UpdatePartitionSpec().removeField("p").addField(bucket("k", 4));
    const evolved = await old.update([spec]);
    await expect(evolved.rowDelta({ on: ["k"], deletes: [{ k: 1 }] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("The table is partitioned by p, which is no part of the key."),
    });
  });

  test("or is in conflict with rows that come in another spec meanwhile", async () => {
    const old = await (await create(2, schema, { partitionSpec: [identity("p")] })).append(two);
    const evolved = await old.update([new UpdatePartitionSpec().removeField("p").addField(bucket("p", 4))]);
    await evolved.append([{ k: 1, p: "a" }]);
    await expect(old.rowDelta({ on: ["k", "p"], deletes: [{ k: 1, p: "a" }] })).rejects.toMatchObject({
      code: "COMMIT_CONFLICT",
    });
  });

  test("and stays when a partition of another spec is overwritten", async () => {
    const old = await (await create(2, schema)).append(two);
    const deleted = await old.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
    const evolved = await deleted.update([new UpdatePartitionSpec().addField(identity("p"))]);
    expect(await rows(await evolved.overwritePartitions([{ k: 9, p: "z" }]))).toEqual(["2 b", "9 z"]);
  });
});

describe.each(versions)("a change that is published on top of other deletes, in v%i", (version) => {
  test.each(["copy-on-write", "merge-on-read"] as const)(
    "%s: is in conflict where rows would come back",
    async (mode) => {
      const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
      const staged = await table.updateRows(eq("k", 2), { v: 0 }, { mode, wapId: "w" });
      const id = staged.metadata.snapshots.at(-1)?.snapshotId ?? 0n;
      const byKey = await staged.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
      if (mode === "copy-on-write") {
        await expect(byKey.cherryPick(id)).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      } else expect(await rows(await byKey.cherryPick(id))).toEqual(["2 0", "3 30"]);
      const rewritten = await byKey.deleteRows(eq("k", 3), { mode: "copy-on-write" });
      if (mode === "copy-on-write") {
        await expect(rewritten.cherryPick(id)).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      }
      expect(await rows(rewritten)).toEqual(mode === "copy-on-write" ? ["2 20"] : ["2 0"]);
    },
  );

  test("by position: is in conflict when the file is gone, or has got another vector", async () => {
    const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
    const staged = await table.deleteRows(eq("k", 2), { mode: "merge-on-read", wapId: "w" });
    const id = staged.metadata.snapshots.at(-1)?.snapshotId ?? 0n;
    const marked = await staged.deleteRows(eq("k", 1), { mode: "merge-on-read" });
    if (version === 3) {
      await expect(marked.cherryPick(id)).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      expect(await rows(await marked.refresh())).toEqual(["2 20", "3 30"]);
    }
    const rewritten = await marked.deleteRows(eq("k", 3), { mode: "copy-on-write" });
    await expect(rewritten.cherryPick(id)).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    expect(await rows(await rewritten.refresh())).toEqual(["2 20"]);
  });
});

test("a table that was replaced is deleted from by what its column is now, and was by what it was then", async () => {
  const old = await (await create(2, keyed)).append(numbered(1, 255, 256, 300));
  const deleted = await old.rowDelta({ on: ["k"], deletes: [{ k: 256 }] });
  const schema = defineSchema({ k: string(), v: int().optional() });
  const replaced = await deleted.replace<Row>({ schema }, [{ k: "x" }, { k: "y" }, { k: "1" }]);
  const after = await replaced.rowDelta({ on: ["k"], deletes: [{ k: "y" }] });
  expect(fieldByName(after.schema, "k")?.id).toBe(fieldByName(old.schema, "k")?.id);
  expect(await rows(after, { select: ["k"] })).toEqual(["1", "x"]);
  expect(await rows(after, { select: ["v"] })).toEqual(["", ""]);
  const snapshotId = deleted.currentSnapshot?.snapshotId;
  expect(await rows(after, { snapshotId })).toEqual(["1 10", "255 2550", "300 3000"]);
});
