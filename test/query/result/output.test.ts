import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { putAnywhere } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

let engine: QueryEngine;
let folder: string;
beforeAll(async () => {
  engine = await openQueryEngine({ resolve: async () => undefined });
});
afterAll(() => engine.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "output-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Expressions over `i`, of the types whose values must come back as they are. */
const COLUMNS = [
  "(i % 100)::TINYINT",
  "(i * 7)::USMALLINT",
  "i * 461168601842::BIGINT",
  "(9223372036854775808 + i)::UBIGINT",
  "(i / 3)::DECIMAL(9,2)",
  "((i - 50) * 1000000007)::DECIMAL(38,5)",
  "i / 7.0::DOUBLE",
  "(i / 7)::FLOAT",
  "i % 2 = 0",
  "'text ' || i || ' é\"\n,'",
  "encode('b' || i)",
  "DATE '1969-12-01' + i::INTEGER",
  "TIME '00:00:00' + to_microseconds(i)",
  "TIMESTAMP '1969-12-31 23:59:59' + to_microseconds(i * 999999)",
  "make_timestamp_ns(1700000000000000001 + i)",
  "TIMESTAMPTZ '2024-03-31 01:00:00+00' + to_minutes(i)",
  "(TIMESTAMP '2024-03-31 01:00:00' + to_seconds(i))::TIMESTAMP_S",
  "(TIMESTAMP '2024-03-31 01:00:00.123' + to_seconds(i))::TIMESTAMP_MS",
  "md5(i::VARCHAR)::UUID",
  "[i, NULL, i + 1]",
  "{'a': i, 'b': ['x' || i]}",
  "MAP {'k' || i: i::DECIMAL(20,3)}",
  "NULL::INTEGER",
] as const;

const queries = fc
  .record({
    columns: fc.array(fc.constantFrom(...COLUMNS), { minLength: 1, maxLength: 6 }),
    count: fc.constantFrom(0, 1, 7, 2048, 9000),
    nulls: fc.integer({ min: 2, max: 9 }),
  })
  .map(({ columns, count, nulls }) => {
    const list = columns.map(
      (column, n) => `CASE WHEN (i + ${n}) % ${nulls} > 0 THEN ${column} END AS "c ${n}"`,
    );
    return { count, sql: `SELECT ${list.join(", ")} FROM range(${count}) t(i) ORDER BY i` };
  });

describe("a result written to a file", () => {
  test("comes back row by row, with its types, from Parquet and from Arrow", async () => {
    await fc.assert(
      fc.asyncProperty(queries, async ({ sql, count }) => {
        const expected = await (await engine.sql(sql)).rows();
        const streamed: unknown[] = [];
        for await (const row of await engine.sql(sql)) streamed.push(row);
        expect(streamed).toEqual(expected);

        const parquet = join(folder, "rows.parquet");
        const written = await (await engine.sql(sql)).toParquet(parquet);
        expect(written).toEqual({
          uri: `file://${parquet}`,
          rows: BigInt(count),
          bytes: BigInt((await readFile(parquet)).length),
        });
        const read = await engine.sql(`SELECT * FROM read_parquet('${parquet}')`);
        expect(await read.rows()).toEqual(expected.map(asRead(sql)));

        const file = join(folder, "rows.arrow");
        const feather = await (await engine.sql(sql)).toArrowFile(file);
        const bytes = await readFile(file);
        expect(feather).toMatchObject({ rows: BigInt(count), bytes: BigInt(bytes.length) });
        const whole = await (await engine.sql(sql)).toArrow();
        const table = arrow.tableFromIPC(bytes);
        expect(String(table.schema)).toBe(String(whole.schema));
        expect(JSON.stringify(table.toArray(), plain)).toBe(JSON.stringify(whole.toArray(), plain));
      }),
      { numRuns: runs(25) },
    );
  });

  test("is the text of its format, as CSV and as lines of JSON", async () => {
    const sql = `SELECT i, 'é,"' || i AS s FROM range(20000) t(i)`;
    for (const format of ["csv", "ndjson"] as const) {
      const file = join(folder, format);
      const result = await engine.sql(sql);
      const { rows, bytes } = await (format === "csv" ? result.toCsv(file) : result.toNdjson(file));
      const text = await readFile(file, "utf8");
      expect(text).toBe(await (await engine.sql(sql)).format(format));
      expect({ rows, bytes }).toEqual({ rows: 20_000n, bytes: BigInt(Buffer.byteLength(text)) });
    }
  });

  test("leaves what was there when the query fails, and no other file", async () => {
    const sql = "SELECT CASE WHEN i = 299999 THEN error('no') ELSE i END AS x FROM range(300000) t(i)";
    const file = join(folder, "rows");
    await writeFile(file, "before");
    for (const write of ["toParquet", "toArrowFile", "toCsv", "toNdjson"] as const) {
      await expect((await engine.sql(sql))[write](file)).rejects.toMatchObject({ code: "INVALID_SQL" });
      expect(await readFile(file, "utf8")).toBe("before");
    }
    expect(await readdir(folder)).toEqual(["rows"]);
  });

  test("is refused with a code where it cannot go", async () => {
    const write = async (path: string, sql = "SELECT 1 AS x") =>
      (await engine.sql(sql)).toParquet(path).then(
        () => "no error",
        (error: { code: string }) => error.code,
      );
    expect(await write(join(folder, "none", "rows"))).toBe("STORAGE_FAILED");
    expect(await write(folder)).toBe("STORAGE_FAILED");
    expect(await write(`${folder}/`)).toBe("STORAGE_FAILED");
    expect(await write(join(folder, "n".repeat(300)))).toBe("STORAGE_FAILED");
    expect(await write("gopher://bucket/rows")).toBe("INVALID_URI");
    expect(await write(join(folder, "rows"), "SELECT INTERVAL '1 day' AS x")).toBe("UNSUPPORTED_FEATURE");
    expect(await readdir(folder)).toEqual([]);
  });

  test("goes to the file that a symbolic link leads to, under any name", async () => {
    await writeFile(join(folder, "real"), "before");
    await symlink(join(folder, "real"), join(folder, "link"));
    await (await engine.sql("SELECT 1 AS x")).toCsv(join(folder, "link"));
    expect(await readFile(join(folder, "real"), "utf8")).toBe("x\n1\n");
    const name = join(folder, `a b%20'"é${"n".repeat(200)}`);
    await (await engine.sql("SELECT 1 AS x")).toCsv(name);
    expect(await readFile(name, "utf8")).toBe("x\n1\n");
  });

  test("of a killed process is not there, and what it left goes with the next write", async () => {
    const program = `
      const { openSync, readdirSync } = require("node:fs");
      setInterval(() => {}, 1000);
      process.stdout.write(String(process.pid));`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const pid = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data))),
    );
    // What a write under way looks like, in the name of another process.
    let own = "";
    async function* body() {
      own = (await readdir(folder)).find((name) => name.startsWith(".slh-unfinished.")) ?? "";
      yield Buffer.from("x");
    }
    await putAnywhere(join(folder, "first"), body());
    const theirs = own.replace(`.${process.pid}.`, `.${pid}.`);
    await writeFile(join(folder, theirs), "half");
    await writeFile(join(folder, ".slh-unfinished.of-a-user"), "kept");
    await putAnywhere(join(folder, "second"), Buffer.from("x"));
    expect(await readdir(folder)).toContain(theirs);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await putAnywhere(join(folder, "second"), Buffer.from("y"));
    expect((await readdir(folder)).sort()).toEqual([".slh-unfinished.of-a-user", "first", "second"]);
  });
});

/** DuckDB reads Parquet's milliseconds, which seconds have become, as microseconds. */
function asRead(sql: string): (row: Record<string, unknown>) => Record<string, unknown> {
  const coarse = sql.split(" END AS ").flatMap((part, n) => (/TIMESTAMP_M?S/.test(part) ? [`c ${n}`] : []));
  const micros = (text: string) => (text.includes(".") ? `${text}000` : `${text}.000000`);
  return (row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        coarse.includes(name) && typeof value === "string" ? micros(value) : value,
      ]),
    );
}

const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
