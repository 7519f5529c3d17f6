import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stampDiagram } from "../../../lib/kit/content/draw/diagrams.js";
import { renderChart } from "../../../lib/kit/look/index.js";
import { type Project, parseMilestone, projectAt } from "../../../lib/kit/milestones/index.js";
import { writeNotebook } from "../../../lib/kit/notebook/file/store.js";
import { currentFingerprint } from "../../../lib/kit/notebook/fresh/place.js";
import {
  type Cell,
  type Notebook,
  type Output,
  placeOf,
  RECORD_MIME,
  recordedIn,
  VEGA_LITE_MIME,
} from "../../../lib/kit/notebook/index.js";

/**
 * A project of twelve milestones, of which M3 is written and run, M1 has a page only, and the others are not started. Its
 * numbers are made up; its texts keep every rule.
 */
export interface Fixture {
  readonly project: Project;
  /** The folder of M3. */
  readonly milestone: string;
  remove(): void;
}

const root = new URL("../../../", import.meta.url).pathname;

const SLUGS = [
  [
    "identity",
    "The whole system on one page",
    "Why Iceberg first, what each part is for, and a health check of all of them.",
  ],
  [
    "object-storage",
    "Object storage: where the bytes live",
    "What a lakehouse needs of S3, proven on the local store and on S3.",
  ],
  [
    "data-version-control",
    "Data version control: git for tables",
    "Branches, tags, merges and time travel over every table at once.",
  ],
  [
    "writing-iceberg",
    "Writing Iceberg: from rows to a snapshot",
    "Three million flights become an Iceberg table, and every metadata file is opened.",
  ],
  [
    "querying",
    "Querying: from SQL to files and back",
    "How a query finds the few files it needs, and what each engine does with them.",
  ],
  [
    "medallion",
    "Medallion: bronze, silver, gold",
    "The flights pipeline in three layers, each with a promise that the next may rely on.",
  ],
  [
    "data-quality",
    "Data quality: write, audit, publish",
    "Checks and contracts that keep a bad batch on its branch.",
  ],
  [
    "experiments",
    "Experiments: models that know their data",
    "Training runs tracked with the exact snapshot that they learned from.",
  ],
  [
    "orchestration",
    "Orchestration: runs that may be repeated",
    "Tasks, dependencies, retries and backfills, each safe to run twice.",
  ],
  ["observability", "Observability: what is it doing", "Metrics, traces, logs and health of every part."],
  [
    "performance-cost",
    "Performance and cost",
    "Where the time and the bytes go, and which of them can be had back.",
  ],
  ["interview", "The interview", "The whole system in twenty minutes, with the numbers to hand."],
] as const;

/** What belongs to no milestone. */
const SITE_TEXTS: Readonly<Record<string, string>> = {
  "blog/site.yaml": `title: SoloLakehouse
# Kept by setup.
sentence: A lakehouse that one person can run.
author: Ada L.
url: https://lakehouse.test
repository: ""
`,
  "blog/home.md": `---
promise: "Learn it by building it."
audience: "For engineers."
---

## One figure

It has {{ fact "m03:days" }}.

{{ figure "m03:files.by_day" }}

![Rows go in, files come out.](architecture.svg)
`,
  "docs/decisions/README.md": "# Decisions\n\nOne so far: [tables](01-tables.md).\n",
  "docs/decisions/01-tables.md": `# Tables are Iceberg's

## Context

[M3](../../milestones/m03-writing-iceberg/doc.md) writes them.

## Options

Others.

## Decision

Iceberg.

## Consequences

Files.

## Evidence

12.5 ms by a bench.

## Look again

When there is reason to.
`,
};

