import { type KitMetadata, kitMetadata } from "./metadata.js";
import type { Cell, Notebook } from "./nbformat.js";

/** The notebook with the outputs that its cells have in `executed`. */
export function withOutputsOf(notebook: Notebook, executed: Notebook): Notebook {
  const ran = new Map(executed.cells.map((cell) => [cell.id, cell]));
  const cells = notebook.cells.map((cell): Cell => {
    if (cell.cell_type !== "code") return cell;
    const { outputs = [], execution_count = null } = ran.get(cell.id) ?? {};
    return { ...cell, outputs, execution_count };
  });
  return { ...notebook, cells };
}

const KERNEL = {
  kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
  language_info: {
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    file_extension: ".ts",
    mimetype: "text/typescript",
    name: "typescript",
    version: "",
  },
};

/** The notebook with what is known of its run, and the kernel that it needs. */
export function withKitMetadata(notebook: Notebook, added: KitMetadata): Notebook {
  const before = kitMetadata(notebook);
  return {
    ...notebook,
    metadata: { ...KERNEL, ...notebook.metadata, sololakehouse: { ...before, ...added } },
  };
}
