import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { Cell, Notebook } from "../../../lib/kit/notebook/index.js";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** An empty folder from which cells find the packages of this project. */
export async function notebookFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "slh-notebook-"));
  folders.push(folder);
  await symlink(
    fileURLToPath(new URL("../../../node_modules", import.meta.url)),
    join(folder, "node_modules"),
  );
  await writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages: {} }));
  return folder;
}

export interface CellInit {
  readonly type?: Cell["cell_type"];
  readonly tags?: readonly string[];
  readonly id?: string;
}

export const cell = (source: string, { type = "code", tags, id }: CellInit = {}) => ({
  source,
  type,
  tags,
  id,
});

/** A notebook from the sources of its cells: plain text is code. */
export function notebookOf(...cells: (string | ReturnType<typeof cell>)[]): Notebook {
  return {
    cells: cells.map((given, index): Cell => {
      const { source, type, tags, id } = typeof given === "string" ? cell(given) : given;
      return {
        cell_type: type,
        id: id ?? `c${index + 1}`,
        metadata: tags ? { tags } : {},
        source,
        ...(type === "code" ? { execution_count: null, outputs: [] } : {}),
      };
    }),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
}
