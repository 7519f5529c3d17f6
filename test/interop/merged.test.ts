import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineSchema, int, type Lakehouse, openLakehouse, string } from "../../lib/lakehouse/index.js";
import { Engine } from "./engine.js";
import type { PlainRow } from "./plain.js";

let root: string;
let lake: Lakehouse;
let pyiceberg: Engine;
beforeAll(async () => {
  pyiceberg = new Engine("pyiceberg_engine.py");
  root = await mkdtemp(join(tmpdir(), "interop-merged-"));
  lake = await openLakehouse({ root, profile: "embedded", catalog: `sqlite:${join(root, "catalog.db")}` });
});
afterAll(async () => {
  await pyiceberg.close();
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

test.each([1, 2, 3] as const)(
  "PyIceberg reads a table of version %s whose branches were merged, now and as it was",
  async (formatVersion) => {
    const name = `s.t${formatVersion}`;
    const schema = defineSchema({ n: int(), origin: string() });
    const made = await lake.createTable(name, { schema, formatVersion });
    await made.append([{ n: 1, origin: "main" }]);
    const etl = await lake.branch(`etl${formatVersion}`);
    for (const n of [2, 3]) await (await etl.table(name)).append([{ n, origin: "etl" }]);
    await (await lake.table(name)).append([{ n: 4, origin: "main" }]);
    await lake.merge(etl.ref);
    const { metadataLocation, metadata } = await lake.table(name);
    const { rows } = await pyiceberg.call<{ rows: PlainRow[] }>("read", {
      metadata_location: metadataLocation,
    });
    const numbers = (of: readonly PlainRow[]) => of.map(({ n }) => Number(n)).sort();
    expect(numbers(rows)).toEqual([1, 2, 3, 4]);
    const counts: number[] = [];
    for (const { snapshotId } of metadata.snapshots) {
      const at = { metadata_location: metadataLocation, snapshot_id: String(snapshotId) };
      counts.push((await pyiceberg.call<PlainRow[]>("rows_at", at)).length);
    }
    expect(counts).toEqual([1, 2, 4]);
  },
);
