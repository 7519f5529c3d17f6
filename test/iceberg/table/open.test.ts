import { expect, test } from "vitest";
import { defineSchema, long, openTableAt } from "../../../lib/lakehouse/iceberg/index.js";
import { createTable, scratch } from "../support/tables.js";

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

test("a folder without metadata is no table, and what lies below it is not looked through", () =>
  scratch(async (directory) => {
    const { table, store } = await createTable<{ id: number }>(directory, { schema });
    await table.append([{ id: 1 }]);
    let listed = 0;
    const counting = Object.create(store, {
      list: {
        async *value(...args: Parameters<typeof store.list>) {
          for await (const info of store.list(...args)) {
            listed++;
            yield info;
          }
        },
      },
    });
    for (const folder of [`${store.root}/db/none`, store.root])
      await expect(openTableAt(counting, folder)).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    expect(listed).toBe(0);
  }));

test("a table that was copied is read where it is, and a metadata file alone where its table is", () =>
  scratch(async (directory) => {
    const { table, store } = await createTable<{ id: number }>(directory, { schema });
    const { metadataLocation } = await (await table.append([{ id: 1 }])).append([{ id: 2 }]);
    const name = metadataLocation.slice(metadataLocation.lastIndexOf("/") + 1);
    const copy = `${store.root}/copies/t`;
    for await (const { uri } of store.list(`${table.location}/`)) {
      await store.put(`${copy}${uri.slice(table.location.length)}`, await store.read(uri));
    }
    await store.put(`${store.root}/alone/${name}`, await store.read(metadataLocation));
    const firstBytes = async (location: string, moved?: boolean) => {
      const opened = await openTableAt(store, location, { moved });
      const { tasks } = await opened.scan().planAll();
      for (const { dataFile } of tasks) await opened.store.read(dataFile.filePath);
      return tasks.length;
    };
    expect(await firstBytes(`${store.root}/alone/${name}`)).toBe(2);
    const originals: string[] = [];
    for await (const { uri } of store.list(`${table.location}/data/`)) originals.push(uri);
    await store.delete(originals);
    for (const location of [copy, `${copy}/metadata/${name}`]) expect(await firstBytes(location)).toBe(2);
    await expect(firstBytes(`${store.root}/alone/${name}`)).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    await expect(firstBytes(`${store.root}/alone/${name}`, true)).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    // A copy never reads the original, even where that has what it lacks.
    const copies: string[] = [];
    for await (const { uri } of store.list(`${copy}/data/`)) copies.push(uri);
    await store.put(originals[0] as string, await store.read(copies[0] as string));
    await store.delete(copies);
    await expect(firstBytes(copy)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  }));
