import { beforeAll, describe, expect, test } from "vitest";
import { datasetPath } from "../../../lib/kit/notebook/cell/datasets.js";
import {
  type RecordedNotebook,
  readRecorded,
  recordedIn,
  runNotebook,
} from "../../../lib/kit/notebook/index.js";
import { cell, notebookFolder, notebookOf } from "../support/notebooks.js";

const bars = `{ data: { values: [{ kind: "before", files: 2000n }, { kind: "after", files: 12n }] }, mark: "bar",
  encoding: { x: { field: "files", type: "quantitative", title: "files" }, y: { field: "kind", type: "nominal" }, color: { value: "@teal" } } }`;

describe("what cells record", () => {
  let recorded: RecordedNotebook;
  let datasets: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const folder = await notebookFolder();
    const run = await runNotebook(
      notebookOf(
        'import { fact, figure, table, predict, check, dataset } from "@sololakehouse/kit";',
        cell(
          `fact("bronze.rows", 3000000n, { unit: "rows" });
           fact("append.time", 1.42, { unit: "s", volatile: true, note: "one <run>" });
           fact("bronze.snapshot", 9007199254740993n);`,
          { id: "measure", tags: ["numbers"] },
        ),
        `await figure("files", ${bars}, { title: "Compaction: 2,000 files become 12", alt: "Two bars: 2,000 files before, 12 after." });`,
        // Nobody awaits this one: it must not be lost, nor shown in a later cell.
        `figure("forgotten", ${bars}, { alt: "The same bars." }); void 0;`,
        `await table("days", [
           { day: "2001-01-01", rows: 12345n, late: 0.25, note: null },
           { day: "2001-01-02", rows: 7n, late: 0.5, note: "a|<b>" },
           { day: "2001-01-03", rows: 9n, late: 1, note: undefined },
         ], { caption: "Rows a day", limit: 2, columns: { day: "Day", rows: { label: "Rows", unit: "rows" }, late: "Late", note: "Note" } });`,
        `await table("result", { async rows() { return [{ a: 1 }]; } });`,
        'predict("How many files does `append` write?", { options: ["One", "182"], answer: "182: one a day." });',
        'void dataset("flights-3m");',
      ),
      { folder, root: folder },
    );
    expect(run.failure).toBeUndefined();
    recorded = recordedIn(run.notebook, folder);
    datasets = run.datasets;
  });

  test("gives facts by name, with 64-bit integers exact", () => {
    const at = { id: "measure", index: 1, executionCount: 2 };
    expect([...recorded.facts.values()]).toEqual([
      { name: "bronze.rows", value: 3000000, unit: "rows", volatile: false, cell: at },
      { name: "append.time", value: 1.42, unit: "s", volatile: true, note: "one <run>", cell: at },
      { name: "bronze.snapshot", value: "9007199254740993", volatile: false, cell: at },
    ]);
    expect(
      recorded.cell("measure")?.outputs.map((output) => "data" in output && output.data["text/plain"]),
    ).toEqual([
      "bronze.rows  3,000,000 rows",
      "append.time  1.42 s  (one <run>)",
      "bronze.snapshot  9007199254740993",
    ]);
    expect(JSON.stringify(recorded.cell("numbers")?.outputs)).toContain("one &lt;run&gt;");
  });

  test("gives figures with their data, their text alternative and an SVG in the theme", () => {
    const files = recorded.figures.get("files");
    expect(files).toMatchObject({
      title: "Compaction: 2,000 files become 12",
      alt: "Two bars: 2,000 files before, 12 after.",
      spec: {
        mark: "bar",
        data: {
          values: [
            { kind: "before", files: 2000 },
            { kind: "after", files: 12 },
          ],
        },
      },
    });
    expect(files?.spec).toHaveProperty("encoding.color.value", "@teal");
    expect(files?.svg).toContain('role="img" aria-label="Two bars: 2,000 files before, 12 after."');
    expect(files?.svg).toContain("Compaction: 2,000 files become 12");
    expect(files?.svg.toLowerCase()).toContain("#0f8b8d");
    const bundle = recorded.cells[2]?.outputs[0];
    expect(bundle && "data" in bundle && bundle.data["application/vnd.vegalite.v5+json"]).toMatchObject({
      data: { values: [{ files: 2000 }, { files: 12 }] },
      config: { view: {} },
    });
  });

  test("shows a figure that no cell awaits, in its own cell", () => {
    expect(recorded.figures.get("forgotten")?.cell.index).toBe(3);
  });

  test("gives tables as values, cut to their limit, numbers to the right", () => {
    expect(recorded.tables.get("days")).toMatchObject({
      caption: "Rows a day",
      totalRows: 3,
      columns: [
        { key: "day", label: "Day", align: "left" },
        { key: "rows", label: "Rows", unit: "rows", align: "right" },
        { key: "late", label: "Late", align: "right" },
        { key: "note", label: "Note", align: "left" },
      ],
      rows: [
        ["2001-01-01", 12345, 0.25, null],
        ["2001-01-02", 7, 0.5, "a|<b>"],
      ],
    });
    const [output] = recorded.cells[4]?.outputs ?? [];
    const data = output && "data" in output ? output.data : {};
    expect(data["text/plain"]).toBe(
      [
        "Rows a day",
        "Day         Rows (rows)  Late  Note",
        "2001-01-01       12,345  0.25  –",
        "2001-01-02            7   0.5  a|<b>",
        "1 more row",
      ].join("\n"),
    );
    expect(data["text/html"]).toContain('<td align="right">12,345</td>');
    expect(data["text/html"]).toContain("a|&lt;b&gt;");
    expect(recorded.tables.get("result")?.rows).toEqual([[1]]);
  });

  test("folds the answer to a prediction, and leaves it out of the text", () => {
    const [output] = recorded.cells[6]?.outputs ?? [];
    const data = output && "data" in output ? output.data : {};
    expect(data["text/html"]).toMatch(/<code>append<\/code>[\s\S]*<details><summary>Answer<\/summary><p>182/);
    expect(data["text/plain"]).not.toContain("one a day");
  });

  test("knows which data sets cells asked for", () => {
    expect(datasets).toEqual({ "flights-3m": datasetPath("flights-3m") });
  });
});

