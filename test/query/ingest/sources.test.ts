import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as arrow from "apache-arrow";
import { decimal, defineSchema, int, list, type Source, string, type Table } from "sololakehouse";
import { describe, expect, test } from "vitest";
import { file, folder, lake, newName, refusal } from "../support/files.js";

const DATA = "node_modules/vega-datasets/data";

async function rowsOf(name: string) {
  return (await lake.sql(`select * from ${name}`)).rows();
}

describe("a schema is the narrowest that holds all values", () => {
  test.each([
    ["1\n2", "long"],
    ["1\n2.5\n", "double"],
    ["00501\n10001", "string"],
    ["9223372036854775808\n1", "decimal(38, 0)"],
    ["9007199254740993\n1.5", "string"],
    ["true\nFalse", "boolean"],
    ["2024-01-01\n2024-01-02", "date"],
    ["2024-01-01\n2024-01-02T03:04", "timestamp"],
    ["2024-01-01T03:04:05Z", "timestamptz"],
    ["2024-01-01T03:04:05Z\n2024-01-01T03:04:05", "string"],
    ["2024-13-01", "string"],
    ["12:34:56", "time"],
    ["1\nx", "string"],
    ["\n\n", "string"],
    [" 1", "string"],
    ["1e5\n2", "double"],
    ["-0", "long"],
  ])("%o is of type %s", async (values, type) => {
    const schema = await lake.inferSchema(
      file(
        "i.csv",
        `v,w\n${values
          .split("\n")
          .map((v) => `${v},x`)
          .join("\n")}\n`,
      ),
    );
    expect(String(schema).split("\n")[0]).toBe(`"v"  ${type}`);
  });

  test("of JSON is that of all objects, in the order of the first, and prints", async () => {
    const path = file(
      "j.json",
      '[{"b":1,"a":null},{"a":{"x":[1]},"c":"2024-01-01"},{"b":2.5,"a":{"y":true,"x":[]}},{"c":1}]',
    );
    expect(String(await lake.inferSchema(path))).toBe(
      ['"b"  double', '"a"  struct<"x": list<long>, "y": boolean>', '"c"  string'].join("\n"),
    );
  });

  test("of rows and of Arrow is theirs", async () => {
    const rows = [
      { a: 1, b: null },
      { a: 2.5, b: { c: [null] } },
      { d: new Date(0), b: { c: [1n] } },
    ];
    const columns = ['"a"  double', '"b"  struct<"c": list<long>>', '"d"  timestamptz'].join("\n");
    expect(String(await lake.inferSchema(rows))).toBe(columns);
    const table = await lake.createTableAs(newName(), rows);
    const result = await lake.read(table);
    expect(String(await lake.inferSchema(arrow.tableToIPC(await result.toArrow(), "file")))).toBe(columns);
  });

  test("of a generator comes from its first rows, and none of them is lost", async () => {
    const rows = function* () {
      for (let i = 0; i < 25_000; i += 1) yield { i };
    };
    const table = await lake.createTableAs(newName(), rows());
    expect(await lake.countRows(table)).toBe(25_000n);
  });

  test("of nothing is refused, and a header alone is enough", async () => {
    expect((await refusal(lake.inferSchema(file("e.csv", "")))).code).toBe("INVALID_ARGUMENT");
    expect((await refusal(lake.inferSchema([]))).code).toBe("INVALID_ARGUMENT");
    expect((await refusal(lake.inferSchema(file("torn.json", '[{"a":')))).code).toBe("CORRUPT_FILE");
    expect(String(await lake.inferSchema(file("h.csv", "a,b\n")))).toBe('"a"  string\n"b"  string');
  });
});

