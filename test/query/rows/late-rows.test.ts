import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  defineSchema,
  int,
  locateById,
  string,
  type Table,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { catalog, engine, newName } from "../support/lake.js";

/*
 * Rows that were written for a table as it was, and come to it when its columns are others. They are there as if they had come
 * before the change, which a second table shows where they do come before; or they are refused.
 */

const SCHEMA = defineSchema({ a: int().optional(), b: string().optional() });
const LATE = { a: 1, b: null };
/** What a table is replaced by: with both columns, one of them, one of another type, and none. */
const OTHERS = [
  defineSchema({ b: string().optional(), a: int().optional(), c: int().optional() }),
  defineSchema({ a: int().optional() }),
  defineSchema({ a: string().optional(), b: string().optional() }),
  defineSchema({ e: int().optional() }),
];

const name = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), name }),
  fc.record({ kind: fc.constant("drop" as const), name }),
  fc.record({ kind: fc.constant("rename" as const), name, to: name }),
  fc.record({ kind: fc.constant("require" as const), name }),
  fc.record({ kind: fc.constant("widen" as const) }),
  fc.record({ kind: fc.constant("write" as const) }),
  fc.record({ kind: fc.constant("replace" as const), by: fc.constantFrom(...OTHERS) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The update of a step, if the table is such that it can be made. */
function updateOf({ schema }: Table, each: Step): UpdateSchema | undefined {
  const has = (column: string) => schema.fields.some((field) => field.name === column);
  switch (each.kind) {
    case "add":
      return has(each.name) ? undefined : new UpdateSchema().addColumn(each.name, string().optional());
    case "drop":
      if (!has(each.name) || schema.fields.length === 1) return undefined;
      return new UpdateSchema().dropColumn(each.name);
    case "rename":
      if (!has(each.name) || has(each.to)) return undefined;
      return new UpdateSchema().renameColumn(each.name, each.to);
    case "require":
      if (!has(each.name)) return undefined;
      return new UpdateSchema({ allowIncompatibleChanges: true }).makeRequired(each.name);
    case "widen": {
      const column = schema.fields.find(({ type }) => type.type === "int");
      return column && new UpdateSchema().updateType(column.name, { type: "long" });
    }
    default:
      return undefined;
  }
}

async function take(table: Table, each: Step): Promise<Table> {
  if (each.kind === "replace") return table.replace<Record<string, unknown>>({ schema: each.by }, []);
  if (each.kind === "write") {
    // One row without a value, where there may be none.
    const isFree = table.schema.fields.every(({ required }) => !required);
    return isFree
      ? table.append([Object.fromEntries(table.schema.fields.map((field) => [field.name, null]))])
      : table;
  }
  const update = updateOf(table, each);
  return update === undefined ? table : table.update([update]);
}

const rowsOf = async (table: Table) =>
  (await (await engine.scan(table, table.scan())).rows()).map((row) =>
    JSON.stringify(row, (_, value) => (typeof value === "bigint" ? Number(value) : value)),
  );

test("rows that come late are there as if they had come in time, or are refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), fc.boolean(), async (steps, isEmpty) => {
      const make = async (): Promise<Table> => {
        const made = (await catalog.createTable(newName(), { schema: SCHEMA })).withEngine(engine) as Table;
        return isEmpty ? made : made.append([{ a: 0, b: "there" }]);
      };
      const [then, early] = [await make(), await make()];
      let [late, inTime] = [then, await early.append([LATE])];
      for (const each of steps) [late, inTime] = [await take(late, each), await take(inTime, each)];
      const has = (...kinds: Step["kind"][]) => steps.some(({ kind }) => kinds.includes(kind));
      const after = await then.append([LATE]).catch((error: unknown) => {
        if (isLakehouseError(error, "COMMIT_CONFLICT") && has("replace", "require", "drop")) return undefined;
        throw error;
      });
      if (after === undefined) return;
      const rows = await rowsOf(after);
      const [a, b] = SCHEMA.fields.map(({ id }) => locateById(after.schema, id)?.name);
      // The only value that the row has.
      expect(after.schema.fields.filter((field) => field.required && field.name !== a)).toEqual([]);
      if (has("replace")) {
        // Behind what took the table's place, the row has both of its columns.
        expect(b).toBeDefined();
        expect(rows.map((row) => JSON.parse(row)[a ?? ""])).toContain(LATE.a);
      } else expect(rows.toSorted()).toEqual((await rowsOf(inTime)).toSorted());
    }),
    { numRuns: runs(12) },
  );
});
