import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Packages that take tens of milliseconds to load. */
const HEAVY =
  /^(apache-arrow|@aws-sdk\/.*|@duckdb\/.*|fastify|hyparquet|vega.*|shiki|satori|pagefind|tslab|typescript|yaml)$/;

/** The heavy packages that a process of the build loads, by what V8 says of the coverage of its scripts. */
async function heavyIn(...args: string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "slh-loading-"));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
    const found = new Set<string>();
    for (const name of await readdir(folder)) {
      const { result } = JSON.parse(await readFile(join(folder, name), "utf8"));
      for (const { url } of result as { url: string }[]) {
        const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
        if (name !== undefined && HEAVY.test(name)) found.add(name);
      }
    }
    return [...found].sort();
  } finally {
    await rm(folder, { recursive: true });
  }
}

const importing = (name: string) => ["--input-type=module", "-e", `import ${JSON.stringify(name)};`];

test("a help text loads nothing heavy", async () => {
  expect(await heavyIn(join(ROOT, "lib/lakehouse/bin/slh.js"), "--help")).toEqual([]);
});

test.each(["sololakehouse", "sololakehouse/errors", "sololakehouse/storage", "sololakehouse/catalog"])(
  "%s loads nothing heavy before it is used",
  async (name) => {
    expect(await heavyIn(...importing(name))).toEqual([]);
  },
);

test("what reads and writes rows loads Arrow, and no more", async () => {
  expect(await heavyIn(...importing("sololakehouse/iceberg"))).toEqual(["apache-arrow"]);
});
