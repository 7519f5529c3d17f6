import * as arrow from "apache-arrow";
import { expect, test } from "vitest";
import { formatRecords } from "../../../lib/lakehouse/query/index.js";
import { jsonRows } from "../../../lib/lakehouse/query/result/json.js";

function rows(fields: arrow.Field[], columns: arrow.Data[]): unknown[] {
  const type = new arrow.Struct(fields);
  const length = columns[0]?.length ?? 0;
  const data = arrow.makeData({ type, length, nullCount: 0, children: columns });
  const json = jsonRows(new arrow.Schema(fields), new arrow.RecordBatch(new arrow.Schema(fields), data));
  return Array.from({ length }, (_, i) => json(i));
}

const column = (values: unknown[], type: arrow.DataType) =>
  arrow.vectorFromArray(values, type).data[0] as arrow.Data;

test("prints longs as numbers up to 2^53 and as text beyond", () => {
  const type = new arrow.Int64();
  const values = [2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), -(2n ** 63n), null];
  expect(rows([new arrow.Field("n", type, true)], [column(values, type)])).toEqual([
    '{"n":9007199254740992}',
    '{"n":"9007199254740993"}',
    '{"n":-9007199254740992}',
    '{"n":"-9223372036854775808"}',
    '{"n":null}',
  ]);
});

test("prints floats with the fewest digits that are the same float, and what JSON has no number for as text", () => {
  const single = new arrow.Float32();
  const values = [0.1, 16777216, 3.4028234663852886e38, 1.401298464324817e-45, NaN, -Infinity, -0];
  expect(rows([new arrow.Field("f", single)], [column(values, single)])).toEqual([
    '{"f":0.1}',
    '{"f":16777216}',
    '{"f":3.4028235e+38}',
    '{"f":1e-45}',
    '{"f":"NaN"}',
    '{"f":"-Infinity"}',
    '{"f":-0.0}',
  ]);
  const random = Array.from({ length: 2000 }, (_, i) => Math.fround(Math.sin(i) * 10 ** ((i % 60) - 30)));
  const printed = rows([new arrow.Field("f", single)], [column(random, single)]);
  expect(printed.map((row) => Math.fround((JSON.parse(row as string) as { f: number }).f))).toEqual(random);
});

test("keeps the order of names, whatever they look like, and the entries of maps", () => {
  const int = new arrow.Int32();
  const struct = new arrow.Struct([
    new arrow.Field("2", int),
    new arrow.Field("1", int),
    new arrow.Field("__proto__", int),
  ]);
  const one = () => column([7], int);
  const nested = arrow.makeData({ type: struct, length: 1, nullCount: 0, children: [one(), one(), one()] });
  expect(rows([new arrow.Field("10", struct), new arrow.Field("9", int)], [nested, one()])).toEqual([
    '{"10":{"2":7,"1":7,"__proto__":7},"9":7}',
  ]);
});

test("gives records as lines, as CSV, and as a table for people", () => {
  const records = [
    [1n, "a,b", { k: new Uint8Array([0, 255]) }],
    [2n ** 60n, "", null],
  ];
  expect(formatRecords(["n", "text", "more"], records, "ndjson")).toBe(
    '{"n":1,"text":"a,b","more":{"k":"00ff"}}\n{"n":"1152921504606846976","text":"","more":null}\n',
  );
  expect(formatRecords(["n", "text", "more"], records, "csv")).toBe(
    'n,text,more\n1,"a,b","{""k"":""00ff""}"\n1152921504606846976,"",\n',
  );
  expect(formatRecords(["n", "text"], [[1n, "a"]], "table")).toBe("n  text\n─  ────\n1  a\n(1 row)\n");
});
