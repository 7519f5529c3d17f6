/** Tables for people: as wide as their cells, cut where a terminal ends, safe to print. */

import { printable, widthOf } from "../../terminal/index.js";

/** A column of a table. */
export interface TextColumn {
  readonly name: string;
  /** Whether it stands to the right, as numbers do. */
  readonly right: boolean;
}

/** A row, cell by cell; null where the value is null. */
type TextRow = readonly (string | null)[];

export const SHOWN_ROWS = 40;

/** Characters of a cell, at most; a result for people is for reading, and the other formats have it all. */
const MAX_CELL = 60;

/** Narrower than this no column is cut: then columns are left out. */
const MIN_CUT = 8;

/** Rows that decide how wide columns are. */
const SAMPLE_ROWS = 1000;

const GAP = "  ";

/**
 * A table in pieces: its widths are those of the first rows, and it goes out as batches come.
 *
 * @param rowsOf the rows of a batch.
 */
export async function* tableChunks<Batch extends { readonly numRows: number }>(
  columns: readonly TextColumn[],
  batches: AsyncIterable<Batch>,
  rowsOf: (batch: Batch) => Iterable<TextRow>,
  {
    maxRows = SHOWN_ROWS,
    width,
  }: { readonly maxRows?: number | undefined; readonly width?: number | undefined },
): AsyncGenerator<string, void, undefined> {
  const sampled = Math.min(SAMPLE_ROWS, maxRows);
  let rows: TextRow[] = [];
  let layout: Layout | undefined;
  let taken = 0;
  let total = 0;
  const flush = (): string => {
    const header = layout === undefined;
    layout ??= layOut(columns, rows, width);
    const lines = rows.map(layout.line);
    rows = [];
    return `${[...(header ? layout.header : []), ...lines].join("\n")}\n`;
  };
  for await (const batch of batches) {
    total += batch.numRows;
    if (taken >= maxRows) continue;
    for (const row of rowsOf(batch)) {
      rows.push(row);
      if (++taken >= maxRows) break;
      if (rows.length >= SAMPLE_ROWS) yield flush();
    }
    if (rows.length > 0 && taken >= sampled) yield flush();
  }
  if (layout === undefined || rows.length > 0) yield flush();
  yield note(taken, total, columns.length, layout?.shown ?? columns.length);
}

/** A table whose rows are all there. @param total of how many rows they are the first; `undefined` where nobody knows. */
export function tableText(
  columns: readonly TextColumn[],
  rows: readonly TextRow[],
  total: number | undefined,
): string {
  const { header, line } = layOut(columns, rows, undefined);
  return `${[...header, ...rows.map(line)].join("\n")}\n${note(rows.length, total, 0, 0)}`;
}

function note(shown: number, total: number | undefined, columns: number, shownColumns: number): string {
  const first = `the first ${shown.toLocaleString("en-US")}`;
  const parts: string[] = [];
  if (total === undefined) parts.push(`${first} rows`);
  else {
    parts.push(`${total.toLocaleString("en-US")} ${total === 1 ? "row" : "rows"}`);
    if (total > shown) parts.push(`${first} shown`);
  }
  if (shownColumns < columns)
    parts.push(`${shownColumns.toLocaleString("en-US")} of ${columns.toLocaleString("en-US")} columns shown`);
  return `(${parts.join(", ")})\n`;
}

interface Layout {
  readonly header: readonly [string, string];
  readonly line: (row: TextRow) => string;
  /** Columns of the table that are in it. */
  readonly shown: number;
}

/** @param rows those that decide how wide columns are. */
function layOut(columns: readonly TextColumn[], rows: readonly TextRow[], limit: number | undefined): Layout {
  const names = columns.map(({ name }) => cellText(name));
  const wanted = names.map((name, i) => {
    let widest = Math.min(MAX_CELL, widthOf(name));
    for (const row of rows) widest = Math.max(widest, Math.min(MAX_CELL, widthOf(valueText(row[i] ?? null))));
    return widest;
  });
  const cap = limit === undefined ? MAX_CELL : widestThatFits(wanted, limit);
  const widths = wanted.map((size) => Math.min(size, cap));
  const [head, tail] = limit === undefined ? [widths.length, widths.length] : columnsThatFit(widths, limit);
  const cell = (text: string, i: number): string =>
    // Where there is no limit, later rows may be wider than those that were looked at.
    pad(
      cut(text, limit === undefined ? MAX_CELL : (widths[i] ?? 0)),
      widths[i] ?? 0,
      columns[i]?.right ?? false,
    );
  const join = (cells: (i: number) => string, gap: string): string => {
    const parts: string[] = [];
    for (let i = 0; i < head; i++) parts.push(cells(i));
    if (tail > head) parts.push(gap);
    for (let i = tail; i < widths.length; i++) parts.push(cells(i));
    return parts.join(GAP).trimEnd();
  };
  return {
    header: [join((i) => cell(names[i] ?? "", i), "…"), join((i) => "─".repeat(widths[i] ?? 0), "─")],
    line: (row) => join((i) => cell(valueText(row[i] ?? null), i), "…"),
    shown: head + widths.length - tail,
  };
}

/** The widest that cells may be so that all columns fit; `MIN_CUT` where they do not. */
function widestThatFits(widths: readonly number[], limit: number): number {
  const room = limit - GAP.length * (widths.length - 1);
  for (let cap = MAX_CELL; cap > MIN_CUT; cap--) {
    if (widths.reduce((sum, size) => sum + Math.min(size, cap), 0) <= room) return cap;
  }
  return MIN_CUT;
}

/** Columns before a gap, and the first one after it, taken in turns from both ends; at least one is shown. */
function columnsThatFit(widths: readonly number[], limit: number): readonly [head: number, tail: number] {
  const all = widths.reduce((sum, size) => sum + size + GAP.length, -GAP.length);
  if (all <= limit || widths.length <= 1) return [widths.length, widths.length];
  let head = 1;
  let tail = widths.length;
  let used = (widths[0] ?? 0) + GAP.length + 1;
  for (;;) {
    const fromHead = head <= widths.length - tail;
    used += GAP.length + (widths[fromHead ? head : tail - 1] ?? 0);
    if (used > limit || head + 1 >= tail) return [head, tail];
    if (fromHead) head++;
    else tail--;
  }
}

function valueText(value: string | null): string {
  return value === null ? "NULL" : cellText(value);
}

const PLAIN = /^[ -~]*$/;

/**
 * Text on one line, that tells the terminal nothing: control characters and changes of direction are shown. Timestamps
 * read better with a space, and without a fraction that says nothing.
 */
function cellText(value: string): string {
  if (!PLAIN.test(value)) return printable(value.replace(/[\r\n\t]+/g, " "));
  const timestamp = /^(-?\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(\+00:00)?$/.exec(value);
  if (!timestamp) return value;
  const [, date, time, fraction = "", zone = ""] = timestamp;
  return `${date} ${time}${/^\.0+$/.test(fraction) ? "" : fraction}${zone}`;
}

/** @param size columns of a terminal. */
function cut(text: string, size: number): string {
  if (text.length <= size && PLAIN.test(text)) return text;
  if (widthOf(text) <= size) return text;
  let kept = "";
  let room = size - 1;
  for (const character of text) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

function pad(text: string, size: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, size - widthOf(text)));
  return right ? space + text : text + space;
}
