import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as arrow from "apache-arrow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readParquet, writeParquet } from "../../../lib/lakehouse/parquet/index.js";
import { bundle, LAKEHOUSE } from "../../support/bundle.js";
import { MemoryStore } from "../support/memory-store.js";

type Parquet = typeof import("../../../lib/lakehouse/parquet/index.js");

const uri = "mem://test/x.parquet";
let dir: string;
let built: Parquet;

/** The room as JavaScript: only so are its encoder threads, which cannot load TypeScript, used at all. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "threads-"));
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  await symlink(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(dir, "node_modules"));
  await bundle({ parquet: join(LAKEHOUSE, "parquet/index.ts") }, dir);
  built = (await import(/* @vite-ignore */ pathToFileURL(join(dir, "parquet.js")).href)) as Parquet;
});
afterAll(() => rm(dir, { recursive: true }));

function batches(count: number): { schema: arrow.Schema; batches: arrow.RecordBatch[] } {
  const table = new arrow.Table({
    n: arrow.makeVector(BigInt64Array.from({ length: 20_000 }, (_, i) => BigInt(i))),
    s: arrow.vectorFromArray(
      Array.from({ length: 20_000 }, (_, i) => (i % 9 === 0 ? null : `s${i % 50}`)),
      new arrow.Utf8(),
    ),
  });
  return { schema: table.schema, batches: new Array(count).fill(table.batches[0]) };
}

test("encodes on other threads, many files at a time, as it does on this one", async () => {
  const { schema, batches: data } = batches(4);
  const stores = Array.from({ length: 5 }, () => new MemoryStore());
  const written = await Promise.all(
    stores.map((store) => built.writeParquet(store, uri, schema, data, { rowGroupRows: 30_000 })),
  );
  const here = new MemoryStore();
  await writeParquet(here, uri, schema, data, { rowGroupRows: 30_000 });
  const expected = here.objects.get(uri) as Uint8Array;
  for (const [i, store] of stores.entries()) {
    expect(written[i]?.recordCount).toBe(80_000n);
    expect(Buffer.compare(store.objects.get(uri) as Uint8Array, expected)).toBe(0);
  }
  const { columns } = await readParquet(stores[0] as MemoryStore, uri, { columns: ["n"] });
  expect(columns[0]?.values.at(-1)).toBe(19_999n);
});

test("encodes small files that are some of many as it does a small one alone", async () => {
  const { schema, batches: data } = batches(1);
  const stores = Array.from({ length: 5 }, () => new MemoryStore());
  await Promise.all(stores.map((store) => built.writeParquet(store, uri, schema, data, { oneOfMany: true })));
  const alone = new MemoryStore();
  await built.writeParquet(alone, uri, schema, data);
  for (const store of stores)
    expect(Buffer.compare(store.objects.get(uri) as Uint8Array, alone.objects.get(uri) as Uint8Array)).toBe(
      0,
    );
});

test("starts its threads also in a process with options that a thread refuses", async () => {
  const program = `
    import * as arrow from "apache-arrow";
    import { writeParquet } from "./parquet.js";
    const table = new arrow.Table({ n: arrow.makeVector(new Float64Array(50_000)) });
    let size = 0;
    const store = { async put(_, body) { for await (const part of body) size += part.length; } };
    const written = await writeParquet(store, "mem://x", table.schema, table.batches, { rowGroupRows: 10_000 });
    console.log(written.footer.rowGroups.length, BigInt(size) === written.fileSizeInBytes);`;
  const node = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: dir });
  let output = "";
  node.stdout.on("data", (text) => {
    output += text;
  });
  node.stderr.on("data", (text) => {
    output += text;
  });
  await once(node, "close");
  expect(output).toBe("5 true\n");
});

test("fails with the thread's reason, and goes on with other files", async () => {
  const { schema, batches: data } = batches(2);
  const required = new arrow.Schema(schema.fields.map((field) => field.clone({ nullable: false })));
  const store = new MemoryStore();
  await expect(
    built.writeParquet(store, uri, required, data, { rowGroupRows: 10_000 }),
  ).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining('required column "s"'),
  });
  expect(store.objects.size).toBe(0);
  const after = await built.writeParquet(store, uri, schema, data, { rowGroupRows: 10_000 });
  expect(after.footer.rowGroups).toHaveLength(4);
});
