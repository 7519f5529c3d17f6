import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Notebook, serializeNotebook } from "../../lib/kit/notebook/index.js";
import { cell, notebookOf } from "../notebook/support/notebooks.js";
import { NOTEBOOK, studio } from "./support/studio.js";

const withSource = (notebook: Notebook, source: string): Notebook => ({
  ...notebook,
  cells: notebook.cells.map((each, index) => (index === 0 ? { ...each, source } : each)),
});
const output = { output_type: "stream", name: "stdout", text: "1\n" } as const;
const ran = (notebook: Notebook): Notebook => ({
  ...notebook,
  cells: notebook.cells.map((each) =>
    each.cell_type === "code" ? { ...each, outputs: [output], execution_count: 1 } : each,
  ),
});

test("an edit goes to the working copy, and to the committed notebook when it is kept", async () => {
  const before = ran(notebookOf("const a = 1;", cell("# Text", { type: "markdown" }), "a;"));
  const { ask, root } = await studio(before);
  const { json: first } = await ask("GET", "/studio/notebooks/m01");
  expect(first).toMatchObject({ isWorkingCopy: false, isBehind: false, notebook: before });

  const edited = ran(withSource(before, "const a = 2;"));
  const saved = await ask("PUT", "/studio/notebooks/m01", { notebook: edited, etag: first.etag });
  expect(saved.status).toBe(200);
  expect(await readFile(join(root, NOTEBOOK), "utf8")).toBe(serializeNotebook(before));
  const { json: copy } = await ask("GET", "/studio/notebooks/m01");
  expect(copy).toMatchObject({
    isWorkingCopy: true,
    isBehind: false,
    notebook: edited,
    etag: saved.json.etag,
  });
  expect((await ask("GET", "/studio/milestones")).json).toMatchObject([{ id: "m01", isEdited: true }]);

  const kept = await ask("POST", "/studio/keep", { milestone: "m01", etag: saved.json.etag });
  expect(kept.json).toMatchObject({ isWorkingCopy: false });
  // The outputs of stepping are not those of a run: where the code is another, there are none.
  const [changed, , same] = edited.cells;
  expect(JSON.parse(await readFile(join(root, NOTEBOOK), "utf8")).cells).toMatchObject([
    { source: [changed?.source], outputs: [], execution_count: null },
    { source: ["# Text"] },
    { source: [same?.source], outputs: [{ text: ["1\n"] }], execution_count: 1 },
  ]);
});

test("of two tabs the second is told, and nothing of the first is lost", async () => {
  const { ask } = await studio(notebookOf("1"));
  const { json: seen } = await ask("GET", "/studio/notebooks/m01");
  const change = (source: string) =>
    ask("PUT", "/studio/notebooks/m01", { notebook: withSource(seen.notebook, source), etag: seen.etag });
  // At the very same time, too.
  const answers = await Promise.all(["2", "3", "4"].map(change));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  const winner = answers.findIndex(({ status }) => status === 200);
  for (const { json } of answers.filter(({ status }) => status === 409))
    expect(json).toMatchObject({
      code: "WORKING_COPY_CHANGED",
      current: { isWorkingCopy: true, notebook: { cells: [{ source: ["2", "3", "4"][winner] }] } },
    });
  for (const path of ["/studio/keep", "/studio/discard"])
    expect((await ask("POST", path, { milestone: "m01", etag: seen.etag })).status).toBe(409);
});

test("a committed notebook that has changed meanwhile is not overwritten unasked", async () => {
  const before = notebookOf("1");
  const { ask, root } = await studio(before);
  const { json: seen } = await ask("GET", "/studio/notebooks/m01");
  const { json: saved } = await ask("PUT", "/studio/notebooks/m01", {
    notebook: withSource(before, "2"),
    etag: seen.etag,
  });
  const pulled = serializeNotebook(withSource(before, "3"));
  await writeFile(join(root, NOTEBOOK), pulled);
  expect((await ask("GET", "/studio/notebooks/m01")).json).toMatchObject({ isBehind: true });
  const refused = await ask("POST", "/studio/keep", { milestone: "m01", etag: saved.etag });
  expect([refused.status, refused.json.code]).toEqual([409, "COMMITTED_CHANGED"]);
  expect(await readFile(join(root, NOTEBOOK), "utf8")).toBe(pulled);
  const kept = await ask("POST", "/studio/keep", { milestone: "m01", etag: saved.etag, overwrite: true });
  expect(kept.json.notebook.cells[0].source).toBe("2");
});

