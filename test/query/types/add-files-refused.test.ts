import { describe, expect, test } from "vitest";
import {
  decimal,
  float,
  int,
  list,
  long,
  map,
  string,
  struct,
  type Table,
  timestamp,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import { type Columns, create, edit, element, refusal, rows, text, write } from "../support/fitting-files.js";

describe("a file is refused", () => {
  test.each<[name: string, columns: Columns, select: string, problem: string]>([
    [
      "for the elements of a list",
      { l: list(int()).optional() },
      "SELECT ['a', 'b'] AS l",
      'column "l.element" is string (BYTE_ARRAY) in the file, and int in the table',
    ],
    [
      "for a decimal of another scale, which would be rounded",
      { s: struct({ price: decimal(9, 2).optional() }).optional() },
      "SELECT {'price': 1.2345::DECIMAL(9, 4)} AS s",
      'column "s.price" is decimal(9, 4) in the file, and decimal(9, 2) in the table',
    ],
    [
      "for a decimal of more digits",
      { price: decimal(9, 2).optional() },
      "SELECT 1.23::DECIMAL(18, 2) AS price",
      'column "price" is decimal(18, 2) in the file, and decimal(9, 2) in the table',
    ],
    [
      "for nulls in a list that has none",
      { l: list(int()).optional() },
      "SELECT [1, NULL, 3] AS l UNION ALL SELECT NULL UNION ALL SELECT []",
      'column "l.element" has 1 null in the file, and is required in the table',
    ],
    [
      "for nulls in a struct within a map",
      { m: map(string(), struct({ n: long() })).optional() },
      "SELECT MAP {'a': {'n': 1::BIGINT}, 'b': {'n': NULL}} AS m",
      'column "m.value.n" has 1 null in the file, and is required in the table',
    ],
    [
      "for a map's keys",
      { m: map(int(), int().optional()).optional() },
      "SELECT MAP {'a': 1} AS m",
      'column "m.key" is string (BYTE_ARRAY) in the file, and int in the table',
    ],
    [
      "for a struct without a field that is required",
      { s: list(struct({ a: int().optional(), b: int() })).optional() },
      "SELECT [{'a': 1}] AS s",
      'column "s.element.b" is not in the file, and int in the table, and required',
    ],
    [
      "for a field that the table does not have, below a list",
      { s: list(struct({ a: int().optional() })).optional() },
      "SELECT [{'a': 1, 'b': 2}] AS s",
      'column "s.element.b" is not in the table',
    ],
    [
      "for a struct where a list belongs",
      { l: list(int()).optional() },
      "SELECT {'a': 1} AS l",
      'column "l" is a struct in the file, and a list in the table',
    ],
    [
      "for a list where a value belongs",
      { l: int().optional() },
      "SELECT [1] AS l",
      'column "l" is a list in the file, and int in the table',
    ],
    [
      "for a narrower type",
      { n: int().optional() },
      "SELECT 1::BIGINT AS n",
      'column "n" is a signed integer of 64 bits in the file, and int in the table',
    ],
    [
      "for unsigned integers that a long cannot hold",
      { n: long().optional() },
      "SELECT 1::UBIGINT AS n",
      'column "n" is an unsigned integer of 64 bits in the file, and long in the table',
    ],
    [
      "for floats that would be rounded",
      { n: float().optional() },
      "SELECT 0.1::DOUBLE AS n",
      'column "n" is DOUBLE in the file, and float in the table',
    ],
    [
      "for nanoseconds",
      { t: timestamp().optional() },
      "SELECT TIMESTAMP_NS '2024-01-01 00:00:00.000000001' AS t",
      'column "t" is timestamp in nanoseconds, without a zone in the file, and timestamp (in microseconds, without a zone) in the table',
    ],
    [
      "for a zone",
      { t: timestamp().optional() },
      "SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' AS t",
      'column "t" is timestamp in microseconds, in UTC in the file, and timestamp (in microseconds, without a zone) in the table',
    ],
    [
      "for text that is no uuid",
      { u: uuid().optional() },
      "SELECT '00112233-4455-6677-8899-aabbccddeeff' AS u",
      'column "u" is string (BYTE_ARRAY) in the file, and uuid in the table',
    ],
    [
      "for a date, which only tables of v3 promote",
      { t: timestamp().optional() },
      "SELECT DATE '2024-01-01' AS t",
      'column "t" is date (INT32) in the file, and timestamp (in microseconds, without a zone) in the table',
    ],
  ])("%s", async (_, columns, select, problem) => {
    const table = await create(columns);
    expect(await refusal(table, await write(select))).toContain(problem);
  });

  test("for every column that does not fit, the first of them named", async () => {
    const table = await create({ a: int().optional() });
    const columns = Array.from({ length: 9 }, (_, i) => `${i} AS x${i}`);
    const message = await refusal(table, await write(`SELECT 1 AS a, ${columns.join(", ")}`));
    expect(message).toContain('"x4" is not in the table; and 4 more');
  });

  test("for field ids that are those of something else", async () => {
    const table = await create({ a: long().optional(), b: long().optional() });
    const uri = await write("SELECT 1::BIGINT AS b, 2::BIGINT AS a", "FIELD_IDS {b: 1, a: 2}");
    expect(await refusal(table, uri)).toContain('column "b" has field id 1, which is "a" in the table');
    // By its own ids, in the table's order or not, a file is believed.
    const own = await write("SELECT 1::BIGINT AS b, 2::BIGINT AS a", "FIELD_IDS {b: 2, a: 1}");
    expect(await rows((await table.addFiles([own])) as Table)).toEqual([{ a: 2n, b: 1n }]);
  });

  test("for two columns of one name, or one id", async () => {
    const table = await create({ a: long().optional() });
    const twice = await write("SELECT 1::BIGINT AS a, 2::BIGINT AS b");
    await edit(twice, (footer) => void element(footer, "b").set(4, text("a")));
    expect(await refusal(table, twice)).toContain("is one of several columns");
  });
});
