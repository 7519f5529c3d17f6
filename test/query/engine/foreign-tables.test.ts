import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eq, openTableAt, type Table } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { fixtureTables as folder, needsFixtureTables } from "../../support/needs.js";

describe("tables of other engines, copied out of their bucket", needsFixtureTables, () => {
  let engine: QueryEngine;
  beforeAll(async () => {
    engine = await openQueryEngine({ resolve: async () => undefined });
  });
  afterAll(() => engine.close());

  const open = (name: string): Promise<Table> =>
    openTableAt(new LocalStore(folder as string), pathToFileURL(`${folder}/${name}`).href, { moved: true });
  async function rows(name: string, scan: Parameters<Table["scan"]>[0] = {}) {
    const table = await open(name);
    return (await engine.scan(table, table.scan(scan))).rows();
  }

  /** The rabbits were numbered by popularity, 1 to 21, in the order of their file. */
  const ranks = async (name: string, scan: Parameters<Table["scan"]>[0] = {}) =>
    (await rows(name, scan)).map((row) => Number(row["Popularity Rank"])).sort((a, b) => a - b);
  const upTo21 = Array.from({ length: 21 }, (_, i) => i + 1);
  const without = (...gone: number[]) => upTo21.filter((rank) => !gone.includes(rank));

  test("by Java: position deletes, then an equality delete beside the row that replaces its own", async () => {
    const table = await open("java/bunnies");
    expect(
      await Promise.all(
        table.metadata.snapshots.map(({ snapshotId }) => ranks("java/bunnies", { snapshotId })),
      ),
    ).toEqual([upTo21, without(3, 4, 5, 6, 7, 12), [0, ...without(3, 4, 5, 6, 7, 12, 21)]]);
    expect(await rows("java/bunnies", { filter: eq("Breed Name", "New Zealand") })).toEqual([
      {
        "Breed Name": "New Zealand",
        "Average Weight": 4,
        "Fur Length": 2.7,
        Lifespan: 8n,
        "Origin Country": "New Zealand",
        "Ear Type": "Erect",
        Temperament: "Affectionate",
        "Popularity Rank": 0n,
        __happy__: true,
      },
    ]);
    expect(
      await rows("java/bunnies", { filter: eq("Popularity Rank", 1n), select: ["Breed Name", "__happy__"] }),
    ).toEqual([{ "Breed Name": "Holland Lop", __happy__: null }]);
  });

  test("by Spark: a row deleted, then all rewritten with a new column", async () => {
    const table = await open("spark/bunnies");
    expect(
      await Promise.all(
        table.metadata.snapshots.map(({ snapshotId }) => ranks("spark/bunnies", { snapshotId })),
      ),
    ).toEqual([upTo21, without(1), without(1)]);
    const lengths = await rows("spark/bunnies", { select: ["Breed Name", "breed_name_length"] });
    expect(lengths.map((row) => row.breed_name_length)).toEqual(
      lengths.map((row) => String(row["Breed Name"]).length),
    );
  });

  test("by Spark: a renamed column, partitions with null", async () => {
    const all = await rows("spark/rename_column");
    expect(all.sort((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { id: 1, name: "Flopsy 🐇", event_date: "2022-01-01", price: "9.99", active: true },
      { id: 2, name: "Mopsy–Naïve", event_date: "2022-01-01", price: "-5.00", active: false },
      { id: 3, name: "Cottontail", event_date: null, price: "0.00", active: true },
      { id: 4, name: "Thumper", event_date: "2022-01-02", price: "99999999.99", active: false },
    ]);
    const [of] = await rows("spark/rename_column", {
      filter: eq("event_date", "2022-01-02"),
      select: ["name"],
    });
    expect(of).toEqual({ name: "Thumper" });
  });

  test("by Athena", async () => {
    expect(await rows("athena/example")).toEqual([
      { id: 1, name: "Alice" },
      { id: 2, name: "Bob" },
    ]);
  });
});
