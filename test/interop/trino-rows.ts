import type { IcebergType, Table } from "../../lib/lakehouse/iceberg/index.js";
import { type Plain, type PlainRow, sorted } from "./plain.js";
import type { TrinoClient } from "./trino-client.js";

/** The rows of a table as Trino reads them, in the form that `ourRows` gives. `from` is its name there, or a query. */
export async function trinoRows(trino: TrinoClient, table: Table, from: string): Promise<PlainRow[]> {
  const { fields } = table.schema;
  // JSON has no whole numbers beyond 53 bits.
  const columns = fields.map(({ name, type }) =>
    type.type === "long" ? `cast("${name}" as varchar) as "${name}"` : `"${name}"`,
  );
  const rows = await trino.query(`select ${columns.join(", ")} from ${from}`);
  return sorted(
    rows.map((row) => Object.fromEntries(fields.map(({ name, type }) => [name, plain(type, row[name])]))),
  );
}

function plain(type: IcebergType, value: unknown): Plain {
  if (value === null || value === undefined) return null;
  switch (type.type) {
    case "long":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "float":
      return typeof value === "number" ? Math.fround(value) : String(value);
    case "timestamp":
    case "timestamp_ns":
      return String(value).replace(" ", "T");
    case "timestamptz":
    case "timestamptz_ns":
      return String(value).replace(" ", "T").replace(/ UTC$/, "+00:00");
    case "fixed":
    case "binary":
      return Buffer.from(String(value), "base64").toString("hex");
    case "list":
      return (value as unknown[]).map((each) => plain(type.element, each));
    case "map":
      return Object.entries(value).map(([key, each]) => [
        type.key.type === "string" ? key : Number(key),
        plain(type.value, each),
      ]);
    case "struct":
      return Object.fromEntries(
        type.fields.map((field, index) => [field.name, plain(field.type, (value as unknown[])[index])]),
      );
    default:
      return value as Plain;
  }
}
