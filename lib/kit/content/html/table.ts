import type { RecordedTable } from "../../notebook/index.js";
import { escapeHtml } from "../text/escape.js";
import { formatValue } from "../text/format.js";

/** A cell of a recorded table as words. A column of numbers with decimals keeps the same number of them. */
export function tableTexts(table: Pick<RecordedTable, "columns" | "rows">): string[][] {
  const digits = table.columns.map((_, index) => columnDigits(table.rows.map((row) => row[index] ?? null)));
  return table.rows.map((row) =>
    row.map((value, index) => formatValue(value, typeof value === "number" ? digits[index] : undefined)),
  );
}

/** Decimals that keep three significant digits of the column's largest number, as few as show the same; none for integers. */
function columnDigits(values: RecordedTable["rows"][number]): number | undefined {
  const numbers = values.filter(
    (value): value is number => typeof value === "number" && Number.isFinite(value),
  );
  if (numbers.length === 0 || numbers.every(Number.isInteger)) return undefined;
  const largest = Math.max(...numbers.map(Math.abs), Number.MIN_VALUE);
  let digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(largest))));
  while (digits > 0 && numbers.every((value) => value.toFixed(digits).endsWith("0"))) digits--;
  return digits;
}

export function columnLabel(column: RecordedTable["columns"][number]): string {
  return column.unit ? `${column.label} (${column.unit})` : column.label;
}

/**
 * A recorded table as HTML: caption, headers, numbers to the right; it scrolls sideways in its own frame.
 *
 * @param source HTML that says where the table comes from, to stand below it.
 */
export function tableHtml(table: RecordedTable, source = ""): string {
  const align = (index: number) => (table.columns[index]?.align === "right" ? ' class="number"' : "");
  const head = table.columns.map(
    (column, index) => `<th scope="col"${align(index)}>${escapeHtml(columnLabel(column))}</th>`,
  );
  const rows = tableTexts(table).map(
    (row) => `<tr>${row.map((cell, index) => `<td${align(index)}>${escapeHtml(cell)}</td>`).join("")}</tr>`,
  );
  const caption = escapeHtml(table.caption ?? "");
  const cut =
    table.totalRows > table.rows.length
      ? `${formatValue(table.rows.length)} of ${formatValue(table.totalRows)} rows`
      : "";
  const below = [cut, source].filter(Boolean).join(" · ");
  return (
    `<figure class="data"><div class="table" role="region" aria-label="${escapeHtml(table.caption ?? table.name)}" tabindex="0"><table>` +
    (caption ? `<caption>${caption}</caption>` : "") +
    `<thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>` +
    `${below ? `<figcaption>${below}</figcaption>` : ""}</figure>`
  );
}
