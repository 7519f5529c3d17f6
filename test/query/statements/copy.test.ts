import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { unfinishedIn } from "../../../lib/lakehouse/storage/write-beside.js";
import { countOf, duckdb, folder, lake, nativeCount } from "../support/statements.js";

// COPY … TO writes a file, or a folder of files, that is there whole or not at all.

let to: string;
beforeAll(async () => {
  await lake.sql("CREATE TABLE n.f AS SELECT i, i % 3 AS p, 'v' || i AS v FROM range(30) r(i)");
});
beforeEach(async () => {
  to = await mkdtemp(join(folder, "copy-"));
});

const FAILING = "(SELECT CASE WHEN i = 29 THEN error('in the middle') ELSE v END AS v FROM n.f)";
const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;

test.each([
  ["x.csv", "", "csv"],
  ["it's ü.parquet", "", "parquet"],
  ["x.csv.gz", "", "csv"],
  ["x", " (FORMAT json)", "json"],
  ["x.csv", " WITH (HEADER, DELIMITER ';')", "csv"],
])("%s%s: the file that was there stays until the new one is whole", async (name, options, format) => {
  const file = join(to, name);
  expect(await countOf(lake, `COPY n.f TO ${quoted(file)}${options}`)).toBe("30");
  expect(await nativeCount(`SELECT count(*) FROM read_${format}(${quoted(file)})`)).toBe("30");
  const before = await readFile(file);
  await expect(lake.sql(`COPY ${FAILING} TO ${quoted(file)}${options}`)).rejects.toThrow(/in the middle/);
  expect(await readFile(file)).toEqual(before);
  expect(await countOf(lake, `COPY (SELECT v FROM n.f LIMIT 2) TO ${quoted(file)}${options}`)).toBe("2");
  expect(await nativeCount(`SELECT count(*) FROM read_${format}(${quoted(file)})`)).toBe("2");
  expect(await readdir(to)).toEqual([name]);
});

test("a failure leaves no file, and neither does what is stopped", async () => {
  const file = join(to, "x.csv");
  await expect(lake.sql(`COPY ${FAILING} TO '${file}'`)).rejects.toThrow(/in the middle/);
  expect(await readdir(to)).toEqual([]);
  const stop = new AbortController();
  const endless = "(SELECT a.range + b.range AS v FROM range(1000000) a, range(1000000) b)";
  const copied = lake
    .sql(`COPY ${endless} TO '${file}'`, { signal: stop.signal })
    .then(() => "copied", String);
  // A process that is killed now leaves what is there now.
  let found: readonly string[] = [];
  while (found.length === 0) {
    [found] = await Promise.all([readdir(to), setTimeout(1)]);
  }
  expect(found).toEqual([expect.stringMatching(/^\.slh-unfinished\./)]);
  stop.abort();
  expect(await copied).toMatch(/abort/i);
  expect(await readdir(to)).toEqual([]);
});

test("what killed processes left goes with the next file", async () => {
  const [own, ...others] = await leftBy(999_999_999);
  await mkdir(join(to, own as string));
  await writeFile(join(to, own as string, "x.csv"), "half");
  for (const name of others) await mkdir(join(to, name));
  await lake.sql(`COPY n.f TO '${join(to, "y.csv")}'`);
  expect((await readdir(to)).sort()).toEqual([...others, "y.csv"].sort());
});

/** Names as a process gives them, of one with this id and of a user. */
async function leftBy(pid: number): Promise<string[]> {
  const name = basename(await unfinishedIn(to));
  return [name.replace(`.${process.pid}.`, `.${pid}.`), ".slh-unfinished.of-a-user", name];
}

test("folders, by partitions and by threads, are whole or not there", async () => {
  const dir = join(to, "parts");
  const partitioned = (options = "") => `COPY n.f TO '${dir}' (FORMAT parquet, PARTITION_BY (p)${options})`;
  await expect(
    lake.sql(
      `COPY (SELECT i % 3 AS p, f.v FROM ${FAILING} AS f, range(3) r(i)) TO '${dir}' (FORMAT parquet, PARTITION_BY (p))`,
    ),
  ).rejects.toThrow(/in the middle/);
  expect(await readdir(to)).toEqual([]);
  expect(await countOf(lake, partitioned())).toBe("30");
  expect((await readdir(dir)).sort()).toEqual(["p=0", "p=1", "p=2"]);
  const count = (path: string) => nativeCount(`SELECT count(*) FROM read_parquet('${path}/**/*.parquet')`);
  expect(await count(dir)).toBe("30");
  // As in DuckDB: a folder with files in it is refused, taken over, or gets more.
  await expect(lake.sql(partitioned())).rejects.toMatchObject({
    code: "STORAGE_FAILED",
    message: expect.stringMatching(
      /is not empty\. Name another folder, or say what becomes of them: .*OVERWRITE/,
    ),
  });
  expect(await countOf(lake, partitioned(", APPEND"))).toBe("30");
  expect(await count(dir)).toBe("60");
  await writeFile(join(dir, "p=0", "other.txt"), "kept");
  expect(await countOf(lake, partitioned(", OVERWRITE_OR_IGNORE"))).toBe("30");
  expect(await readFile(join(dir, "p=0", "other.txt"), "utf8")).toBe("kept");
  expect(await countOf(lake, partitioned(", OVERWRITE true"))).toBe("30");
  expect(await count(dir)).toBe("30");
  expect(await readdir(join(dir, "p=0"))).toEqual(["data_0.parquet"]);
  const threads = join(to, "threads");
  await mkdir(threads);
  expect(await countOf(lake, `COPY n.f TO '${threads}/' (FORMAT parquet, PER_THREAD_OUTPUT)`)).toBe("30");
  expect(await count(threads)).toBe("30");
  expect((await readdir(to)).sort()).toEqual(["parts", "threads"]);
});

test("what a link leads to is written, and what is no file gets the bytes as they come", async () => {
  const [file, link] = [join(to, "real.csv"), join(to, "link.csv")];
  await writeFile(file, "old");
  await symlink(file, link);
  expect(await countOf(lake, `COPY (SELECT 1 AS one) TO '${link}'`)).toBe("1");
  expect(await readFile(file, "utf8")).toBe("one\n1\n");
  expect(await countOf(lake, "COPY n.f TO '/dev/null' (FORMAT csv)")).toBe("30");
  await expect(lake.sql(`COPY n.f TO '${join(to, "none", "x.csv")}'`)).rejects.toThrow(/none/);
});

test("an empty result is a file, or what the statement says that it is", async () => {
  const file = join(to, "x.parquet");
  expect(await countOf(lake, `COPY (FROM n.f WHERE i < 0) TO '${file}'`)).toBe("0");
  expect(await nativeCount(`SELECT count(*) FROM '${file}'`)).toBe("0");
  const none = join(to, "none.parquet");
  const options = "(FORMAT parquet, WRITE_EMPTY_FILE false)";
  await duckdb.run(`COPY (SELECT 1 AS i WHERE false) TO '${join(to, "theirs.parquet")}' ${options}`);
  await lake.sql(`COPY (SELECT i FROM n.f WHERE i < 0) TO '${none}' ${options}`);
  expect((await readdir(to)).includes("none.parquet")).toBe((await readdir(to)).includes("theirs.parquet"));
});
