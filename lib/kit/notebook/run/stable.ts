import { isDeepStrictEqual } from "node:util";
import { kitMetadata } from "../file/metadata.js";
import type { Cell, Notebook, Output } from "../file/nbformat.js";
import { RECORD_MIME } from "../file/recorded.js";

/**
 * Keeps the outputs that a cell already had where the new ones differ in nothing but volatile values, so that
 * saving a re-run on another machine changes no line.
 *
 * Volatile is what was recorded with `volatile: true`, and everything in a cell with the tag `volatile`. From the first cell
 * on that has other code than what the old outputs are of, all are new: values may mean something else there.
 */
export function withStableOutputs(executed: Notebook, previous: Notebook): Notebook {
  const before = new Map(previous.cells.map((cell) => [cell.id, cell]));
  const same = sameCode(executed, previous);
  const cells = executed.cells.map((cell): Cell => {
    const old = before.get(cell.id);
    if (!old || !same.has(cell.id)) return cell;
    if (!old.outputs?.length || !sameButVolatile(cell, old)) return cell;
    return { ...cell, outputs: withCount(old.outputs, cell.execution_count ?? null) };
  });
  return { ...executed, cells };
}

/** Code cells before the first one that has changed since the previous outputs were made, by the fingerprints of both. */
function sameCode(executed: Notebook, previous: Notebook): Set<string> {
  const cellsOf = (notebook: Notebook) => kitMetadata(notebook).fingerprint?.cells ?? [];
  const [now, then] = [cellsOf(executed), cellsOf(previous)];
  const changed = now.findIndex((cell, index) => cell !== then[index]);
  return new Set(now.slice(0, changed < 0 ? now.length : changed).map((cell) => cell.split(" ")[0] ?? ""));
}

function sameButVolatile(cell: Cell, old: Cell): boolean {
  if (cell.metadata.tags?.includes("volatile")) return !hasError(cell) && !hasError(old);
  const lasting = ({ outputs = [] }: Cell) =>
    outputs.map((output) => withCount([withoutVolatile(output)], null));
  return isDeepStrictEqual(lasting(cell), lasting(old));
}

const hasError = (cell: Cell): boolean =>
  cell.outputs?.some((output) => output.output_type === "error") ?? false;

/** What remains of an output when a new value is no change: its kind and its name. */
function withoutVolatile(output: Output): Output {
  if (output.output_type !== "display_data") return output;
  for (const mime of Object.values(RECORD_MIME)) {
    const record = output.data[mime] as { name?: string; unit?: string; volatile?: boolean } | undefined;
    if (record?.volatile) return { ...output, data: { [mime]: { name: record.name, unit: record.unit } } };
  }
  return output;
}

const withCount = (outputs: readonly Output[], count: number | null): Output[] =>
  outputs.map((output) =>
    output.output_type === "execute_result" ? { ...output, execution_count: count } : output,
  );
