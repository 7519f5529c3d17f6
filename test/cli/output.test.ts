import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";
import { slhWithInput } from "./process.js";

const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-output-"));
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  vi.stubEnv("SLH_PROFILE", "embedded");
  await (await openLakehouse()).close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const sql = (...args: string[]) => slhInProcess(["sql", ...args], folder);
const textOf = (name: string) => readFile(join(folder, name), "utf8");
const QUERY = "select i, 'é;\"' as t from range(3) r(i) order by i";
const FIRST = '"é;"""';

describe("slh sql -o", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "leaves nothing beside its file when it is stopped by %s",
    async (signal) => {
      const long = "select i, md5(i::varchar) as t from range(2000000000) r(i)";
      await writeFile(join(folder, "rows.csv"), "before");
      for (const args of [[long, "-o", "rows.csv"], [`copy (${long}) to 'rows.csv'`]]) {
        const child = spawn(process.execPath, [SLH, "sql", ...args], { cwd: folder, stdio: "ignore" });
        const ended = new Promise((resolve) => child.on("close", resolve));
        await expect.poll(async () => (await readdir(folder)).join()).toContain(".slh-unfinished.");
        child.kill(signal);
        expect(await ended).toBe(signal === "SIGINT" ? 130 : 143);
        expect((await readdir(folder)).sort()).toEqual(["lake", "rows.csv"]);
        expect(await textOf("rows.csv")).toBe("before");
      }
    },
  );

  test.each([
    ["rows.csv", `i,t\n0,${FIRST}\n1,${FIRST}\n2,${FIRST}\n`],
    ["rows.NDJSON", [0, 1, 2].map((i) => `${JSON.stringify({ i, t: 'é;"' })}\n`).join("")],
    ["rows.json", undefined],
    ["rows.parquet", undefined],
    ["rows.arrow", undefined],
    ["rows.feather", undefined],
  ])("writes %s in the format that its name says", async (name, text) => {
    expect(await sql(QUERY, "-o", name)).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(/^Wrote 3 rows to rows\.\w+ \([\d.]+ k?B\)\.\n$/),
    });
    if (text !== undefined) expect(await textOf(name)).toBe(text);
    if (name.endsWith(".json")) expect(JSON.parse(await textOf(name))).toHaveLength(3);
    if (name.endsWith(".parquet"))
      expect((await sql(`from '${join(folder, name)}'`, "--format", "csv")).out).toContain(`2,${FIRST}`);
    if (/arrow|feather/.test(name)) expect((await textOf(name)).slice(0, 6)).toBe("ARROW1");
  });

  test("goes by --format where that is given, and tells as JSON what was written", async () => {
    const ran = await sql(QUERY, "--output", "rows.txt", "--format", "csv", "--json");
    expect(JSON.parse(ran.out)).toEqual({ uri: `file://${folder}/rows.txt`, rows: 3, bytes: 34 });
    expect(await textOf("rows.txt")).toContain("i,t\n0,");
  });

  test("replaces what there was, and leaves it when the query fails", async () => {
    await writeFile(join(folder, "rows.csv"), "before");
    const failed = await sql("select error('no') from range(2) r(i)", "-o", "rows.csv");
    expect(failed).toMatchObject({ code: 1, out: "" });
    expect(await textOf("rows.csv")).toBe("before");
    const late = "select case when i = 200000 then error('late') else i end as i from range(200001) r(i)";
    expect((await sql(late, "-o", "rows.csv")).code).toBe(1);
    expect(await textOf("rows.csv")).toBe("before");
    expect((await readdir(folder)).sort()).toEqual(["lake", "rows.csv"]);
    await sql(QUERY, "-o", "rows.csv");
    expect(await textOf("rows.csv")).toContain("2,");
  });

  test("refuses before anything runs what it cannot write", async () => {
    const make = "create table s.t as select 1 as a";
    expect((await sql(make, "-o", "rows.xlsx")).err).toContain("does not say in which format");
    expect((await sql(make, "-o", "rows.csv", "--format", "table")).err).toContain("no format table");
    expect((await sql(make, "--format", "parquet")).err).toContain("Add -o rows.parquet.");
    expect((await sql(make, "--format", "csv", "--json")).err).toContain("Give one of them.");
    expect((await sql(`${make}; from s.t`, "-o", "rows.csv")).err).toContain("There are 2 statements");
    expect((await slhInProcess(["tables"], folder)).out).toBe("There are no tables yet.\n");
    expect(await readdir(folder)).toEqual(["lake"]);
  });
});

describe(".once of slh shell", () => {
  test("writes the rows of the next statement alone", async () => {
    const file = join(folder, "rows.csv");
    const lines = `.mode csv\n.once "${file}"\nselect 1 as a;\nselect 2 as b;\n.once x.xlsx\n.once\n`;
    const { out, err, code } = await slhWithInput(["shell"], lines, { SLH_LAKE: join(folder, "lake") });
    expect(out).toBe(`Wrote 1 row to ${file} (4 B).\nb\n2\n`);
    expect(await readFile(file, "utf8")).toBe("a\n1\n");
    expect(err).toContain("does not say in which format");
    expect(err).toContain("It needs a file.");
    expect(code).toBe(1);
    expect(existsSync("x.xlsx")).toBe(false);
  });
});