describe("files come in as they are written", () => {
  const schema = defineSchema({ a: int().optional(), b: string().optional() });
  const rows = [
    { a: 1, b: 'x\r\ny, "z"' },
    { a: null, b: "" },
    { a: 3, b: null },
    { a: 4, b: "ü" },
  ];
  const CSV = 'a,b\r\n1,"x\r\ny, ""z"""\r\n,""\r\n3,\r\n4,ü\r\n';
  const JSON_TEXT = JSON.stringify(rows, null, 2);
  const NDJSON = rows.map((row) => JSON.stringify(row)).join("\n");

  test.each([
    ["plain.csv", CSV, {}],
    ["bom.csv", `\ufeff${CSV}`, {}],
    ["z.csv.gz", gzipSync(CSV), {}],
    ["semi.txt", CSV.replaceAll(/,(?! )/g, ";"), { delimiter: ";" }],
    ["tab.tsv", CSV.replaceAll(/,(?! )/g, "\t"), {}],
    ["latin.csv", Buffer.from(CSV, "latin1"), { encoding: "latin-1" }],
    ["utf16.csv", Buffer.from(`\ufeff${CSV}`, "utf16le"), { encoding: "utf-16" }],
    ["headless.csv", CSV.slice(5), { header: ["a", "b"] }],
    ["we[i]rd*'n.csv", CSV, {}],
    ["quoted.csv", CSV.replace("a,b", '"a","b"'), {}],
    ["swapped.csv", 'b,a\n"x\r\ny, ""z""",1\n"",\n,3\nü,4', {}],
  ] as const)("%s", async (name, content, options) => {
    const table = await lake.createTableAs(newName(), { csv: file(name, content), ...options }, { schema });
    expect(await rowsOf(table.name)).toEqual(rows);
  });

  test.each([
    ["pretty.json", JSON_TEXT],
    ["bom.json", `\ufeff${JSON_TEXT}`],
    ["lines.json", NDJSON],
    ["crlf.ndjson", `${NDJSON.replaceAll("\n", "\r\n\r\n")}\r\n`],
    ["bom.jsonl", `\ufeff${NDJSON}`],
    ["z.ndjson.gz", gzipSync(NDJSON)],
  ])("%s", async (name, content) => {
    const table = await lake.createTableAs(newName(), file(name, content), { schema });
    expect(await rowsOf(table.name)).toEqual(rows);
  });

  test("many files are one commit, and an empty one has no rows", async () => {
    const table = await lake.createTable(newName(), { schema });
    file("many-1.csv", CSV);
    file("many-2.csv", "b,a\nq,9\n");
    file("many-3.csv", "");
    const after = await table.appendFrom(join(folder, "many-*.csv"));
    expect(await lake.countRows(after)).toBe(5n);
    expect(after.metadata.snapshots).toHaveLength(1);
    expect((await after.appendFrom(join(folder, "many-3.csv"))).metadata.snapshots).toHaveLength(1);
  });

  test("of many files with one bad value nothing comes in", async () => {
    const table = await lake.createTable(newName(), { schema });
    file("half-1.csv", CSV);
    file("half-2.csv", "a,b\n1,x\nzwei,y\n");
    const { message } = await refusal(table.appendFrom(join(folder, "half-*.csv")));
    expect(message).toContain(
      `Row 2 of ${join(folder, "half-2.csv")}, column "a": zwei (VARCHAR) is no value of type int.`,
    );
    expect((await table.refresh()).currentSnapshot).toBeUndefined();
    const files: string[] = [];
    for await (const { uri } of lake.store.list(`${table.location}/data/`)) files.push(uri);
    expect(files).toEqual([]);
  });
});

