import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bucket,
  eq,
  gtEq,
  int,
  isIn,
  lt,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
} from "../../lib/lakehouse/iceberg/index.js";
import { Engine } from "./engine.js";
import {
  ourEntries,
  ourLineage,
  ourRows,
  ourSchema,
  type PlainEntry,
  type PlainRow,
  plain,
  sorted,
} from "./plain.js";
import { SPARK_ZOO, statementsOn } from "./spark-zoo.js";
import { openWorld, type World } from "./world.js";
import { ZOO } from "./zoo.js";

/** A table as Spark sees it. */
interface View {
  readonly rows: readonly PlainRow[];
  readonly schema: object;
  readonly entries: readonly PlainEntry[];
}

type FilterValue = string | number | bigint | boolean | Uint8Array;

let world: World;
let spark: Engine;
const tables = new Map<string, Table>();
const readable = ZOO.filter(({ beyond }) => beyond?.spark === undefined);

beforeAll(async () => {
  world = await openWorld();
  spark = new Engine("spark_engine.py");
  const started = spark.call("start", { folder: world.folder });
  for (const { name, make } of readable) {
    const table = await make(world);
    tables.set(name, table);
    await world.publish(table);
  }
  await started;
});
afterAll(async () => {
  await spark.close();
  await world.close();
});

const view = (name: string) => spark.call<View>("view", { name: `lake.${name}` });
const query = (sql: string) => spark.call<PlainRow[]>("query", { sql });
const run = (...statements: string[]) => spark.call<void>("run", { statements });

/** What Spark shows of a table and what we show of it, the partition values aside, which it shows in its own way. */
async function expectSame({ rows, schema, entries }: View, table: Table): Promise<void> {
  expect({ "identifier-field-ids": [], ...schema }).toEqual(ourSchema(table));
  const byPath = (list: readonly PlainEntry[]) =>
    [...list].sort((a, b) => (a.filePath < b.filePath ? -1 : 1)).map(({ partition, ...rest }) => rest);
  expect(byPath(entries)).toEqual(byPath(await ourEntries(table)));
  if (table.currentSnapshot) expect(table.currentSnapshot.summary).toMatchObject(totals(entries));
  expect(sorted(rows)).toEqual(await ourRows(world.engine, table));
}

/** What a summary must say, whoever wrote it on top of whose: each builds on the totals of the one before. */
function totals(entries: readonly PlainEntry[]): Record<string, string> {
  const live = (content: string) =>
    entries.filter((entry) => entry.status !== "deleted" && entry.content === content);
  const records = (content: string) =>
    live(content).reduce((sum, { recordCount }) => sum + Number(recordCount), 0);
  const deleteFiles = live("position-deletes").length + live("equality-deletes").length;
  return {
    "total-data-files": String(live("data").length),
    "total-delete-files": String(deleteFiles),
    "total-records": String(records("data")),
    "total-position-deletes": String(records("position-deletes")),
    "total-equality-deletes": String(records("equality-deletes")),
  };
}

