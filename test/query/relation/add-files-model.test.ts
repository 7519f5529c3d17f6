import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IcebergType, NestedField, Table } from "../../../lib/lakehouse/iceberg/index.js";
import { fileUri } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { catalog, directory, engine } from "../support/lake.js";

/*
 * Random nested files against random nested tables. A model that knows nothing of Parquet says whether the file may be
 * adopted, and what its rows are then.
 */

const LEAVES = {
  int: { sql: "INTEGER", iceberg: { type: "int" } },
  long: { sql: "BIGINT", iceberg: { type: "long" } },
  float: { sql: "FLOAT", iceberg: { type: "float" } },
  double: { sql: "DOUBLE", iceberg: { type: "double" } },
  money: { sql: "DECIMAL(9,2)", iceberg: { type: "decimal", precision: 9, scale: 2 } },
  moreMoney: { sql: "DECIMAL(18,2)", iceberg: { type: "decimal", precision: 18, scale: 2 } },
  mils: { sql: "DECIMAL(9,3)", iceberg: { type: "decimal", precision: 9, scale: 3 } },
  string: { sql: "VARCHAR", iceberg: { type: "string" } },
  date: { sql: "DATE", iceberg: { type: "date" } },
  boolean: { sql: "BOOLEAN", iceberg: { type: "boolean" } },
} as const;
type Leaf = keyof typeof LEAVES;
const PROMOTIONS: Partial<Record<Leaf, Leaf>> = { int: "long", float: "double", money: "moreMoney" };

interface Member {
  readonly name: string;
  /** Undefined where the file lacks it. */
  readonly file: FileType | undefined;
  /** Undefined where the table lacks it. */
  readonly table: TableType | undefined;
  readonly required: boolean;
}
type Pair =
  | { readonly kind: "leaf"; readonly file: Leaf; readonly table: Leaf }
  | { readonly kind: "struct"; readonly members: readonly Member[] }
  | { readonly kind: "list"; readonly element: Pair; readonly required: boolean }
  | {
      readonly kind: "map";
      readonly key: readonly [Leaf, Leaf];
      readonly value: Pair;
      readonly required: boolean;
    }
  | { readonly kind: "other"; readonly file: FileType; readonly table: TableType };
type FileType = Pair;
type TableType = Pair;

const leaves = Object.keys(LEAVES) as Leaf[];
const leaf: fc.Arbitrary<Pair> = fc
  .tuple(fc.constantFrom(...leaves), fc.constantFrom(...leaves), fc.nat(9))
  .map(([file, other, dice]) => ({
    kind: "leaf" as const,
    file,
    table: dice < 5 ? file : dice < 9 ? (PROMOTIONS[file] ?? file) : other,
  }));
/** A pair seen from one side alone: its other side is of no account. */
const pair = (depth: number): fc.Arbitrary<Pair> => {
  if (depth === 0) return leaf;
  const inner = pair(depth - 1);
  const member = fc.tuple(inner, fc.boolean(), fc.nat(19)).map(([type, required, dice]) => ({
    file: dice === 0 ? undefined : type,
    table: dice === 1 ? undefined : type,
    required,
  }));
  const structs = fc.array(member, { minLength: 1, maxLength: 3 }).map(
    (members): Pair => ({
      kind: "struct",
      // One that both have, so that neither is empty.
      members: [
        { name: "z", file: { kind: "leaf", file: "int", table: "int" }, table: INT, required: false },
        ...members.map((each, i) => ({ ...each, name: `m${i}` })),
      ],
    }),
  );
  const key = fc.constantFrom<readonly [Leaf, Leaf]>(
    ["int", "int"],
    ["int", "long"],
    ["string", "string"],
    ["string", "int"],
  );
  return fc.oneof(
    { weight: 4, arbitrary: leaf },
    { weight: 3, arbitrary: structs },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("list" as const), element: inner, required: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("map" as const), key, value: inner, required: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner, inner).map(([file, table]) => ({ kind: "other" as const, file, table })),
    },
  );
};
const INT: Pair = { kind: "leaf", file: "int", table: "int" };

function sqlType(type: FileType): string {
  switch (type.kind) {
    case "leaf":
      return LEAVES[type.file].sql;
    case "struct":
      return `STRUCT(${inFile(type.members)
        .map(([name, of]) => `"${name}" ${sqlType(of)}`)
        .join(", ")})`;
    case "list":
      return `${sqlType(type.element)}[]`;
    case "map":
      return `MAP(${LEAVES[type.key[0]].sql}, ${sqlType(type.value)})`;
    case "other":
      return sqlType(type.file);
  }
}

const inFile = (members: readonly Member[]): [string, FileType][] =>
  members.flatMap(({ name, file }) => (file ? [[name, file] as [string, FileType]] : []));

