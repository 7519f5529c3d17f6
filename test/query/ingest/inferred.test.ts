import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
let lake: Lakehouse;
let tables = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "inferred-"));
  lake = await openLakehouse({ root: join(folder, "lake") });
});

afterAll(async () => {
  await lake.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

test.each([
  ['[{"v":[1,-1]},{"v":[2]}]', "list<long>"],
  ['[{"v":[{"n":1},{"n":-1}]}]', 'list<struct<"n": long>>'],
  ['[{"v":[1,-1]},{"v":[0.5]}]', "list<double>"],
  ['[{"v":{"n":1}},{"v":{}},{}]', 'struct<"n": long>'],
  ['[{},{"v":1}]', "long"],
  ['[{"v":{}}]', "string"],
  ['[{"v":[{},1]}]', "list<string>"],
  ['[{"v":{}},{"v":1}]', "string"],
])("of JSON %s is %s, and its rows come in", async (text, type) => {
  const path = file("k.json", text);
  expect(String(await lake.inferSchema(path))).toBe(`"v"  ${type}`);
  const table = await lake.createTableAs(`t.t${tables++}`, path);
  expect(await lake.countRows(table)).toBe(BigInt(JSON.parse(text).length));
});

test("a header that another delimiter parts is no column until that is said", async () => {
  const path = file("parted.csv", "a;b\n1;2\n");
  const parted = { code: "INVALID_ARGUMENT", message: expect.stringContaining('delimiter: ";"') };
  expect(await refusal(lake.inferSchema(path))).toMatchObject(parted);
  const tabbed = { message: expect.stringContaining('delimiter: "\\t"') };
  expect(await refusal(lake.inferSchema(file("parted.tsv", "a|b\n1|2\n")))).toMatchObject(tabbed);
  expect(String(await lake.inferSchema({ csv: path, delimiter: ";" }))).toBe('"a"  long\n"b"  long');
  expect(String(await lake.inferSchema({ csv: path, delimiter: "," }))).toBe('"a;b"  string');
});
