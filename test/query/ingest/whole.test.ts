import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compressZstd, prepareZstd } from "../../../lib/lakehouse/codecs/index.js";
import { requireWhole } from "../../../lib/lakehouse/query/ingest/whole.js";
import { runs } from "../../support/runs.js";

/** A compressed file that was cut short is an error, wherever it was cut: never the rows that are left of it. */

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "whole-"));
  await prepareZstd();
});
afterAll(() => rmSync(folder, { recursive: true }));

const PACKED = {
  gz: (bytes: Uint8Array) => gzipSync(bytes),
  zst: (bytes: Uint8Array) => compressZstd(bytes, 1),
};

const file = (ending: string, bytes: Uint8Array) => {
  const path = join(folder, `rows.csv.${ending}`);
  writeFileSync(path, bytes);
  return { name: "rows", path };
};

/** Several blocks, of text and of one byte again and again; and several pieces one after the other. */
const contents = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 400_000 }).map((length) => new Uint8Array(length)),
    fc
      .integer({ min: 0, max: 40_000 })
      .map((length) => Buffer.from(Array.from({ length }, (_, i) => `${i},${i * i}`).join("\n"))),
  ),
  { minLength: 1, maxLength: 3 },
);

test.each(["gz", "zst"] as const)("%s, at any place", async (ending) => {
  await fc.assert(
    fc.asyncProperty(contents, fc.double({ min: 0, max: 1, noNaN: true }), async (pieces, place) => {
      const packed = pieces.map((piece) => PACKED[ending](piece));
      const whole = Buffer.concat(packed);
      await requireWhole(file(ending, whole), { isJson: false });
      // Between two pieces it is whole, and shorter; of nothing at all as GZIP DuckDB says so itself.
      const ends = packed.map((_, i) => Buffer.concat(packed.slice(0, i + 1)).length);
      const cut = Math.floor(whole.length * place);
      if (ends.includes(cut) || (cut === 0 && ending === "gz")) return;
      await expect(
        requireWhole(file(ending, whole.subarray(0, cut)), { isJson: false }),
      ).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
    }),
    { numRuns: runs(60) },
  );
});

test("nothing of it comes in", async () => {
  const lake = await openLakehouse({ root: join(folder, "lake") });
  const table = await lake.createTable("a.t", { schema: defineSchema({ a: int() }) });
  const rows = Buffer.from(`a\n${Array.from({ length: 50_000 }, (_, i) => i).join("\n")}\n`);
  for (const [ending, pack] of Object.entries(PACKED)) {
    const packed = pack(rows);
    const { path } = file(ending, packed.subarray(0, packed.length >> 1));
    await expect(table.appendFrom(path)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    await expect(lake.createTableAs("a.u", path)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  }
  const { path } = file("gz", gzipSync(rows).subarray(0, 50_000));
  await expect(lake.sql(`insert into a.t from read_csv('${path}')`)).rejects.toMatchObject({
    code: "CORRUPT_FILE",
  });
  expect((await table.refresh()).currentSnapshot).toBeUndefined();
  await lake.close();
});

test("nor do a statement's own readers give a part of the rows", async () => {
  const lake = await openLakehouse({ root: join(folder, "readers") });
  const rows = Buffer.from(`a\n${Array.from({ length: 50_000 }, (_, i) => i).join("\n")}\n`);
  const objects = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `{"a":${i}}\n`).join(""));
  const write = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const half = (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1);
  const whole = { gz: PACKED.gz(rows), zst: PACKED.zst(rows), json: PACKED.gz(objects) };
  const put = (cut: (bytes: Uint8Array) => Uint8Array) => {
    write("it's, ü.csv.gz", cut(whole.gz));
    write("r.csv.zst", cut(whole.zst));
    write("r.json.gz", cut(whole.json));
    write("r.packed", cut(whole.gz));
  };
  const dir = (name: string) => `'${join(folder, name)}'`;
  const sources = [
    dir("it''s, ü.csv.gz"),
    dir("r.csv.zst"),
    `read_csv(${dir("it''s, ü.csv.gz")}, header = true)`,
    `main.read_csv_auto([${dir("r.csv.zst")}, ${dir("it''s, ü.csv.gz")}])`,
    `read_csv('${folder}/' || concat('r', /* of, */ '.csv.zst') -- the file\n)`,
    `read_csv(${dir("r.csv.z*")})`,
    `"READ_CSV"(${dir("r.packed")}, compression = 'GZIP')`,
    `read_csv(${dir("r.packed")}, header := true, compression := 'gzip')`,
    `read_json(${dir("r.json.gz")})`,
    `read_ndjson(${dir("r.json.gz")}, columns = {a: 'INTEGER'})`,
    `(select a from read_csv(${dir("r.csv.zst")}))`,
  ];
  const counts = sources.flatMap((source) => [
    `select count(*) as n from ${source}`,
    `with t as (from ${source}) select (select count(*) from t) as n`,
  ]);
  put((bytes) => bytes);
  for (const sql of counts) {
    const [row] = await lake.sql(sql).rows();
    expect(Number(row?.n) % 50_000, sql).toBe(0);
  }
  await lake.createView("a.v", `select count(*) as n from ${sources[0]}`);
  put(half);
  for (const sql of [...counts, "from a.v", `explain analyze ${counts[0]}`]) {
    await expect(lake.sql(sql).rows(), sql).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  }
  await expect(lake.sql("from read_csv('/nowhere/x.csv.gz')")).rejects.toMatchObject({
    code: "STORAGE_FAILED",
  });
  await lake.close();
});

