import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const lakehouse = join(import.meta.dirname, "../../lib/lakehouse");
const run = promisify(execFile);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-loading-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The scripts that a process of Node loads, by what it leaves for coverage. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const env = { ...process.env, NODE_V8_COVERAGE: folder, SLH_LAKE: join(folder, "lake") };
  await run(process.execPath, args, { cwd: lakehouse, env });
  const reports = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(reports.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) => (JSON.parse(text).result as { url: string }[]).map(({ url }) => url));
}

test.each([
  [["bin/slh.js", "--help"]],
  [["bin/slh.js", "merge", "--help"]],
  [["bin/streamctl.js", "consume", "--help"]],
])("%j loads neither Arrow nor DuckDB, nor a room's works", async (args) => {
  const loaded = await loadedBy(...args);
  expect(loaded.some((url) => url.includes("/commander/"))).toBe(true);
  expect(
    loaded.filter((url) =>
      /\/(apache-arrow|@duckdb|fastify|@aws-sdk|better-sqlite3|@connectrpc|@bufbuild)\//.test(url),
    ),
  ).toEqual([]);
  // Of a room: what it brings for the wiring, and its commands. All may use the two that load quickly.
  expect(
    loaded.filter((url) => /lakehouse\/dist\/(catalog|codecs|iceberg|parquet|query|storage)\.js/.test(url)),
  ).toEqual([]);
});

test("a lakehouse is opened without the command line, and without DuckDB", async () => {
  const loaded = await loadedBy(
    "--input-type=module",
    "--eval",
    'import { openLakehouse } from "sololakehouse"; await (await openLakehouse()).close();',
  );
  expect(loaded.some((url) => url.includes("lakehouse/dist/index.js"))).toBe(true);
  expect(loaded.filter((url) => /\/(commander|@duckdb)\/|dist\/.*commands/.test(url))).toEqual([]);
});
