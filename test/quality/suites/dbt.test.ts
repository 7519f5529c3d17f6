import { describe, expect, test } from "vitest";
import { readDbt } from "../../../lib/lakehouse/quality/index.js";

const read = (text: string) => readDbt(text, "schema.yml", { namespace: "shop" });
/** The checks of one model with these tests of its column `c`. */
const ofColumn = async (tests: string) => {
  const indented = tests.replace(/^/gm, "          ");
  return (
    await read(`models:\n  - name: m\n    columns:\n      - name: c\n        data_tests:\n${indented}`)
  )[0]?.checks;
};

test("models, seeds and sources are tables, with their tests as checks", async () => {
  const tables = await read(`
version: 2
models:
  - name: orders
    description: One row an order
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          combination_of_columns: [id, line]
      - dbt_utils.expression_is_true:
          arguments: { expression: "total >= 0" }
    columns:
      - name: id
        tests: [unique, not_null]
      - name: status
        data_tests:
          - accepted_values:
              name: known states
              values: ["open", "closed"]
              config: { severity: warn, where: "id > 0" }
      - name: customer
        data_tests:
          - relationships: { to: ref('customers'), field: id }
sources:
  - name: raw
    loaded_at_field: at
    freshness: { warn_after: { count: 12, period: hour }, error_after: { count: 1, period: day } }
    tables:
      - name: events
        columns:
          - name: order
            data_tests: [{ relationships: { to: "{{ source('raw', 'orders') }}", field: id } }]
`);
  expect(tables).toEqual([
    {
      table: "shop.orders",
      description: "One row an order",
      checks: [
        { kind: "unique", name: "id unique", severity: "block", columns: ["id"] },
        { kind: "notNull", name: "id not null", severity: "block", column: "id" },
        {
          kind: "acceptedValues",
          name: "known states",
          severity: "warn",
          column: "status",
          values: ["open", "closed"],
          where: "(id > 0\n)",
        },
        {
          kind: "references",
          name: "customer in shop.customers",
          severity: "block",
          columns: ["customer"],
          table: "shop.customers",
          to: ["id"],
        },
        {
          kind: "sql",
          name: "id, line unique",
          severity: "block",
          sql: 'SELECT "id", "line", count(*) AS copies FROM rows GROUP BY "id", "line" HAVING count(*) > 1',
        },
        { kind: "expression", name: "total >= 0", severity: "block", expression: "total >= 0" },
      ],
    },
    {
      table: "raw.events",
      description: undefined,
      checks: [
        {
          kind: "references",
          name: "order in raw.orders",
          severity: "block",
          columns: ["order"],
          table: "raw.orders",
          to: ["id"],
        },
        { kind: "freshness", name: "at within 12h (warning)", severity: "warn", column: "at", within: "12h" },
        { kind: "freshness", name: "at within 1d", severity: "block", column: "at", within: "1d" },
      ],
    },
  ]);
});

test.each([
  ["- not_null: { error_if: '> 10' }", { allow: { rows: 10 }, warnOver: { rows: 0 } }],
  ["- not_null: { error_if: '>= 10', warn_if: '>5' }", { allow: { rows: 9 }, warnOver: { rows: 5 } }],
  ["- not_null: { severity: warn, warn_if: '>5' }", { severity: "warn", allow: { rows: 5 } }],
  ["- dbt_utils.not_null_proportion: { at_least: 0.75 }", { kind: "notNull", allow: { fraction: 0.25 } }],
  [
    "- dbt_utils.accepted_range: { min_value: 0, inclusive: false }",
    { kind: "range", min: 0, exclusive: true },
  ],
  [
    "- dbt_utils.accepted_range: { max_value: current_date }",
    { kind: "expression", expression: '"c" <= (current_date)' },
  ],
  ["- dbt_utils.not_empty_string", { kind: "expression", expression: `trim("c") <> ''` }],
  [
    "- dbt_expectations.expect_column_values_to_match_regex: { regex: '^a' }",
    { kind: "pattern", pattern: "^a" },
  ],
  [
    "- dbt_expectations.expect_column_values_to_be_between: { min_value: 1, row_condition: 'd = 2' }",
    { kind: "range", min: 1, where: "(d = 2\n)" },
  ],
  [
    "- dbt_expectations.expect_column_value_lengths_to_equal: { value: 3 }",
    { kind: "length", min: 3, max: 3 },
  ],
])("reads %s", async (text, check) => {
  expect(await ofColumn(text)).toMatchObject([check]);
});

