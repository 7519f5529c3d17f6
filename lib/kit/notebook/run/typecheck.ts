import { fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { notebookFailed } from "../../errors.js";
import { parseNotebook } from "../file/nbformat.js";
import { fromPercent } from "../file/percent.js";
import { builtModule } from "../kernel/built.js";
import type { CellDiagnostic, TypecheckRequest } from "../kernel/typecheck.js";

/**
 * Type-checks the code cells of notebooks and percent files against the built library, without running them. Of
 * each notebook it reports the first cell that does not compile, or that the kernel would break.
 *
 * @throws LakehouseError `INVALID_METADATA` for a file that is no notebook, `NOTEBOOK_FAILED` when the check itself
 *   breaks.
 */
export async function typecheckNotebooks(paths: readonly string[]): Promise<CellDiagnostic[]> {
  const requests = await Promise.all(
    paths.map(async (given): Promise<TypecheckRequest> => {
      const path = resolve(given);
      const text = await readFile(path, "utf8");
      const { cells } = path.endsWith(".ts") ? fromPercent(text) : parseNotebook(text, path);
      return {
        path,
        cells: cells.map(({ id, cell_type, source }) => ({ id, code: cell_type === "code", source })),
      };
    }),
  );
  const found: CellDiagnostic[][] = [];
  // A few at a time: each holds a TypeScript of its own.
  const waiting = [...requests.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      found[next[0]] = await typecheckOne(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  return found.flat();
}

function typecheckOne(request: TypecheckRequest): Promise<CellDiagnostic[]> {
  return new Promise((done, reject) => {
    const child = fork(builtModule("typecheck"), {
      cwd: dirname(request.path),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.on("message", (diagnostics: CellDiagnostic[]) => done(diagnostics));
    child.on("error", reject);
    child.on("close", (code) =>
      reject(
        notebookFailed(
          request.path,
          `The type check of ${request.path} ended with exit code ${code}. ${errors.trim()}`,
          "Install @sololakehouse/kit anew (npm install), or in its checkout run npm run build, and try again.",
        ),
      ),
    );
    child.send(request);
  });
}
