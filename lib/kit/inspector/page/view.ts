/// <reference lib="dom" />
import { type ColumnReport, columnReports, type FileReport, type RowGroupReport } from "../report.js";
import { bytes, count, element, share, shortened, table } from "./dom.js";
import { type Part, treemap } from "./map.js";

/** The whole of a file, as its footer tells it. `rows` is where the first rows go. */
export function fileView(report: FileReport, rows: HTMLElement): HTMLElement[] {
  const detail = element("div");
  const show = (group: number | undefined) =>
    detail.replaceChildren(
      ...groupView(report, group === undefined ? report.columns : columnReports(report.footer, group), group),
    );
  show(undefined);
  return [
    element("h2", { id: "opened", tabindex: "-1" }, report.name),
    element("p", { class: "lead" }, summary(report)),
    ...(report.rowGroups.length > 1 ? [groupChoice(report.rowGroups, show)] : []),
    detail,
    element("h3", {}, "First rows"),
    rows,
    element("h3", {}, "Row groups"),
    table<RowGroupReport & { readonly index: number }>(
      `Row groups of ${report.name}`,
      [
        { label: "Row group", cell: ({ index }) => count(index + 1) },
        { label: "Rows", number: true, cell: (group) => count(group.rows) },
        { label: "Bytes", number: true, cell: (group) => bytes(group.bytes) },
        { label: "Starts at byte", number: true, cell: (group) => count(group.start) },
      ],
      report.rowGroups.map((group, index) => ({ ...group, index })),
      20,
    ),
    element("h3", {}, "What else the footer says"),
    footerView(report),
  ];
}

function summary({ size, rows, columns, rowGroups, footerBytes }: FileReport): string {
  const several = (number: number | bigint, what: string) =>
    `${count(number)} ${what}${Number(number) === 1 ? "" : "s"}`;
  return `${bytes(size)}: ${several(rows, "row")} in ${several(columns.length, "column")} and ${several(rowGroups.length, "row group")}. The footer, which says all that follows here, takes ${bytes(footerBytes)}.`;
}

function groupChoice(
  groups: readonly RowGroupReport[],
  show: (group: number | undefined) => void,
): HTMLElement {
  const option = (value: string, text: string) => element("option", { value }, text);
  const select = element(
    "select",
    { id: "row-group" },
    option("", `all ${count(groups.length)} row groups`),
    ...groups.map(({ rows }, i) => option(String(i), `row group ${count(i + 1)}: ${count(rows)} rows`)),
  );
  select.addEventListener("change", () => show(select.value === "" ? undefined : Number(select.value)));
  return element("p", {}, element("label", { for: "row-group" }, "Columns of "), select);
}

function groupView(
  report: FileReport,
  columns: readonly ColumnReport[],
  group: number | undefined,
): HTMLElement[] {
  const parts: Part[] = columns.map(({ path, bytes: size, dictionaryBytes }) => ({
    name: path,
    size,
    dictionary: dictionaryBytes,
    kind: "column",
  }));
  if (group === undefined) {
    parts.push({ name: "footer", size: report.footerBytes, dictionary: 0, kind: "footer" });
    parts.push({ name: "indexes, gaps", size: report.otherBytes, dictionary: 0, kind: "other" });
  }
  const whole = parts.reduce((sum, { size }) => sum + size, 0);
  const where = group === undefined ? "the file" : `row group ${group + 1}`;
  return [
    element("h3", {}, "Where the bytes are"),
    treemap(parts, whole),
    legend(),
    columnTable(columns, whole, where),
  ];
}

function legend(): HTMLElement {
  const entry = (kind: string, text: string) =>
    element("li", {}, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text);
  return element(
    "ul",
    { class: "legend" },
    entry("dictionary", "dictionary: the distinct values"),
    entry("column", "the rows: codes, or values"),
    entry("footer", "footer"),
    entry("other", "page indexes, Bloom filters, gaps"),
  );
}

/** Of a bound: a longer one is cut. */
const MOST_CHARACTERS = 48;

/** By size, the dearest first: what the map shows, in numbers. */
function columnTable(columns: readonly ColumnReport[], whole: number, where: string): HTMLElement {
  const none = (text = "not stated") => element("span", { class: "none" }, text);
  // A bound in an order that its file does not define is as good as none (parquet.thrift, ColumnOrder).
  const bound = (text: string | undefined) =>
    text === undefined ? none("none usable") : shortened(text, MOST_CHARACTERS);
  return table<ColumnReport>(
    `Columns of ${where}, the largest first`,
    [
      { label: "Column", cell: ({ path }) => element("code", {}, path) },
      { label: "Bytes", number: true, cell: (column) => bytes(column.bytes) },
      { label: "Share", number: true, cell: (column) => share(column.bytes, whole) },
      {
        label: "Dictionary",
        number: true,
        cell: ({ dictionaryBytes }) => (dictionaryBytes > 0 ? bytes(dictionaryBytes) : "none"),
      },
      { label: "Lower bound", cell: ({ lower }) => bound(lower) },
      { label: "Upper bound", cell: ({ upper }) => bound(upper) },
      { label: "Nulls", number: true, cell: ({ nulls }) => (nulls === undefined ? none() : count(nulls)) },
      { label: "Values", number: true, cell: ({ values }) => count(values) },
      { label: "Type", cell: ({ type }) => type },
      { label: "Encodings", cell: ({ encodings }) => encodings.join(", ") },
      { label: "Codec", cell: ({ codecs }) => codecs.join(", ") },
      { label: "Unpacked", number: true, cell: (column) => bytes(column.uncompressed) },
    ],
    [...columns].sort((a, b) => b.bytes - a.bytes),
  );
}

function footerView({ createdBy, keys, footerBytes, otherBytes }: FileReport): HTMLElement {
  const line = (term: string, ...text: readonly (string | Node)[]) => [
    element("dt", {}, term),
    element("dd", {}, ...text),
  ];
  return element(
    "dl",
    { class: "said" },
    ...line("Written by", createdBy ?? "not stated"),
    ...line("Footer", bytes(footerBytes)),
    ...line("Page indexes, Bloom filters and gaps", bytes(otherBytes)),
    ...keys.flatMap(([key, characters]) =>
      line("Key", element("code", {}, key), `, ${count(characters)} characters`),
    ),
  );
}
