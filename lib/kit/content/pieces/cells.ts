import { isFolded, type RecordedCell, type RecordedNotebook } from "../../notebook/index.js";

/** Lines of code that a screen shows without scrolling. */
const SCREEN = 30;

/** Lines of bookkeeping that a cell which teaches may carry: more would hide the lesson. */
const CARRIED = 10;

/** Why a cell cannot be read as it stands, for each cell that teaches and is too long. */
export function cellProblems({ cells, notebook }: RecordedNotebook): { id: string; message: string }[] {
  return cells.flatMap((cell) => {
    const { id, index } = cell.ref;
    const raw = notebook.cells[index];
    const message = cell.type === "code" && raw && !isFolded(raw) ? tooLong(cell) : undefined;
    return message === undefined ? [] : [{ id, message }];
  });
}

function tooLong({ source }: RecordedCell): string | undefined {
  const lines = linesOf(source);
  const bookkeeping = statements(source).filter(keepsBooks);
  const carried = bookkeeping.reduce(
    (sum, statement) => sum + linesOf(statement.replace(/`[^`]*`/g, "``")),
    0,
  );
  const fold = 'into a cell of its own with the tag "hide-input"';
  if (carried > CARRIED)
    return `${carried} of its ${lines} lines are bookkeeping (imports, facts, tables, charts): move them ${fold}.`;
  return lines > SCREEN
    ? `it has ${lines} lines, and a screen shows ${SCREEN}: split it, or move what is no lesson ${fold}.`
    : undefined;
}

const linesOf = (text: string): number => text.trim().split("\n").length;

/** The statements of a formatted cell: each begins at the left edge, and what is indented or closes it belongs to it. */
const statements = (source: string): string[] => source.split(/\n(?=[^\s)\]}])/);

/** True for imports, and for calls that record. A query inside such a call is the lesson, so its text is not counted. */
const keepsBooks = (statement: string): boolean =>
  /^(?:import\b|(?:await )?(?:fact|facts|figure|bars|table)\()/.test(statement);