describe("Spark reads what we write", () => {
  test.each(readable)("$name: schema, entries and rows", async ({ name }) => {
    await expectSame(await view(`ours.${name}`), tables.get(name) as Table);
  });

  test("plans the same files for a filter by any value, where a transform or bounds may prune", async () => {
    const columns = {
      buckets: ["id", "i", "dec", "day", "ts", "text", "key", "five", "blob"],
      truncations: ["i", "l", "dec", "text", "blob"],
      times: ["y", "m", "d", "h", "day"],
      identities: ["text", "day", "flag", "price", "number"],
      sorted: ["date", "origin", "delay"],
    };
    // Not `notEqual`: of a null it is true in Java, and as in SQL neither true nor false here.
    const operators = { equal: eq, lessThan: lt, greaterThanOrEqual: gtEq };
    for (const [name, names] of Object.entries(columns)) {
      const table = tables.get(name) as Table;
      const rows = await (await world.engine.scan(table, table.scan())).rows();
      const filters = names.flatMap((column) => {
        const values = rows.map((row) => row[column] as FilterValue | null).filter((value) => value !== null);
        return [...new Map(values.map((value) => [String(value), value])).values()]
          .slice(0, 8)
          .flatMap((value) =>
            Object.keys(operators).map((operator) => ({
              operator: operator as keyof typeof operators,
              column,
              value,
            })),
          );
      });
      const theirs = await spark.call<string[][]>("plan", {
        name: `lake.ours.${name}`,
        filters: filters.map(({ value, ...rest }) => ({
          ...rest,
          value: typeof value === "bigint" ? String(value) : plain(value),
          binary: value instanceof Uint8Array,
        })),
      });
      for (const [i, { operator, column, value }] of filters.entries()) {
        const { tasks } = await table.scan({ filter: operators[operator](column, value) }).planAll();
        const files = tasks.map(({ dataFile }) => dataFile.filePath);
        expect([name, operator, column, value, files.sort()]).toEqual([
          name,
          operator,
          column,
          value,
          theirs[i]?.sort(),
        ]);
      }
    }
  });

  test("at every snapshot and reference", async () => {
    for (const name of ["history", "branched", "deletion_vectors", "replaced", "updated_on_read"]) {
      const table = tables.get(name) as Table;
      for (const { snapshotId } of table.metadata.snapshots) {
        const rows = await query(`SELECT * FROM lake.ours.${name} VERSION AS OF ${snapshotId}`);
        expect(sorted(rows)).toEqual(await ourRows(world.engine, table, { snapshotId }));
      }
      for (const ref of Object.keys(table.metadata.refs)) {
        const rows = await query(`SELECT * FROM lake.ours.${name} VERSION AS OF '${ref}'`);
        expect(sorted(rows)).toEqual(await ourRows(world.engine, table, { ref }));
      }
    }
  });

  test.each([
    ...["lineage", "deletion_vectors", "upgraded", "lineage_on_write", "lineage_on_read", "streamed"],
  ])("the lineage of the rows of %s", async (name) => {
    const rows = await query(`SELECT id, _row_id, _last_updated_sequence_number FROM lake.ours.${name}`);
    expect(sorted(rows)).toEqual(await ourLineage(world.engine, tables.get(name) as Table));
  });
});

describe("we read what Spark writes", () => {
  test.each(SPARK_ZOO)("$name", async ({ name, statements }) => {
    await run(...statementsOn(`lake.theirs.${name}`, statements));
    await expectSame(await view(`theirs.${name}`), await world.published(`theirs.${name}`));
  });

  test("at every snapshot and reference", async () => {
    for (const name of ["branched", "position_deletes", "deletion_vectors", "maintained", "evolved"]) {
      const table = await world.published(`theirs.${name}`);
      for (const { snapshotId } of table.metadata.snapshots) {
        const rows = await query(`SELECT * FROM lake.theirs.${name} VERSION AS OF ${snapshotId}`);
        expect(sorted(rows)).toEqual(await ourRows(world.engine, table, { snapshotId }));
      }
      for (const ref of Object.keys(table.metadata.refs)) {
        const rows = await query(`SELECT * FROM lake.theirs.${name} VERSION AS OF '${ref}'`);
        expect(sorted(rows)).toEqual(await ourRows(world.engine, table, { ref }));
      }
    }
  });

  test("data files in Avro", async () => {
    await run(
      "CREATE TABLE lake.theirs.avro (id bigint, name string) USING iceberg TBLPROPERTIES ('write.format.default'='avro')",
      "INSERT INTO lake.theirs.avro VALUES (1, 'one'), (2, NULL)",
    );
    const rows = await query("SELECT * FROM lake.theirs.avro");
    expect(sorted(rows)).toEqual(await ourRows(world.engine, await world.published("theirs.avro")));
  });

  test("and say so where we cannot: data files in ORC", async () => {
    await run(
      "CREATE TABLE lake.theirs.orc (id bigint) USING iceberg TBLPROPERTIES ('write.format.default'='orc')",
      "INSERT INTO lake.theirs.orc VALUES (1)",
    );
    const table = await world.published("theirs.orc");
    await expect(ourRows(world.engine, table)).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining("orc"),
    });
  });

  test.each(["lineage", "deletion_vectors", "upgraded"])("the lineage of the rows of %s", async (name) => {
    const rows = await query(`SELECT id, _row_id, _last_updated_sequence_number FROM lake.theirs.${name}`);
    expect(sorted(rows)).toEqual(await ourLineage(world.engine, await world.published(`theirs.${name}`)));
  });
});

