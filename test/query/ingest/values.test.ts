import {
  boolean,
  date,
  decimal,
  defineSchema,
  double,
  float,
  int,
  list,
  long,
  map,
  type Source,
  string,
  struct,
  time,
  timestamp,
  timestamptz,
} from "sololakehouse";
import { describe, expect, test } from "vitest";
import { file, lake, newName, refusal } from "../support/files.js";

describe("a text is a value of a column's type, or an error", () => {
  const NESTED = struct({ a: int().optional(), b: list(string()).optional() });
  // Column, the text in CSV (undefined where CSV has none), the JSON, what is read back.
  const VALUES = [
    [boolean(), "true", "true", true],
    [boolean(), "FALSE", '"FALSE"', false],
    [boolean(), "1", "1", undefined],
    [int(), "-12", "-12", -12],
    [int(), "12.0", undefined, undefined],
    [int(), undefined, "12.0", 12],
    [int(), "2147483648", "2147483648", undefined],
    [int(), "1.5", "1.5", undefined],
    [int(), "abc", '"abc"', undefined],
    [long(), "9007199254740993", "9007199254740993", 9007199254740993n],
    [long(), "9223372036854775807", '"9223372036854775807"', 9223372036854775807n],
    [long(), "9223372036854775808", "9223372036854775808", undefined],
    [float(), "0.1", "0.1", Math.fround(0.1)],
    [double(), "1.50", "1.50", 1.5],
    [double(), "1e300", "1e300", 1e300],
    [double(), "1e999", '"1e999"', undefined],
    [double(), "9007199254740993", "9007199254740993", undefined],
    [double(), "-35085639962546990", "-35085639962546990", -35085639962546990],
    [double(), "NaN", '"NaN"', Number.NaN],
    [decimal(10, 2), "12.3", "12.3", "12.30"],
    [decimal(10, 2), "12.345", "12.345", undefined],
    [
      decimal(30, 10),
      "12345678901234567890.0123456789",
      '"12345678901234567890.0123456789"',
      "12345678901234567890.0123456789",
    ],
    [decimal(30, 20), undefined, "0.12345678901234567890", undefined],
    [date(), "2024-02-29", '"2024-02-29"', "2024-02-29"],
    [date(), "2023-02-29", '"2023-02-29"', undefined],
    [date(), "29/02/2024", '"29/02/2024"', undefined],
    [time(), "12:34:56.789", '"12:34:56.789"', "12:34:56.789000"],
    [timestamp(), "2024-02-29T01:02:03.5", '"2024-02-29 01:02:03.5"', "2024-02-29T01:02:03.500000"],
    [timestamp(), "2024-02-29T01:02:03Z", '"2024-02-29T01:02:03Z"', undefined],
    [
      timestamptz(),
      "2024-02-29T01:02:03+02:00",
      '"2024-02-29T01:02:03+02:00"',
      "2024-02-28T23:02:03.000000+00:00",
    ],
    [timestamptz(), "2024-02-29T01:02:03", '"2024-02-29T01:02:03"', undefined],
    [string(), "00501", '"00501"', "00501"],
    [string(), undefined, '"say \\"hi\\""', 'say "hi"'],
    [string(), undefined, '{"a":[1,null]}', '{"a":[1,null]}'],
    [string(), undefined, "true", "true"],
    [NESTED, undefined, '{"a":1,"b":["x"]}', { a: 1, b: ["x"] }],
    [NESTED, undefined, '{"b":[]}', { a: null, b: [] }],
    [NESTED, undefined, '{"a":"x"}', undefined],
    [NESTED, undefined, '{"a":1,"c":2}', undefined],
    [list(int()), undefined, "[1,2]", [1, 2]],
    [list(int()), undefined, '{"0":1}', undefined],
    [
      map(string(), int()),
      undefined,
      '{"a/b":1,"~":2}',
      new Map([
        ["a/b", 1],
        ["~", 2],
      ]),
    ],
    [map(int(), string()), undefined, '[[1,"x"]]', new Map([[1, "x"]])],
  ] as const;

  test.each(VALUES)("%o of %s and %s", async (column, csv, json, expected) => {
    const sources: Source[] = [];
    if (csv !== undefined) sources.push(file("v.csv", `v\r\n${csv}\r\n`));
    if (json !== undefined)
      sources.push(file("v.ndjson", `{"v":${json}}\n`), file("v.json", `[{"v":${json}}]`));
    for (const source of sources) {
      const schema = defineSchema({ v: column.optional() });
      const made = lake.createTableAs(newName(), source, { schema });
      if (expected === undefined) {
        const { code, message } = await refusal(made);
        expect(code).toBe("SCHEMA_MISMATCH");
        expect(message).toContain(`Row 1 of ${source as string}, column "v"`);
      } else {
        const [row] = await lake.read(await made).then((result) => result.rows());
        expect(row?.v instanceof Map ? row.v : JSON.parse(JSON.stringify(row?.v, text), revive)).toEqual(
          expected,
        );
      }
    }
  });

  const text = (_: string, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : Number.isNaN(value) ? "NaN!" : value;
  const revive = (_: string, value: unknown) =>
    typeof value === "string" && /^\d+n$/.test(value)
      ? BigInt(value.slice(0, -1))
      : value === "NaN!"
        ? Number.NaN
        : value;
});
