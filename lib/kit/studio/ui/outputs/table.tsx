import { count } from "../base/figures.js";
import { scrolls } from "../base/scrolls.js";
import type { Records } from "../notebook/records.js";

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number")
    return value.toLocaleString("en-US", { maximumFractionDigits: 6, useGrouping: true });
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

interface GridProps {
  readonly label: string;
  readonly columns: readonly { readonly label: string; readonly align: "left" | "right" }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly caption?: string | undefined;
  readonly foot?: string | undefined;
}

/** Rows as a table that scrolls in its own box, the numbers to the right. */
export function Grid({ label, columns, rows, caption, foot }: GridProps) {
  return (
    <>
      <div class="table" {...scrolls(label)}>
        <table>
          {caption && <caption>{caption}</caption>}
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={index} scope="col" class={column.align}>
                  {column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {row.map((value, at) => (
                  <td key={at} class={`${columns[at]?.align ?? "left"}${value === null ? " null" : ""}`}>
                    {shown(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {foot && <p class="foot">{foot}</p>}
    </>
  );
}

export function RecordedTableView({ table }: { readonly table: Records["table"] }) {
  const left = table.totalRows - table.rows.length;
  return (
    <div class="output">
      <Grid
        label={table.caption ?? table.name}
        caption={table.caption}
        columns={table.columns.map(({ label, unit, align }) => ({
          label: unit ? `${label} (${unit})` : label,
          align,
        }))}
        rows={table.rows}
        foot={left > 0 ? `${count(left)} more ${left === 1 ? "row" : "rows"}` : undefined}
      />
    </div>
  );
}