export async function makeFixture(): Promise<Fixture> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "slh-content-")));
  const project = projectAt(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ workspaces: [] }));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages: {} }));
  // Pictures are kept from one test run to the next: a diagram takes seconds to draw for the first time.
  const cache = join(root, ".lake", "cache-of-tests");
  mkdirSync(cache, { recursive: true });
  mkdirSync(project.lake, { recursive: true });
  symlinkSync(cache, join(project.lake, "cache"));
  cpSync(join(root, "blog"), join(folder, "blog"), { recursive: true });
  for (const [path, text] of Object.entries(SITE_TEXTS)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const [number, [slug, title, oneLine]] of SLUGS.entries()) {
    const pieces =
      number === 3
        ? "[notebook, doc, blog, linkedin, video, slides, diagram]"
        : number === 1
          ? "[notebook, doc]"
          : "[]";
    const yaml = `number: ${number}\nslug: ${slug}\ntitle: "${title}"\none-line: "${oneLine}"\nprofiles: [embedded]\ndefinition-of-done: ${pieces}\n`;
    const path = join(project.milestones, `m${String(number).padStart(2, "0")}-${slug}`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "milestone.yaml"), yaml);
  }
  const texts = new URL("./fixture-texts/", import.meta.url).pathname;
  cpSync(texts, project.milestones, { recursive: true });
  // As committed after a build with --save, without the drawing, which takes seconds.
  for (const name of ["m01-object-storage", "m03-writing-iceberg"]) {
    const source = readFileSync(join(project.milestones, name, "diagram.d2"), "utf8");
    const svg = '<svg viewBox="0 0 800 400"><text style="font-size:16px">A</text></svg>';
    writeFileSync(join(project.milestones, name, "diagram.svg"), stampDiagram(svg, source));
  }
  await commitNotebook(project, 3, await writingCells());
  await commitNotebook(project, 1, [
    markdown("intro", "# Object storage\n\nWhat a store must promise."),
    code("fact", 'console.log("ok")', 1, [
      { output_type: "stream", name: "stdout", text: "ok\n" },
      factOutput("store.checks", 38, "checks"),
    ]),
  ]);
  return {
    project,
    milestone: join(project.milestones, "m03-writing-iceberg"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Writes an executed notebook into a milestone's folder, as a run of just now would have left it. */
export async function commitNotebook(
  project: Project,
  number: number,
  cells: readonly Cell[],
): Promise<void> {
  const [slug, title, oneLine] = SLUGS[number] ?? SLUGS[0];
  const name = `m${String(number).padStart(2, "0")}-${slug}`;
  const folder = join(project.milestones, name);
  const declared = parseMilestone(
    { number, slug, title, "one-line": oneLine, profiles: ["embedded"] },
    name,
    name,
  );
  const milestone = { ...declared, folder, notebookPath: join(folder, "notebook.ipynb") };
  const bare: Notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  writeFileSync(milestone.notebookPath, "{}");
  const fingerprint = currentFingerprint(placeOf(milestone, project), bare);
  const run = { status: "ok", profile: "embedded", node: "v20.20.2", tslab: "1.0.22" };
  await writeNotebook(milestone.notebookPath, { ...bare, metadata: { sololakehouse: { run, fingerprint } } });
}

/** What the cells of the fixture's M3 recorded, without a file. */
export function recordedFixture() {
  return recordedIn({ cells: bareCells(), metadata: {}, nbformat: 4, nbformat_minor: 5 }, "notebook.ipynb");
}

export function markdown(id: string, source: string): Cell {
  return { cell_type: "markdown", id, metadata: {}, source };
}

export function code(
  id: string,
  source: string,
  count: number,
  outputs: readonly Output[],
  tags: readonly string[] = [],
): Cell {
  return { cell_type: "code", id, metadata: { tags }, source, execution_count: count, outputs };
}

export function factOutput(
  name: string,
  value: number,
  unit?: string,
  more: Record<string, unknown> = {},
): Output {
  const fact = { name, value, ...(unit ? { unit } : {}), volatile: false, ...more };
  return {
    output_type: "display_data",
    metadata: {},
    data: { [RECORD_MIME.fact]: fact, "text/plain": `${name}  ${value}` },
  };
}

const files = Array.from({ length: 24 }, (_, index) => ({
  day: `2001-01-${String(index + 1).padStart(2, "0")}`,
  files: index === 11 ? 1 : 1 + (index % 3),
}));

const chart = {
  title: "Every day fills one to three files",
  mark: "bar",
  encoding: {
    x: { field: "day", type: "temporal", title: "Day" },
    y: { field: "files", type: "quantitative", title: "Data files" },
  },
};

async function figureOutput(): Promise<Output> {
  const data = { values: files };
  const svg = await renderChart({ ...chart, data }, "light");
  return figureWith(svg, data);
}

function figureWith(svg: string, data: unknown): Output {
  const figure = {
    name: "files.by_day",
    title: chart.title,
    alt: "Bars of one to three data files for each of 24 days; none stands out",
    volatile: false,
    spec: chart,
  };
  return {
    output_type: "display_data",
    metadata: {},
    data: { [RECORD_MIME.figure]: figure, [VEGA_LITE_MIME]: { ...chart, data }, "image/svg+xml": svg },
  };
}

const bounds: Output = {
  output_type: "display_data",
  metadata: {},
  data: {
    [RECORD_MIME.table]: {
      name: "manifest.bounds",
      caption: "What the manifest knows of each file",
      columns: [
        { key: "file", label: "File", align: "left" },
        { key: "rows", label: "Rows", align: "right" },
        { key: "lower", label: "Origin from", align: "left" },
        { key: "upper", label: "Origin to", align: "left" },
        { key: "size", label: "Size", unit: "MB", align: "right" },
      ],
      rows: Array.from({ length: 6 }, (_, index) => [
        `date_day=2001-01-0${index + 1}/00000-${index}.parquet`,
        16_000 + index * 321,
        ["ABE", "BNA", "DEN", "LAX", "ORD", "SFO"][index] ?? "",
        ["BMI", "DCA", "LAS", "ONT", "SEA", "YUM"][index] ?? "",
        0.074 + index / 100,
      ]),
      totalRows: 182,
      volatile: false,
    },
    "text/plain": "a table",
  },
};

/** The cells of M3 with a stand-in for the drawing, which takes a moment to make. */
function bareCells(figure: Output = figureWith("<svg/>", { values: files })): Cell[] {
  const append = [
    'const flights = await lake.table<Flight>("flights.bronze_flights");',
    "// One call: split by day, sort by origin, write Parquet, commit.",
    'const after = await flights.append(batches, { message: "load flights" });',
    'console.log("snapshot", after.currentSnapshot()?.snapshotId);',
  ].join("\n");
  const log = Array.from(
    { length: 40 },
    (_, index) => `metadata/0000${index}-m0.avro  ${7000 + index} bytes`,
  ).join("\n");
  return [
    markdown(
      "title",
      "# Writing Iceberg\n\nThree million flights become a table. **Predict** before you run.\n\n## Append",
    ),
    code(
      "imports",
      'import { openLakehouse } from "sololakehouse";\nconst lake = await openLakehouse();',
      1,
      [],
    ),
    code(
      "predict-files",
      'predict("How many files does one append of 182 days write?", { answer: "182: one for each day." });',
      2,
      [
        {
          output_type: "display_data",
          metadata: {},
          data: {
            [RECORD_MIME.predict]: {},
            "text/html":
              '<p><strong>Predict, then run.</strong> How many files does one append of 182 days write?</p>\n<ol type="A"><li>1</li><li>182</li><li>364</li></ol>\n<details><summary>Answer</summary><p>182: one for each day.</p></details>',
          },
        },
      ],
    ),
    code(
      "append-cell",
      append,
      3,
      [
        { output_type: "stream", name: "stdout", text: "snapshot 8211436720395510523\n" },
        factOutput("flights.rows", 3_000_000, "rows"),
        factOutput("files.written", 182, "files", { note: "one for each day" }),
        factOutput("days", 182, "days"),
        factOutput("append.time", 2412.7, "ms", { volatile: true }),
        factOutput("commit.time", 3.21, "ms", { volatile: true }),
        factOutput("pruned.share", 0.9615),
      ],
      ["append"],
    ),
    markdown("files-text", "## What it wrote\n\nOne file for each day, and the metadata that names them."),
    code("files", 'await figure("files.by_day", spec, { alt });', 4, [figure]),
    code("bounds", 'await table("manifest.bounds", rows);', 5, [bounds]),
    code("log", "for (const file of metadata) console.log(file);", 6, [
      { output_type: "stream", name: "stdout", text: `${log}\n` },
    ]),
    markdown("exercise-text", "## Exercise\n\nCount the manifests."),
    code("exercise", "const manifests = 0; // your turn", 7, []),
    code("exercise-check", 'await check("manifests", (t) => t.equal(manifests, 1));', 8, [
      {
        output_type: "display_data",
        metadata: {},
        data: {
          [RECORD_MIME.check]: { name: "manifests", state: "open", message: "" },
          "text/html": "<p>○ <strong>manifests</strong> not solved yet</p>",
        },
      },
    ]),
    code(
      "exercise-solution",
      "const manifests = (await after.manifests()).length;",
      9,
      [],
      ["solution:manifests"],
    ),
  ];
}

export async function writingCells(): Promise<Cell[]> {
  return bareCells(await figureOutput());
}

/** A text of the fixture's M3, as written. */
export function fixtureText(name: "doc" | "blog" | "linkedin" | "video" | "slides"): string {
  return readFileSync(new URL(`./fixture-texts/m03-writing-iceberg/${name}.md`, import.meta.url), "utf8");
}
