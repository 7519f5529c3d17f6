import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isFolded } from "../file/fold.js";
import { type Cell, type Notebook, solutionsOf } from "../file/nbformat.js";
import { RECORD_MIME, type RecordedCheck } from "../file/recorded.js";

const MODULE_TAG = /^module:(.+)$/;

const moduleOf = (cell: Cell): string | undefined =>
  (cell.metadata.tags ?? []).map((tag) => MODULE_TAG.exec(tag)?.[1]).find(Boolean);

/**
 * The modules that a notebook leaves to those after it, by path from its folder: its cells with the tag `module:<path>`, in
 * order. The learner's own cell stands in the place of a reference solution whose check it passes.
 */
export function modulesOf({ cells }: Notebook, id: string): ReadonlyMap<string, string> {
  const modules = new Map<string, string>();
  for (const cell of cells) {
    const path = moduleOf(cell);
    if (path === undefined) continue;
    const [exercise] = solutionsOf(cell);
    const { source } = (exercise === undefined ? undefined : solvedBy(cells, exercise)) ?? cell;
    const before =
      modules.get(path) ??
      `// Written by slh run from the cells of ${id} that have the tag module:${path}.\n`;
    modules.set(path, `${before}\n${source.trim()}\n`);
  }
  return modules;
}

/** The learner's cell of an exercise, where its check has passed: the visible code cell before the check. */
function solvedBy(cells: readonly Cell[], exercise: string): Cell | undefined {
  const check = cells.findIndex((cell) =>
    (cell.outputs ?? []).some((output) => {
      const record =
        "data" in output ? (output.data[RECORD_MIME.check] as RecordedCheck | undefined) : undefined;
      return record?.name === exercise && record.state === "solved";
    }),
  );
  return cells.slice(0, Math.max(check, 0)).findLast((cell) => cell.cell_type === "code" && !isFolded(cell));
}

/** Writes a run's modules beside its notebook; one that is the same already stays as it is. */
export async function writeModules(notebook: Notebook, id: string, folder: string): Promise<void> {
  for (const [name, text] of modulesOf(notebook, id)) {
    const path = join(folder, name);
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}
