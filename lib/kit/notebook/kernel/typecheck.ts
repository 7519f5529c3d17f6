/**
 * The child process that type-checks notebooks without running them: tslab's converter knows which names a cell has
 * from those before it, so what passes here compiles in the kernel. It is stricter than the kernel: as the library.
 */
import { dirname } from "node:path";
import type { CellDiagnostic } from "../typecheck.js";
import { loadTslab } from "./tslab.js";

export interface TypecheckRequest {
  readonly path: string;
  readonly cells: readonly { readonly id: string; readonly code: boolean; readonly source: string }[];
}

const tslab = loadTslab({ strict: true });

function diagnose({ path, cells }: TypecheckRequest): CellDiagnostic[] {
  // The converter takes the directory in which it is made for the notebook's own.
  process.chdir(dirname(path));
  const converter = tslab.createConverter();
  try {
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
  } finally {
    converter.close();
  }
}

process.on("message", (requests: readonly TypecheckRequest[]) => {
  process.send?.(requests.flatMap(diagnose), () => process.exit(0));
});