function icebergType(type: TableType, next: () => number): IcebergType {
  switch (type.kind) {
    case "leaf":
      return LEAVES[type.table].iceberg;
    case "struct":
      return { type: "struct", fields: fieldsOf(type.members, next) };
    case "list":
      return {
        type: "list",
        elementId: next(),
        elementRequired: type.required,
        element: icebergType(type.element, next),
      };
    case "map":
      return {
        type: "map",
        keyId: next(),
        key: LEAVES[type.key[1]].iceberg,
        valueId: next(),
        valueRequired: type.required,
        value: icebergType(type.value, next),
      };
    case "other":
      return icebergType(type.table, next);
  }
}

const fieldsOf = (members: readonly Member[], next: () => number): NestedField[] =>
  members.flatMap(({ name, table, required }) =>
    table ? [{ id: next(), name, required, type: icebergType(table, next) }] : [],
  );

type Value = null | number | string | boolean | Value[] | { [name: string]: Value };
type Random = () => number;

function anyValue(type: FileType, random: Random, nulls: number): Value {
  if (random() < nulls) return null;
  switch (type.kind) {
    case "leaf": {
      const n = Math.floor(random() * 9);
      if (type.file === "string") return `s${n}`;
      if (type.file === "date") return `2024-01-0${n + 1}`;
      if (type.file === "boolean") return n % 2 === 0;
      if (type.file === "mils") return n + 0.125;
      return type.file === "int" || type.file === "long" ? n : n + 0.25;
    }
    case "struct":
      return Object.fromEntries(
        inFile(type.members).map(([name, of]) => [name, anyValue(of, random, nulls)]),
      );
    case "list":
      return Array.from({ length: Math.floor(random() * 3) }, () => anyValue(type.element, random, nulls));
    case "map": {
      const keys = Array.from({ length: Math.floor(random() * 3) }, (_, i) =>
        type.key[0] === "int" ? i : `k${i}`,
      );
      return keys.map((key) => [key, anyValue(type.value, random, nulls)]);
    }
    case "other":
      return anyValue(type.file, random, nulls);
  }
}

function literal(type: FileType, value: Value): string {
  const sql = sqlType(type);
  if (value === null) return `NULL::${sql}`;
  switch (type.kind) {
    case "leaf":
      return `'${String(value)}'::${sql}`;
    case "struct": {
      const members = inFile(type.members).map(
        ([name, of]) => `"${name}" := ${literal(of, (value as Record<string, Value>)[name] ?? null)}`,
      );
      return `struct_pack(${members.join(", ")})`;
    }
    case "list":
      return `[${(value as Value[]).map((item) => literal(type.element, item)).join(", ")}]::${sql}`;
    case "map": {
      const entries = value as [Value, Value][];
      const key = LEAVES[type.key[0]].sql;
      const keys = entries.map(([k]) => `'${String(k)}'::${key}`).join(", ");
      const values = entries.map(([, v]) => literal(type.value, v)).join(", ");
      return `MAP([${keys}]::${key}[], [${values}]::${sqlType(type.value)}[])`;
    }
    case "other":
      return literal(type.file, value);
  }
}

/** What the model says: yes, no, or, where no value is there that would tell, either. */
type Verdict = "fits" | "misfits" | "open";
const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes("misfits") ? "misfits" : verdicts.includes("open") ? "open" : "fits";

/** @param values all that the file has in this place, where what it stands in is there. */
function judge(type: Pair, required: boolean, values: readonly Value[], below: boolean): Verdict {
  if (required && values.includes(null)) return "misfits";
  const there = values.filter((value) => value !== null);
  const onlyNulls = (): Verdict => (required || there.length > 0 ? "misfits" : below ? "open" : "fits");
  switch (type.kind) {
    case "leaf":
      if (type.file === type.table || PROMOTIONS[type.file] === type.table) return "fits";
      return onlyNulls();
    case "other": {
      const [file, table] = [sideOf(type.file, "file"), sideOf(type.table, "table")];
      if (file.kind === "leaf" && table.kind === "leaf") {
        return judge({ kind: "leaf", file: file.file, table: table.table }, required, values, below);
      }
      if (file.kind === "leaf") return onlyNulls();
      // Two of one kind: their parts are not made for one another, and may fit or not.
      return file.kind === table.kind ? "open" : "misfits";
    }
    case "struct":
      return worst(
        type.members.map(({ name, file, table, required: must }) => {
          if (file === undefined && table === undefined) return "fits";
          if (table === undefined) return "misfits";
          if (file === undefined) return must ? "misfits" : "fits";
          const inside = there.map((value) => (value as Record<string, Value>)[name] ?? null);
          return judge(file, must, inside, below);
        }),
      );
    case "list":
      return judge(
        type.element,
        type.required,
        there.flatMap((value) => value as Value[]),
        true,
      );
    case "map": {
      const entries = there.flatMap((value) => value as [Value, Value][]);
      const [from, to] = type.key;
      const keys = from === to || PROMOTIONS[from] === to ? "fits" : "misfits";
      return worst([
        keys,
        judge(
          type.value,
          type.required,
          entries.map(([, value]) => value),
          true,
        ),
      ]);
    }
  }
}

