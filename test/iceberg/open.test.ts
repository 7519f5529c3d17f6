import { expect, test } from "vitest";
import { defineSchema, long, openTableAt } from "../../lib/lakehouse/iceberg/index.js";
import { createTable, scratch } from "./support/tables.js";

const schema = defineSchema({ id: long() });

test("a table's folder opens at the highest version, or at the one that a hint names", () =>
  scratch(async (directory) => {
    const { table, store } = await createTable<{ id: number }>(directory, { schema });
    const first = await table.append([{ id: 1 }]);
    const second = await first.append([{ id: 2 }]);
    const rows = async () => {
      const { tasks } = await (await openTableAt(store, table.location)).scan().planAll();
      return tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n);
    };
    expect(await rows()).toBe(2n);
    await store.put(`${table.location}/metadata/version-hint.text`, Buffer.from("1\n"));
    expect(await rows()).toBe(1n);
    expect((await openTableAt(store, second.metadataLocation)).currentSnapshot).toEqual(
      second.currentSnapshot,
    );
  }));

test("a hint names a file of the Hadoop catalog that left it, not another catalog's of the same number", () =>
  scratch(async (directory) => {
    const { table, store } = await createTable<{ id: number }>(directory, { schema });
    const first = await table.append([{ id: 1 }]);
    await first.append([{ id: 2 }]);
    const metadata = `${table.location}/metadata`;
    await store.put(`${metadata}/v2.metadata.json`, await store.read(first.metadataLocation));
    await store.put(`${metadata}/version-hint.text`, Buffer.from("2"));
    expect((await openTableAt(store, table.location)).metadataLocation).toBe(`${metadata}/v2.metadata.json`);
  }));

test("a folder without metadata is no table", () =>
  scratch(async (directory) => {
    const { store } = await createTable(directory, { schema });
    await expect(openTableAt(store, `${store.root}/db/none`)).rejects.toMatchObject({
      code: "NO_SUCH_TABLE",
    });
  }));
