import type { SqlParameter } from "../../../../lib/lakehouse/index.js";
import type { Random } from "../random-tables/random.js";

/** A value as a statement spells it, and as a parameter where it means the same. */
export interface Literal {
  readonly text: string;
  readonly param?: SqlParameter | undefined;
}

/** A type of columns, with values at its edges. */
export interface Kind {
  readonly sql: string;
  readonly values: readonly Literal[];
  /** Has an order, and can be a key of groups. */
  readonly isOrdered: boolean;
  /** What a table may be partitioned by: `c` stands for the column. */
  readonly transforms: readonly string[];
  /** Expressions of the same type: `c` stands for the column. */
  readonly expressions: readonly string[];
  /** Conditions that are of this type's own. */
  readonly conditions: readonly string[];
}

const plain = (text: string): Literal => ({ text });
const quoted = (value: string): Literal => ({ text: `'${value.replaceAll("'", "''")}'`, param: value });
const number = (value: number): Literal => ({ text: String(value), param: value });
const bigint = (value: bigint): Literal => ({ text: String(value), param: value });

const scalar = (
  sql: string,
  values: readonly Literal[],
  more: Partial<Pick<Kind, "transforms" | "expressions" | "conditions">> = {},
): Kind => ({ sql, values, isOrdered: true, transforms: [], expressions: [], conditions: [], ...more });

const nested = (
  sql: string,
  values: readonly Literal[],
  more: Pick<Kind, "expressions" | "conditions">,
): Kind => ({
  sql,
  values,
  isOrdered: false,
  transforms: [],
  ...more,
});

const FLOATS = ["0", "-0.0", "1.5", "-1.5", "nan", "inf", "-inf", "1e-45", "0.1", "16777217"].map(quoted);
const TEXTS = [
  "",
  " ",
  "a",
  "A",
  "b",
  "it's",
  'say "hi"',
  "\\",
  "%",
  "a_b",
  "a%b",
  "ß",
  "ẞ",
  "é",
  "e\u0301",
  "İ",
  "😀",
  "\u{10ffff}",
  "\uffff",
  "a\u{10ffff}\u{10ffff}",
  "a prefix that is longer than sixteen 1",
  "a prefix that is longer than sixteen 2",
  "a prefix that is longer than sixteen 2 \u{10ffff}",
  "-- x",
  "/* x",
  "?",
  "$1",
  "NULL",
  "1",
  "\n",
  "nan",
].map(quoted);

