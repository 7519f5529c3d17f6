import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lakehouse, LakehouseOptions } from "sololakehouse";
import { environmentOf } from "../environment.js";
import type { StackHome } from "../home.js";

/** Something that writers add entries to. */
export interface Ledger {
  /** The entry is acknowledged when this returns. Where it throws, nobody knows whether it is there. */
  write(id: string): Promise<void>;
  /** All entries that are there, one that is there twice two times. */
  read(): Promise<string[]>;
  /** Deletes it. */
  dispose(): Promise<void>;
}

export interface TableLedger extends Ledger {
  readonly lake: Lakehouse;
  readonly table: string;
}

/** A name that nobody else has. */
const own = (): string => `drill_${randomBytes(4).toString("hex")}`;

/** By which the lakehouse of a stack is opened, whatever this process is told of another one. */
export async function lakeOptions(home: StackHome, retryLimitMs?: number): Promise<LakehouseOptions> {
  const { s3OptionsFromEnv } = await import("sololakehouse/storage");
  const env = environmentOf(home);
  return {
    profile: "stack",
    root: home.lake,
    warehouse: env.SLH_WAREHOUSE,
    catalog: env.SLH_CATALOG,
    experiments: `sqlite:${join(home.lake, "experiments", "mlflow.db")}`,
    storage: { s3: { ...s3OptionsFromEnv(env), retryLimitMs } },
  };
}

/**
 * A table of the stack's lakehouse, in a namespace of its own, whose writers work on etcd themselves.
 *
 * @param retryLimitMs milliseconds for which they ask SeaweedFS again; the library's own where not given.
 */
export async function tableLedger(home: StackHome, retryLimitMs?: number): Promise<TableLedger> {
  const { openLakehouse } = await import("sololakehouse");
  const options = await lakeOptions(home, retryLimitMs);
  return ledgerIn(await openLakehouse(options), options);
}

/** The same, whose writers go by a catalog server over the Iceberg REST protocol. @param port where they reach it. */
export async function servedLedger(home: StackHome, port: number): Promise<Ledger> {
  const { openLakehouse } = await import("sololakehouse");
  const { openRestCatalog } = await import("sololakehouse/catalog");
  const { openStore } = await import("sololakehouse/storage");
  const options = await lakeOptions(home);
  const store = openStore(options.warehouse as string, options.storage);
  const token = home.place("catalog")?.secret("SLH_STACK_CATALOG_TOKEN");
  const catalog = await openRestCatalog({ uri: `http://127.0.0.1:${port}/iceberg`, token, store });
  return ledgerIn(await openLakehouse({ ...options, catalog }), options);
}

async function ledgerIn(lake: Lakehouse, options: LakehouseOptions): Promise<TableLedger> {
  const { defineSchema, string } = await import("sololakehouse");
  const namespace = own();
  const table = `${namespace}.entries`;
  await lake.createNamespace(namespace);
  await lake.createTable(table, { schema: defineSchema({ id: string() }) });
  return {
    lake,
    table,
    write: async (id) => {
      await (await lake.table(table)).append([{ id }]);
    },
    read: () => entriesIn(options, table),
    dispose: async () => {
      await lake.dropTable(table, { purge: true });
      await lake.dropNamespace(namespace);
      await lake.close();
    },
  };
}

/** The entries of a table, from where they are kept: a copy that this machine has would hide that they are gone. */
export async function entriesIn(options: LakehouseOptions, table: string): Promise<string[]> {
  const { openLakehouse } = await import("sololakehouse");
  const dir = await mkdtemp(join(tmpdir(), "slh-drill-"));
  const lake = await openLakehouse({ ...options, cache: { dir } });
  try {
    const rows = await lake.sql<{ id: string }>(`select id from ${table}`).rows();
    return rows.map(({ id }) => id);
  } finally {
    await lake.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** A topic of the stack's log, whose server is spoken to by gRPC. */
export async function topicLedger(home: StackHome): Promise<Ledger> {
  const { connectLog } = await import("sololakehouse/log");
  const log = await connectLog(`http://127.0.0.1:${home.port("log", "grpc")}`);
  const name = own();
  const topic = await log.createTopic(name);
  return {
    write: async (id) => {
      await topic.append({ value: id }, { ack: "stored" });
    },
    read: async () => {
      const found: string[] = [];
      for await (const { records } of topic.read())
        for (const { value } of records) found.push(new TextDecoder().decode(value ?? undefined));
      return found;
    },
    dispose: async () => {
      await log.deleteTopic(name);
      await log.close();
    },
  };
}
