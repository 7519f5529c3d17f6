import type { MilestoneContent, Piece } from "../model/inputs.js";
import { parseSource, placeAt, type Source } from "../text/source.js";
import { sectionText } from "../text/words.js";
import type { PieceDefinition } from "./piece.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";

/** The sections of a doc page, in order. */
export const DOC_SECTIONS = [
  "Problem",
  "Where it sits",
  "Invariants",
  "Reproduce it",
  "The idea",
  "Pitfalls",
  "In an interview",
  "Further reading",
  "Next",
] as const;

/** The doc page of a milestone. */
export const doc: PieceDefinition = {
  promise: "the doc page has every section and keeps its rules",
  check: checkDoc,
};

/** What to say of the milestone in an interview, as a text of its own. */
export function interviewOf(doc: Piece): Source {
  const heading = doc.headings.find(({ level, text }) => level === 2 && text === "In an interview");
  return parseSource(heading ? sectionText(doc, heading).text : "", doc.file);
}

function checkDoc(piece: Piece, content: MilestoneContent): CheckResult[] {
  const headings = piece.headings;
  const sections = headings.filter(({ level }) => level === 2);
  const names = sections.map(({ text }) => text);
  const start = placeAt(piece, piece.bodyStart);
  const missing = DOC_SECTIONS.filter((name) => !names.includes(name));
  const wrong = sections.find(({ text }, index) => missing.length === 0 && text !== DOC_SECTIONS[index]);
  const problems = [
    ...missing.map((name) => ({ place: start, message: `the section "## ${name}" is missing.` })),
    ...(wrong
      ? [
          {
            place: wrong.place,
            message: `"${wrong.text}" is out of order: the sections are ${DOC_SECTIONS.join(", ")}.`,
          },
        ]
      : []),
    ...sections
      .filter((heading) => sectionText(piece, heading).text.trim() === "")
      .map(({ place, text }) => ({ place, message: `the section "${text}" is empty.` })),
  ];
  const results = verdict("doc/sections", piece, problems, "every section is there, in order");
  const section = (name: string) => {
    const heading = sections.find(({ text }) => text === name);
    return heading ? { heading, ...sectionText(piece, heading) } : undefined;
  };

  results.push(
    headings[0]?.level === 1
      ? pass("doc/title", piece.file, "it has a title")
      : fail("doc/title", start, 'it must begin with its title, "# …".'),
  );
  const problem = section("Problem");
  if (problem) {
    // A sentence ends with a stop before a space or the end; "v2.1" and "e.g. x" do not end one for this purpose.
    const sentences =
      problem.text
        .trim()
        .replace(/\b(?:e\.g|i\.e|vs|etc)\./g, "")
        .match(/[.!?](?=\s|$)/g)?.length ?? 0;
    results.push(
      sentences === 1
        ? pass("doc/problem", piece.file, "the problem is one sentence")
        : fail("doc/problem", problem.heading.place, `the problem is ${sentences} sentences: say it in one.`),
    );
  }
  const where = section("Where it sits");
  if (where) {
    results.push(
      /!\[[^\]]*\]\((?:\.\/)?diagram\.svg\)/.test(where.text)
        ? pass("doc/diagram", piece.file, "the diagram stands where it belongs")
        : fail("doc/diagram", where.heading.place, 'show the diagram here: "![what it shows](diagram.svg)".'),
    );
    if (!content.diagram)
      results.push(fail("doc/diagram", where.heading.place, "there is no diagram.d2 beside doc.md."));
  }
  const reproduce = section("Reproduce it");
  if (reproduce) {
    results.push(
      /^\s*(?:```|~~~)/m.test(reproduce.text)
        ? pass("doc/reproduce", piece.file, "it can be reproduced by commands")
        : fail("doc/reproduce", reproduce.heading.place, "give the commands in a code block."),
    );
  }
  const invariants = section("Invariants");
  if (invariants) {
    const items = listItems(invariants.text);
    const untried = items.filter((item) => !/\]\(notebook\.ipynb#cell-[\w-]+\)/.test(item));
    results.push(
      items.length < 4 || items.length > 6
        ? fail("doc/invariants", invariants.heading.place, `it has ${items.length} invariants: list 4 to 6.`)
        : untried.length > 0
          ? fail(
              "doc/invariants",
              invariants.heading.place,
              `"${untried[0]?.slice(0, 40)}…" links to no cell that tries to break it: [words](notebook.ipynb#cell-ID).`,
            )
          : pass("doc/invariants", piece.file, `${items.length} invariants, each with its attack`),
    );
  }
  const interview = section("In an interview");
  if (interview) {
    const asked = listItems(interview.text).filter((item) => /^\*\*[^*]+\?\*\*\s+\S/.test(item)).length;
    results.push(
      asked === 3
        ? pass("doc/follow-ups", piece.file, "three follow-up questions")
        : fail(
            "doc/follow-ups",
            interview.heading.place,
            `it has ${asked} follow-up questions: give three, as "- **Question?** Answer."`,
          ),
    );
  }
  const reading = section("Further reading");
  if (reading) {
    const sources = listItems(reading.text).filter((item) => /\]\(https:\/\//.test(item)).length;
    results.push(
      sources >= 3
        ? pass("doc/reading", piece.file, `${sources} sources`)
        : fail(
            "doc/reading",
            reading.heading.place,
            `it lists ${sources} sources with a link: give 3 or more.`,
          ),
    );
  }
  const pitfalls = section("Pitfalls");
  if (pitfalls) {
    const below = headings.filter(
      ({ level, offset }) =>
        level === 3 && offset >= pitfalls.offset && offset < pitfalls.offset + pitfalls.text.length,
    );
    const count = below.length > 0 ? below.length : listItems(pitfalls.text).length;
    results.push(
      count >= 3 && count <= 5
        ? pass("doc/pitfalls", piece.file, `${count} pitfalls`)
        : fail(
            "doc/pitfalls",
            pitfalls.heading.place,
            `it has ${count} pitfalls: give 3 to 5, as a list or as ### headings.`,
          ),
    );
  }
  return results;
}

/** The items of the lists of a text, each with the lines that belong to it. */
function listItems(text: string): string[] {
  return text
    .split(/^(?=(?:[-*]|\d+[.)])\s+\S)/m)
    .filter((part) => /^(?:[-*]|\d+[.)])\s/.test(part))
    .map((part) => part.replace(/^\S+\s+/, "").trim());
}
