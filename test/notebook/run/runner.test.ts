import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Output,
  type RunOptions,
  type RunProgress,
  recordedIn,
  runNotebook,
} from "../../../lib/kit/notebook/index.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

async function run(cells: Parameters<typeof notebookOf>, options: Partial<RunOptions> = {}) {
  const folder = await notebookFolder();
  const result = await runNotebook(notebookOf(...cells), { folder, root: folder, ...options });
  const outputs = result.notebook.cells.map((ran) => ran.outputs ?? []);
  return { ...result, outputs, recorded: recordedIn(result.notebook, folder) };
}

const stream = (name: "stdout" | "stderr", text: string): Output => ({ output_type: "stream", name, text });
const tracebackOf = (outputs: readonly Output[] = []) =>
  outputs.flatMap((output) =>
    output.output_type === "error" ? output.traceback.map((line) => line.trim()) : [],
  );
const errorsIn = (outputs: readonly Output[]) => outputs.filter((output) => output.output_type === "error");

describe("a notebook that runs", () => {
  // One notebook for all, since a kernel is slow to start. Each section is looked at by a test.
  const sections = {
    plain: [
      'console.log("one"); console.log("two"); console.error("three"); void process.stdout.write("four");',
      cell("# A heading", { type: "markdown", id: "heading" }),
      cell("", { id: "blank" }),
      "const x: number = await new Promise<number>((resolve) => setTimeout(() => resolve(41), 5));",
      "x + 1",
      "({ a: [1, 2], b: 10n })",
      '"text"',
      "void 0",
    ],
    rich: [
      `import { display, newDisplay } from "tslab";
       display.html("<b>bold</b>"); display.markdown("*soft*"); display.svg("<svg/>");
       display.png(new Uint8Array([1, 2, 3])); display.raw("application/vnd.vegalite.v5+json", { mark: "bar" } as any);
       const progress = newDisplay(); progress.text("1 of 2"); progress.text("2 of 2");`,
    ],
    folder: ["process.cwd()", 'new Error("x").stack!.includes("slh-notebook-")'],
    packages: [
      'import { LakehouseError } from "sololakehouse"; import { fact } from "@sololakehouse/kit";',
      'const e = new LakehouseError("NO_SUCH_TABLE", "t", "m"); e.code',
    ],
    awaits: [
      'import { LakehouseError } from "sololakehouse";\nconst make = async () => ({ error: async () => new LakehouseError("NO_SUCH_TABLE", "t", "m") });',
      "const error = await (await make()).error();",
      "for await (const each of [error]) console.log(each.subject);",
    ],
    // The last one: what its last timer prints comes after all cells.
    timers: [
      'setTimeout(() => console.log("late"), 30); void 0;',
      "await new Promise((resolve) => setTimeout(resolve, 120));",
      'setTimeout(() => console.log("last"), 1); void 0;',
    ],
  };
  const seen: RunProgress[] = [];
  let ran: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    ran = await run(Object.values(sections).flat(), { onProgress: (progress) => seen.push(progress) });
    expect(ran.failure).toBeUndefined();
  });

  /** What the cells of a section put out. */
  const outputsOf = (name: keyof typeof sections) => {
    const names = Object.keys(sections) as (keyof typeof sections)[];
    const before = names.slice(0, names.indexOf(name)).flatMap((each) => sections[each]).length;
    return ran.outputs.slice(before, before + sections[name].length);
  };

  test("numbers its cells, keeps results and streams in order, and waits for top-level await", () => {
    const outputs = outputsOf("plain");
    const counts = ran.notebook.cells.map((each) => each.execution_count);
    expect(counts.slice(0, outputs.length)).toEqual([1, undefined, null, 2, 3, 4, 5, 6]);
    expect(ran.cells).toBe(counts.length - 2);
    expect(outputs[0]).toEqual([
      stream("stdout", "one\ntwo\n"),
      stream("stderr", "three\n"),
      stream("stdout", "four"),
    ]);
    const result = (text: string, count: number) => ({
      output_type: "execute_result",
      execution_count: count,
      data: { "text/plain": text },
      metadata: {},
    });
    expect(outputs.slice(3)).toEqual([
      [],
      [result("42", 3)],
      [result("{ a: [ 1, 2 ], b: 10n }", 4)],
      [result("text", 5)],
      [],
    ]);
  });

  test("keeps rich outputs, and replaces a display that is updated", () => {
    const shown = outputsOf("rich")[0]?.map((output) =>
      output.output_type === "display_data" ? output.data : output,
    );
    expect(shown).toEqual([
      { "text/html": "<b>bold</b>" },
      { "text/markdown": "*soft*" },
      { "image/svg+xml": "<svg/>" },
      { "image/png": "AQID" },
      { "application/vnd.vegalite.v5+json": { mark: "bar" } },
      { "text/plain": "2 of 2" },
    ]);
  });

  test("has the notebook's folder as its working directory, and shows no path of this machine", () => {
    expect(outputsOf("folder")[0]).toMatchObject([{ data: { "text/plain": "/sololakehouse" } }]);
  });

  test("gives what a timer prints late to the cell that set it", () => {
    expect(outputsOf("timers")).toEqual([[stream("stdout", "late\n")], [], [stream("stdout", "last\n")]]);
  });

  test("imports both packages of the project, with types", () => {
    const outputs = outputsOf("packages");
    expect(outputs[0]).toEqual([]);
    expect(outputs[1]).toMatchObject([{ data: { "text/plain": "NO_SUCH_TABLE" } }]);
  });

  test("takes an await in parentheses and a loop that awaits for top-level await", () => {
    expect(outputsOf("awaits")[2]).toEqual([stream("stdout", "t\n")]);
  });

  test("tells its progress cell by cell", () => {
    const cells = Array.from({ length: ran.cells }, (_, i) => `${i + 1}/${ran.cells}`);
    expect(
      seen.map((progress) =>
        progress.type === "cell" ? `${progress.number}/${progress.of}` : progress.type,
      ),
    ).toEqual(["starting", ...cells, "finished"]);
  });

  test("goes on when the folders change in which its imports are looked for", async () => {
    const folder = join(await notebookFolder(), "notebooks");
    await mkdir(folder);
    const notebook = notebookOf(
      'import { defineSchema } from "sololakehouse"; import { mkdirSync, writeFileSync } from "node:fs";',
      // As npm install and a build do while a notebook runs.
      `for (const name of ["one", "two"]) {
         mkdirSync(\`node_modules/\${name}\`, { recursive: true });
         writeFileSync(\`node_modules/\${name}/index.d.ts\`, "");
         await new Promise((resolve) => setTimeout(resolve, 2000));
       }`,
      "typeof defineSchema",
      "1",
    );
    const { failure, cells } = await runNotebook(notebook, { folder, root: folder });
    expect(failure).toBeUndefined();
    expect(cells).toBe(4);
  });
});