describe("exercises", () => {
  const starter = "const toKm = (miles: number): number => miles;";
  const checking = `import { check } from "@sololakehouse/kit";
    await check("km", (t) => t.close(toKm(100), 160.9, 0.01, "100 miles in km"));`;
  const solution = (factor: number) =>
    cell(`const toKm = (miles: number): number => miles * ${factor};`, { tags: ["solution:km"] });

  async function run(...cells: Parameters<typeof notebookOf>) {
    const folder = await notebookFolder();
    const result = await runNotebook(notebookOf(...cells), { folder, root: folder });
    return { ...result, checks: recordedIn(result.notebook, folder).checks };
  }

  test("leaves a starter open without failing the run, and holds the same check against the solution", async () => {
    const { failure, checks } = await run(starter, checking, solution(1.609));
    expect(failure).toBeUndefined();
    expect(
      checks.map(({ name, state, message, cell: { index } }) => ({ name, state, message, index })),
    ).toEqual([
      { name: "km", state: "open", message: "100 miles in km should be about 160.9, and is 100", index: 1 },
      { name: "km", state: "reference", message: "the reference solution passes", index: 2 },
    ]);
  });

  test("fails the run when the reference solution is wrong", async () => {
    const { failure } = await run(starter, checking, solution(2));
    expect(failure).toMatchObject({
      cell: { index: 2 },
      message: expect.stringContaining("does not pass check"),
    });
  });

  test("fails the run when a solution has no check", async () => {
    const { failure } = await run(starter, solution(2));
    expect(failure?.message).toContain('has no check("km", …)');
  });

  test("takes a sentence, false or an exception as what is off", async () => {
    const { checks } = await run(
      'import { check } from "@sololakehouse/kit";',
      `await check("a", () => "two files too many"); await check("b", () => false);
       await check("c", (t) => { t.equal([1], [2], "rows"); }); await check("d", async () => { throw new Error("your turn"); });
       await check("e", (t) => { t.ok(true, "no"); });`,
    );
    expect(checks.map(({ state, message }) => `${state} ${message}`)).toEqual([
      "open two files too many",
      "open the check does not hold",
      "open rows should be [ 2 ], and is [ 1 ]",
      "open your turn",
      "solved solved",
    ]);
  });
});

describe("what cannot be recorded", () => {
  test("says why, and how to do better", async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['fact("two words", 1)', '"two words" cannot name a fact.'],
      ['fact("x", NaN)', "Record a finite number, a text or a boolean."],
      ['await figure("x", { mark: "bar" }, { alt: " " })', "The figure x has no text alternative."],
      ['await figure("x", { data: { url: "x.csv" }, mark: "bar" }, { alt: "a" })', "Give the rows"],
      ['await figure("x", { mark: "nonsense" }, { alt: "a" })', "Vega-Lite rejects the chart"],
      ['predict("?", { answer: "" })', "A prediction needs a question and an answer."],
      ['dataset("flights-200k")', "The data set flights-200k comes in several files."],
      ['dataset("flights-4m")', "There is no data set flights-4m."],
    ];
    const folder = await notebookFolder();
    const { notebook, failure } = await runNotebook(
      notebookOf(
        'import { dataset, fact, figure, predict } from "@sololakehouse/kit";',
        ...cases.map(([code]) => `try { ${code}; } catch (error) { console.log(error.message); }`),
        // Nobody awaits this one, so nobody could catch it.
        'figure("x", { mark: "nonsense" }, { alt: "a" }); void 0;',
      ),
      { folder, root: folder },
    );
    cases.forEach(([, message], index) => {
      expect(notebook.cells[index + 1]?.outputs).toEqual([
        { output_type: "stream", name: "stdout", text: expect.stringContaining(message) },
      ]);
    });
    expect(failure).toMatchObject({
      message: expect.stringContaining("Vega-Lite rejects"),
      cell: { index: 9 },
    });
  });
});

describe("readRecorded", () => {
  test("names the file that is no notebook", async () => {
    await expect(
      readRecorded(new URL("../support/notebooks.ts", import.meta.url).pathname),
    ).rejects.toMatchObject({
      code: "INVALID_METADATA",
      message: expect.stringContaining("notebooks.ts"),
    });
  });
});
