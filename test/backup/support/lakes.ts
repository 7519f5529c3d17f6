import {
  bucket,
  defineSchema,
  eq,
  identity,
  int,
  type Lakehouse,
  long,
  string,
  struct,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
} from "sololakehouse";

const schema = defineSchema({ k: long(), v: string(), at: struct({ x: int() }).optional() });
const MERGE_ON_READ = { mode: "merge-on-read" } as const;

export const row = (k: number, v = `v${k}`) => ({ k: BigInt(k), v, at: { x: k } });
export const rowsFrom = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => row(from + i));

/**
 * A lake with all that a table can be: every format version, deletes of every kind, columns and partitions that changed,
 * a view, nested namespaces, branches and tags of the catalog and of a table.
 */
export async function fill(lake: Lakehouse): Promise<void> {
  for (const formatVersion of [1, 2, 3] as const) {
    let table = (await lake.createTable(`s.v${formatVersion}`, {
      schema,
      formatVersion,
      partitionSpec: [bucket("k", 2)],
    })) as unknown as Table;
    table = await table.append(rowsFrom(1, 6));
    table = await table.createRef("then", { type: "tag" });
    if (formatVersion > 1) {
      table = await table.deleteRows(eq("k", 2n), MERGE_ON_READ);
      table = await table.rowDelta({ on: ["k"], deletes: [{ k: 3n }], rows: [] });
    }
    table = await table.update([new UpdatePartitionSpec().removeField("k_bucket").addField(identity("k"))]);
    table = await table.update([
      new UpdateSchema().renameColumn("at.x", "y").addColumn("n", string().optional()),
    ]);
    table = await table.append([{ k: 7n, v: "v7", at: { y: 7 }, n: "new" }]);
    if (formatVersion > 1) await table.deleteRows(eq("k", 7n), MERGE_ON_READ);
  }
  await lake.createTable("a.b.c.deep", { schema });
  await lake.createView("s.view", "select k from s.v2 where k < 5");
  await lake.tag("first");
  const etl = await lake.branch("etl");
  await ((await etl.table("s.v3")) as unknown as Table).append([{ k: 8n, v: "etl", at: null, n: null }]);
  await ((await etl.table("s.v2")) as unknown as Table).deleteRows(eq("k", 1n), MERGE_ON_READ);
  await ((await lake.table("s.v2")) as unknown as Table).append([{ k: 9n, v: "main", at: null, n: null }]);
}

/** Rows as texts, in order. */
export async function rowsOf(lake: Lakehouse, table: Table, snapshotId?: bigint): Promise<string[]> {
  const found = await lake.read(table, table.scan({ snapshotId })).rows();
  return found.map(text).sort();
}

function text(row: object): string {
  return JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** What tables there are, and the rows of each of their snapshots, at a branch, tag or `@hash`. */
export async function contentOf(lake: Lakehouse, ref: string): Promise<Record<string, unknown>> {
  const there = lake.on(ref);
  const content: Record<string, unknown> = {};
  for (const { namespace, name } of await there.tables()) {
    const table = (await there.table([...namespace, name].join("."))) as unknown as Table;
    const snapshots: Record<string, string[]> = {};
    for (const { snapshotId } of table.metadata.snapshots)
      snapshots[String(snapshotId)] = await rowsOf(lake, table, snapshotId);
    const { currentSnapshotId, schemas, partitionSpecs, properties } = table.metadata;
    content[table.name] = {
      snapshots,
      current: await rowsOf(lake, table),
      refs: Object.keys(table.metadata.refs).sort(),
      currentSnapshotId: String(currentSnapshotId),
      ...{ schemas, partitionSpecs, properties },
    };
  }
  return content;
}

/** All of a lake: by branch and tag, with the hashes of their commits. */
export async function contents(lake: Lakehouse): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const { type, name, hash } of await lake.refs())
    all[`${type} ${name} ${hash}`] = await contentOf(lake, name);
  return all;
}
