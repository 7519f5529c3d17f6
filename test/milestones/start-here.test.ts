// The tour says how long it takes. This reckons what there is to read; what there is to run is a part of a minute.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { countWords } from "../../lib/kit/content/text/words.js";
import { isFolded, parseNotebook } from "../../lib/kit/notebook/index.js";

const path = fileURLToPath(new URL("../../notebooks/start-here/notebook.ipynb", import.meta.url));

/** Words of prose in a minute, words of code (which one goes through more slowly), and minutes for a prediction. */
const PROSE = 200;
const CODE = 100;
const PREDICTION = 0.5;

test("the tour takes fifteen minutes at most to read, and not much less", () => {
  const { cells } = parseNotebook(readFileSync(path, "utf8"));
  let minutes = 0;
  for (const cell of cells) {
    if (cell.cell_type !== "code") {
      minutes += countWords(cell.source) / PROSE;
      continue;
    }
    if (/^\s*predict\(/m.test(cell.source)) minutes += PREDICTION;
    if (!isFolded(cell)) minutes += (cell.source.match(/\w+/g) ?? []).length / CODE;
    for (const output of cell.outputs ?? []) {
      const text =
        "data" in output ? String(output.data["text/plain"] ?? "") : "text" in output ? output.text : "";
      minutes += countWords(text) / PROSE;
    }
  }
  expect(minutes).toBeGreaterThan(10);
  expect(minutes).toBeLessThan(15);
});
