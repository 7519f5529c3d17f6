/**
 * The child process that type-checks a notebook without running it: tslab's converter knows which names a cell has
 * from those before it, so what passes here compiles in the kernel. It is stricter than the kernel: as the library.
 * The working directory is the notebook's folder from the start, where the converter looks for modules.
 */
import type { CellDiagnostic } from "../typecheck.js";
import { loadTslab } from "./tslab.js";

export interface TypecheckRequest {
  readonly path: string;
  readonly cells: readonly { readonly id: string; readonly code: boolean; readonly source: string }[];
}

function diagnose({ path, cells }: TypecheckRequest): CellDiagnostic[] {
  const converter = loadTslab({ strict: true }).createConverter();
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
    declarations = declOutput ?? "";
  }
  return [];
}

process.on("message", (request: TypecheckRequest) => {
  process.send?.(diagnose(request), () => process.exit(0));
});
