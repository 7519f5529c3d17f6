import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { date, defineSchema, int, type Source, string } from "sololakehouse";
import { describe, expect, test, vi } from "vitest";
import { runs } from "../../support/runs.js";
import { file, folder, lake, newName, refusal } from "../support/files.js";

const KINDS = ["csv", "ndjson", "parquet", "arrow"] as const;
type Kind = (typeof KINDS)[number];

/** A folder's text; null is what Hive calls so. */
type Text = string | null;

interface File {
  readonly folders: { readonly day?: Text; readonly n?: Text; readonly s?: Text };
  /** The file's own `n`, one a row; `undefined` where an object of JSON has none. */
  readonly n: readonly (number | undefined)[] | undefined;
  readonly rows: number;
}

const segment = (name: string, text: Text) =>
  `${name}=${text === null ? "__HIVE_DEFAULT_PARTITION__" : encodeURIComponent(text)}`;

let folders = 0;

/** Writes the files, each at its place, and gives the glob of them. Row `i` of file `f` has `v` 100 f + i. */
async function write(kind: Kind, files: readonly File[]): Promise<Source> {
  const root = join(folder, `h${folders++}`);
  for (const [f, { folders, n, rows }] of files.entries()) {
    const parts = Object.entries(folders).map(([name, text]) => segment(name, text));
    const path = join(root, ...parts, `f${f}.${kind}`);
    mkdirSync(dirname(path), { recursive: true });
    const own = Array.from({ length: rows }, (_, i) => ({
      v: 100 * f + i,
      ...(n !== undefined && n[i] !== undefined && { n: n[i] }),
    }));
    if (kind === "csv") {
      const lines = own.map((row) => Object.values(row).join(","));
      writeFileSync(path, [n === undefined ? "v" : "v,n", ...lines, ""].join("\n"));
    } else if (kind === "ndjson") {
      writeFileSync(path, own.map((row) => `${JSON.stringify(row)}\n`).join(""));
    } else {
      const values = own.map(({ v, n = 0 }) => `(${v}::INT, ${n}::INT)`).join(", ");
      const result = await lake.sql(
        `select ${n === undefined ? "v" : "v, n"} from (values ${values}) as t(v, n) order by v`,
      );
      if (kind === "parquet") await result.toParquet(path);
      else writeFileSync(path, arrow.tableToIPC(await result.toArrow(), "file"));
    }
  }
  return { [kind]: `${root}/**/*.${kind}` } as unknown as Source;
}

const DAYS = ["2024-01-01", "2024-02-29", null] as const;
const NUMBERS = ["5", "-17", "007", "0", null] as const;
const TEXTS = ["a b", "00501", "100%", "%20", "x/y=z", "[*]?", "it's", "Ünï", "", "true", "7", null] as const;

const files = (kind: Kind): fc.Arbitrary<readonly File[]> =>
  fc.record({ day: fc.boolean(), n: fc.boolean(), s: fc.boolean() }).chain((told) => {
    // A folder that some files have and others do not, now and then.
    const has = (name: keyof typeof told) =>
      fc.nat(30).map((dice) => (dice === 0 ? !told[name] : told[name]));
    const one = fc.record({
      day: fc.tuple(has("day"), fc.constantFrom(...DAYS)),
      n: fc.tuple(has("n"), fc.constantFrom(...NUMBERS)),
      s: fc.tuple(has("s"), fc.constantFrom(...TEXTS)),
      own: fc.option(fc.array(fc.integer({ min: -9, max: 99 }), { minLength: 3, maxLength: 3 }), {
        nil: undefined,
      }),
      lacking: fc.nat(5),
      rows: fc.integer({ min: 1, max: 3 }),
    });
    return fc.array(one, { minLength: 1, maxLength: 4 }).map((all) =>
      all.map(({ day, n, s, own: each, lacking, rows }) => {
        // The columns of Arrow files are those of the first.
        const own = kind === "arrow" ? all[0]?.own : each;
        return {
          folders: {
            ...(day[0] && { day: day[1] }),
            ...(n[0] && { n: n[1] }),
            ...(s[0] && { s: s[1] }),
          },
          n: own?.map((value, i) => (kind === "ndjson" && i === lacking ? undefined : value)),
          rows,
        };
      }),
    );
  });