test("what dbt counts by value is counted so where there are bounds", async () => {
  const bounds = "{ error_if: '> 1000', warn_if: '> 10' }";
  expect(await ofColumn(`- unique: { where: a > 1, config: ${bounds} }`)).toEqual([
    {
      kind: "sql",
      name: "c unique",
      severity: "block",
      sql: 'SELECT "c", count(*) AS copies FROM rows WHERE ((a > 1\n)\n) AND "c" IS NOT NULL GROUP BY "c" HAVING count(*) > 1',
      allow: { rows: 1000 },
      warnOver: { rows: 10 },
    },
  ]);
  expect(await ofColumn(`- accepted_values: { values: [a, 1, "it's"], config: ${bounds} }`)).toMatchObject([
    {
      kind: "sql",
      name: "c accepted values",
      sql: `SELECT "c", count(*) AS copies FROM rows WHERE "c" NOT IN ('a', '1', 'it''s') GROUP BY "c"`,
    },
  ]);
  expect(await ofColumn(`- dbt_utils.not_accepted_values: { values: [a], config: ${bounds} }`)).toMatchObject(
    [{ kind: "sql", sql: expect.stringContaining(`"c" IN ('a') GROUP BY "c"`) }],
  );
  // A limit of the failures that dbt looks at changes nothing where they are not counted.
  expect(await ofColumn("- accepted_values: { values: [a], config: { limit: 1000 } }")).toMatchObject([
    { kind: "acceptedValues" },
  ]);
});

test("values that are not to be put in quotes are SQL", async () => {
  expect(await ofColumn("- accepted_values: { values: [1, true], quote: false }")).toMatchObject([
    { kind: "acceptedValues", values: [1, true] },
  ]);
  expect(await ofColumn(`- accepted_values: { values: ["'a'", current_date], quote: false }`)).toMatchObject([
    { kind: "expression", name: "c accepted values", expression: `"c" IN ('a', current_date)` },
  ]);
});

test("a test of a model can name its column, or be about SQL", async () => {
  const ofModel = async (test: string) =>
    (await read(`models: [{ name: m, data_tests: [${test}] }]`))[0]?.checks;
  expect(await ofModel("{ not_null: { column_name: id } }")).toMatchObject([
    { kind: "notNull", column: "id" },
  ]);
  expect(await ofModel(`{ unique: { arguments: { column_name: '"order"' } } }`)).toMatchObject([
    { kind: "unique", columns: ["order"] },
  ]);
  expect(await ofModel(`{ unique: { column_name: "country_code || '-' || order_id" } }`)).toEqual([
    {
      kind: "sql",
      name: "country_code || '-' || order_id unique",
      severity: "block",
      sql: "SELECT (country_code || '-' || order_id\n), count(*) AS copies FROM rows WHERE (country_code || '-' || order_id\n) IS NOT NULL GROUP BY (country_code || '-' || order_id\n) HAVING count(*) > 1",
    },
  ]);
  expect(await ofModel("{ not_null: { column_name: a + b } }")).toMatchObject([
    { kind: "expression", expression: "(a + b\n) IS NOT NULL" },
  ]);
  await expect(ofModel("{ accepted_values: { column_name: a + b, values: [1] } }")).rejects.toThrow(/is SQL/);
  await expect(ofModel("unique")).rejects.toThrow(/is about a column, and stands at a model/);
});

test("tables are looked for where dbt has put them: by alias, schema and identifier", async () => {
  const tables = await read(`
models:
  - { name: orders, config: { alias: orders_v2 } }
  - { name: old, config: { enabled: false }, data_tests: [my_own_test] }
  - name: lines
    columns:
      - name: order_id
        data_tests:
          - relationships: { to: ref('orders'), field: id }
          - relationships: { to: "ref('other_package', 'orders_there')", field: id }
          - relationships: { to: "source('shop', 'customers')", field: id }
          - relationships: { to: "source('elsewhere', 'customers')", field: id }
sources:
  - name: shop
    schema: raw_shop
    tables: [{ name: customers, identifier: customers_2024 }, { name: gone, config: { enabled: false } }]
`);
  expect(tables.map(({ table }) => table)).toEqual([
    "shop.orders_v2",
    "shop.lines",
    "raw_shop.customers_2024",
  ]);
  expect(tables[1]?.checks.map((check) => check.kind === "references" && check.table)).toEqual([
    "shop.orders_v2",
    "shop.orders_there",
    "raw_shop.customers_2024",
    "elsewhere.customers",
  ]);
  await expect(read(`sources: [{ name: a, schema: "{{ target.schema }}", tables: [] }]`)).rejects.toThrow(
    /template of Jinja/,
  );
});

