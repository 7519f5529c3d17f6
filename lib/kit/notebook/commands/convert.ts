import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { invalidConfig, type LakehouseError } from "sololakehouse/errors";
import { count, printJson } from "sololakehouse/terminal";
import { fromPercent, toPercent } from "../file/percent.js";
import { readNotebook, writeNotebook } from "../file/store.js";

/** Prints the notebook as a percent file, or writes it. */
export async function exportNotebook(
  path: string,
  { output, json }: { readonly output?: string; readonly json?: true },
): Promise<void> {
  const notebook = await readNotebook(path);
  if (!notebook) throw missing(path, "Name a milestone that has a notebook: `slh status` lists them.");
  const text = toPercent(notebook);
  const cells = notebook.cells.length;
  if (output !== undefined) await writeFile(output, text);
  if (json) printJson({ notebook: path, cells, ...(output === undefined ? { text } : { output }) });
  else if (output === undefined) process.stdout.write(text);
  else console.log(`${output}  ${count(cells, "cell")}; back with: npx slh notebook import ${output}`);
}

/** Reads a percent file into a notebook, which may be new. */
export async function importNotebook(file: string, path: string, json: boolean): Promise<void> {
  if (!existsSync(file)) throw missing(file, "Write it with `slh notebook export`.");
  const before = await readNotebook(path);
  const notebook = fromPercent(await readFile(file, "utf8"), before);
  await writeNotebook(path, notebook);
  const code = notebook.cells.filter((cell) => cell.cell_type === "code");
  const without = code.filter((cell) => (cell.execution_count ?? null) === null).length;
  if (json) {
    printJson({ notebook: path, cells: notebook.cells.length, toRun: without });
    return;
  }
  const rerun = without > 0 ? `; ${count(without, "code cell")} to run anew` : "";
  console.log(`${basename(path)}  ${count(notebook.cells.length, "cell")} from ${file}${rerun}`);
}

const missing = (path: string, remedy: string): LakehouseError =>
  invalidConfig(path, `There is no file ${path}.`, remedy);
