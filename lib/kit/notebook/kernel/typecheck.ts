/**
 * The child process that type-checks a notebook without running it: tslab's converter knows which names a cell has
 * from those before it, so what passes here compiles in the kernel, and what the kernel would break is told. It is
 * stricter than the kernel: as the library.
 * The working directory is the notebook's folder from the start, where the converter looks for modules.
 */
import { loadTslab } from "./tslab.js";

/** One complaint of the type check about a cell. */
export interface CellDiagnostic {
  /** The `.ipynb`, or the percent-format `.ts`. */
  readonly path: string;
  /** The cell's id. */
  readonly cell: string;
  /** The number that the cell has when the notebook runs. */
  readonly executionCount: number;
  /** Both from 1, within the cell. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** TypeScript's number for it: 2322 for a type that does not fit. None for what only the kernel gets wrong. */
  readonly code?: number | undefined;
}

export interface TypecheckRequest {
  readonly path: string;
  readonly cells: readonly { readonly id: string; readonly code: boolean; readonly source: string }[];
}

function diagnose({ path, cells }: TypecheckRequest): CellDiagnostic[] {
  const tslab = loadTslab({ strict: true });
  const converter = tslab.createConverter();
  let declarations = "";
  let count = 0;
  for (const { id, code, source } of cells) {
    if (!code || source.trim() === "") continue;
    count++;
    const { diagnostics, declOutput } = converter.convert(declarations, source);
    // Cells after a broken one lack its names, and would only repeat the trouble.
    if (diagnostics.length > 0) {
      return diagnostics.map(({ start, messageText, code: number }) => ({
        path,
        cell: id,
        executionCount: count,
        line: start.line + 1,
        column: start.character + 1,
        message: messageText,
        code: number,
      }));
    }
    const traps = tslab.traps();
    if (traps.length > 0) {
      return traps.map(({ line, character, message }) => ({
        path,
        cell: id,
        executionCount: count,
        line: line + 1,
        column: character + 1,
        message,
      }));
    }
    declarations = declOutput ?? "";
  }
  return [];
}

process.on("message", (request: TypecheckRequest) => {
  process.send?.(diagnose(request), () => process.exit(0));
});