describe("on top of each other", () => {
  /** Spark changes a table, we read it and change it again, and Spark reads that. */
  async function takeTurns(
    name: string,
    statements: readonly string[],
    change: (table: Table) => Promise<Table>,
  ) {
    await run(...statementsOn(`lake.${name}`, statements));
    const theirs = await world.published(name);
    await expectSame(await view(name), theirs);
    await expectSameLineage(name, theirs);
    const ours = await change(theirs);
    await world.publish(ours);
    await expectSame(await view(name), ours);
    await expectSameLineage(name, ours);
  }
  async function expectSameLineage(name: string, table: Table) {
    if (table.metadata.formatVersion < 3) return;
    const rows = await query(`SELECT id, _row_id, _last_updated_sequence_number FROM lake.${name}`);
    expect(sorted(rows)).toEqual(await ourLineage(world.engine, table));
  }
  const flight = { id: 5000, date: "2001-01-02T03:04:05", origin: "a/b c", delay: null };

  test.each([
    ...["ours.sorted", "ours.history", "ours.version1", "ours.lineage_on_write"],
    ...["theirs.copy_on_write", "theirs.version1", "theirs.lineage"],
  ])("%s: copy-on-write", async (name) => {
    const statements = [
      "INSERT INTO t VALUES (4000, TIMESTAMP_NTZ'2001-01-03 00:00:00', 'ORD', null)",
      "DELETE FROM t WHERE id IN (1001, 2, 4000)",
    ];
    await takeTurns(name, statements, async (table) =>
      (await table.append([flight])).deleteRows(isIn("id", [1005, 10])),
    );
  });

  test.each([
    "ours.position_deletes",
    "ours.deletion_vectors",
    "ours.lineage_on_read",
    "theirs.position_deletes",
    "theirs.deletion_vectors",
  ])("%s: merge-on-read", async (name) => {
    const statements = [
      "ALTER TABLE t SET TBLPROPERTIES ('write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read')",
      "DELETE FROM t WHERE id IN (1002, 11)",
      "UPDATE t SET delay = 77 WHERE id IN (1004, 12)",
    ];
    await takeTurns(name, statements, async (table) =>
      (
        await (
          await table.append([flight])
        ).deleteRows(isIn("id", [1006, 1007, 13, 14]), { mode: "merge-on-read" })
      ).updateRows(isIn("id", [1008, 15, 5000]), { delay: 78 }),
    );
  });

  test("ours.evolved and theirs.evolved: another column, another spec", async () => {
    for (const name of ["ours.evolved", "theirs.evolved"]) {
      const statements = [
        "ALTER TABLE t ADD COLUMN spark string",
        "UPDATE t SET spark = 's' WHERE id = 4",
        "DELETE FROM t WHERE id = 5",
      ];
      await takeTurns(name, statements, async (table) => {
        const change = new UpdateSchema().renameColumn("spark", "theirs").addColumn("ours", int().optional());
        const spec = new UpdatePartitionSpec().addField(bucket("theirs", 2));
        return (await table.update([change, spec])).append([{ id: 80, theirs: "x", ours: 1 }]);
      });
    }
  });

  test("Spark compacts what we wrote, and we go on", async () => {
    for (const name of ["ours.equality_deletes", "ours.upgraded"]) {
      const compact = `CALL lake.system.rewrite_data_files(table => '${name}', options => map('rewrite-all', 'true'))`;
      await takeTurns(name, [compact], (table) => table.append([{ ...flight, id: 6000 }]));
    }
  });
});