test("a file goes in and out without loss", async () => {
  const { ask } = await studio(notebookOf("1"));
  const strange = {
    cells: [
      {
        attachments: { "a.png": { "image/png": "AAAA" } },
        cell_type: "markdown",
        id: "m",
        metadata: { tags: ["x"], vscode: { languageId: "markdown" } },
        source: ["one\n", "\n", "two"],
      },
      { cell_type: "raw", id: "r", metadata: { format: "text/html" }, source: [] },
      {
        cell_type: "code",
        execution_count: 7,
        id: "c",
        metadata: { collapsed: true },
        outputs: [
          {
            data: { "application/vnd.vegalite.v5+json": { mark: "bar" }, "text/plain": ["a\n", "b"] },
            metadata: { isolated: true },
            output_type: "display_data",
          },
          { ename: "E", evalue: "v", output_type: "error", traceback: ["\u001b[31mred"] },
        ],
        source: ["let x = `\n", "`"],
      },
    ],
    metadata: { kernelspec: { name: "tslab" }, mine: [1, { deep: null }] },
    nbformat: 4,
    nbformat_minor: 5,
  };
  expect((await ask("PUT", "/studio/notebooks/m01/file", strange)).status).toBe(200);
  const { text, headers } = await ask("GET", "/studio/notebooks/m01/file");
  expect(JSON.parse(text)).toEqual(strange);
  expect(headers["content-disposition"]).toBe('attachment; filename="m01.ipynb"');
  expect((await ask("PUT", "/studio/notebooks/m01/file", { cells: 1 })).status).toBe(400);
  expect((await ask("GET", "/studio/notebooks/nothing")).status).toBe(400);
});

test("by Jupyter's protocol nothing of the project is written, moved or deleted", async () => {
  const before = notebookOf("1");
  const { bare, token, root, ask } = await studio(before);
  const headers = { authorization: `token ${token}` };
  const contents = (method: string, path: string, body?: unknown) =>
    bare(method, `/api/contents/${path}`, headers, body);
  const { json: read } = await contents("GET", NOTEBOOK);
  expect(read).toMatchObject({ type: "notebook", format: "json", path: NOTEBOOK, writable: true });
  read.content.cells[0].source = "5";
  expect((await contents("PUT", NOTEBOOK, { type: "notebook", content: read.content })).status).toBe(200);
  expect((await ask("GET", "/studio/notebooks/m01")).json.notebook.cells[0].source).toBe("5");
  expect((await contents("GET", NOTEBOOK)).json.content.cells[0].source).toEqual(["5"]);

  const manifest = await readFile(join(root, "package.json"), "utf8");
  expect(
    (await contents("PUT", "package.json", { type: "file", format: "text", content: "{}" })).status,
  ).toBe(200);
  expect((await contents("GET", "package.json")).json.content).toBe("{}");
  expect(await readFile(join(root, "package.json"), "utf8")).toBe(manifest);
  expect((await contents("DELETE", NOTEBOOK)).status).toBe(403);
  expect((await contents("PATCH", NOTEBOOK, { path: "a.ipynb" })).status).toBe(403);
  expect(await readFile(join(root, NOTEBOOK), "utf8")).toBe(serializeNotebook(before));

  const made = await contents("POST", "milestones", { type: "notebook" });
  expect([made.status, made.json.path]).toEqual([201, "milestones/Untitled.ipynb"]);
  expect((await contents("POST", "milestones", { type: "notebook" })).json.name).toBe("Untitled1.ipynb");
  expect((await contents("PATCH", made.json.path, { path: NOTEBOOK })).status).toBe(409);
  expect((await contents("PATCH", made.json.path, { path: "milestones/mine.ipynb" })).json.name).toBe(
    "mine.ipynb",
  );
  const names = (await contents("GET", "milestones")).json.content.map(({ name }: { name: string }) => name);
  expect(names).toEqual(["Untitled1.ipynb", "m01-one", "mine.ipynb"]);
  expect((await contents("DELETE", "milestones/mine.ipynb")).status).toBe(204);
  expect((await contents("GET", "milestones/mine.ipynb")).status).toBe(404);
});

test("progress adds up, and a prediction is the first one", async () => {
  const { ask } = await studio(notebookOf("1"));
  const add = (body: object) => ask("POST", "/studio/progress/m01", body);
  await Promise.all([
    add({ ran: ["a"] }),
    add({ ran: ["b", "a"] }),
    add({ prediction: { name: "p", choice: "x" } }),
    add({ exercise: { name: "e", state: "solved" } }),
  ]);
  await add({ prediction: { name: "p", choice: "y" }, exercise: { name: "e", state: "failing" }, cell: "b" });
  const { json } = await ask("GET", "/studio/progress");
  expect(json.m01).toMatchObject({
    predictions: { p: { choice: "x" } },
    exercises: { e: "solved" },
    // Of two requests at once, either may come first.
    ran: expect.toSatisfy((ran: string[]) => ran.toSorted().join() === "a,b"),
    cell: "b",
  });
});