describe("a notebook that fails", () => {
  test("says in which cell and on which line of it, and runs nothing after", async () => {
    const { failure, outputs, notebook } = await run([
      [
        "interface Row { day: string }",
        "",
        "// Fails for a row without a day.",
        "const dayOf = (row: Row): string => {",
        '  if (row.day === "") throw new RangeError("no day");',
        "  return row.day;",
        "};",
      ].join("\n"),
      ["type Unused = string;", "", "await dayOf({", '  day: "",', "});"].join("\n"),
      'console.log("not reached")',
    ]);
    expect(failure).toEqual({
      cell: { id: "c2", index: 1, executionCount: 2 },
      name: "RangeError",
      message: "no day",
      line: 3,
    });
    expect(outputs[1]).toMatchObject([{ output_type: "error", ename: "RangeError", evalue: "no day" }]);
    expect(tracebackOf(outputs[1])).toEqual([
      "RangeError: no day",
      "line 3: await dayOf({",
      "at dayOf (cell [1] line 5)",
      "at cell [2] line 3",
    ]);
    expect(outputs[2]).toEqual([]);
    expect(notebook.cells[2]?.execution_count).toBeNull();
  });

  test("names the code of a coded error and its causes", async () => {
    const { outputs } = await run([
      'import { LakehouseError } from "sololakehouse"; throw new LakehouseError("NO_SUCH_TABLE", "t", "There is no table t.", "List them.", new Error("below"));',
    ]);
    expect(outputs[0]).toMatchObject([
      { ename: "LakehouseError [NO_SUCH_TABLE]", evalue: "There is no table t. List them." },
    ]);
    expect(tracebackOf(outputs[0]).at(-1)).toBe("caused by Error: below");
  });

  test("reports a cell that does not type-check with each place", async () => {
    const { failure, outputs } = await run(['const a = 1;\nconst s: string = a;\nconst t: number = "";']);
    expect(failure).toMatchObject({ name: "TypeScriptError", line: 2 });
    expect(tracebackOf(outputs[0]).filter((line) => /line \d+:\d+/.test(line))).toHaveLength(2);
  });

  test("takes process.exit for an error, even when the cell catches it", async () => {
    const plain = await run(["process.exit(0)", "1"]);
    expect(plain.failure).toMatchObject({ name: "ProcessExit", cell: { index: 0 } });
    expect(errorsIn(plain.outputs[0] ?? [])).toHaveLength(1);
    const caught = await run(["try { process.exit(0) } catch {}", "1"]);
    expect(caught.failure).toMatchObject({ name: "ProcessExit" });
  });

  test("fails on a rejection that nobody handles, and on an exception in a timer, in the cell that caused them", async () => {
    const rejected = await run(['Promise.reject(new Error("dropped")); void 0;', "1"]);
    expect(rejected.failure).toMatchObject({ message: "dropped", cell: { index: 0 } });
    const late = await run([
      'setTimeout(() => { throw new Error("later") }, 20);',
      "await new Promise((resolve) => setTimeout(resolve, 100));",
      "1",
    ]);
    expect(late.failure).toMatchObject({ message: "later", cell: { index: 0 } });
    expect(late.cells).toBe(2);
  });

  test("kills a cell that never lets go of its thread, and keeps what came before", async () => {
    const { failure, outputs } = await run([
      'console.log("before")',
      // Long enough for a slow machine to get as far as to block.
      cell('console.log("blocked"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);', {
        tags: ["timeout:15"],
      }),
    ]);
    expect(failure).toMatchObject({
      name: "Timeout",
      message: "The cell ran longer than 15 s.",
      cell: { index: 1 },
    });
    expect(outputs[0]).toEqual([stream("stdout", "before\n")]);
    expect(outputs[1]?.[0]).toEqual(stream("stdout", "blocked\n"));
  });

  test("stops a notebook that waits for ever at the notebook's own limit", async () => {
    const { failure } = await run(["await new Promise(() => { setInterval(() => {}, 1000) });"], {
      notebookTimeout: 3000,
    });
    expect(failure).toMatchObject({ name: "Timeout", message: "The notebook ran longer than 3 s." });
  });

  test("notices a kernel that dies", async () => {
    const { failure } = await run(['process.kill(process.pid, "SIGKILL"); await new Promise(() => {});']);
    expect(failure).toMatchObject({ name: "KernelDied", cell: { index: 0 } });
  });

  test("can be stopped from outside", async () => {
    const controller = new AbortController();
    const running = run(["await new Promise(() => { setInterval(() => {}, 1000) });"], {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.type === "cell") controller.abort();
      },
    });
    expect((await running).failure).toMatchObject({ name: "Aborted" });
  });
});
