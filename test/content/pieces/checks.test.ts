import { describe, expect, test } from "vitest";
import { anchorsOf } from "../../../lib/kit/content/html/anchors.js";
import { bind } from "../../../lib/kit/content/model/bind.js";
import {
  type MilestoneContent,
  type PieceName,
  pieceFromText,
} from "../../../lib/kit/content/model/inputs.js";
import { siteMap } from "../../../lib/kit/content/model/site-map.js";
import { checkCommon } from "../../../lib/kit/content/pieces/common.js";
import { PIECES } from "../../../lib/kit/content/pieces/pieces.js";
import type { CheckResult } from "../../../lib/kit/content/pieces/result.js";
import { parseMilestone } from "../../../lib/kit/milestones/index.js";
import { fixtureText, recordedFixture } from "../support/fixture.js";

const folder = "/project/milestones/m03-writing-iceberg";
const declared = parseMilestone(
  { number: 3, slug: "writing-iceberg", title: "Writing", "one-line": "One.", profiles: ["embedded"] },
  "m03-writing-iceberg",
  "milestone.yaml",
);

const PARTS = [
  { name: "m07", words: ["M7"], built: undefined },
  { name: "m04", words: ["M4"], built: "milestones/m04" },
  { name: "streaming log", words: ["streaming log"], built: undefined },
];

function content(name: PieceName, text: string, number = 3): MilestoneContent {
  return {
    milestone: { ...declared, number, folder, notebookPath: `${folder}/notebook.ipynb` },
    state: { kind: "fresh" },
    recorded: recordedFixture(),
    pieces: { [name]: pieceFromText(name, text) },
    diagram: `${folder}/diagram.d2`,
    diagrams: [`${folder}/diagram.d2`],
  };
}

/** The rules that do not hold for a piece: `doc.md:3 doc/sections: message`. */
function off(name: PieceName, text: string, number = 3): string[] {
  const own = content(name, text, number);
  const piece = own.pieces[name];
  if (!piece) throw new Error("no piece");
  const { bound } = bind(piece, own, [own]);
  const whole = { all: [own], map: siteMap("/project", [own]), anchors: anchorsOf([own]), parts: PARTS };
  const results: CheckResult[] = [
    ...checkCommon(piece, own, whole),
    ...PIECES[name].check(piece, own, bound, [own]),
  ];
  return results
    .filter(({ ok }) => !ok)
    .map(({ file, line, rule, message }) => `${file}:${line} ${rule}: ${message}`);
}

