import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { structToAvro } from "../../../lib/lakehouse/iceberg/files/avro/from-iceberg.js";
import {
  type DataFile,
  defineSchema,
  eq,
  type FormatVersion,
  long,
  string,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore, type ObjectStore, pathOfFile } from "../../../lib/lakehouse/storage/index.js";

const schema = defineSchema({ id: long(), name: string().optional() });

let dir: string;
const lakes: { name: string; catalog: BranchingCatalog; engine: QueryEngine }[] = [];
let count = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "query-sizes-"));
  const local = new LocalStore(join(dir, "w"), { durable: false });
  const far = new Proxy(local, {
    get(target, key) {
      if (key === "localPath") return () => undefined;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as ObjectStore;
  for (const [name, store] of [
    ["on this disk", local],
    ["in a store elsewhere, through the cache", far],
  ] as const) {
    const engine = await openQueryEngine({
      resolve: async () => undefined,
      cache: { dir: join(dir, "cache"), maxBytes: 1 << 30 },
    });
    const catalog = await openCatalog({ backend: join(dir, `${lakes.length}.db`), store });
    await catalog.createNamespace("n");
    lakes.push({ name, catalog, engine });
  }
});
afterAll(async () => {
  for (const { catalog, engine } of lakes) {
    await engine.close();
    await catalog.close();
  }
  await rm(dir, { recursive: true });
});

const wrong = ["1", "a byte less", "a byte more", "half", "three times"] as const;
function recordedAs(how: (typeof wrong)[number], file: DataFile): DataFile {
  const size = file.fileSizeInBytes;
  const sizes = { "1": 1n, "a byte less": size - 1n, "a byte more": size + 1n, half: size / 2n };
  return { ...file, fileSizeInBytes: how === "three times" ? size * 3n : sizes[how] };
}

describe.each([0, 1])("the length that a manifest records of a file (%i)", (lake) => {
  const create = async (formatVersion: FormatVersion = 2): Promise<Table> => {
    const { catalog, engine } = lakes[lake] as (typeof lakes)[number];
    const table = await catalog.createTable(`n.t${count++}`, { schema, formatVersion });
    return table.withEngine(engine) as Table;
  };
  const ids = async (table: Table) => {
    const { engine } = lakes[lake] as (typeof lakes)[number];
    const rows = await (await engine.scan(table, table.scan())).rows();
    return rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
  };
  const filesOf = async (table: Table) => {
    const { tasks } = await table.scan().planAll();
    return {
      data: tasks.map(({ dataFile }) => dataFile),
      deletes: [...new Set(tasks.flatMap(({ deleteFiles }) => deleteFiles))],
    };
  };

  test.each(wrong)("does not keep data files and deletes from being read: %s", async (how) => {
    for (const version of [2, 3] as const) {
      const source = await create(version);
      await source.append([1n, 2n, 3n, 4n, 5n].map((id) => ({ id, name: `n${id}` })));
      await source.deleteRows(eq("id", 2), { mode: "merge-on-read" });
      const whole = (await source.rowDelta({ on: ["id"], deletes: [{ id: 4n }] })) as Table;
      expect(await ids(whole)).toEqual([1, 3, 5]);
      const { data, deletes } = await filesOf(whole);
      expect(deletes.map(({ content }) => content).sort()).toEqual(["equality-deletes", "position-deletes"]);
      const copy = await create(version);
      await copy.commitFiles({
        operation: "append",
        addedDataFiles: data.map((file) => ({ ...recordedAs(how, file), firstRowId: undefined })),
      });
      const wrongly = deletes.map((file) => recordedAs(how, file));
      const positions = wrongly.filter(({ content }) => content === "position-deletes");
      const after = (await copy.commitFiles({
        operation: "overwrite",
        addedDeleteFiles: positions,
      })) as Table;
      expect(await ids(after)).toEqual([1, 3, 4, 5]);
      // Row changes read the same files in ways of their own.
      const more = (await after.deleteRows(eq("id", 5), { mode: "merge-on-read" })) as Table;
      const updated = (await more.updateRows(eq("id", 3), { name: "new" })) as Table;
      expect(await ids(updated)).toEqual([1, 3, 4]);
      const equality = wrongly.filter(({ content }) => content === "equality-deletes");
      const all = await updated.commitFiles({ operation: "overwrite", addedDeleteFiles: equality });
      expect(await ids(all as Table)).toEqual([1, 3]);
    }
  });

  test.each(wrong)("does not keep Avro from being read: %s", async (how) => {
    const table = await create();
    const avro = await avroFile(table, [7n, 8n]);
    const after = (await table.commitFiles({
      operation: "append",
      addedDataFiles: [recordedAs(how, avro)],
    })) as Table;
    expect(await ids(after)).toEqual([7, 8]);
  });

  test("tells a file that is cut from one that is whole", async () => {
    const table = (await (await create()).append([{ id: 1n }, { id: 2n }])) as Table;
    const { data } = await filesOf(table);
    const [file] = data as [DataFile];
    const path = pathOfFile(file.filePath);
    const whole = await readFile(path);
    for (const length of [0, 5, 20, whole.length - 9, whole.length - 1]) {
      await truncate(path, length);
      const fresh = await openQueryEngine({
        resolve: async () => undefined,
        cache: { dir: join(dir, "cache"), maxBytes: 1 << 30 },
      });
      try {
        const rows = async () => (await fresh.scan(table, table.scan())).rows();
        await expect(rows(), `cut to ${length} bytes`).rejects.toMatchObject({
          code: "CORRUPT_FILE",
          subject: file.filePath,
        });
      } finally {
        await fresh.close();
        await writeFile(path, whole);
      }
    }
  });

  test("tells an Avro file that is cut between two blocks", async () => {
    const table = await create();
    const many = Array.from({ length: 20_000 }, (_, i) => BigInt(i));
    const avro = await avroFile(table, many);
    const path = pathOfFile(avro.filePath);
    const bytes = await readFile(path);
    const sync = bytes.subarray(bytes.length - 16);
    const cut = bytes.lastIndexOf(sync, bytes.length - 17) + 16;
    expect(cut).toBeGreaterThan(1000);
    await truncate(path, cut);
    const after = (await table.commitFiles({ operation: "append", addedDataFiles: [avro] })) as Table;
    await expect(ids(after)).rejects.toMatchObject({ code: "CORRUPT_FILE", subject: avro.filePath });
  });

  test("is no matter, but the number of rows is: count(*) and the rows must agree", async () => {
    const source = (await (await create()).append([{ id: 1n }, { id: 2n }])) as Table;
    const [file] = (await filesOf(source)).data as [DataFile];
    const copy = await create();
    const after = (await copy.commitFiles({
      operation: "append",
      addedDataFiles: [{ ...file, recordCount: 3n }],
    })) as Table;
    await expect(ids(after)).rejects.toMatchObject({ code: "CORRUPT_FILE", subject: file.filePath });
  });

  async function avroFile(table: Table, values: readonly bigint[]): Promise<DataFile> {
    const { fields } = table.schema;
    const writer = new AvroWriter(structToAvro({ type: "struct", fields }, "table"), {});
    for (const id of values) writer.write({ id, name: `name ${id}` });
    const bytes = writer.finish();
    const filePath = `${table.location}/data/${count++}.avro`;
    await table.store.put(filePath, bytes);
    return {
      content: "data",
      filePath,
      fileFormat: "avro",
      specId: 0,
      partition: [],
      recordCount: BigInt(values.length),
      fileSizeInBytes: BigInt(bytes.length),
    };
  }
});
