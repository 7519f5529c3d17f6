// Trino on the stack: what it writes through our catalog and through Nessie, on SeaweedFS, is what we read, row for row.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES, type ServiceName, statusOf } from "../../../../lib/kit/stack/index.js";
import { defineSchema, long, openLakehouse } from "../../../../lib/lakehouse/index.js";
import { connectLog } from "../../../../lib/lakehouse/log/index.js";
import { ourRows } from "../../../interop/plain.js";
import { needsTrino, type TrinoClient, trinoAt } from "../../../interop/trino-client.js";
import { trinoRows } from "../../../interop/trino-rows.js";
import { openReader, type Reader } from "../reader.js";
import { type OwnStack, ownStack } from "../support.js";
import { ENGINES } from "./engines.js";

let stack: OwnStack;
let trino: TrinoClient;

const url = (service: ServiceName) => `http://127.0.0.1:${stack.home.port(service, "http")}`;

describe("Trino", needsTrino, () => {
  beforeAll(async () => {
    stack = await ownStack();
    await stack.start(...ENGINES);
    trino = trinoAt(url("trino"));
  });
  afterAll(() => stack?.dispose());

  test("is a coordinator and two workers, of which each is up", async () => {
    for (const service of ENGINES)
      expect(await statusOf(service, stack.home), service.name).toMatchObject({ state: "up" });
    const nodes = () => trino.query("select coordinator from system.runtime.nodes where state = 'active'");
    await expect.poll(async () => (await nodes()).length, { timeout: 60_000 }).toBe(3);
  });

  describe.each(["lake", "nessie"] as const)("by the catalog %s", (name) => {
    let reader: Reader;
    beforeAll(async () => {
      reader = await openReader(stack, name);
      await trino.query(`create schema ${name}.s`);
    });
    afterAll(() => reader?.close());

    const run = async (...statements: string[]) => {
      for (const sql of statements) await trino.query(sql.replaceAll("lake.", `${name}.`));
    };
    /** A table's rows, after both sides gave the same ones. */
    async function rows(table: string) {
      const loaded = await reader.catalog.loadTable(`s.${table}`);
      const own = await ourRows(reader.engine, loaded);
      expect(await trinoRows(trino, loaded, `${name}.s.${table}`)).toEqual(own);
      return own;
    }
    const ids = async (table: string) => (await rows(table)).map(({ id }) => id);

    test("it creates, inserts, updates, deletes and merges", async () => {
      await run(
        `create table lake.s.t (id bigint, name varchar, price decimal(10,2), seen timestamp(6), tags array(varchar))
          with (format_version = 2, partitioning = array['day(seen)', 'bucket(id, 2)'])`,
        `insert into lake.s.t values (1, 'a', 1.5, timestamp '2020-01-01 12:00:00.000001', array['x', null]),
          (2, null, null, null, null)`,
        `insert into lake.s.t (id, name, seen) select n, 'r' || cast(n as varchar), timestamp '2020-01-02 00:00:00'
          from unnest(sequence(10, 30)) as s(n)`,
        "update lake.s.t set name = 'it''s', price = 2 where id in (2, 11)",
        "delete from lake.s.t where id between 13 and 25 or id = 1",
        `merge into lake.s.t as old using (values (11, 'gone'), (12, 'new'), (900, 'came')) as s(id, name) on old.id = s.id
          when matched and s.name = 'gone' then delete when matched then update set name = s.name
          when not matched then insert (id, name) values (s.id, s.name)`,
      );
      expect(await ids("t")).toEqual([2, 10, 12, 26, 27, 28, 29, 30, 900]);
      expect((await rows("t"))[0]).toMatchObject({ id: 2, name: "it's", price: "2.00" });
    });

    test("it compacts with OPTIMIZE, and what was before is there by its snapshot", async () => {
      await run(
        "create table lake.s.small (id bigint)",
        ...[1, 2, 3].map((n) => `insert into lake.s.small values (${n})`),
      );
      const before = await reader.catalog.loadTable("s.small");
      await run("delete from lake.s.small where id = 2", "alter table lake.s.small execute optimize");
      const { tasks } = await (await before.refresh()).scan().planAll();
      expect([tasks.length, tasks[0]?.deleteFiles.length]).toEqual([1, 0]);
      expect(await ids("small")).toEqual([1, 3]);
      const at = `${name}.s.small for version as of ${before.currentSnapshot?.snapshotId}`;
      expect(await trinoRows(trino, before, at)).toEqual(await ourRows(reader.engine, before));
    });

    /** Trino's connector makes no branches, and says so. */
    test("it reads a branch of a table that we write on, and main stays as it was", async () => {
      await run("create table lake.s.branched (id bigint)", "insert into lake.s.branched values (1)");
      const table = (await reader.catalog.loadTable("s.branched")).withEngine(reader.engine);
      await table.append([{ id: 2n }], { branch: "audit" });
      expect(await ids("branched")).toEqual([1]);
      expect(
        await trino.query(`select id from ${name}.s.branched for version as of 'audit' order by id`),
      ).toEqual([{ id: 1 }, { id: 2 }]);
    });
  });

  test("reads a topic's table while it grows: at each moment the records up to one, and all that the table has", async () => {
    await stack.start(SERVICES.log);
    const env = await stack.env();
    const { endpoint, credentials } = stack.s3("S3");
    const lake = await openLakehouse({
      profile: "stack",
      root: join(stack.home.folder, "writer"),
      warehouse: env.SLH_WAREHOUSE,
      catalog: env.SLH_CATALOG,
      log: env.SLH_LOG,
      storage: { s3: { endpoint, credentials, region: "us-east-1" } },
    });
    // A server makes the topic and takes its rows; a program that has the log open takes them into the table.
    const server = await connectLog(`http://127.0.0.1:${stack.home.port("log", "grpc")}`);
    const topic = await server.createTopic("numbers", { schema: defineSchema({ n: long() }) });
    const stream = await lake.log.topic("numbers").toTable("streamed.numbers");
    const rows = async () =>
      (await trino.query("select n from lake.streamed.numbers order by n")).map(({ n }) => Number(n));
    const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
    for (let round = 0; round < 8; round++) {
      await topic.appendRows(
        upTo(25).map((i) => ({ n: BigInt(25 * round + i) })),
        { ack: "stored" },
      );
      const [meanwhile] = await Promise.all([rows(), stream.flush()]);
      expect(meanwhile.length).toBeGreaterThanOrEqual(25 * round);
      expect(meanwhile).toEqual(upTo(meanwhile.length));
      expect(await rows()).toEqual(upTo(25 * (round + 1)));
    }
    await stream.close();
    await server.close();
    await lake.close();
  });

  test("nothing of what it and Nessie have is gone after down and up", async () => {
    const again = [SERVICES.nessie, SERVICES.trino];
    await stack.stop(...again);
    await stack.start(...again);
    for (const name of ["lake", "nessie"] as const) {
      const { catalog, engine, close } = await openReader(stack, name);
      const table = await catalog.loadTable("s.t");
      expect(await trinoRows(trino, table, `${name}.s.t`)).toEqual(await ourRows(engine, table));
      await close();
    }
  });
});