/** What a side of a pair is, through pairs of other kinds. */
function sideOf(type: Pair, side: "file" | "table"): Exclude<Pair, { kind: "other" }> {
  return type.kind === "other" ? sideOf(type[side], side) : type;
}

/** A value of the file as the table has it, in the form of `plain`. */
function asInTable(type: Pair, value: Value): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case "leaf":
      return type.table === "money" || type.table === "moreMoney"
        ? (value as number).toFixed(2)
        : type.table === "mils"
          ? (value as number).toFixed(3)
          : value;
    case "struct":
      return Object.fromEntries(
        type.members
          .filter(({ table }) => table)
          .map(({ name, file }) => [
            name,
            file ? asInTable(file, (value as Record<string, Value>)[name] ?? null) : null,
          ]),
      );
    case "list":
      return (value as Value[]).map((item) => asInTable(type.element, item));
    case "map":
      return (value as [Value, Value][]).map(([k, v]) => [k, asInTable(type.value, v)]);
    case "other": {
      const table = sideOf(type.table, "table");
      return table.kind === "leaf" ? asInTable({ ...table, file: table.table }, value) : value;
    }
  }
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Map) return [...value].map(([k, v]) => [plain(k), plain(v)]);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  }
  return value;
}

function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

let duckdb: DuckDBConnection;

beforeAll(async () => {
  await mkdir(path.join(directory, "warehouse"), { recursive: true });
  duckdb = await (await DuckDBInstance.create(":memory:")).connect();
});
afterAll(() => duckdb.closeSync());

test("a file is adopted exactly where the model has it fit, and its rows are the model's", async () => {
  let count = 0;
  const seen = { fits: 0, misfits: 0, open: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(pair(2), fc.boolean()), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1 }),
      fc.constantFrom(0, 0, 0.15, 1),
      fc.integer({ min: 1, max: 12 }),
      async (columns, seed, nulls, rowCount) => {
        const random = randomOf(seed);
        const members = columns.map(
          ([type, required], i): Member => ({ name: `c${i}`, file: type, table: type, required }),
        );
        const data = Array.from({ length: rowCount }, () =>
          Object.fromEntries(inFile(members).map(([name, type]) => [name, anyValue(type, random, nulls)])),
        );
        const selects = data.map((row, i) =>
          [
            `SELECT ${i}::BIGINT AS id`,
            ...inFile(members).map(([name, type]) => `${literal(type, row[name] ?? null)} AS "${name}"`),
          ].join(", "),
        );
        const file = path.join(directory, "warehouse", `f${count}.parquet`);
        await duckdb.run(`COPY (${selects.join(" UNION ALL ")}) TO '${file}' (FORMAT parquet)`);
        let id = 1;
        const fields: NestedField[] = [
          { id: 1, name: "id", required: true, type: { type: "long" } },
          ...fieldsOf(members, () => ++id),
        ];
        const table = await catalog.createTable(`n.t${count++}`, {
          schema: { schemaId: 0, fields, identifierFieldIds: [] },
        });
        const verdict = judge({ kind: "struct", members }, true, data, false);
        seen[verdict]++;
        const adopted = await table.addFiles([fileUri(file)]).then(
          (after) => after.withEngine(engine) as Table,
          (error: { code?: string }) => {
            expect(error.code, String(error)).toBe("SCHEMA_MISMATCH");
            return undefined;
          },
        );
        if (verdict !== "open") expect(adopted === undefined ? "misfits" : "fits").toBe(verdict);
        // Whatever was adopted can be read.
        if (adopted === undefined) return;
        const rows = await (await engine.scan(adopted, adopted.scan())).rows();
        expect(rows).toHaveLength(rowCount);
        if (verdict === "open") return;
        const expected = data.map((row, i) => ({
          id: i,
          ...(asInTable({ kind: "struct", members }, row) as object),
        }));
        expect(rows.map(plain).sort((a, b) => (a as { id: number }).id - (b as { id: number }).id)).toEqual(
          expected,
        );
      },
    ),
    { numRuns: runs(120) },
  );
  // Neither answer is rare.
  expect(Math.min(seen.fits, seen.misfits)).toBeGreaterThan(15);
});
