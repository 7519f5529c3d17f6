import { type Column, textOf, type Value } from "./model.js";
import { fromOutput } from "./values.js";

/** A row of a result as text, as `textOf` has the model's. */
export function outputText(row: Record<string, unknown>, columns: readonly Column[]): string {
  const read = columns.map((column): [number, Value] => {
    const value = row[column.name];
    if (column.members === undefined) return [column.id, fromOutput(column.kind, value)];
    if (value === null) return [column.id, null];
    const inner = value as Record<string, unknown>;
    return [
      column.id,
      new Map(column.members.map(({ id, kind, name }) => [id, fromOutput(kind, inner[name])])),
    ];
  });
  return textOf(new Map(read), columns);
}
