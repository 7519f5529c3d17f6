import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toPercent } from "../../../lib/kit/notebook/file/percent.js";
import { serializeNotebook, typecheckNotebooks } from "../../../lib/kit/notebook/index.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

test("checks cells in order, as strictly as the library, in notebooks and percent files", async () => {
  const folder = await notebookFolder();
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const good = notebookOf(
    'import { fact } from "@sololakehouse/kit";\nconst name: string | undefined = process.env.NAME;',
    cell("const nonsense: = 1", { type: "markdown" }),
    'const name = "declared anew";\nfact("name", name);',
    "const value = await Promise.resolve(name.length);",
  );
  const wrong = notebookOf(
    "const name: string | undefined = process.env.NAME;",
    "",
    cell("// the kernel lets this pass\n\nname.length", { id: "strict" }),
    "alsoWrong",
  );
  const paths = [
    await write("good.ipynb", serializeNotebook(good)),
    await write("wrong.ipynb", serializeNotebook(wrong)),
    await write("good.ts", toPercent(good)),
    await write("wrong.ts", toPercent(notebookOf('import { fact } from "@sololakehouse/kit"; fact(1, 2);'))),
  ];
  expect(await typecheckNotebooks(paths)).toMatchObject([
    {
      path: paths[1],
      cell: "strict",
      executionCount: 2,
      line: 3,
      column: 1,
      message: "'name' is possibly 'undefined'.",
    },
    { path: paths[3], cell: "c1", executionCount: 1, line: 1, code: 2345 },
  ]);
});

test("tells what the kernel breaks: names of earlier cells in shorthand properties and renaming patterns", async () => {
  const folder = await notebookFolder();
  const earlier = [
    "const schema = 1; const local = 2;",
    "async function timed() { return { value: 1, seconds: 2 }; }",
  ];
  const last = async (...sources: string[]) => {
    const path = join(folder, "traps.ipynb");
    const cells = sources.map((source, i) =>
      cell(source, { id: i === sources.length - 1 ? "last" : `c${i}` }),
    );
    await writeFile(path, serializeNotebook(notebookOf(...earlier, ...cells)));
    return typecheckNotebooks([path]);
  };
  expect(await last("const a = 1;\nconst made = [{ schema }];")).toMatchObject([
    {
      cell: "last",
      executionCount: 3,
      line: 2,
      column: 17,
      message: expect.stringContaining("Write schema: schema."),
    },
  ]);
  expect(await last("const { value: left } = await timed();")).toMatchObject([
    { cell: "last", line: 1, column: 9, message: expect.stringContaining('"value" belongs to a type') },
  ]);
  // One notebook: names of the earlier cells are left alone by all, and the last declares some that would be traps.
  const harmless = [
    "const made = { schema: schema };",
    "const made = (schema: number) => ({ schema });",
    "for (const local of [1]) console.log({ local });",
    "const { length: count } = [1];",
    "let took = 0;\n({ seconds: took } = await timed());",
    "const made = { value: 1, seconds: schema };",
    "const { value, seconds } = await timed();",
  ];
  expect(await last(...harmless)).toEqual([]);
});

test("says what file is no notebook", async () => {
  const folder = await notebookFolder();
  const path = join(folder, "not.ipynb");
  await writeFile(path, "{}");
  await expect(typecheckNotebooks([path])).rejects.toMatchObject({ code: "INVALID_METADATA" });
});
