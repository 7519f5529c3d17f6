import { describe, expect, test } from "vitest";
import { findInsertions } from "../../../lib/kit/content/text/insertions.js";
import { typedMeasurements } from "../../../lib/kit/content/text/measurements.js";
import { parseSource } from "../../../lib/kit/content/text/source.js";

const FACT = '{{ fact "x" | unit "s" }}';
const source = (text: string) => parseSource(text, "doc.md");
const found = (text: string) => findInsertions(source(text)).insertions.map(({ name }) => name);
const off = (text: string) =>
  findInsertions(source(text)).problems.map(
    ({ place: { line, column }, message }) => `${line}:${column} ${message}`,
  );

describe("an insertion", () => {
  test.each([
    ["a sentence", `a ${FACT} b`],
    ["a heading", `## a ${FACT}`],
    ["a heading that is underlined", `a ${FACT}\n---`],
    ["a list", `- a\n  1. b ${FACT}`],
    ["a quote", `> a\n> ${FACT}`],
    ["a table, whatever its bars", `| a | b |\n|---|---|\n| 1 | ${FACT} |`],
    ["the words of a link", `[a ${FACT}](b.md)`],
    ["the alternative of a picture", `![a ${FACT}](b.png "t")`],
    ["emphasis", `a **${FACT}** b`],
    ["a paragraph that is indented below another", `a\n    ${FACT}`],
  ])("is one in %s", (_, text) => {
    expect(found(text)).toEqual(["x"]);
    expect(off(text)).toEqual([]);
  });

  test.each([
    ["a fence", `\`\`\`\n${FACT}\n\`\`\``],
    ["indented code", `a\n\n    ${FACT}\n`],
    ["indented code in a list", `- a\n\n      ${FACT}\n`],
    ["a fence in a quote", `> ~~~\n> ${FACT}\n> ~~~`],
    ["a span of code", `a \`b ${FACT}\` c`],
    ["a comment", `a <!-- ${FACT} --> b`],
    ["a comment over lines", `<!--\n${FACT}\n-->`],
  ])("is quotation in %s", (_, text) => {
    expect(found(text)).toEqual([]);
    expect(off(text)).toEqual([]);
  });

  test.each([
    ["the address of a link", `[a](b/${FACT})`, "1:7 an insertion cannot stand in the address"],
    ["the title of a link", `[a](b "c ${FACT}")`, "1:10 an insertion cannot stand in the address"],
    ["the address of a picture", `![a](${FACT}.png)`, "1:6 an insertion cannot stand in the address"],
    ["an autolink", `<https://e.org/${FACT}>`, "1:16 an insertion cannot stand in the address"],
    ["a definition", `[a][b]\n\n[b]: c/${FACT}`, "3:8 an insertion cannot stand in a definition"],
    ["a tag", `a <b title='${FACT}'>c</b>`, "1:13 an insertion cannot stand in HTML"],
    ["a block of HTML", `<div>\n${FACT}\n</div>`, "2:1 an insertion cannot stand in HTML"],
    ["backticks of its own", `a \`${FACT}\` c`, "1:4 an insertion in backticks is shown as it is written"],
  ])("is refused in %s", (_, text, message) => {
    expect(found(text)).toEqual([]);
    expect(off(text)).toEqual([expect.stringContaining(message)]);
  });
});

describe("a text", () => {
  test("knows its links, those in code left out, with their words", () => {
    const text =
      'a [b *c*](d.md "t") `[no](x)` ![e](f.png)\n\n| [g](h) | i |\n|--|--|\n| <https://j.org> | <img src="k.png"> |\n\n[l][m]\n\n[m]: n.md';
    const { links } = source(text);
    expect(
      links.map(({ image, href, start, label }) => [
        image ? "!" : "",
        href,
        text[start],
        label ? text.slice(...label) : undefined,
      ]),
    ).toEqual([
      ["", "d.md", "[", "b *c*"],
      ["!", "f.png", "!", "e"],
      ["", "h", "[", "g"],
      ["", "https://j.org", "<", undefined],
      ["!", "k.png", "<", undefined],
      ["", "n.md", "[", "l"],
    ]);
  });

  test("knows its headings, underlined ones too, and none in code", () => {
    const text = "# A `b` #\n\n    # no\n\nC d\n---\n\n> ## E";
    expect(source(text).headings.map(({ level, text: words, place }) => [level, words, place.line])).toEqual([
      [1, "A `b`", 1],
      [2, "C d", 5],
      [2, "E", 8],
    ]);
  });

  test("has no measurement in indented code, addresses and tags, and has those in tables and links", () => {
    const typed = (text: string) =>
      typedMeasurements(source(text)).map(({ place }) => `${place.line}:${place.column}`);
    expect(typed('a\n\n    12 ms\n\n[b](c?12ms) <i title="12 ms">x</i>')).toEqual([]);
    expect(typed("| a |\n|---|\n| took 12 ms |")).toEqual(["3:8"]);
    expect(typed("[it took 12 ms](a.md)")).toEqual(["1:10"]);
  });
});
