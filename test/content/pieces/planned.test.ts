import { describe, expect, test } from "vitest";
import { plannedBoxes, plannedInNotebook, plannedProblems } from "../../../lib/kit/content/pieces/planned.js";
import { parseSource } from "../../../lib/kit/content/text/source.js";

const parts = [
  { name: "m07", words: ["M7"], built: undefined },
  { name: "m04", words: ["M4"], built: "milestones/m04" },
  { name: "streaming log", words: ["streaming log", "stream"], built: undefined },
];
const off = (text: string) =>
  plannedProblems(parseSource(text, "doc.md"), parts).map(({ message }) => message);

describe("a text", () => {
  test.each([
    [
      "says what is planned",
      'The streaming log ({{ planned "streaming log" }}) keeps it. A stream is ordered.',
    ],
    [
      "speaks of what is built",
      "M4 plans it, and a query is planned on metadata. M70 and streams are other words.",
    ],
    ["quotes", "`streaming log` and\n\n```\nM7\n```"],
    ["says it once a section", '## A\n\n{{ planned "m07" }}: M7 and M7 again.\n\n## B\n\nNothing.'],
  ])("%s", (_, text) => expect(off(text)).toEqual([]));

  test.each([
    ["as if it were there", "Records go to the streaming\nlog.", /^"streaming\nlog" is not built yet/],
    [
      "in another section",
      '## A\n\nM7 ({{ planned "m07" }})\n\n## B\n\nM7 does it.',
      /^"M7" is not built yet/,
    ],
    ["that exists", 'M4 ({{ planned "m04" }}) does it.', /^m04 is there now \(milestones\/m04\)/],
    [
      "by a name that nothing has",
      'It is {{ planned "m99" }}.',
      /^no part is called "m99": planned are m07, streaming log/,
    ],
    ["without a mark", "The cache (planned) helps.", /^write \{\{ planned "part" \}\}/],
  ])("that speaks of what is planned %s is refused", (_, text, message) =>
    expect(off(text)).toEqual([expect.stringMatching(message)]),
  );
});

test("a notebook's text, which takes no insertion, says it itself", () => {
  const cell = (text: string) =>
    plannedInNotebook(parseSource(text, "n"), parts).map(({ message }) => message);
  expect(cell("The streaming log is planned.")).toEqual([]);
  expect(cell("M7 trains on it.")).toEqual([expect.stringContaining('"M7" is not built yet')]);
  expect(cell("M4 (planned) asks it.")).toEqual([
    expect.stringContaining("nothing that it names is planned"),
  ]);
});

test("a diagram's box has the class planned while its part is", () => {
  const boxes = (d2: string) =>
    plannedBoxes(d2, "d.d2", parts).map(({ place, message }) => `${place.line} ${message}`);
  expect(boxes("a: Rows\nlog: Streaming\\nlog {class: planned}\nb: M4")).toEqual([]);
  expect(boxes("a: Rows\nlog: Streaming\\nlog {class: stream}")).toEqual([
    expect.stringMatching(/^2 streaming log is not built/),
  ]);
  expect(boxes("b: M4 {class: [here; planned]}")).toEqual([expect.stringMatching(/^1 m04 is there now/)]);
  expect(boxes("b: Cache {class: planned}")).toEqual([
    expect.stringMatching(/^1 no part that is planned has this name/),
  ]);
});
