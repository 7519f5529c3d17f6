import { expect, test } from "vitest";
import type { Notebook, Output } from "../../../lib/kit/notebook/index.js";
import { withStableOutputs } from "../../../lib/kit/notebook/run/stable.js";
import { cell, notebookOf } from "../support/notebooks.js";

/** Cells whose outputs are volatile, after a run: of each cell its code and what it printed. */
function ran(...cells: readonly (readonly [code: string, printed: string])[]): Notebook {
  const notebook = notebookOf(...cells.map(([code]) => cell(code, { tags: ["volatile"] })));
  const outputs = cells.map(([, text]): Output[] => [{ output_type: "stream", name: "stdout", text }]);
  const fingerprint = { cells: cells.map(([code], index) => `c${index + 1} ${code}`) };
  return {
    ...notebook,
    cells: notebook.cells.map((each, index) => ({ ...each, outputs: outputs[index] })),
    metadata: { sololakehouse: { fingerprint } },
  };
}

const printed = ({ cells }: Notebook) =>
  cells.map(({ outputs }) => (outputs?.[0] as { text?: string } | undefined)?.text);

const before = ran(["a", "old"], ["b", "old"], ["c", "old"]);

test("outputs stay where nothing but volatile values differs", () => {
  const after = ran(["a", "new"], ["b", "new"], ["c", "new"]);
  expect(printed(withStableOutputs(after, before))).toEqual(["old", "old", "old"]);
});

test("a cell that has other code has its new outputs, volatile ones too, and so has each one behind it", () => {
  const after = ran(["a", "new"], ["changed", "new"], ["c", "new"]);
  expect(printed(withStableOutputs(after, before))).toEqual(["old", "new", "new"]);
});

test("a cell that has come, or gone, is other code for those behind it", () => {
  const more = ran(["a", "new"], ["b", "new"], ["c", "new"], ["d", "new"]);
  expect(printed(withStableOutputs(more, before))).toEqual(["old", "old", "old", "new"]);
  const fewer = ran(["a", "new"], ["c", "new"]);
  expect(printed(withStableOutputs(fewer, before))).toEqual(["old", "new"]);
});

test("outputs of which nobody knows what they are of are not kept", () => {
  const after = ran(["a", "new"], ["b", "new"], ["c", "new"]);
  expect(printed(withStableOutputs(after, { ...before, metadata: {} }))).toEqual(["new", "new", "new"]);
});
