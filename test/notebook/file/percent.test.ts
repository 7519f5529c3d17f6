import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromPercent, toPercent } from "../../../lib/kit/notebook/file/percent.js";
import {
  type Cell,
  type Notebook,
  parseNotebook,
  serializeNotebook,
} from "../../../lib/kit/notebook/index.js";
import { runs } from "../../support/runs.js";
import { cell, notebookOf } from "../support/notebooks.js";

const line = fc.oneof(
  fc.constantFrom(
    "",
    "// %%",
    "// %% [markdown]",
    "%%",
    "%% x",
    "// %%%",
    "// ---",
    "//",
    "// ",
    "  const a = 1;",
  ),
  fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\n\r]/g, " ")),
);
const source = fc.array(line, { maxLength: 6 }).map((lines) => lines.join("\n"));
const json = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  {
    maxKeys: 3,
    noNullPrototype: true,
  },
);
const parts = fc.record({
  type: fc.constantFrom("code", "markdown", "raw" as const),
  source,
  metadata: json,
  tags: fc.option(fc.array(fc.stringMatching(/^[\w:"\] ]{1,10}$/), { maxLength: 3 }), { nil: undefined }),
  attached: fc.boolean(),
});
const notebook: fc.Arbitrary<Notebook> = fc
  .record({ cells: fc.array(parts, { maxLength: 6 }), metadata: json })
  .map(({ cells, metadata }) => ({
    cells: cells.map(
      (part, index): Cell => ({
        cell_type: part.type as Cell["cell_type"],
        id: `id-${index}`,
        metadata: { ...part.metadata, ...(part.tags ? { tags: part.tags } : {}) },
        source: part.source,
        ...(part.type === "markdown" && part.attached
          ? { attachments: { "a b.png": { "image/png": "AQ==" } } }
          : {}),
        ...(part.type === "code" ? { execution_count: null, outputs: [] } : {}),
      }),
    ),
    metadata,
    nbformat: 4,
    nbformat_minor: 5,
  }));

describe("the percent format", () => {
  test("loses nothing of any notebook", () => {
    fc.assert(
      fc.property(notebook, (given) => {
        expect(fromPercent(toPercent(given))).toEqual(given);
      }),
      { numRuns: runs(500) },
    );
  });

  test("reads the same from a file with Windows line ends", () => {
    const given = notebookOf("const a = 1;\n\nconst b = 2;", cell("# Title", { type: "markdown" }));
    expect(fromPercent(toPercent(given).replaceAll("\n", "\r\n"))).toEqual(given);
  });

  test("is what people write by hand in other editors too", () => {
    const read = fromPercent("// %%\nconst a = 1;\n// %% [markdown] A title\n// # Hello\n//\n// World\n");
    expect(read.cells.map(({ cell_type, source: text }) => [cell_type, text])).toEqual([
      ["code", "const a = 1;"],
      ["markdown", "# Hello\n\nWorld"],
    ]);
  });

  test("keeps outputs of cells whose code is the same, and drops those of cells that changed", () => {
    const outputs = [{ output_type: "stream", name: "stdout", text: "1\n" }] as const;
    const before = notebookOf("1", "2");
    const ran = {
      ...before,
      cells: before.cells.map((given, index) => ({ ...given, execution_count: index + 1, outputs })),
      metadata: { sololakehouse: { run: { status: "ok" }, datasets: ["airports"] } },
    };
    const read = fromPercent(toPercent(ran).replace("\n2\n", "\n3\n"), ran);
    expect(read.cells.map(({ outputs: kept, execution_count }) => [kept, execution_count])).toEqual([
      [outputs, 1],
      [[], null],
    ]);
    expect(read.metadata).toEqual({ sololakehouse: { datasets: ["airports"], run: { status: "ok" } } });
  });

  test("names the line that it cannot read", () => {
    expect(() => fromPercent("const a = 1;\n")).toThrow("Line 1 cannot be read: code before the first");
    expect(() => fromPercent('// %% id="x\nconst a = 1;')).toThrow(/Line 1 .* not JSON/);
  });
});

describe("the notebook file", () => {
  test("loses nothing of any notebook", () => {
    fc.assert(
      fc.property(notebook, (given) => {
        expect(parseNotebook(serializeNotebook(given))).toEqual(given);
      }),
    );
  });

  test("is written as Jupyter writes it: sorted keys, a space of indent, text as lines", () => {
    const [given] = notebookOf("a\nb").cells as [Cell];
    const ran = { ...given, outputs: [{ output_type: "stream", name: "stdout", text: "1\n2" } as const] };
    expect(serializeNotebook({ ...notebookOf(), cells: [ran] })).toBe(
      '{\n "cells": [\n  {\n   "cell_type": "code",\n   "execution_count": null,\n   "id": "c1",\n   "metadata": {},\n   "outputs": [\n    {\n     "name": "stdout",\n     "output_type": "stream",\n     "text": [\n      "1\\n",\n      "2"\n     ]\n    }\n   ],\n   "source": [\n    "a\\n",\n    "b"\n   ]\n  }\n ],\n "metadata": {},\n "nbformat": 4,\n "nbformat_minor": 5\n}\n',
    );
  });

  test("gives cells of older notebooks an id each", () => {
    const text = JSON.stringify({
      cells: [
        { cell_type: "code", id: "cell-2", source: "1", metadata: {}, outputs: [] },
        { cell_type: "code", source: ["1\n", "2"], metadata: {}, outputs: [] },
      ],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 2,
    });
    const read = parseNotebook(text);
    expect(read.cells.map(({ id }) => id)).toEqual(["cell-2", "cell-2-2"]);
    expect(read.cells[1]?.source).toBe("1\n2");
    expect(read.nbformat_minor).toBe(5);
  });
});