describe("what differs is an error until it is asked for", () => {
  const schema = defineSchema({ a: int(), b: string().writeDefault("none") });

  test.each([
    ["a column more", "a,b,c\n1,x,2\n", { extraFields: "ignore" }, [{ a: 1, b: "x" }]],
    ["a column less", "a\n1\n", { missingFields: "fill" }, [{ a: 1, b: "none" }]],
    ["a number that is to be rounded", "a,b\n1.6,x\n", { cast: { a: int() } }, [{ a: 2, b: "x" }]],
    [
      "a date of another kind",
      "a,b\n29/02/2024,x\n",
      { cast: { a: { sql: "year(strptime(a, '%d/%m/%Y')) -- of it" } } },
      [{ a: 2024, b: "x" }],
    ],
    [
      "a column that is computed of others",
      "x,y\n1,2\n",
      { cast: { a: { sql: "x::int + y::int" }, b: { sql: "'n'" } }, extraFields: "ignore" },
      [{ a: 3, b: "n" }],
    ],
  ] as const)("%s", async (_, csv, options, expected) => {
    const table = await lake.createTable(newName(), { schema });
    const path = file("d.csv", csv);
    expect((await refusal(table.appendFrom(path))).code).toBe("SCHEMA_MISMATCH");
    await table.appendFrom(path, options);
    expect(await rowsOf(table.name)).toEqual(expected);
  });

  test("in JSON, in Arrow and in rows, too", async () => {
    const rows = [{ a: 1.6, c: "?" }];
    const asked = { cast: { a: int() }, extraFields: "ignore", missingFields: "fill" } as const;
    const ipc = arrow.tableToIPC(arrow.tableFromJSON(rows), "stream");
    for (const source of [rows, ipc, file("d.arrow", ipc), file("d.json", JSON.stringify(rows))]) {
      const table = await lake.createTable(newName(), { schema });
      expect((await refusal(table.appendFrom(source as Source<never>))).code).toBe("SCHEMA_MISMATCH");
      await table.appendFrom(source as Source<never>, asked);
      expect(await rowsOf(table.name)).toEqual([{ a: 2, b: "none" }]);
    }
  });

  test("columns of Arrow are known by their names, in each batch, and left out from wherever they stand", async () => {
    const numbers = defineSchema({ a: int(), b: int() });
    const [one, two] = [
      await lake.sql("select 0 as x, 1 as a, 2 as b").toArrow(),
      await lake.sql("select 20 as b, 0 as x, 10::tinyint as a, 'y' as y").toArrow(),
    ];
    const files = [one, two].map((each, i) => file(`names-${i}.arrow`, arrow.tableToIPC(each, "file")));
    const batches = [...one.batches, ...two.batches];
    const first = { a: 1, b: 2 };
    const second = { a: 10, b: 20 };
    const sources: readonly [unknown, unknown[]][] = [
      [one, [first]],
      [two, [second]],
      [one.batches[0], [first]],
      [batches, [first, second]],
      [
        (async function* () {
          yield* batches;
        })(),
        [first, second],
      ],
      [{ arrow: files }, [first, second]],
      [join(folder, "names-*.arrow"), [first, second]],
    ];
    for (const [source, rows] of sources) {
      const table = await lake.createTable(newName(), { schema: numbers });
      await table.appendFrom(source as Source<never>, { extraFields: "ignore" });
      expect(await rowsOf(table.name)).toEqual(rows);
    }
    const table = await lake.createTable(newName(), { schema: numbers });
    await table.append(batches.map((batch) => batch.selectAt(batch === batches[0] ? [1, 2] : [0, 2])));
    expect(await rowsOf(table.name)).toEqual([first, second]);
    const less = [one.batches[0]?.selectAt([1, 2]), two.batches[0]?.selectAt([2])];
    for (const cast of [{}, { a: int() }]) {
      const { message } = await refusal(table.appendFrom(less as Source<never>, { cast }));
      expect(message).toContain('The data has no column "b"');
    }
    const more = [one.batches[0]?.selectAt([1, 2]), one.batches[0]];
    expect((await refusal(table.append(more as never))).message).toContain('Column "x"');
  });

  test("a batch whose data are not its columns' is refused: Arrow's select of a batch makes such ones", async () => {
    const { batches } = arrow.tableFromArrays({
      a: Int32Array.of(1),
      b: Int32Array.of(2),
      c: Int32Array.of(3),
    });
    const [batch] = batches as [arrow.RecordBatch];
    const names = ["a", "b", "c"];
    const subsets = [1, 2, 3, 4, 5, 6, 7].map((bits) => names.filter((_, i) => bits & (1 << i)));
    const schema = defineSchema({ a: int().optional(), b: int().optional(), c: int().optional() });
    for (const chosen of subsets) {
      const selected = batch.select(chosen);
      const isWhole = chosen.every((name, i) => name === names[i]);
      for (const append of [
        (table: Table) => table.append(selected as never),
        (table: Table) => table.append(new arrow.Table([selected]) as never),
        (table: Table) => table.appendFrom([selected] as never, { missingFields: "fill" }),
        (table: Table) =>
          table.appendFrom(selected as never, { extraFields: "ignore", missingFields: "fill" }),
      ]) {
        const table = await lake.createTable(newName(), { schema });
        if (!isWhole) expect(await refusal(append(table))).toMatchObject({ code: "SCHEMA_MISMATCH" });
        else {
          await append(table);
          const wanted = Object.fromEntries(
            names.map((name, i) => [name, chosen.includes(name) ? i + 1 : null]),
          );
          expect(await rowsOf(table.name)).toEqual([wanted]);
        }
      }
    }
  });

  test("an integer without a sign that is beyond those with one is none of them in Arrow and Parquet", async () => {
    const decimals = defineSchema({ a: decimal(38, 0).optional(), l: list(decimal(38, 0)).optional() });
    const of = (n: string) =>
      lake.sql(`select ${n}::uhugeint as a, [${n}::uhugeint] as l union all select null, null`);
    const fits = "99999999999999999999999999999999999999";
    const path = join(folder, "unsigned.parquet");
    const result = await of(fits).toArrow();
    await of(fits).toParquet(path);
    for (const source of [result, path, arrow.tableToIPC(result, "file")]) {
      const table = await lake.createTable(newName(), { schema: decimals });
      await table.appendFrom(source as Source<never>);
      expect(await rowsOf(table.name)).toEqual([
        { a: fits, l: [fits] },
        { a: null, l: null },
      ]);
    }
    for (const n of ["340282366920938463463374607431768211455", "250000000000000000000000000000000000000"]) {
      const beyond = await of(n).toArrow();
      const table = await lake.createTable(newName(), { schema: decimals });
      for (const source of [beyond, beyond.select(["l"]), arrow.tableToIPC(beyond, "file")]) {
        const work = table.appendFrom(source as Source<never>, { missingFields: "fill" });
        expect((await refusal(work)).code).toBe("SCHEMA_MISMATCH");
      }
      expect((await refusal(table.append(beyond as never))).message).toContain('Column "a" has a UHUGEINT');
      expect((await refusal(of(n).toParquet(path))).code).toBe("SCHEMA_MISMATCH");
    }
  });

  test("no rows are no rows whatever they are cast to, and rows without columns cannot be cast", async () => {
    const table = await lake.createTable(newName(), { schema });
    const cast = { a: { sql: "1" } } as const;
    for (const none of [[], (async function* () {})(), lake.sql("select 1 as a, 'x' as b limit 0")])
      await table.appendFrom(none as Source<never>, { cast });
    expect((await table.refresh()).currentSnapshot).toBeUndefined();
    expect((await refusal(table.appendFrom([{}] as never, { cast }))).message).toMatch(/no columns/);
  });

  test("a cast of a column that is not there is a slip, and so is an option that is none", async () => {
    const table = await lake.createTable(newName(), { schema });
    const path = file("d.csv", "a,b\n1,x\n");
    expect(await refusal(table.appendFrom(path, { cast: { A: int() } }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("Did you mean a?"),
    });
    expect((await refusal(table.appendFrom({ csv: path, delim: ";" } as never))).code).toBe(
      "INVALID_ARGUMENT",
    );
  });

  test("a null in a required column, two columns of a name, a key twice, a torn line", async () => {
    const table = await lake.createTable(newName(), { schema });
    const message = async (name: string, text: string) =>
      (await refusal(table.appendFrom(file(name, text)))).message;
    expect(await message("n.csv", "a,b\n1,x\n,y\n")).toMatch(/Row 2 of .*n\.csv, column "a": null/);
    expect(await message("n.ndjson", '{"a":1}\n{"b":"y"}\n')).toMatch(
      /Row 2 of .*n\.ndjson, column "a": null/,
    );
    expect(await message("t.csv", "a,b,a\n1,x,2\n")).toMatch(/column "a" twice/);
    expect(await message("t.json", '[{"a":1,"a":2,"b":"x"}]')).toMatch(/key is there twice/);
    expect(await message("s.json", "[1]")).toMatch(/an object was expected/);
    expect(await message("r.csv", "a,b\n1,x\n2\n")).toMatch(/r\.csv.*cannot be read[\s\S]*Line: 3/);
    expect(await message("m.ndjson", '{"a":1,"b":"x"}\n{"a":\n')).toMatch(/m\.ndjson/);
  });
});

test("rows of a query come in with the kinds that its columns have", async () => {
  const schema = defineSchema({ a: int(), b: string() });
  const table = await lake.createTable(newName(), { schema });
  await table.appendFrom(`select 1::bigint as a, '"x"'::json as b union all select 2, '{"c": 1}'`);
  expect(await rowsOf(table.name)).toEqual([
    { a: 1, b: "x" },
    { a: 2, b: '{"c":1}' },
  ]);
  expect(await refusal(table.appendFrom("select 2147483648 as a, 'x' as b"))).toMatchObject({
    code: "SCHEMA_MISMATCH",
    message: expect.stringContaining("2147483648 (BIGINT) is no value of type int"),
  });
  expect((await refusal(table.appendFrom("select nope from t.nope"))).code).toBe("NO_SUCH_TABLE");
  expect((await refusal(table.appendFrom("select a from (select 1 as c)"))).code).toBe("INVALID_SQL");
});

test("a transaction takes rows of a source beside other steps, all or none", async () => {
  const table = await lake.createTable(newName(), { schema: defineSchema({ a: int(), b: string() }) });
  const transaction = table.begin();
  await transaction.appendFrom(file("first.csv", "a,b\n1,x\n"));
  await transaction.appendFrom("select 2 as a, 'y' as b");
  expect(await refusal(transaction.appendFrom(file("bad.csv", "a,b\nz,x\n")))).toMatchObject({
    code: "SCHEMA_MISMATCH",
  });
  expect(await rowsOf(table.name)).toEqual([]);
  await transaction.commit();
  expect((await rowsOf(table.name)).map(({ a }) => a).sort()).toEqual([1, 2]);
});

test("a query is one on the branch that the lakehouse is on", async () => {
  const name = newName();
  await lake.createTableAs(name, "select 1 as a");
  const etl = await lake.branch("etl");
  await (await etl.table(name)).appendFrom("select 2 as a");
  const copy = await etl.createTableAs(newName(), `select * from ${name}`);
  const after = await copy.appendFrom(`select a + 10 as a from ${name}`);
  expect((await (await etl.read(after)).rows()).map(({ a }) => a).sort()).toEqual([1, 11, 12, 2]);
});

test("a table is made of a source once, and anew when asked", async () => {
  const name = newName();
  await lake.createTableAs(name, "select 1 as a");
  expect((await refusal(lake.createTableAs(name, "select 2 as a"))).code).toBe("TABLE_EXISTS");
  await lake.createTableAs(name, "select 2 as a", { ifExists: "keep" });
  expect(await rowsOf(name)).toEqual([{ a: 1 }]);
  const table = await lake.createTableAs(name, "select 3 as b", { ifExists: "replace" });
  expect(await rowsOf(name)).toEqual([{ b: 3 }]);
  expect(table.metadata.snapshots).toHaveLength(2);
});

test.each([
  ["weather.csv", 2922n, '"date"           date'],
  ["birdstrikes.csv", 10_000n, '"Flight Date"                date'],
  ["movies.json", 3201n, '"Rotten Tomatoes Rating"  long'],
  ["earthquakes.json", 1n, '"bbox"      list<double>'],
])("%s comes in", async (name, rows, column) => {
  const path = `${DATA}/${name}`;
  expect(String(await lake.inferSchema(path)).split("\n")).toContain(column);
  expect(await lake.countRows(await lake.createTableAs(newName(), path))).toBe(rows);
});
