import { type Cell, type Notebook, solutionsOf } from "./nbformat.js";
import { RECORD_MIME } from "./recorded.js";

/**
 * The tag of bookkeeping: imports, helpers, what records facts, tables and charts. The word is Jupyter Book's and MyST's,
 * which fold such a cell as well.
 */
export const BOOKKEEPING = "hide-input";

/**
 * Whether a cell's code is collapsed until a reader opens it: bookkeeping, solutions, and the code of a prediction, which
 * has its answer in it.
 */
export function isFolded(cell: Pick<Cell, "metadata" | "outputs">): boolean {
  const { tags = [], jupyter } = cell.metadata as Cell["metadata"] & {
    jupyter?: { source_hidden?: unknown };
  };
  const predicts = (cell.outputs ?? []).some(
    (output) => "data" in output && RECORD_MIME.predict in output.data,
  );
  return (
    predicts ||
    tags.includes(BOOKKEEPING) ||
    solutionsOf({ metadata: { tags } }).length > 0 ||
    jupyter?.source_hidden === true
  );
}

/** The notebook with what Jupyter folds by, in each cell that is folded here. */
export function withFolds(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell): Cell => {
    if (cell.cell_type !== "code" || !isFolded(cell)) return cell;
    const jupyter = { ...(cell.metadata.jupyter as object | undefined), source_hidden: true };
    return { ...cell, metadata: { ...cell.metadata, jupyter } };
  });
  return { ...notebook, cells };
}
