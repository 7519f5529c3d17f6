import { expect, test } from "vitest";
import type { MilestoneContent } from "../../../lib/kit/content/model/inputs.js";
import { pieceFromText } from "../../../lib/kit/content/model/inputs.js";
import { roundingProblems } from "../../../lib/kit/content/pieces/rounding.js";
import { parseMilestone } from "../../../lib/kit/milestones/index.js";
import { type Output, RECORD_MIME, recordedIn } from "../../../lib/kit/notebook/index.js";
import { code, factOutput } from "../support/fixture.js";

const figure = (title: string, alt: string): Output => ({
  output_type: "display_data",
  metadata: {},
  data: { [RECORD_MIME.figure]: { name: "sizes", title, alt, volatile: false, spec: {} } },
});

function problems(
  texts: { doc?: string; blog?: string; linkedin?: string },
  picture = figure("Sizes", "Bars."),
) {
  const declared = parseMilestone(
    { number: 3, slug: "writing", title: "Writing", "one-line": "One.", profiles: ["embedded"] },
    "m03-writing",
    "milestone.yaml",
  );
  const outputs = [
    factOutput("bytes", 12_240_000, "bytes"),
    factOutput("rows", 3_000_000, "rows"),
    factOutput("time", 2410, "ms"),
    factOutput("share", 0.962),
    picture,
  ];
  const cells = [code("c", "1", 1, outputs)];
  const pieces = Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, pieceFromText(name as "doc", text)]),
  );
  const content: MilestoneContent = {
    milestone: { ...declared, folder: "/m", notebookPath: "/m/notebook.ipynb" },
    state: { kind: "fresh" },
    recorded: recordedIn({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, "n"),
    pieces,
    diagram: undefined,
    diagrams: [],
  };
  return [...roundingProblems(content, [content]).values()]
    .flat()
    .map(({ place, message }) => `${place.file}:${place.line} ${message}`);
}

test("one fact has one rounding, in whatever unit and words", () => {
  expect(
    problems({
      doc: '{{ fact "rows" }} and {{ fact "bytes" | unit "MB" | digits 2 }}, {{ fact "share" | percent }}',
      blog: '{{ fact "rows" | compact }}, {{ fact "rows" | bare }}, {{ fact "bytes" | unit "kB" }}, {{ fact "share" | percent | digits 1 }}',
    }),
  ).toEqual([]);
  expect(
    problems({
      doc: '{{ fact "time" }}\n\n{{ fact "bytes" | unit "MB" | digits 1 }}',
      blog: '{{ fact "bytes" | unit "MB" | digits 0 }}',
      linkedin: '{{ fact "time" | unit "s" | digits 1 }}',
    }).map((line) => line.replaceAll("\u00A0", " ")),
  ).toEqual([
    'blog.md:1 "bytes" is 12 MB here and 12.2 MB at doc.md:3: one rounding for all.',
    'linkedin.md:1 "time" is 2.4 s here and 2,410 ms at doc.md:1: one rounding for all.',
  ]);
});

test("a picture shows what the texts say", () => {
  const doc = '{{ fact "bytes" | unit "MB" | digits 1 }} of data.\n\n{{ figure "sizes" }}';
  expect(
    problems({ doc }, figure("12.2 MB, of which 1.1 MB is read", "A bar of 12.2 MB; another of 80 MB.")),
  ).toEqual([]);
  expect(
    problems({ doc }, figure("12 MB are read", "Bars.")).map((line) => line.replaceAll("\u00A0", " ")),
  ).toEqual([
    'doc.md:3 the figure "sizes" says 12 MB, and the texts say 12.2 MB (m03:bytes): show the same.',
  ]);
  const linkedin = "---\nimage: figure sizes\n---\nA post.";
  expect(
    problems(
      { doc: doc.split("\n")[0] as string, linkedin },
      figure("Bars", "12,200 kB and 12.24 MB; 12.3 MB is something else"),
    ),
  ).toEqual([expect.stringContaining("says 12.24 MB")]);
});
