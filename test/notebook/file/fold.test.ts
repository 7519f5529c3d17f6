import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeNotebook } from "../../../lib/kit/notebook/file/store.js";
import { isFolded, parseNotebook, RECORD_MIME } from "../../../lib/kit/notebook/index.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

test("what is folded on the site is written so that Jupyter folds it too", async () => {
  const path = join(await notebookFolder(), "n.ipynb");
  const bare = notebookOf(
    cell("const lesson = 1;"),
    cell("const book = 1;", { tags: ["hide-input"] }),
    cell("const solved = 1;", { tags: ["solution:x"] }),
    cell('predict("?", { answer: "!" });'),
  );
  const [lesson, book, solved, ask] = bare.cells;
  if (!lesson || !book || !solved || !ask) throw new Error("no cells");
  const data = { [RECORD_MIME.predict]: {} };
  const asked = { ...ask, outputs: [{ output_type: "display_data", data, metadata: {} }] } as const;
  const kept = { ...book, metadata: { ...book.metadata, jupyter: { outputs_hidden: true } } };
  await writeNotebook(path, { ...bare, cells: [lesson, kept, solved, asked] });
  const { cells } = parseNotebook(await readFile(path, "utf8"));
  expect(cells.map(({ metadata }) => metadata.jupyter)).toEqual([
    undefined,
    { outputs_hidden: true, source_hidden: true },
    { source_hidden: true },
    { source_hidden: true },
  ]);
  expect(cells.map(isFolded)).toEqual([false, true, true, true]);
});
