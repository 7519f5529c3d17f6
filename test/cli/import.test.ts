import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slhInProcess } from "./in-process.js";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slh-import-")));
  for (const name of ["SLH_PROFILE", "SLH_CATALOG"]) vi.stubEnv(name, "");
  vi.stubEnv("SLH_LAKE", join(folder, "lake"));
  await writeFile(join(folder, "a.csv"), "id,city,since\n1,Oslo,2020-01-01\n2,Bergen,\n");
  await writeFile(join(folder, "b.csv"), "id,city,since\n3,Voss,2021-01-01\n");
  await writeFile(join(folder, "wrong.csv"), "id,city,since\nx,y,z\n");
  await writeFile(join(folder, "c.ndjson"), '{"id":4,"tags":["a"]}\n{"id":5}\n');
  await (await openLakehouse()).close();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const slh = (...args: string[]) => slhInProcess(args, folder);
const rowsOf = async (table: string) =>
  JSON.parse((await slh("sql", `select * from ${table} order by id`, "--json")).out) as unknown;

describe("slh import", () => {
  test("shows what it found before it writes, makes a table, then appends to it", async () => {
    const dry = await slh("import", "a.csv", "--table", "raw.cities", "--dry-run");
    expect(dry.out).toMatch(
      /^A new table raw\.cities, of 1 file:\n {2}"id" +\w+\n {2}"city" +string\n {2}"since" +date\n$/,
    );
    expect((await slh("tables")).out).not.toContain("cities");
    expect((await slh("import", "a.csv", "--table", "raw.cities")).err).toContain("add --yes");
    expect((await slh("import", "a.csv", "--table", "raw.cities", "--yes")).out).toContain(
      "Made raw.cities: wrote 2 rows.",
    );
    expect((await slh("import", "b.csv", "--table", "raw.cities", "--yes")).out).toContain(
      "Added to raw.cities: wrote 1 row.",
    );
    expect(await rowsOf("raw.cities")).toHaveLength(3);
    expect((await slh("import", "wrong.csv", "--table", "raw.cities", "--yes")).err).toContain(
      "SCHEMA_MISMATCH",
    );
    expect(await rowsOf("raw.cities")).toHaveLength(3);
    const { columns, rows } = JSON.parse(
      (await slh("import", "c.ndjson", "--table", "raw.tags", "--yes", "--json")).out,
    );
    expect(columns.map(({ name }: { name: string }) => name)).toEqual(["id", "tags"]);
    expect(rows).toBe(2);
    expect((await slh("import", "none.csv", "--table", "raw.none", "--yes")).err).toContain(
      "OBJECT_NOT_FOUND",
    );
  });

  test("takes a branch, and files whose endings tell nothing", async () => {
    await slh("branch", "etl");
    await writeFile(join(folder, "plain"), "id\n7\n");
    expect(
      (await slh("import", "plain", "--format", "csv", "--table", "raw.x", "--ref", "etl", "--yes")).code,
    ).toBe(0);
    expect(await rowsOf("raw.x@etl")).toEqual([{ id: 7 }]);
    expect((await slh("tables")).out).not.toContain("raw.x");
  });

  test("adopts Parquet files where they are; files that are none leave no table", async () => {
    await slh("import", "a.csv", "--table", "raw.cities", "--yes");
    await slh("sql", "select * from raw.cities", "-o", "cities.parquet");
    const adopted = await slh("import", "cities.parquet", "--table", "raw.adopted", "--in-place", "--yes");
    expect(adopted.out).toContain("Made raw.adopted: adopted files with 2 rows.");
    expect(await rowsOf("raw.adopted")).toEqual(await rowsOf("raw.cities"));
    expect((await slh("sql", "select _file from raw.adopted limit 1", "--format", "csv")).out).toContain(
      "cities.parquet",
    );
    // The same file a second time.
    expect(
      (await slh("import", "cities.parquet", "--table", "raw.adopted", "--in-place", "--yes")).err,
    ).toContain("INVALID_ARGUMENT");
    expect((await slh("import", "b.csv", "--table", "raw.no", "--in-place", "--yes")).code).toBe(1);
    expect((await slh("tables")).out).not.toContain("raw.no");
  });

  test("reads columns from the names of folders, and adopts their files by them", async () => {
    await slh("import", "a.csv", "--table", "raw.cities", "--yes");
    await slh("sql", "select * from raw.cities", "-o", "cities.parquet");
    for (const day of ["2024-01-01", "2024-01-02"]) {
      await mkdir(join(folder, `day=${day}`));
      await slh("sql", "select * from raw.cities", "-o", `day=${day}/c.parquet`);
    }
    const files = ["day=2024-01-01/c.parquet", "day=2024-01-02/c.parquet"];
    await slh("import", "day=*/*.parquet", "--table", "raw.written", "--yes");
    await slh("import", ...files, "--table", "raw.adopted", "--in-place", "--yes");
    const days = (table: string) =>
      slh(
        "sql",
        `select day, count(*) from ${table} where day > date '2024-01-01' group by day`,
        "--format",
        "csv",
      );
    expect((await days("raw.written")).out).toContain("2024-01-02,2");
    await slh("import", "cities.parquet", "--table", "raw.flat", "--in-place", "--yes");
    for (const how of [["--in-place"], []]) {
      const refused = await slh("import", ...files, "--table", "raw.flat", ...how, "--yes");
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('the column "day"');
    }
    expect((await days("raw.adopted")).out).toBe((await days("raw.written")).out);
  });

  test("passes over folders where it is told so", async () => {
    await slh("import", "a.csv", "--table", "raw.cities", "--yes");
    await mkdir(join(folder, "run=1"));
    await writeFile(join(folder, "run=1", "b.csv"), "id,city,since\n3,Voss,2021-01-01\n");
    await slh("sql", "select * from raw.cities", "-o", "run=1/c.parquet");
    const files = (file: string, table: string, ...more: string[]) =>
      slh("import", `run=1/${file}`, "--table", table, "--no-hive-partitioning", "--yes", ...more);
    expect((await slh("import", "run=1/b.csv", "--table", "raw.cities", "--yes")).err).toContain('"run"');
    expect((await files("b.csv", "raw.cities")).out).toContain("wrote 1 row");
    expect((await files("b.csv", "raw.cities", "--format", "csv")).out).toContain("wrote 1 row");
    await files("c.parquet", "raw.adopted", "--in-place");
    await files("c.parquet", "raw.written");
    for (const table of ["raw.adopted", "raw.written"])
      expect(await rowsOf(table)).toEqual([
        { id: 1, city: "Oslo", since: "2020-01-01" },
        { id: 2, city: "Bergen", since: null },
      ]);
  });

  test("a backup takes files that were adopted from outside, and the table needs them no more", async () => {
    await slh("import", "a.csv", "--table", "raw.cities", "--yes");
    await slh("sql", "select * from raw.cities", "-o", "cities.parquet");
    await slh("import", "cities.parquet", "--table", "raw.adopted", "--in-place", "--yes");
    await slh("sql", "delete from raw.adopted where id = 1");
    const expected = await rowsOf("raw.adopted");
    expect((await slh("backup", "--to", "safe")).code).toBe(0);
    await rm(join(folder, "cities.parquet"));
    await rm(join(folder, "lake"), { recursive: true });
    vi.stubEnv("SLH_LAKE", join(folder, "other"));
    expect((await slh("restore", "--from", "safe")).code).toBe(0);
    expect(await rowsOf("raw.adopted")).toEqual(expected);
  });
});
