import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runNotebook } from "../../../lib/kit/notebook/index.js";
import { notebookFolder, notebookOf } from "../support/notebooks.js";

async function run(cells: Parameters<typeof notebookOf>, files: Readonly<Record<string, string>> = {}) {
  const folder = await notebookFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { failure, notebook } = await runNotebook(notebookOf(...cells), { folder, root: folder });
  const shown = notebook.cells.map(({ outputs = [] }) =>
    outputs.map((output) =>
      "data" in output ? output.data["text/plain"] : "text" in output ? output.text : output.ename,
    ),
  );
  return { failure, shown };
}

describe("a notebook of one's own", () => {
  test("imports modules beside it under each of their names, and may export what it declares", async () => {
    const helper =
      "export interface Pair { a: number }\nexport const twice = ({ a }: Pair): number => a * 2;\n";
    const { failure, shown } = await run(
      [
        'import { twice } from "./helper.ts";\nimport type { Pair } from "./helper.js";\nconst pair: Pair = { a: 2 };',
        'twice(pair) + (await import("./helper.ts")).twice({ a: 1 })',
        "export const x = 1;\nexport function next(): number { return x + 1; }\nexport interface Row { b: number }\nexport { x as y };",
        "const row: Row = { b: next() }; row",
        "const text = `\nexport const kept = 1;\n`; text.trim()",
        "export default row.b",
      ],
      { "helper.ts": helper },
    );
    expect(failure).toBeUndefined();
    expect(shown).toEqual([[], ["6"], [], ["{ b: 2 }"], ["export const kept = 1;"], ["2"]]);
  });

  test("shows values without a trace of how they were shown", async () => {
    const { shown } = await run([
      "Promise.resolve(1)",
      "console.log([Promise.resolve({ a: 1 })], new Map([[1, Promise.resolve(2)]]));",
      "setTimeout(() => {}, 1)",
    ]);
    expect(shown.slice(0, 2)).toEqual([
      ["Promise { 1 }"],
      ["[ Promise { { a: 1 } } ] Map(1) { 1 => Promise { 2 } }\n"],
    ]);
    expect(shown[2]?.[0]).not.toMatch(/kResourceStore/);
  });

  test.each([
    'import { createInterface } from "node:readline/promises"; await createInterface({ input: process.stdin }).question("Name? ");',
    "for await (const line of process.stdin) console.log(line);",
    'process.stdin.on("data", console.log); await new Promise(() => { setInterval(() => {}, 1000) });',
  ])("fails at once where it waits for input: %s", async (code) => {
    const { failure } = await run([code]);
    expect(failure).toMatchObject({ name: "NoInput", message: expect.stringContaining("no keyboard") });
  });

  test("fails where a name is recorded twice, with both places", async () => {
    const { failure, shown } = await run([
      'import { fact } from "@sololakehouse/kit"; fact("a", 1);',
      'fact("b", 1); fact("a", 2);',
      "1",
    ]);
    expect(failure).toMatchObject({
      name: "RecordedTwice",
      cell: { index: 1 },
      message:
        'The fact "a" is recorded in cell [1] (c1) and again in cell [2] (c2). Give one of them another name.',
    });
    expect(shown[2]).toEqual([]);
  });
});
