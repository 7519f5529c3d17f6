import { afterAll, beforeAll } from "vitest";
import type { Table } from "../../../lib/lakehouse/iceberg/index.js";
import { AdoptedTables, field, schemaOf } from "./adopted-tables.js";
export let tables: AdoptedTables;
beforeAll(async () => {
  tables = await AdoptedTables.open();
});
afterAll(() => tables.close());

export const simple = schemaOf(field(1, "id", "long"), field(2, "name", "string"));
export const two = [
  { id: 1, name: "a" },
  { id: 2, name: "b" },
];
export const filled = async (): Promise<Table> =>
  (await tables.create(simple)).append(two.map((row) => ({ ...row, id: BigInt(row.id) })));
export const folderOf = (table: Table) => table.location.slice("file://".length);
