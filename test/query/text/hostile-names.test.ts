import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Column, defineSchema, eq, long, struct } from "../../../lib/lakehouse/iceberg/index.js";
import { engine } from "../support/lake.js";
import { create, modes, type Row, read, row, sorted, sql } from "../support/named-tables.js";

const HOSTILE = [
  "a",
  "A",
  "É",
  "é",
  "ß",
  "SS",
  "_POS",
  "_Task",
  "_task",
  "task",
  "deleted",
  "DELETED",
  "_FILE",
  "p0",
  "c1",
  "C1",
  "c2",
  "m_pos",
  "m_task",
  "m_row_id",
  "f",
  "k0",
  "d0",
  "t",
  "s",
  "m",
  "file_index",
  "file_row_number",
  "filename",
  "FILE_ROW_NUMBER",
  "rowid",
  "row_id",
  "file",
  "pos",
  "source",
  "changed",
  "type",
  "ord",
  "sign",
  "n",
  "select",
  "a#1",
  "A#2",
  "a.b",
  'q"q',
  "it's",
  "",
  " ",
  "-- x",
  ";",
  "x\ny",
  "\u0000",
  "\u2028",
  "constructor",
  "__proto__",
  "toString",
  "key",
  "value",
  "element",
  "x".repeat(3000),
];

const value = fc.option(fc.bigInt({ min: 0n, max: 3n }), { nil: null });
const world = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...HOSTILE), { minLength: 2, maxLength: 7 }),
  nested: fc.uniqueArray(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 4 }),
  partitioned: fc.boolean(),
  version: fc.constantFrom(...modes),
  files: fc.array(
    fc.array(fc.array(value, { minLength: 11, maxLength: 11 }), { minLength: 1, maxLength: 4 }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom("delete", "set", "map", "sql", "overwrite", "merge"),
      at: fc.nat(6),
      to: fc.nat(6),
      is: fc.bigInt({ min: 0n, max: 3n }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

describe("whatever columns are called", () => {
  test("rows are what a list of rows would be", async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        async ({ names, nested, partitioned, version: [formatVersion, mode], files, steps }) => {
          const struct0 = "the struct";
          const members = Object.fromEntries(nested.map((name) => [name, long().optional()]));
          const schema = defineSchema({
            ...Object.fromEntries(names.map((name) => [name, long().optional()])),
            [struct0]: struct(members).optional(),
          } as Record<string, Column<unknown, true>>);
          const partitionedBy = partitioned ? names.find((name) => name !== "") : undefined;
          let table = await create(schema, { formatVersion, mode, partitionedBy });
          let model: Row[] = [];
          const toRow = (cells: readonly (bigint | null)[]): Row => ({
            ...row(names, cells),
            [struct0]: cells[7] === null ? null : row(nested, cells.slice(7)),
          });
          for (const cells of files) {
            table = await table.append(cells.map(toRow));
            model.push(...cells.map(toRow));
          }
          for (const { kind, at, to, is } of steps) {
            const column = names[at % names.length] as string;
            const target = names[to % names.length] as string;
            const matches = (each: Row) => each[column] === is;
            if (kind === "delete") {
              table = await table.deleteRows(eq(column, is));
              model = model.filter((each) => !matches(each));
            } else if (kind === "set") {
              table = await table.updateRows(eq(column, is), Object.fromEntries([[target, 2n]]));
              model = model.map((each) => (matches(each) ? { ...each, ...row([target], [2n]) } : each));
            } else if (kind === "map") {
              const change = (each: Row) => row([target], [(each[column] as bigint) + 1n]);
              table = await table.updateRows(eq(column, is), change);
              model = model.map((each) => (matches(each) ? { ...each, ...change(each) } : each));
            } else if (kind === "sql") {
              // SQL has no word for some names; those that it has are meant just so.
              if (column === "" || column.includes("\0")) continue;
              const expression = { sql: `"${column.replaceAll('"', '""')}" + 1` };
              table = await table.updateRows(eq(column, is), Object.fromEntries([[target, expression]]));
              const next = (each: Row) => row([target], [(each[column] as bigint) + 1n]);
              model = model.map((each) => (matches(each) ? { ...each, ...next(each) } : each));
            } else if (kind === "overwrite") {
              const fresh = toRow([is, is, is, is, is, is, is, null]);
              table = await table.overwrite([fresh], { where: eq(column, is) });
              model = [...model.filter((each) => !matches(each)), fresh];
            } else {
              const fresh = toRow([is, is, is, is, is, is, is, is, is, is, is]);
              const keyed = model.filter(matches);
              table = await table.merge([fresh], { on: [column] });
              model =
                keyed.length === 0 ? [...model, fresh] : model.map((each) => (matches(each) ? fresh : each));
            }
          }
          expect(sorted(await read(table))).toEqual(sorted(model));
          for (const name of names) {
            const scan = table.scan({ filter: eq(name, 1n), select: [name] });
            const found = await (await engine.scan(table, scan)).rows();
            expect(found).toEqual(
              model.filter((each) => each[name] === 1n).map((each) => row([name], [each[name] as bigint])),
            );
          }
          for (const name of nested) {
            const member = `${struct0}.${name}`;
            const found = await (await engine.scan(table, table.scan({ filter: eq(member, 1n) }))).rows();
            const inModel = model.filter((each) => (each[struct0] as Row | null)?.[name] === 1n);
            expect(sorted(found)).toEqual(sorted(inModel));
          }
          const inSql = await sql(`select * from ${table.name}`);
          expect(sorted(inSql.map((each) => ({ ...each, [struct0]: null })))).toEqual(
            sorted(model.map((each) => ({ ...each, [struct0]: null }))),
          );
          for (const name of names) {
            if (name === "" || name.includes("\0")) continue;
            const quoted = `"${name.replaceAll('"', '""')}"`;
            const counted = await sql(`select count(*) as n from ${table.name} where ${quoted} = 1`);
            expect(counted).toEqual([{ n: BigInt(model.filter((each) => each[name] === 1n).length) }]);
            const sums = await sql(`select sum(x.${quoted})::BIGINT as n from ${table.name} as x`);
            const present = model.map((each) => each[name]).filter((each) => each !== null) as bigint[];
            expect(sums).toEqual([
              { n: present.length === 0 ? null : present.reduce((sum, each) => sum + each, 0n) },
            ]);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
