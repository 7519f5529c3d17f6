import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openTable } from "../../../lib/lakehouse/iceberg/index.js";
import { filled, folderOf, simple, tables, two } from "../support/awkward-tables.js";

describe("a table is opened", () => {
  test("by its folder, its metadata folder and its metadata file, in any spelling", async () => {
    const table = await filled();
    const folder = folderOf(table);
    const file = table.metadataLocation.slice("file://".length);
    for (const location of [
      folder,
      `${folder}/`,
      `${folder}/metadata`,
      file,
      `file:${file}`,
      `file://${file}`,
    ]) {
      expect(await tables.read(location), location).toEqual(two);
    }
  });

  test("at the version that the hint names, else at the highest", async () => {
    const table = await filled();
    const metadata = join(folderOf(table), "metadata");
    const empty = await tables.edited(table, "v12.metadata.json", (json) => {
      json["current-snapshot-id"] = -1;
      json.snapshots = [];
      json.refs = {};
      json["snapshot-log"] = [];
    });
    await tables.copy(table.metadataLocation.slice("file://".length), join(metadata, "v9.metadata.json"));
    expect(await tables.read(folderOf(table))).toEqual([]);
    for (const hint of ["9\n", "v9", "v9.metadata.json"]) {
      await writeFile(join(metadata, "version-hint.text"), hint);
      expect(await tables.read(folderOf(table)), hint).toEqual(two);
    }
    await writeFile(join(metadata, "version-hint.text"), "77");
    expect((await openTable(folderOf(table))).metadataLocation).toBe(`file://${empty}`);
  });

  test("from gzip, under both names", async () => {
    const table = await filled();
    const bytes = gzipSync(await readFile(table.metadataLocation.slice("file://".length)));
    for (const name of ["v3.gz.metadata.json", "v4.metadata.json.gz"]) {
      const path = join(folderOf(table), "metadata", name);
      await writeFile(path, bytes);
      expect(await tables.read(path)).toEqual(two);
      expect((await openTable(folderOf(table))).metadataLocation).toBe(`file://${path}`);
    }
  });

  test("where it was moved to, whatever scheme its metadata names it by", async () => {
    const table = await filled();
    const moved = join(tables.dir, "moved 100%41 here");
    await rename(folderOf(table), moved);
    for (const place of [moved, `file:${moved}`]) {
      expect(await tables.read(place)).toEqual(two);
      expect(await tables.read(place, { moved: true })).toEqual(two);
    }
  });

  test("with relative locations, from the current directory", async () => {
    const table = await filled();
    const here = process.cwd();
    const relative = await tables.edited(table, "v5.metadata.json", (json) => {
      json.location = "elsewhere/t";
      for (const snapshot of json.snapshots as Record<string, string>[]) {
        const name = snapshot["manifest-list"]?.split("/").at(-1);
        snapshot["manifest-list"] = `./elsewhere/t/metadata/${name}`;
      }
    });
    expect(await tables.read(relative, { moved: true })).toEqual(two);
    expect(process.cwd()).toBe(here);
  });

  test("or not, with a word on what is wrong", async () => {
    await expect(openTable(join(tables.dir, "nothing"))).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    await expect(openTable(join(tables.dir, "v1.metadata.json"))).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    const table = await filled();
    const broken = await tables.edited(table, "v8.metadata.json", (json) => {
      json["current-schema-id"] = 7;
    });
    await expect(openTable(broken)).rejects.toMatchObject({ code: "INVALID_METADATA" });
    await expect(
      table.commitFiles({ operation: "append" }).then(() => openTable(tables.dir)),
    ).rejects.toThrow();
  });
});

describe("version 1", () => {
  test("lists manifests inline and knows no sequence numbers", async () => {
    const table = await filled();
    const [manifest] = await table.inspect.manifests();
    const path = await tables.edited(table, "v1.metadata.json", (json) => {
      json["format-version"] = 1;
      json.schema = (json.schemas as unknown[])[0];
      json["partition-spec"] = [];
      for (const key of ["schemas", "partition-specs", "last-sequence-number", "refs", "table-uuid"])
        delete json[key];
      for (const snapshot of json.snapshots as Record<string, unknown>[]) {
        delete snapshot["manifest-list"];
        delete snapshot["sequence-number"];
        snapshot.manifests = [manifest?.path];
      }
    });
    expect(await tables.read(path)).toEqual(two);
  });

  test.each([-1, null, undefined])("has no snapshot when the current one is %s", async (current) => {
    const path = await tables.edited(await tables.create(simple), "v1.metadata.json", (json) => {
      if (current === undefined) delete json["current-snapshot-id"];
      else json["current-snapshot-id"] = current;
    });
    expect(await tables.read(path)).toEqual([]);
  });
});