export const KINDS: readonly Kind[] = [
  scalar(
    "BOOLEAN",
    [
      { text: "true", param: true },
      { text: "false", param: false },
    ],
    {
      transforms: ["c"],
      expressions: ["NOT c"],
      conditions: ["c", "NOT c", "c IS TRUE", "c IS NOT TRUE", "c = 1"],
    },
  ),
  scalar("INTEGER", [0, 1, -1, 7, 42, 2147483647, -2147483648].map(number), {
    transforms: ["c", "bucket(3, c)", "truncate(10, c)"],
    expressions: ["c % 5", "abs(c % 9)", "length(CAST(c AS VARCHAR))", "CAST(c / 2 AS INTEGER)"],
    conditions: ["c > 0.5", "c % 2 = 1", "c = '7'", "c < 3000000000", "c / 2 > 1", "c::VARCHAR LIKE '1%'"],
  }),
  scalar(
    "BIGINT",
    [0n, 1n, -1n, 42n, 2147483648n, 9007199254740993n, 9223372036854775807n, -9223372036854775808n].map(
      bigint,
    ),
    {
      transforms: ["c", "bucket(2, c)", "truncate(1000, c)"],
      expressions: ["c % 11", "c // 2"],
      conditions: [
        "c >= 9007199254740992.5",
        "c = 42.0",
        "c > 1e18",
        "c::DOUBLE > 9e18",
        "c BETWEEN -1 AND 42",
      ],
    },
  ),
  scalar("FLOAT", [...FLOATS, plain("3.4028235e38")], {
    expressions: ["c / 2", "-c"],
    conditions: ["c > 0", "c = 0.1", "isnan(c)", "c <> c", "c < 'inf'", "c = 0", "c >= 16777216.5"],
  }),
  scalar(
    "DOUBLE",
    [...FLOATS, plain("1.7976931348623157e308"), plain("5e-324"), { text: "2.5::DOUBLE", param: 2.5 }],
    {
      expressions: ["c / 2", "abs(c)"],
      conditions: [
        "c > 0",
        "c = 0.1",
        "isnan(c)",
        "c IS NOT DISTINCT FROM 'nan'",
        "c <= 'nan'",
        "c IN (0, 1.5, 'nan')",
        "NOT (c > 1)",
      ],
    },
  ),
  scalar("DECIMAL(9,2)", ["0", "0.01", "-0.01", "1.50", "9999999.99", "-9999999.99"].map(quoted), {
    transforms: ["c", "bucket(2, c)", "truncate(50, c)"],
    expressions: ["CAST(c % 3 AS DECIMAL(9,2))", "greatest(c, 0.5)"],
    conditions: ["c > 1.499", "c = 1.5", "c < 1e6", "c BETWEEN -0.011 AND 0.011", "c::INTEGER = 2"],
  }),
  scalar(
    "DECIMAL(38,10)",
    [
      "0",
      "1.0000000001",
      "9999999999999999999999999999.9999999999",
      "-9999999999999999999999999999.9999999999",
    ].map(quoted),
    {
      transforms: ["c", "bucket(4, c)"],
      expressions: ["coalesce(c, 3)"],
      conditions: ["c > 1", "c = 1.0000000001", "c < 9.9e27", "c > 9223372036854775807"],
    },
  ),
  scalar("VARCHAR", TEXTS, {
    transforms: ["c", "bucket(3, c)", "truncate(2, c)"],
    expressions: [
      "c || 'x'",
      "upper(c)",
      "substr(c, 2)",
      "lower(c)",
      "left(c, 17)",
      "coalesce(c, '')",
      "reverse(c)",
    ],
    conditions: [
      "c LIKE 'a%'",
      "c LIKE '%' ",
      "c NOT LIKE 'a prefix%'",
      "starts_with(c, 'a')",
      "c LIKE 'a\\_%' ESCAPE '\\'",
      "c ILIKE 'A%'",
      "length(c) > 1",
      "c = upper(c)",
      "c > 'a prefix that is longer'",
      "prefix(c, '')",
      "c SIMILAR TO '[ab].*'",
      "c BETWEEN 'A' AND 'b'",
      "c = ''",
    ],
  }),
  scalar(
    "BLOB",
    [
      { text: "''::BLOB", param: new Uint8Array() },
      { text: "'\\x00'::BLOB", param: new Uint8Array([0]) },
      { text: "'\\xFF\\xFF'::BLOB", param: new Uint8Array([255, 255]) },
      { text: "'a''b'::BLOB", param: new TextEncoder().encode("a'b") },
      plain(`'${"\\xFF".repeat(20)}'::BLOB`),
    ],
    {
      transforms: ["c", "bucket(2, c)", "truncate(1, c)"],
      expressions: ["c || '\\x01'::BLOB"],
      conditions: ["octet_length(c) > 0", "c > '\\x7F'::BLOB", "c < '\\xFF\\xFF'::BLOB"],
    },
  ),
  scalar(
    "UUID",
    [
      "00000000-0000-0000-0000-000000000000",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "7fffffff-0000-4000-8000-000000000001",
      "80000000-0000-4000-8000-000000000000",
    ].map(quoted),
    {
      transforms: ["c", "bucket(3, c)"],
      conditions: [
        "c > '7fffffff-ffff-ffff-ffff-ffffffffffff'",
        "c::VARCHAR LIKE '0%'",
        "c IN ('ffffffff-ffff-ffff-ffff-ffffffffffff')",
      ],
    },
  ),
  scalar(
    "DATE",
    [
      "1970-01-01",
      "1969-12-31",
      "0001-01-01",
      "9999-12-31",
      "2024-02-29",
      "5877642-06-26 (BC)",
      "5881580-07-09",
    ].map(quoted),
    {
      transforms: ["c", "year(c)", "month(c)", "day(c)", "bucket(2, c)"],
      expressions: ["coalesce(c, '2000-01-01')", "least(c, '2024-03-01')"],
      conditions: [
        "year(c) = 1969",
        "date_trunc('month', c) = DATE '2024-02-01'",
        "c < '1970-01-01'",
        "month(c) = 12",
        "extract(dow FROM c) = 4",
      ],
    },
  ),
  scalar("TIME", ["00:00:00", "23:59:59.999999", "12:34:56.789", "00:00:00.000001"].map(quoted), {
    transforms: ["c", "bucket(2, c)"],
    conditions: ["c > '12:00'", "hour(c) = 23", "c <= '12:34:56.789'"],
  }),
  scalar(
    "TIMESTAMP",
    [
      "1970-01-01 00:00:00",
      "1969-12-31 23:59:59.999999",
      "0001-01-01 00:00:00",
      "2024-02-29 12:00:00.5",
      "294247-01-10 04:00:54.775805",
      "290309-12-22 (BC) 00:00:00",
    ].map(quoted),
    {
      transforms: ["year(c)", "month(c)", "day(c)", "hour(c)", "bucket(2, c)"],
      expressions: ["date_trunc('day', c)", "coalesce(c, '1999-12-31 23:59:59')"],
      conditions: [
        "c >= DATE '1970-01-01'",
        "c::DATE = '2024-02-29'",
        "year(c) = 1969",
        "date_trunc('hour', c) = TIMESTAMP '2024-02-29 12:00:00'",
        "epoch_us(c) < 0",
        "c < '2024-02-29'",
        "hour(c) = 23",
      ],
    },
  ),
  scalar(
    "TIMESTAMPTZ",
    [
      "1970-01-01 00:00:00+00",
      "1969-12-31 23:59:59.999999+00",
      "2024-02-29 12:00:00+05:30",
      "0001-01-01 00:00:00+00",
      "2024-02-29 00:00:00",
    ].map(quoted),
    {
      transforms: ["year(c)", "month(c)", "day(c)", "hour(c)"],
      expressions: ["coalesce(c, '1999-12-31 23:59:59+00')"],
      conditions: [
        "c > '2024-02-29 06:00:00+00'",
        "c::DATE = '2024-02-29'",
        "year(c) = 1969",
        "c < TIMESTAMPTZ '1970-01-01 01:00:00+01'",
      ],
    },
  ),
  nested(
    'STRUCT("a" INTEGER, "B d" VARCHAR, "it\'s" DOUBLE)',
    [
      plain("{'a': 1, 'B d': 'x', 'it''s': 'nan'}"),
      plain("{'a': NULL, 'B d': NULL, 'it''s': NULL}"),
      plain("{'a': -2147483648, 'B d': '', 'it''s': -0.0}"),
      plain("row(2, 'pos', 0.5)"),
    ],
    {
      expressions: ["{'a': c.a % 3, 'B d': c.\"B d\" || '!', 'it''s': 1}"],
      conditions: [
        "c.a > 0",
        "c.\"b D\" = 'x'",
        "c.a IS NULL",
        "c['it''s'] > 1",
        "struct_extract(c, 'B d') LIKE 'p%'",
        "c = {'a': 1, 'B d': 'x', 'it''s': 'nan'}",
      ],
    },
  ),
  nested(
    "INTEGER[]",
    [
      plain("[]::INTEGER[]"),
      plain("[1, NULL, 3]"),
      plain("[NULL]::INTEGER[]"),
      plain("range(40)::INTEGER[]"),
    ],
    {
      expressions: ["list_append(c, 9)", "list_reverse(c)", "c[2:]"],
      conditions: ["c[1] = 1", "len(c) > 1", "3 = ANY(c)", "list_contains(c, NULL)", "c = []"],
    },
  ),
  nested(
    "MAP(VARCHAR, BIGINT)",
    [
      plain("MAP {}::MAP(VARCHAR, BIGINT)"),
      plain("MAP {'k': 1, '': NULL, 'é': 9223372036854775807}"),
      plain("MAP {'😀': 0}"),
    ],
    {
      expressions: ["map_concat(c, MAP {'n': 5::BIGINT})"],
      conditions: ["c['k'] = 1", "cardinality(c) = 0", "map_contains(c, '')"],
    },
  ),
  nested(
    "STRUCT(x STRUCT(y VARCHAR[], z DATE))[]",
    [
      plain("[]::STRUCT(x STRUCT(y VARCHAR[], z DATE))[]"),
      plain("[{'x': {'y': ['a', NULL], 'z': DATE '1969-12-31'}}, NULL, {'x': NULL}]"),
      plain("[{'x': {'y': [], 'z': NULL}}]::STRUCT(x STRUCT(y VARCHAR[], z DATE))[]"),
    ],
    {
      expressions: ["c || c", "c[1:1]"],
      conditions: ["c[1].x.z < '1970-01-01'", "len(c) = 3", "c[1].x.y[1] = 'a'"],
    },
  ),
];

export const INTEGER = KINDS[1] as Kind;

/** A type that a column may be widened to. */
export const WIDER: Readonly<Record<string, string>> = {
  INTEGER: "BIGINT",
  FLOAT: "DOUBLE",
};

export function anyLiteral(random: Random, { values }: Kind): Literal {
  return random.chance(15) ? { text: "NULL" } : random.one(values);
}
