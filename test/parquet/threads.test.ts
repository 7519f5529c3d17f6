import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as arrow from "apache-arrow";
import ts from "typescript";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readParquet, writeParquet } from "../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "./memory-store.js";

type Parquet = typeof import("../../lib/lakehouse/parquet/index.js");

const root = fileURLToPath(new URL("../..", import.meta.url));
const uri = "mem://test/x.parquet";
let dir: string;
let built: Parquet;

/** The room, and the one below it, as JavaScript: only so are its encoder threads, which cannot load TypeScript, used at all. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "threads-"));
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  await symlink(join(root, "node_modules"), join(dir, "node_modules"));
  const source = join(root, "lib/lakehouse");
  const rooms = ["parquet", "storage"].map(async (room) =>
    (await readdir(join(source, room), { recursive: true })).map((name) => join(room, name)),
  );
  for (const file of ["errors.ts", "sqlite.ts", ...(await Promise.all(rooms)).flat()]) {
    if (!file.endsWith(".ts")) continue;
    const code = ts.transpileModule(await readFile(join(source, file), "utf8"), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(dir, file.replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code.outputText);
  }
  built = (await import(/* @vite-ignore */ pathToFileURL(join(dir, "parquet/index.js")).href)) as Parquet;
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

it("encodes on other threads, many files at a time, as it does on this one", async () => {
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

it("encodes small files that are some of many as it does a small one alone", async () => {
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

it("starts its threads also in a process with options that a thread refuses", async () => {
  const program = `
    import * as arrow from "apache-arrow";
    import { writeParquet } from "./parquet/index.js";
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

it("fails with the thread's reason, and goes on with other files", async () => {
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