/** The text of each column of each row: the file's own goes first. */
function model(given: readonly File[]) {
  return given.flatMap(({ folders, n, rows }, f) =>
    Array.from({ length: rows }, (_, i) => ({
      v: String(100 * f + i),
      n: n?.[i] === undefined ? (folders.n ?? null) : String(n[i]),
      day: folders.day ?? null,
      s: folders.s ?? null,
    })),
  );
}

const NAMES = ["n", "day", "s"] as const;
const byV = <Row extends { v: string }>(rows: readonly Row[]) =>
  [...rows].sort((a, b) => Number(a.v) - Number(b.v));

/** Whether it can be told of each file where a column comes from, if from anywhere. */
function isTold(
  kind: Kind,
  given: readonly File[],
  name: (typeof NAMES)[number],
  isColumn: boolean,
): boolean {
  const inFolder = given.map((each) => name in each.folders);
  if (kind === "ndjson") return inFolder.every((each) => each === inFolder[0]);
  const has = given.map((each, f) => inFolder[f] || (name === "n" && each.n !== undefined));
  return has.every(Boolean) || (!isColumn && !has.some(Boolean));
}

describe.each(KINDS)("what the folders of %s files tell", (kind) => {
  test("comes to a table with columns of their names", async () => {
    await fc.assert(
      fc.asyncProperty(files(kind), async (given) => {
        const schema = defineSchema({
          v: int(),
          n: int().optional(),
          day: date().optional(),
          s: string().optional(),
        });
        const name = newName();
        const table = await lake.createTable(name, { schema });
        const work = write(kind, given).then((source) => table.appendFrom(source as never));
        if (!NAMES.every((column) => isTold(kind, given, column, true))) {
          expect((await refusal(work)).code).toBe("SCHEMA_MISMATCH");
          return;
        }
        await work;
        const result = await lake.sql(`select v::varchar as v, n, day::varchar as day, s from ${name}`);
        const expected = model(given).map((row) => ({ ...row, n: row.n === null ? null : Number(row.n) }));
        expect(byV((await result.rows()) as { v: string }[])).toEqual(expected);
      }),
      { numRuns: runs(8) },
    );
  });

  test("comes to a new table as it is written, of the type that it has", async () => {
    await fc.assert(
      fc.asyncProperty(files(kind), async (given) => {
        const name = newName();
        const work = write(kind, given).then((source) => lake.createTableAs(name, source));
        const isWhole = NAMES.every((column) => isTold(kind, given, column, false));
        const told = given.flatMap((each) => (each.n === undefined ? [each.folders.n ?? null] : []));
        const isMixed = kind === "parquet" && given.some((each) => each.n !== undefined);
        const isText =
          told.some((text) => text === "007") || (told.length > 0 && told.every((t) => t === null));
        if (!isWhole || (isMixed && isText)) {
          expect(["SCHEMA_MISMATCH", "INVALID_ARGUMENT"]).toContain((await refusal(work)).code);
          return;
        }
        const table = await work;
        const has = table.schema.fields.map((field) => field.name);
        for (const column of ["day", "s"] as const)
          expect(has.includes(column)).toBe(given.some((each) => column in each.folders));
        const columns = ["v", ...NAMES].map((column) =>
          has.includes(column) ? `${column}::varchar as ${column}` : `null as ${column}`,
        );
        const result = await lake.sql(`select ${columns.join(", ")} from ${name}`);
        expect(byV((await result.rows()) as { v: string }[])).toEqual(model(given));
      }),
      { numRuns: runs(8) },
    );
  });
});

