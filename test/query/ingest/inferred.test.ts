import { expect, test } from "vitest";
import { file, lake, newName, refusal } from "../support/files.js";

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
  const table = await lake.createTableAs(newName(), path);
  expect(await lake.countRows(table)).toBe(BigInt(JSON.parse(text).length));
});

test.each([
  ['[{"v":18446744073709551615},{"v":1}]', "decimal(20, 0)", ["18446744073709551615", "1"]],
  ['[{"v":9223372036854775807},{"v":-1}]', "long", [9223372036854775807n, -1n]],
  [
    '[{"v":[[9223372036854775808]]},{"v":[[-1]]}]',
    "list<list<decimal(20, 0)>>",
    [[["9223372036854775808"]], [["-1"]]],
  ],
  [
    '[{"v":{"a\\"b":[{"n":9223372036854775808,"m":1}],"t":"9223372036854775808"}}]',
    'struct<"a\\"b": list<struct<"n": decimal(20, 0), "m": long>>, "t": string>',
    [{ 'a"b': [{ n: "9223372036854775808", m: 1n }], t: "9223372036854775808" }],
  ],
])("whole numbers of JSON %s that a long does not hold are decimals", async (text, type, values) => {
  for (const path of [file("u.json", text), file("u.ndjson", text.slice(1, -1).replaceAll("},{", "}\n{"))]) {
    expect(String(await lake.inferSchema(path))).toBe(`"v"  ${type}`);
    const table = await lake.createTableAs(newName(), path);
    expect((await table.rows()).map(({ v }) => v)).toEqual(values);
  }
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
