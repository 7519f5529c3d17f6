import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { parseNotebook, recordedIn, serializeNotebook } from "../../lib/kit/notebook/index.js";
import { notebookOf } from "../notebook/support/notebooks.js";
import { python } from "./installed.js";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "slh-jupyter-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("Jupyter runs our notebooks through the kernelspec of slh lab, and records the same", () => {
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, "package.json"), JSON.stringify({ workspaces: [] }));
  mkdirSync(join(root, "milestones"));
  execFileSync(process.execPath, [join(checkout, "lib/lakehouse/bin/slh.js"), "lab", "--no-start"], {
    cwd: root,
  });

  const source = notebookOf(
    'import { fact, figure, table } from "@sololakehouse/kit";\nconst late = async () => ({ value: async () => 41 });',
    "const answer = (await (await late()).value()) + 1;",
    'fact("answer", answer, { unit: "rows" });\nawait table("rows", [{ a: 1 }]);',
    'await figure("bar", { data: { values: [{ a: 1 }] }, mark: "bar", encoding: { x: { field: "a", type: "quantitative" } } }, { alt: "One bar." });',
  );
  const path = join(root, "milestones", "notebook.ipynb");
  const kernelspec = { name: "tslab", display_name: "TypeScript", language: "typescript" };
  writeFileSync(path, serializeNotebook({ ...source, metadata: { kernelspec } }));
  const execute = (...more: string[]) =>
    execFileSync(join(dirname(python), "jupyter"), ["execute", "--inplace", ...more, path], {
      cwd: root,
      env: { ...process.env, JUPYTER_PATH: join(root, ".lake", "jupyter") },
      stdio: "pipe",
    });
  execute();

  const { facts, tables, figures, cells } = recordedIn(parseNotebook(readFileSync(path, "utf8")), path);
  expect(cells.map(({ ref }) => ref.executionCount)).toEqual([1, 2, 3, 4]);
  expect(facts.get("answer")).toMatchObject({ value: 42, unit: "rows" });
  expect(tables.get("rows")?.rows).toEqual([[1]]);
  expect(figures.get("bar")?.svg).toContain('aria-label="One bar."');

  // Errors are errors of their cell, in terms of its lines.
  const failures = {
    "const a = 1;\nconst s: string = a;": {
      ename: "TypeScriptError",
      traceback: [expect.stringContaining("not assignable"), expect.stringContaining("line 2:7")],
    },
    'const f = () => {\n  throw new RangeError("no day");\n};\nf();': {
      ename: "RangeError",
      evalue: "no day",
      traceback: ["RangeError: no day", "    at f (cell [1] line 2)", "    at cell [1] line 4"],
    },
  };
  for (const [code, error] of Object.entries(failures)) {
    writeFileSync(path, serializeNotebook({ ...notebookOf(code), metadata: { kernelspec } }));
    execute("--allow-errors");
    const { cells: ran } = parseNotebook(readFileSync(path, "utf8"));
    expect(ran[0]?.outputs).toEqual([{ output_type: "error", evalue: expect.any(String), ...error }]);
  }
});
