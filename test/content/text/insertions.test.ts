import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatFact } from "../../../lib/kit/content/text/format.js";
import { findInsertions } from "../../../lib/kit/content/text/insertions.js";
import { typedMeasurements } from "../../../lib/kit/content/text/measurements.js";
import { parseSource } from "../../../lib/kit/content/text/source.js";

const found = (text: string) => findInsertions(parseSource(text, "doc.md"));
const typed = (text: string) =>
  typedMeasurements(parseSource(text, "doc.md")).map(({ message }) => /^"(.*?)"/.exec(message)?.[1]);

describe("insertions", () => {
  test("gives kind, name, modifiers and place", () => {
    const { insertions, problems } = found(
      'One\n\nIt took {{ fact "run.time" | unit "s" | digits 1 }} in all.',
    );
    expect(problems).toEqual([]);
    expect(insertions).toMatchObject([
      {
        kind: "fact",
        name: "run.time",
        modifiers: [
          { word: "unit", args: ["s"] },
          { word: "digits", args: ["1"] },
        ],
        place: { file: "doc.md", line: 3, column: 9 },
      },
    ]);
  });

  test("leaves code, front matter and comments alone", () => {
    const text =
      '---\ntitle: "{{ a }}"\n---\n`{{ fact "x" }}` ``{{ y` }}``\n\n```ts\n{{ z }}\n```\n<!-- {{ no }} -->\n\n    text {{ given "5 s" }}\n\nand {{ given "6 s" }}';
    expect(found(text).insertions.map(({ name }) => name)).toEqual(["6 s"]);
  });

  test.each([
    ['{{ fakt "x" }}', /"fakt" is not a kind/],
    ["{{ fact x }}", /is not an insertion/],
    ['{{ fact "x"', /never closed/],
    ["{{}}", /is not an insertion/],
  ])("says what is wrong with %s", (text, message) => {
    expect(found(`a ${text}`).problems).toMatchObject([
      { place: { line: 1, column: 3 }, message: expect.stringMatching(message) },
    ]);
  });

  test("keeps every offset and line break when it masks what is not prose", () => {
    const piece = fc.constantFrom(
      "`",
      "```",
      "\n",
      "a b",
      "{{ x }}",
      "<!--",
      "-->",
      "---\n",
      "~~~",
      " ",
      "é\r\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (parts) => {
        const text = parts.join("");
        const { prose } = parseSource(text, "x.md");
        expect(prose).toHaveLength(text.length);
        expect(prose.replace(/[^\n]/g, "")).toBe(text.replace(/[^\n]/g, ""));
        for (let at = 0; at < text.length; at++) expect([" ", text[at]]).toContain(prose[at]);
      }),
    );
  });
});

describe("facts as words", () => {
  const say = (value: number | string | boolean, unit?: string, steps = "") => {
    const { insertions } = found(`{{ fact "f" ${steps} }}`);
    const result = formatFact({ value, ...(unit ? { unit } : {}) }, insertions[0]?.modifiers ?? []);
    return "text" in result ? result.text.replaceAll("\u00A0", " ") : `! ${result.problem}`;
  };

  test.each([
    [3_000_000, "rows", "", "3,000,000 rows"],
    [1, "files", "", "1 file"],
    [1, "ms", "", "1 ms"],
    [13_512_345, "bytes", '| unit "MB"', "13.5 MB"],
    [13_512_345, "bytes", '| unit "MiB" | digits 2', "12.89 MiB"],
    [2412.7, "ms", '| unit "s" | digits 1', "2.4 s"],
    [21.37, "x", "| digits 0", "21x"],
    [0.2216, undefined, "| percent", "22.2%"],
    [3_000_000, "rows", "| compact", "3 million rows"],
    [3_000_000, "rows", "| bare", "3,000,000"],
    [0.001234, "s", "", "0.00123 s"],
    [-1234.6, undefined, "", "-1,235"],
    ["9007199254740993", undefined, "", "9007199254740993"],
    [true, undefined, "", "yes"],
    [5, "rows", '| unit "MB"', '! a fact in rows cannot be shown in "MB".'],
    ["main", undefined, "| digits 1", '! "| digits" needs a number, and the fact is "main".'],
    [
      5,
      undefined,
      "| sparkle",
      '! "| sparkle" is not a modifier of a fact: digits N, unit "MB", compact, percent, bare.',
    ],
  ])("%s %s %s → %s", (value, unit, steps, text) => {
    expect(say(value, unit, steps)).toBe(text);
  });
});

describe("typed-in measurements", () => {
  test.each([
    "1.42 s",
    "81 MB",
    "22%",
    "21x",
    "100×",
    "2,000 files",
    "3,000,000",
    "6.9 million rows",
    "450 rows/s",
    "12 ms",
    "5-second",
    "10 seconds",
    "1,000,000 rows per second",
    "350 KiB",
    "4.5 percent",
  ])("notices %s", (text) => {
    expect(typed(`It took ${text}, which is good.`)).toHaveLength(1);
  });

  test.each([
    "S3 and M0",
    "Iceberg v2",
    "SHA-256",
    "in 3 to 5 steps",
    "Node 20.19",
    "HTTP 412",
    "chapter 3, section 4",
    "`12 ms`",
    '{{ given "350 MB" }}',
    "[a](b?x=12s)",
    "2001-01-01",
    "https://example.org/12ms",
    "the 12 milestones",
    "x86-64",
    "in 2026,",
  ])("leaves %s alone", (text) => {
    expect(typed(`See ${text}.`)).toEqual([]);
  });

  test("gives the place", () => {
    expect(typedMeasurements(parseSource("a\n\nb took 12 ms", "blog.md"))[0]?.place).toEqual({
      file: "blog.md",
      line: 3,
      column: 8,
    });
  });
});
