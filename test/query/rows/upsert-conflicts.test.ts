import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, long } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

test.each(["copy-on-write", "merge-on-read"] as const)(
  "upserts of different keys that lie in the same files do not disturb each other, %s",
  async (mode) => {
    const directory = await mkdtemp(path.join(tmpdir(), "upsert-conflicts-"));
    const backend = path.join(directory, "catalog.db");
    const store = new LocalStore(path.join(directory, "warehouse"), { durable: false });
    const engine = await openQueryEngine({ resolve: async () => undefined });
    const catalogs = [await openCatalog({ backend, store }), await openCatalog({ backend, store })];
    const [catalog] = catalogs as [(typeof catalogs)[0]];
    await catalog?.createNamespace("ns");
    const schema = defineSchema({ id: long(), n: long() });
    const properties = { "commit.retry.min-wait-ms": "5", "commit.retry.num-retries": "50" };
    const made = await catalog?.createTable("ns.t", { schema, properties });
    const ids = Array.from({ length: 40 }, (_, id) => id);
    await made?.append(ids.map((id) => ({ id: BigInt(id), n: 0n })));
    // Odd keys here, even ones there: the ranges overlap, the keys do not.
    await Promise.all(
      catalogs.map(async (each, parity) => {
        const table = (await each.loadTable<{ id: bigint; n: bigint }>("ns.t")).withEngine(engine);
        for (let round = 1; round <= 6; round++) {
          const rows = ids
            .filter((id) => id % 2 === parity)
            .map((id) => ({ id: BigInt(id), n: BigInt(round) }));
          await table.upsert([...rows, { id: BigInt(100 * round + parity), n: 1n }], { on: ["id"], mode });
        }
      }),
    );
    const rows: Record<string, unknown>[] = [];
    const after = (await catalog?.loadTable("ns.t"))?.withEngine(engine);
    if (after !== undefined) rows.push(...(await (await engine.scan(after, after.scan())).rows()));
    expect(rows).toHaveLength(40 + 12);
    expect(rows.filter(({ id, n }) => (id as bigint) < 40n && n !== 6n)).toEqual([]);
    // What can be read only once cannot be merged again; it is read, and that is all.
    const once = (function* () {
      yield { id: 0n, n: 7n };
    })();
    await after?.upsert(once, { on: ["id"], mode });
    for (const each of catalogs) await each.close();
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  },
);
