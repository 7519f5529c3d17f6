import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import {
  currentViewVersion,
  eq,
  isIn,
  sqlFor,
  type Table,
  UpdateSchema,
} from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { type FlightsLake, flightsOf, openFlightsLake } from "./flights-lake.js";
import { ourRows } from "./plain.js";
import { SqlFiles, testsOfAll } from "./sql-files.js";
import { trinoRows } from "./trino-rows.js";
import { needsTrino, startTrino, type Trino } from "./trino-server.js";
import { openWorld, type World } from "./world.js";
import { ZOO } from "./zoo.js";

/** The text for Trino on a server's front page, with the secret filled in. */
async function properties({ uri }: RestServer): Promise<string> {
  const page = (await (await fetch(uri)).json()) as { attach: { trino: string } };
  return page.attach.trino.replace("<id>", "ada").replace("<secret>", "lovelace");
}

describe("Trino", needsTrino, () => {
  let trino: Trino;
  beforeAll(async () => {
    trino = await startTrino();
  });
  afterAll(() => trino?.stop());

  describe("reads what we write", () => {
    let world: World;
    let server: RestServer;
    const tables = new Map<string, Table>();
    beforeAll(async () => {
      world = await openWorld();
      for (const { name, make } of ZOO) tables.set(name, await make(world));
      server = await serveRestCatalog({ catalog: world.catalog, store: world.store, port: 0 });
      await trino.attach("zoo", await properties(server));
    });
    afterAll(async () => {
      await server?.close();
      await world?.close();
    });

    test.each(ZOO)("$name", async ({ name }) => {
      const table = tables.get(name) as Table;
      expect(await trinoRows(trino, table, `zoo.ours.${name}`)).toEqual(await ourRows(world.engine, table));
    });
  });

  /** Trino runs every file of sql/trino on tables that were written here. */
  describe("sql/trino", () => {
    let lake: FlightsLake;
    const files = new SqlFiles("trino", (sql) => trino.query(sql));
    beforeAll(async () => {
      lake = await openFlightsLake();
      await trino.attach("lake", await properties(lake.server));
    });
    afterAll(() => lake?.close());

    testsOfAll(files);

    test("plan", async () => {
      const [range, hour] = (await files.run("plan")).map((plan) => String(plan[0]?.["Query Plan"]));
      expect(range).toContain("constraint on [date]");
      expect(range).toContain("[2001-02-14 00:00:00.000000, 2001-02-15 00:00:00.000000)");
      expect(hour).not.toContain("constraint on");
      expect(hour).toContain("filterPredicate = (hour(date)");
    });

    test("time travel, and what came since", async () => {
      const { snapshotId, moment } = lake.quarter;
      const { currentSnapshot } = await (await lake.reports.refresh()).append(flightsOf("2001-04-10"));
      expect(await trino.query("select count(*) as flights from lake.flights.reports")).toEqual([
        { flights: 96 },
      ]);
      const flights = [[{ flights: 72 }], [{ flights: 72 }], [{ flights: 72 }]];
      expect(await files.run("time-travel", { since: String(snapshotId), moment })).toEqual(flights);
      const until = String(currentSnapshot?.snapshotId);
      expect(await files.run("incremental", { since: String(snapshotId), until })).toEqual([
        [{ change: "insert", flights: 24 }],
      ]);
    });

    test("and no file is left out", async () => {
      expect(await files.left()).toEqual([]);
    });
  });

  /** On `main`, and on a branch by its own address; what it wrote is read back by us after each step. */
  describe.each(["main", "etl"])("writes on the branch %s", (ref) => {
    let lake: FlightsLake;
    let catalog: BranchingCatalog;
    let engine: QueryEngine;
    beforeAll(async () => {
      lake = await openFlightsLake();
      catalog = lake.catalog.on(ref);
      engine = await openQueryEngine({ resolve: async () => undefined });
      const { uri } = lake.server;
      const text = await properties(lake.server);
      await trino.attach(
        ref,
        text.replace(`rest-catalog.uri=${uri}`, `rest-catalog.uri=${uri}/iceberg/${ref}`),
      );
      await trino.query(`create schema ${ref}.s`);
    });
    afterAll(async () => {
      await engine?.close();
      await lake?.close();
    });

    const run = async (...statements: string[]) => {
      for (const sql of statements) await trino.query(sql.replaceAll("lake.", `${ref}.`));
    };
    /** A table's rows, after both sides gave the same ones. */
    async function rows(name: string) {
      const table = await catalog.loadTable(`s.${name}`);
      const own = await ourRows(engine, table);
      expect(await trinoRows(trino, table, `${ref}.s.${name}`)).toEqual(own);
      return own;
    }
    const ids = async (name: string) => (await rows(name)).map(({ id }) => id);

    test.each([2, 3])(
      "creates, inserts, updates, deletes and merges in format version %i",
      async (version) => {
        const t = `lake.s.t${version}`;
        await run(
          `create table ${t} (id bigint not null, name varchar, price decimal(10,2), seen timestamp(6), day date, tags array(varchar),
        place row(city varchar, zip integer)) with (format_version = ${version}, partitioning = array['day(seen)', 'bucket(id, 4)'])`,
          `insert into ${t} values (1, 'a', 1.5, timestamp '2020-01-01 12:00:00.000001', date '2020-01-01', array['x', null], row('Bern', 3000)),
        (2, null, null, null, null, null, null)`,
          `insert into ${t} (id, name, seen) select n, 'r' || cast(n as varchar), timestamp '2020-01-02 00:00:00' + n * interval '1' hour
        from unnest(sequence(10, 60)) as s(n)`,
        );
        expect(await ids(`t${version}`)).toHaveLength(53);
        await run(
          `update ${t} set name = 'it''s', price = 2 where id in (2, 11)`,
          `delete from ${t} where id between 13 and 40 or id = 1`,
          `merge into ${t} as old using (values (11, 'gone'), (12, 'new'), (900, 'came')) as s(id, name) on old.id = s.id
        when matched and s.name = 'gone' then delete when matched then update set name = s.name
        when not matched then insert (id, name) values (s.id, s.name)`,
        );
        const after = await rows(`t${version}`);
        expect(after).toHaveLength(24);
        expect(after.slice(0, 3)).toMatchObject([
          { id: 2, name: "it's", price: "2.00" },
          { id: 10, name: "r10" },
          { id: 12, name: "new" },
        ]);
        const { tasks } = await (await catalog.loadTable(`s.t${version}`)).scan().planAll();
        expect(tasks.some(({ deleteFiles }) => deleteFiles.length > 0)).toBe(true);
      },
    );

    test("in Parquet and Avro, with each codec that it has for both, and in ORC, which we refuse to read", async () => {
      const make = async (format: string, codec: string) => {
        const name = `${format}_${codec}`;
        await run(
          `create table lake.s.${name} (id bigint) with (format = '${format}', compression_codec = '${codec}')`,
          `insert into lake.s.${name} values (1)`,
        );
        return name;
      };
      for (const format of ["parquet", "avro"])
        for (const codec of ["none", "snappy", "gzip", "zstd"])
          expect(await ids(await make(format, codec))).toEqual([1]);
      await expect(rows(await make("orc", "zstd"))).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
    });

    test("makes tables and views of queries, and replaces them in one commit", async () => {
      await run(
        "create table lake.s.made as select n as id, n % 3 as kind from unnest(sequence(1, 9)) as s(n)",
        "create view lake.s.few as select kind, count(*) as n from lake.s.made group by kind",
      );
      expect(await ids("made")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const { metadata } = await catalog.loadTable("s.made");
      await run("create or replace table lake.s.made as select bigint '7' as id, bigint '1' as kind");
      expect(await rows("made")).toEqual([{ id: 7, kind: 1 }]);
      const replaced = (await catalog.loadTable("s.made")).metadata;
      expect([replaced.tableUuid, replaced.snapshots.length]).toEqual([metadata.tableUuid, 2]);
      expect(await trino.query(`select * from ${ref}.s.few`)).toEqual([{ kind: 1, n: 1 }]);
      expect(sqlFor(currentViewVersion((await catalog.loadView("s.few")).metadata), "trino")).toMatch(
        /count/i,
      );
      await run("alter table lake.s.made rename to lake.s.renamed", "drop view lake.s.few");
      expect(await catalog.tableExists("s.made")).toBe(false);
      expect(await trino.refused(`drop schema ${ref}.s`)).toContain("Cannot drop non-empty schema");
      await run("drop table lake.s.renamed");
      expect(await catalog.tableExists("s.renamed")).toBe(false);
    });

    test("writes on after us, and we after it, while the schema and the layout change", async () => {
      await run(
        "create table lake.s.shared (id bigint, name varchar) with (format_version = 3)",
        "insert into lake.s.shared values (1, 'trino'), (2, 'trino')",
      );
      const ours = (await catalog.loadTable("s.shared")).withEngine(engine);
      const two = await ours.append([
        { id: 10n, name: "ours" },
        { id: 11n, name: "ours" },
      ]);
      await two.deleteRows(isIn("id", [1, 11]), { mode: "merge-on-read" });
      expect(await ids("shared")).toEqual([2, 10]);
      await run(
        "alter table lake.s.shared rename column name to label",
        "alter table lake.s.shared add column seen timestamp(6)",
        "alter table lake.s.shared set properties partitioning = array['month(seen)']",
        "insert into lake.s.shared values (20, 'trino', timestamp '2020-05-01 00:00:00')",
        "delete from lake.s.shared where id = 10",
      );
      const now = await ours.refresh();
      await expect(now.update([new UpdateSchema().dropColumn("seen")])).rejects.toMatchObject({
        code: "INVALID_SCHEMA",
      });
      const renamed = await now.update([new UpdateSchema().renameColumn("label", "note")]);
      await renamed.upsert([{ id: 2n, note: "ours", seen: null }], { on: ["id"] });
      expect(await rows("shared")).toEqual([
        { id: 2, note: "ours", seen: null },
        { id: 20, note: "trino", seen: "2020-05-01T00:00:00.000000" },
      ]);
    });

    test("compacts what we deleted from, and no row changes", async () => {
      await run(
        "create table lake.s.small (id bigint) with (format_version = 2)",
        ...[1, 2, 3, 4].map((n) => `insert into lake.s.small values (${n})`),
      );
      const ours = (await catalog.loadTable("s.small")).withEngine(engine);
      await ours.deleteRows(eq("id", 2n), { mode: "merge-on-read" });
      await run(
        "alter table lake.s.small execute optimize",
        "alter table lake.s.small execute optimize_manifests",
      );
      expect(await ids("small")).toEqual([1, 3, 4]);
      const { tasks } = await (await ours.refresh()).scan().planAll();
      expect([tasks.length, tasks[0]?.deleteFiles.length]).toEqual([1, 0]);
      expect(
        await trino.query(
          `select count(*) as n from ${ref}.s.small for version as of ${ours.currentSnapshot?.snapshotId}`,
        ),
      ).toEqual([{ n: 4 }]);
    });
  });
});
