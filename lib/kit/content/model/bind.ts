import { nearNames } from "sololakehouse/errors";
import type {
  RecordedCell,
  RecordedFact,
  RecordedFigure,
  RecordedNotebook,
  RecordedTable,
} from "../../notebook/index.js";
import { formatFact } from "../text/format.js";
import { findInsertions, type Insertion, type Modifier, type Problem } from "../text/insertions.js";
import type { Source } from "../text/source.js";
import type { MilestoneContent } from "./inputs.js";

/** An insertion with what it stands for, ready to be written in any channel. */
export type Bound = { readonly insertion: Insertion } & (
  | { readonly kind: "given" | "planned"; readonly text: string }
  | ({ readonly owner: MilestoneContent } & (
      | { readonly kind: "fact"; readonly fact: RecordedFact; readonly text: string }
      | { readonly kind: "figure"; readonly figure: RecordedFigure }
      | { readonly kind: "table"; readonly table: RecordedTable }
      | { readonly kind: "cell"; readonly cell: RecordedCell; readonly show: CellView }
    ))
);

/** Which parts of a cell to show; `lines` are of its code, from 1, both ends included. */
export interface CellView {
  readonly code: boolean;
  readonly output: boolean;
  readonly lines?: readonly [number, number] | undefined;
}

/**
 * Finds what each insertion of a source stands for. A name is looked up in the milestone's own notebook;
 * `m01:rows` in that of another, which a text of no milestone has to say.
 *
 * @returns what resolved, in order, and a problem with its place for each that did not.
 */
export function bind(
  source: Source,
  own: MilestoneContent | undefined,
  all: readonly MilestoneContent[],
): { bound: Bound[]; problems: Problem[] } {
  const { insertions, problems } = findInsertions(source);
  const bound: Bound[] = [];
  for (const insertion of insertions) {
    const result = bindOne(insertion, own, all);
    if (typeof result === "string") problems.push({ place: insertion.place, message: result });
    else bound.push(result);
  }
  problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return { bound, problems };
}

function bindOne(
  insertion: Insertion,
  own: MilestoneContent | undefined,
  all: readonly MilestoneContent[],
): Bound | string {
  const { kind, modifiers } = insertion;
  if (kind === "given") {
    if (modifiers.length > 0) return "given takes no modifier: write the words as they shall read.";
    // A number is not parted from its unit at the end of a line.
    return { kind, insertion, text: insertion.name.replace(/(?<=\d) /g, "\u00A0") };
  }
  if (kind === "planned")
    return modifiers.length > 0 ? "planned takes no modifier." : { kind, insertion, text: "planned" };
  const [, prefix, local] = /^(?:([a-z][a-z0-9-]*):)?(.+)$/.exec(insertion.name) ?? [];
  const owner = prefix ? all.find(({ milestone }) => milestone.id === prefix) : own;
  const name = local ?? insertion.name;
  if (!owner) {
    return prefix === undefined
      ? `"${name}" needs its milestone here: ${kind} "m03:${name}".`
      : `there is no milestone "${prefix}".`;
  }
  const { recorded, milestone } = owner;
  if (!recorded) {
    return `${kind} "${name}" cannot be resolved: the notebook of ${milestone.id} has not run. Run: slh run ${milestone.id}`;
  }
  switch (kind) {
    case "fact": {
      const fact = recorded.facts.get(name);
      if (!fact) return unresolved(kind, name, recorded.facts.keys(), milestone.id);
      const formatted = formatFact(fact, modifiers);
      if ("problem" in formatted) return `fact "${name}": ${formatted.problem}`;
      return { kind, insertion, owner, fact, text: formatted.text };
    }
    case "figure": {
      const figure = recorded.figures.get(name);
      if (!figure) return unresolved(kind, name, recorded.figures.keys(), milestone.id);
      if (modifiers.length > 0) return "figure takes no modifier.";
      return { kind, insertion, owner, figure };
    }
    case "table": {
      const table = recorded.tables.get(name);
      if (!table) return unresolved(kind, name, recorded.tables.keys(), milestone.id);
      const cut = cutTable(table, modifiers);
      return typeof cut === "string" ? cut : { kind, insertion, owner, table: cut };
    }
    case "cell": {
      const cell = recorded.cell(name);
      if (!cell) return unresolved(kind, name, cellNames(recorded), milestone.id);
      const show = cellView(modifiers);
      return typeof show === "string" ? show : { kind, insertion, owner, cell, show };
    }
  }
}

function unresolved(kind: string, name: string, known: Iterable<string>, id: string): string {
  const names = [...known];
  const near = nearNames(name, names, 3);
  const hint =
    near.length > 0
      ? `Did you mean ${near.map((one) => `"${one}"`).join(" or ")}?`
      : names.length > 0
        ? `It records ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", …" : ""}.`
        : `It records no ${kind} at all.`;
  return `the notebook of ${id} records no ${kind} "${name}". ${hint}`;
}

function cellNames(recorded: RecordedNotebook): string[] {
  return [...new Set(recorded.cells.flatMap((cell) => [...cell.tags, cell.ref.id]))];
}

/** `rows 5` keeps the first five; `columns "a, b"` keeps these, by key or label, in this order. */
function cutTable(table: RecordedTable, modifiers: readonly Modifier[]): RecordedTable | string {
  let cut = table;
  for (const { word, args } of modifiers) {
    if (word === "rows" && /^[1-9]\d*$/.test(args[0] ?? "")) {
      cut = { ...cut, rows: cut.rows.slice(0, Number(args[0])) };
    } else if (word === "columns" && args[0]) {
      const wanted = args[0].split(",").map((column) => column.trim());
      const at = wanted.map((column) =>
        cut.columns.findIndex(({ key, label }) => key === column || label === column),
      );
      const missing = wanted.find((_, index) => at[index] === -1);
      if (missing !== undefined) {
        return `table "${table.name}" has no column "${missing}": it has ${cut.columns.map(({ key }) => key).join(", ")}.`;
      }
      cut = {
        ...cut,
        columns: at.flatMap((index) => cut.columns[index] ?? []),
        rows: cut.rows.map((row) => at.map((index) => row[index] ?? null)),
      };
    } else return `"| ${[word, ...args].join(" ")}" is not a modifier of a table: rows N, columns "a, b".`;
  }
  return cut;
}

function cellView(modifiers: readonly Modifier[]): CellView | string {
  let view: CellView = { code: true, output: true };
  for (const { word, args } of modifiers) {
    const [from, to] = args.map(Number);
    if (word === "code") view = { ...view, output: false };
    else if (word === "output") view = { ...view, code: false };
    else if (word === "lines" && from !== undefined && to !== undefined && from >= 1 && to >= from) {
      view = { ...view, lines: [from, to] };
    } else return `"| ${[word, ...args].join(" ")}" is not a modifier of a cell: code, output, lines N M.`;
  }
  return view;
}

/** The code that a view shows. */
export function shownCode(cell: RecordedCell, view: CellView): string {
  const lines = cell.source.replace(/\s+$/, "").split("\n");
  return (view.lines ? lines.slice(view.lines[0] - 1, view.lines[1]) : lines).join("\n");
}

/** A source's body with each insertion replaced. */
export function substitute(
  source: Source,
  bound: readonly Bound[],
  write: (item: Bound, index: number) => string,
): string {
  let text = "";
  let at = source.bodyStart;
  for (const [index, item] of bound.entries()) {
    text += source.text.slice(at, item.insertion.start) + write(item, index);
    at = item.insertion.end;
  }
  return text + source.text.slice(at);
}