test("a field that tells of freshness may be cast to a timestamp, and is no other SQL", async () => {
  const source = (field: string) =>
    read(
      `sources: [{ name: a, tables: [{ name: t, config: { loaded_at_field: "${field}", freshness: { error_after: { count: 1, period: day } } } }] }]`,
    );
  for (const field of ["done", "done::timestamp", "CAST(done AS TIMESTAMP)"])
    expect((await source(field))[0]?.checks).toMatchObject([{ kind: "freshness", column: "done" }]);
  await expect(source("convert_timezone('UTC', done)")).rejects.toThrow(/loaded_at_field that is SQL/);
});

test("a test that is switched off is none, and two of a kind have a name each", async () => {
  expect(await ofColumn("- not_null: { config: { enabled: false } }")).toEqual([]);
  expect(await ofColumn("- mine: { enabled: false, to: '{{ it }}' }")).toEqual([]);
  const twice = "- not_null: { where: a > 1 }\n- not_null: { where: a < 1 }";
  expect((await ofColumn(twice))?.map(({ name }) => name)).toEqual(["c not null", "c not null (2)"]);
});

test("YAML is read as dbt reads it: what is merged in counts, and words for booleans are some", async () => {
  const merged = "models: [{ name: m, columns: [&c { name: a, tests: [not_null] }, { <<: *c, name: b }] }]";
  expect((await read(merged))[0]?.checks.map(({ name }) => name)).toEqual(["a not null", "b not null"]);
  expect(await ofColumn("- not_null: { enabled: no }")).toEqual([]);
  expect(await ofColumn("- dbt_utils.accepted_range: { min_value: 1, inclusive: No }")).toMatchObject([
    { kind: "range", min: 1, exclusive: true },
  ]);
  expect(await ofColumn("- accepted_values: { values: [Y, N, 'no'] }")).toMatchObject([
    { values: ["Y", "N", "no"] },
  ]);
});

test("a table of a source takes from it what it does not say of its freshness itself", async () => {
  const hours = (count: number) => `{ count: ${count}, period: hour }`;
  const source = (own: string, table: string) =>
    read(`sources: [{ name: raw, ${own}, tables: [{ name: t${table} }] }]`);
  const said = async (own: string, table: string) =>
    (await source(own, table))[0]?.checks.map((check) => [
      check.severity,
      check.kind === "freshness" && check.within,
    ]);
  const freshness = `freshness: { warn_after: ${hours(12)}, error_after: ${hours(24)} }`;
  const own = `loaded_at_field: at, ${freshness}`;
  expect(await said(own, `, freshness: { warn_after: ${hours(6)} }`)).toEqual([
    ["warn", "6h"],
    ["block", "24h"],
  ]);
  expect(await said(`config: { ${own} }`, "")).toEqual([
    ["warn", "12h"],
    ["block", "24h"],
  ]);
  expect(await said(own, ", freshness: null")).toEqual([]);
  expect(await said(own, ", config: { freshness: null }")).toEqual([]);
  await expect(source(freshness, "")).rejects.toThrow(/raw.t has a freshness that is not told by/);
  await expect(source(own, ", loaded_at_query: select 1")).rejects.toThrow(/not told by a loaded_at_field/);
});

describe("what has no counterpart is refused by name", () => {
  test.each([
    ["- my_own_test", /schema.yml: shop.m.c: my_own_test is a test that has no counterpart/],
    ["- dbt_utils.equal_rowcount: { compare_model: ref('x') }", /no counterpart/],
    ["- dbt_utils.not_null_proportion: { at_least: 0.5, error_if: '> 10' }", /are not counted/],
    ["- not_null: { config: { limit: 5, error_if: '> 10' } }", /"limit", which is not read/],
    ["- not_null: { error_if: 'between 1 and 2' }", /no bound from above/],
    ["- not_null: { config: { fail_calc: 'sum(n)' } }", /"fail_calc", which is not read/],
    ["- dbt_utils.accepted_range: { min_value: 1, to: 3 }", /"to", which is not read/],
    ["- accepted_values: { values: ['{{ var(\"x\") }}'] }", /template of Jinja/],
    ["- relationships: { to: customers, field: id }", /refers to customers/],
    ["- dbt_utils.not_null_proportion: { at_least: 0.5, group_by_columns: [d] }", /"group_by_columns"/],
    ["- accepted_values: { values: [] }", /cannot be read: .*needs values/],
  ])("%s", async (text, message) => {
    await expect(ofColumn(text)).rejects.toMatchObject({
      code: "INVALID_SUITE",
      message: expect.stringMatching(message),
    });
  });

  test("and what is no file of tests", async () => {
    await expect(read("a: [")).rejects.toThrow(/schema.yml is no YAML/);
    await expect(read("")).rejects.toThrow(/names no models/);
    await expect(read("models: [{ name: m, versions: [{ v: 1 }] }]")).rejects.toThrow(/"versions"/);
    await expect(read("models: 3")).rejects.toThrow(/has 3 where a list belongs/);
  });
});
