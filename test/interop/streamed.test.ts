import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  asc,
  defineSchema,
  identity,
  type Lakehouse,
  long,
  openLakehouse,
  openLakehouseCatalog,
  string,
  type Table,
} from "../../lib/lakehouse/index.js";
import { appendedTo, deleteKey, expectFollowed } from "./moved-lake.js";

describe.each([2, 3] as const)("a v%s table of a stream", (formatVersion) => {
  let root: string;
  let lake: Lakehouse;
  const open = () => openLakehouse({ root, profile: "embedded" });

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "streamed-"));
    lake = await open();
    const table = await lake.createTable("ns.t", {
      schema: defineSchema({ k: long(), v: string() }),
      formatVersion,
      partitionSpec: [identity("v")],
      sortOrder: [asc("k")],
    });
    const writer = await table.stream({ source: "keys" });
    for (let k = 1n; k <= 8n; k++) {
      await writer.write({ k, v: `v${k}` }, { offset: k });
      if (k === 6n) await writer.flush();
    }
    await writer.close();
    for (const k of [1n, 7n]) await deleteKey((await lake.table("ns.t")) as Table, k);
    await lake.close();
  });
  afterAll(async () => {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  });

  test("is read by PyIceberg and written to, and goes on behind what PyIceberg wrote", async () => {
    const served = await openLakehouseCatalog({ root, profile: "embedded" });
    await expectFollowed(served, root, formatVersion);
    await served.catalog.close();
    lake = await open();
    const writer = await (await lake.table("ns.t")).stream({ source: "keys" });
    expect(writer.position).toBe(8n);
    for (let k = 5n; k <= 10n; k++) await writer.write({ k, v: `v${k}` }, { offset: k });
    await writer.close();
    const rows = await lake.sql<{ k: bigint }>("select k from ns.t order by k").rows();
    expect(rows.map(({ k }) => Number(k))).toEqual([2, 3, 4, 5, 6, 8, 9, 10, ...appendedTo(formatVersion)]);
  });
});
