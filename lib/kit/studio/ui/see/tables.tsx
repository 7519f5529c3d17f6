import type { LakeTable } from "../../contract.js";
import { bytes, count } from "../base/figures.js";

interface TablesProps {
  readonly tables: readonly LakeTable[];
  readonly onOpen: (name: string) => void;
}

const figure = (value: string | undefined) => (value === undefined ? "" : count(value));

/** The tables of a branch: rows, files and bytes, each with a bar of its share of the largest. */
export function Tables({ tables, onOpen }: TablesProps) {
  const largest = Math.max(1, ...tables.map((table) => Number(table.bytes ?? 0)));
  return (
    <section>
      <h3>Tables</h3>
      {tables.length === 0 ? (
        <p class="none">This branch has no table.</p>
      ) : (
        <table class="lake-tables">
          <thead>
            <tr>
              {["table", "rows", "files", "size"].map((head) => (
                <th key={head} scope="col" class={head === "table" ? "" : "right"}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {tables.map((table) => (
              <tr key={table.name}>
                <td>
                  <button type="button" class="link" onClick={() => onOpen(table.name)}>
                    {table.name}
                  </button>
                  {table.trouble && <p class="trouble">{table.trouble}</p>}
                </td>
                <td class="right">{figure(table.rows)}</td>
                <td class="right">{figure(table.files)}</td>
                <td class="right sized">
                  {table.bytes === undefined ? "" : bytes(Number(table.bytes))}
                  <span
                    class="share"
                    aria-hidden="true"
                    style={{ width: `${(100 * Number(table.bytes ?? 0)) / largest}%` }}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