describe("a doc page", () => {
  // Its link to M1 needs that milestone's files; everything else stands alone.
  const good = fixtureText("doc")
    .replace("../m01-object-storage/doc.md", "blog.md")
    .replace("](blog.md)", "](https://example.org)");

  test("keeps every rule in the fixture", () => expect(off("doc", good)).toEqual([]));

  test.each<[string, (text: string) => string, RegExp]>([
    [
      "a missing section",
      (text) => text.replace("## Pitfalls", "## Traps"),
      /doc\/sections: the section "## Pitfalls" is missing/,
    ],
    [
      "sections out of order",
      (text) =>
        text.replace("## Problem", "## X").replace("## Next", "## Problem").replace("## X", "## Next"),
      /"Next" is out of order/,
    ],
    [
      "an empty section",
      (text) => text.replace(/(## In an interview\n)[\s\S]*(## Further reading)/, "$1\n$2"),
      /"In an interview" is empty/,
    ],
    [
      "two sentences of problem",
      (text) => text.replace("at this moment.", "at this moment. Nor when."),
      /doc\.md:3 doc\/problem: the problem is 2 sentences/,
    ],
    [
      "no diagram",
      (text) => text.replace(/!\[.*\]\(diagram\.svg\)/, ""),
      /doc\/diagram: show the diagram here/,
    ],
    [
      "no commands",
      (text) => text.replace(/```bash[\s\S]*?```/, "Run it."),
      /doc\/reproduce: give the commands/,
    ],
    [
      "three invariants",
      (text) => text.replace(/^4\. .*\n/m, ""),
      /doc\/invariants: it has 3 invariants: list 4 to 6/,
    ],
    [
      "an invariant that nothing attacks",
      (text) => text.replace(/^(2\. .*?)\[.*\n/m, "$1Believe it.\n"),
      /doc\/invariants: "\*\*Nothing changes\.\*\* Believe it\.…" links to no cell/,
    ],
    [
      "two follow-ups",
      (text) => text.replace(/- \*\*A slow reader.*\n/, ""),
      /doc\/follow-ups: it has 2 follow-up questions/,
    ],
    [
      "sources without links",
      (text) => text.replace(/\[Avro\]\(.*\)/, "Avro"),
      /doc\/reading: it lists 2 sources with a link/,
    ],
    ["two pitfalls", (text) => text.replace(/- \*\*Counting.*\n/, ""), /doc\/pitfalls: it has 2 pitfalls/],
    [
      "no title",
      (text) => text.replace("# Writing Iceberg: from rows to a snapshot", "Writing"),
      /doc\/title/,
    ],
    [
      "a picture without words",
      (text) => text.replace(/!\[.*\]\(diagram/, "![](diagram"),
      /doc\/alt-text: diagram\.svg has no text alternative/,
    ],
    [
      "an HTML picture without words",
      (text) => `${text}\n<img src="x.png">\n`,
      /doc\/alt-text: x\.png has no text/,
    ],
    [
      "a dead link",
      (text) => text.replace("https://example.org", "../m99/doc.md"),
      /doc\/links: "\.\.\/m99\/doc\.md" leads nowhere/,
    ],
    [
      "a dead anchor",
      (text) => text.replace("https://example.org", "#nowhere"),
      /doc\/links: "#nowhere" leads to no heading/,
    ],
    [
      "a skipped level",
      (text) => text.replace("## The idea\n", "## The idea\n\n#### Deep\n"),
      /doc\/headings: "Deep" skips a level/,
    ],
    ["a second title", (text) => `${text}\n# Again\n`, /doc\/headings: "Again" is a second title/],
    [
      "a figure within a sentence",
      (text) => text.replace("A day is", '{{ figure "files.by_day" }} A day is'),
      /doc\/names: a figure stands between paragraphs/,
    ],
    [
      "a modifier that does not fit",
      (text) => text.replace('"days" }}', '"days" | unit "MB" }}'),
      /doc\/names: fact "days": a fact in days cannot be shown in "MB"/,
    ],
    [
      "a column that is not there",
      (text) => text.replace("| rows 3", '| columns "file, weight"'),
      /has no column "weight": it has file, rows, lower, upper, size/,
    ],
    [
      "a milestone that is not there",
      (text) => text.replace('"days"', '"m77:days"'),
      /there is no milestone "m77"/,
    ],
  ])("is refused with %s", (_, change, message) => {
    const found = off("doc", change(good));
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toMatch(message);
  });

  test("accepts an anchor that is there", () => {
    expect(off("doc", good.replace("https://example.org", "#the-idea"))).toEqual([]);
  });
});

describe("a blog post", () => {
  const good = fixtureText("blog");

  test("keeps every rule in the fixture", () => expect(off("blog", good)).toEqual([]));

  test.each<[string, (text: string) => string, RegExp]>([
    ["too few words", (text) => text.slice(0, 3000), /blog\/length: it has \d{3} words: 900 to 1500/],
    ["too many words", (text) => `${text}\n${"more words ".repeat(450)}`, /blog\/length: it has \d{4} words/],
    [
      "a long title",
      (text) => text.replace(/title: ".*"/, `title: "${"t".repeat(129)}"`),
      /the title has 129 characters: 128 at most/,
    ],
    [
      "five tags",
      (text) => text.replace("[dataengineering,", "[a, b, dataengineering,"),
      /it has 5 tags: 4 at most/,
    ],
    [
      "a tag with a hyphen",
      (text) => text.replace("dataengineering", "data-engineering"),
      /the tag "data-engineering"/,
    ],
    ["no date", (text) => text.replace(/date: .*\n/, ""), /has no date/],
    ["a title in the text", (text) => text.replace("## The principle", "# The principle"), /blog\/title/],
    ["no fact", (text) => text.replace(/\{\{ fact .*?\}\}/g, "some"), /blog\/numbers/],
  ])("is refused with %s", (_, change, message) => {
    expect(off("blog", change(good)).join("\n")).toMatch(message);
  });
});

describe("a LinkedIn post", () => {
  const good = fixtureText("linkedin");

  test("keeps every rule in the fixture", () => expect(off("linkedin", good)).toEqual([]));

  test.each<[string, (text: string) => string, RegExp]>([
    [
      "3,001 characters",
      (text) => text.replace("What would", `${"w".repeat(3000)}\n\nWhat would`),
      /linkedin\/length/,
    ],
    [
      "a hook that is cut",
      (text) => text.replace("A table format", `${"Long ".repeat(40)}A table format`),
      /linkedin\/hook: the first paragraph has \d{3} characters/,
    ],
    ["two bullets", (text) => text.replace(/- Bounds.*\n/, ""), /linkedin\/bullets: it has 2 bullets/],
    ["nothing after its bullets", (text) => text.replace(/What would.*\n/, ""), /linkedin\/close/],
    [
      "Markdown",
      (text) => text.replace("nothing", "**nothing**"),
      /linkedin\.md:7 linkedin\/plain: "\*\*nothing\*\*\S* is Markdown/,
    ],
    [
      "a link in Markdown",
      (text) => text.replace("nothing", "[nothing](https://example.org)"),
      /linkedin\/plain/,
    ],
    [
      "a figure in the text",
      (text) => text.replace("What would", '{{ figure "files.by_day" }}\n\nWhat would'),
      /a figure cannot stand in plain text/,
    ],
    [
      "no image",
      (text) => text.replace(/image:.*\n/, ""),
      /linkedin\/image: the front matter names no image/,
    ],
    [
      "an unknown figure",
      (text) => text.replace("files.by_day", "files.by_night"),
      /records no figure "files\.by_night": it records files\.by_day/,
    ],
    [
      "a diagram without words",
      (text) => text.replace("figure files.by_day", "diagram"),
      /no "alt" for the diagram/,
    ],
  ])("is refused with %s", (_, change, message) => {
    expect(off("linkedin", change(good)).join("\n")).toMatch(message);
  });

  test("may end without a question", () => {
    expect(off("linkedin", good.replace("What would you measure first?", "Measure first."))).toEqual([]);
  });
});

describe("slides", () => {
  const good = fixtureText("slides").replace("See [the page](doc.md).", "");

  test("keep every rule in the fixture", () => expect(off("slides", good)).toEqual([]));

  test.each<[string, (text: string) => string, RegExp]>([
    ["no cover", (text) => text.replace("# One", "## One"), /slides\/cover: it must begin with its cover/],
    [
      "too few slides",
      (text) => text.slice(0, text.indexOf("## A commit")),
      /slides\/count: it makes 3 slides, with cover and close: 5 to 12/,
    ],
    [
      "a title that is a paragraph",
      (text) => text.replace("A commit moves one pointer", "word ".repeat(15)),
      /its title has 15 words: 14 at most/,
    ],
    [
      "a text to read",
      (text) => text.replace("It wrote", "word ".repeat(40)),
      /slides\.md:9 slides\/words: .*it has 4\d words below its title: 40 at most/,
    ],
    [
      "two things on one slide",
      (text) => text.replace("It wrote", '{{ table "manifest.bounds" }}\n\n{{ cell "append" }}\n\nIt wrote'),
      /it shows 2 things/,
    ],
    [
      "a slide inside a slide",
      (text) => text.replace("It wrote", "### More\n\nIt wrote"),
      /"More" is a heading/,
    ],
    ["an empty slide", (text) => text.replace('{{ figure "files.by_day" }}', ""), /it is empty/],
    ["a typed number", (text) => text.replace("It wrote", "In 12 ms it wrote"), /"12 ms" is typed in/],
  ])("are refused with %s", (_, change, message) => {
    expect(off("slides", change(good)).join("\n")).toMatch(message);
  });
});

describe("a video script", () => {
  const good = fixtureText("video");

  test("keeps every rule in the fixture", () => expect(off("video", good)).toEqual([]));

  test.each<[string, (text: string) => string, RegExp]>([
    [
      "no table",
      (text) => text.replace(/^\|.*$/gm, ""),
      /video\/table: the script is a table with the columns time, segment, action, words, evidence/,
    ],
    ["a column missing", (text) => text.replace("Evidence shown", "Notes"), /evidence missing/],
    [
      "too short",
      (text) => text.replaceAll("demo 110 s", "demo 20 s"),
      /video\/length: it lasts 3:\d\d at 150 words a minute plus demos: 8 to 12/,
    ],
    ["too long", (text) => text.replaceAll("demo 110 s", "demo 300 s"), /video\/length: it lasts 17:\d\d/],
    [
      "a time that is off",
      (text) => text.replace("|  | The manifest", "| 6:00 | The manifest"),
      /video\.md:11 video\/times: the time says "6:00"/,
    ],
    [
      "no plan for failure",
      (text) => text.replace("## When a live step fails", "## Later"),
      /video\/fallback/,
    ],
    [
      "a row without evidence",
      (text) => text.replace("| The diagram |", "|  |"),
      /this row shows no evidence/,
    ],
  ])("is refused with %s", (_, change, message) => {
    expect(off("video", change(good)).join("\n")).toMatch(message);
  });

  test("is shorter for M0", () => {
    expect(off("video", good, 0).join("\n")).toMatch(/5 to 8 minutes/);
    expect(off("video", good.replaceAll("demo 110 s", "demo 70 s"), 0)).toEqual([]);
  });
});
