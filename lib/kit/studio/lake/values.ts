import type { QueryResult } from "sololakehouse/query";
import type { SqlResult } from "../contract.js";

/** A value as JSON has it, and as a grid shows it: what JSON cannot hold to its last digit is a text. */
export function plain(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      return value instanceof Date ? value.toISOString() : JSON.stringify(value, inJson);
    default:
      return String(value);
  }
}

const inJson = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? String(value) : value instanceof Uint8Array ? hexOf(value) : value;

const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

export const columnsOf = (schema: QueryResult["schema"]): SqlResult["columns"] =>
  schema.fields.map(({ name, type }) => ({ name, type: String(type) }));