/** Rows as each kind of text, with the spaces that people and tools put between them. */
const TEXTS: Readonly<Record<string, (rows: readonly Row[], space: string) => string>> = {
  csv: (rows) => `a,b\n${rows.map(({ a, b }) => `${a},${b}\n`).join("")}`,
  ndjson: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  json: (rows, space) =>
    `${space}[${rows.map((row) => JSON.stringify(row)).join(`${space},${space}`)}${space}]${space}`,
};

interface Row {
  readonly a: number;
  readonly b: string;
}

const rowsOf = fc.array(fc.record({ a: fc.nat(), b: fc.constantFrom("x", "y,]}z", "[{") }), {
  minLength: 1,
  maxLength: 40,
});

test("of text that is cut at any byte, packed or before it was, come all rows or none", async () => {
  const lake = await openLakehouse({ root: join(folder, "any") });
  let nth = 0;
  const cuts = fc.record({
    rows: rowsOf,
    kind: fc.constantFrom("csv", "ndjson", "json"),
    ending: fc.constantFrom("gz", "zst"),
    space: fc.constantFrom("", "\n", " \t\n", " ".repeat(5000)),
    isCutBefore: fc.boolean(),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    isAfterComma: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cuts, async ({ kind, ending, space, place, isCutBefore, isAfterComma, ...given }) => {
      const rows = kind === "csv" ? given.rows.map(({ a }) => ({ a, b: "x" })) : given.rows;
      const text = Buffer.from((TEXTS[kind] as (typeof TEXTS)[string])(rows, space));
      const pack = PACKED[ending as keyof typeof PACKED];
      const cut = (bytes: Buffer, at = Math.floor(bytes.length * place)) => bytes.subarray(0, at);
      // Lines that are cut before they are packed are lines; of an array its end is missing.
      const isBefore = isCutBefore && kind === "json";
      const comma = text.indexOf("},", Math.floor(text.length * place));
      const left = cut(text, isAfterComma && comma >= 0 ? comma + 2 : undefined);
      // Spaces alone are no array that is cut, and one that has its bracket is whole.
      if (isBefore && /^$|\]$/.test(left.toString().trim())) return;
      nth++;
      const path = join(folder, `any-${nth}.${kind}.${ending}`);
      const name = `a.t${nth}`;
      const compression = ending === "gz" ? "gzip" : "zstd";
      const readers = [
        async () => (await lake.createTableAs(name, { [kind]: path } as { json: string })).rows(),
        () => lake.sql(`from '${path}'`).rows(),
        () => lake.sql(`from read_${kind}('${path}', compression = '${compression}')`).rows(),
      ];
      writeFileSync(path, isBefore ? pack(left) : cut(Buffer.from(pack(text))));
      for (const read of readers) {
        await expect(read(), left.toString()).rejects.toMatchObject({
          code: expect.stringMatching(/^(CORRUPT_FILE|INVALID_SQL)$/),
        });
      }
      writeFileSync(path, pack(text));
      for (const read of readers) expect(await read()).toHaveLength(rows.length);
      rmSync(path);
    }),
    { numRuns: runs(30) },
  );
  await lake.close();
});

test("a reader of JSON looks for the end of an array whatever its file is called", async () => {
  const lake = await openLakehouse({ root: join(folder, "called") });
  for (const ending of ["txt", "txt.gz", "txt.zst", "gz?"]) {
    const path = join(folder, `called.${ending}`);
    const pack = ending.includes("gz") ? PACKED.gz : ending.includes("zst") ? PACKED.zst : Buffer.from;
    writeFileSync(path, pack(Buffer.from('[{"a":1},')));
    await expect(
      lake.sql(`from read_json('${path.replace("?", "[?]")}')`).rows(),
      ending,
    ).rejects.toMatchObject({
      code: "CORRUPT_FILE",
    });
  }
  await lake.close();
});

test.each([
  JSON.stringify([{ a: 1 }, { a: 2 }, { a: 3 }]),
  JSON.stringify([{ a: 1 }, { a: 2 }], null, 2),
  `\n [{"a": 1} ,${" ".repeat(5000)}{"a": 2}]`,
])("of a JSON array that is cut at any place nothing comes in", async (text) => {
  const lake = await openLakehouse({ root: join(folder, "arrays") });
  const json = join(folder, "cut.json");
  const packed = Object.entries(PACKED).map(([ending, pack]) => ({
    path: join(folder, `cut.json.${ending}`),
    pack,
  }));
  const cuts = Array.from({ length: text.length - 1 }, (_, i) => i + 1);
  for (const cut of cuts.filter((cut) => text[cut] !== " " && text.slice(0, cut).trim() !== "")) {
    writeFileSync(json, text.slice(0, cut));
    for (const { path, pack } of packed) writeFileSync(path, pack(Buffer.from(text.slice(0, cut))));
    const files = [json, ...packed.map(({ path }) => path)];
    for (const file of files) {
      const outcome = await lake.createTableAs("a.t", { json: file }).catch((error: unknown) => error);
      expect(outcome, text.slice(0, cut)).toMatchObject({ code: "CORRUPT_FILE" });
    }
    const reader = `read_json('${json}', compression = 'none')`;
    for (const source of [`read_json('${json}')`, reader, ...files.map((file) => `'${file}'`)]) {
      // DuckDB's own reader says of some cuts that the statement is wrong.
      await expect(lake.sql(`from ${source}`).rows(), text.slice(0, cut)).rejects.toMatchObject({
        code: expect.stringMatching(/^(CORRUPT_FILE|INVALID_SQL)$/),
      });
    }
  }
  await lake.close();
});