describe("folders", () => {
  const at = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    return file(path, content);
  };

  test("of a column that the table does not have are refused, unless it is told what to do with them", async () => {
    const path = at("x1/region=eu/a.csv", "v\n1\n");
    for (const source of [path, at("x1/region=eu/a.ndjson", '{"v":1}\n')]) {
      const table = await lake.createTable(newName(), { schema: defineSchema({ v: int() }) });
      const { code, message, remedy } = await refusal(table.appendFrom(source));
      expect(code).toBe("SCHEMA_MISMATCH");
      expect(message).toMatch(/The folder of .* tells the column "region"/);
      expect(remedy).toMatch(/extraFields: "ignore".*hivePartitioning: false/);
      await table.appendFrom(source, { extraFields: "ignore" });
    }
    const source = { csv: path, hivePartitioning: false };
    expect(String(await lake.inferSchema(source))).toBe('"v"  long');
    const wrong = { csv: path, hivePartitioning: "no" } as unknown as Source;
    expect((await refusal(lake.inferSchema(wrong))).code).toBe("INVALID_ARGUMENT");
  });

  test("above a relative path are none of it", async () => {
    const path = at("x2/run=3/day=1/a.csv", "v\n1\n");
    const cwd = process.cwd();
    const schema = await lake.inferSchema(path);
    expect(schema.fields.map(({ name }) => name)).toEqual(["v", "run", "day"]);
    const inside = relative(cwd, path);
    expect((await lake.inferSchema(inside)).fields.map(({ name }) => name)).toEqual(["v", "run", "day"]);
    vi.spyOn(process, "cwd").mockReturnValue(join(folder, "x2", "run=3"));
    try {
      const fields = (await lake.inferSchema("day=1/*.csv")).fields;
      expect(fields.map(({ name }) => name)).toEqual(["v", "day"]);
    } finally {
      vi.mocked(process.cwd).mockRestore();
    }
  });

  test("tell what a file has under the same name, in other letters, no second time", async () => {
    const path = at("x3/Day=2/a.csv", "v,day\n1,1\n");
    expect(String(await lake.inferSchema(path))).toBe('"v"    long\n"day"  long');
    const objects = at("x3/Day=2/a.ndjson", '{"v":1,"day":1}\n{"v":2}\n');
    const name = newName();
    await lake.createTableAs(name, objects);
    expect(await (await lake.sql(`select * from ${name} order by v`)).rows()).toEqual([
      { v: 1n, day: 1n },
      { v: 2n, day: 2n },
    ]);
  });

  test("are seen by a cast's expressions, and fill an object's missing field before its default does", async () => {
    at("x4/day=7/n=__HIVE_DEFAULT_PARTITION__/a.ndjson", '{"v":1}\n{"v":2,"day":9,"n":3}\n');
    at("x4/day=8/n=4/b.ndjson", '{"v":3,"day":null}\n');
    const schema = defineSchema({
      v: int(),
      day: int().optional(),
      n: int().optional().writeDefault(5),
      twice: int().optional(),
    });
    const name = newName();
    const table = await lake.createTable(name, { schema, formatVersion: 3 });
    await table.appendFrom(join(folder, "x4/**/*.ndjson"), { cast: { twice: { sql: "2 * day::int" } } });
    expect(await (await lake.sql(`select * from ${name} order by v`)).rows()).toEqual([
      { v: 1, day: 7, n: null, twice: 14 },
      { v: 2, day: 9, n: 3, twice: 18 },
      { v: 3, day: null, n: 4, twice: null },
    ]);
  });

  test("that only some of the files have are filled where that is asked for", async () => {
    for (const ending of ["csv", "ndjson"]) {
      const row = ending === "csv" ? (v: number) => `v\n${v}\n` : (v: number) => `{"v":${v}}\n`;
      at(`x5/day=7/a.${ending}`, row(1));
      at(`x5/b.${ending}`, row(2));
      const source = join(folder, `x5/**/*.${ending}`);
      expect((await refusal(lake.createTableAs(newName(), source))).remedy).toContain(
        'missingFields: "fill"',
      );
      const name = newName();
      await lake.createTableAs(name, source, { missingFields: "fill" });
      expect(await (await lake.sql(`select * from ${name} order by v`)).rows()).toEqual([
        { v: 1n, day: 7n },
        { v: 2n, day: null },
      ]);
    }
  });

  test("with a value that the column does not hold are refused, at a row of the file", async () => {
    const path = at("x6/day=soon/a.csv", "v\n1\n");
    const table = await lake.createTable(newName(), { schema: defineSchema({ v: int(), day: date() }) });
    expect((await refusal(table.appendFrom(path))).message).toMatch(
      /Row 1 of .*soon.* is no value of type date/,
    );
    const name = newName();
    await lake.createTableAs(name, at("x6/s=a%00b/b.csv", "v\n1\n"));
    expect(await (await lake.sql(`select s from ${name}`)).rows()).toEqual([{ s: "a\0b" }]);
  });
});
