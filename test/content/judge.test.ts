import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildContent, checkContent } from "../../lib/kit/content/index.js";
import { listMilestones } from "../../lib/kit/milestones/index.js";
import { readNotebook, writeNotebook } from "../../lib/kit/notebook/file/store.js";
import { placeOf } from "../../lib/kit/notebook/index.js";
import { code, commitNotebook, type Fixture, factOutput, makeFixture, markdown } from "./support/fixture.js";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await makeFixture();
});
afterEach(() => fixture.remove());

const edit = (name: string, change: (text: string) => string) => {
  const path = join(fixture.milestone, name);
  writeFileSync(path, change(readFileSync(path, "utf8")));
};
const page = (path: string) => readFileSync(join(fixture.project.dist, "site", path), "utf8");

/** What the check finds, and whether the build goes through. */
async function judged(): Promise<{ found: string[]; built: boolean }> {
  const results = [...(await checkContent(fixture.project)).values()].flat();
  const found = results.filter(({ ok }) => !ok).map(({ rule, message }) => `${rule}: ${message}`);
  const built = await buildContent(fixture.project).then(
    () => true,
    () => false,
  );
  return { found, built };
}

const text = (source: string, more: object = {}) => [
  markdown("title", "# One"),
  { ...markdown("text", source), ...more },
  code("fact", "1", 1, [factOutput("store.checks", 38, "checks")]),
];

describe("the check and the build agree", () => {
  test("on what is in order: a heading that holds a fact, places in a notebook, pictures beside it and attached", async () => {
    writeFileSync(join(fixture.project.milestones, "m01-object-storage", "a.png"), "png");
    const attachments = { "b.png": { "image/png": "aGk=" } };
    await commitNotebook(
      fixture.project,
      1,
      text("## What it *holds*\n\n![a](a.png) ![b](attachment:b.png) [doc](doc.md) [c](#what-it-holds)", {
        attachments,
      }),
    );
    edit("doc.md", (doc) =>
      doc
        .replace("## The idea\n", '## The idea\n\n### All {{ fact "days" }}\n\n')
        .concat(
          "\n[a](#all-182-days) [b](notebook.ipynb#cell-append-cell) [c](notebook.ipynb#fact-days)",
          " [d](notebook.ipynb#append) [e](../m01-object-storage/notebook.ipynb#what-it-holds)\n",
        ),
    );
    expect(await judged()).toEqual({ found: [], built: true });
    expect(page("notebooks/m01-object-storage.html")).toContain('src="../media/m01-object-storage/a.png"');
    expect(page("notebooks/m01-object-storage.html")).toContain('src="data:image/png;base64,aGk="');
  });

  test.each([
    ["a fact that a heading does not hold", "[a](#all-181-days)", "doc/links"],
    ["a cell that the notebook lacks", "[a](notebook.ipynb#cell-nope)", "doc/links"],
    ["a heading that the notebook lacks", "[a](notebook.ipynb#nope)", "doc/links"],
    ["a picture from another folder", "![a](../m01-object-storage/diagram.svg)", "doc/links"],
    ["a link in HTML", '<a href="blog.md">a</a>', "doc/links"],
    ["a picture in HTML", '<img src="a.png" alt="a">', "doc/links"],
  ])("on %s", async (_, words, rule) => {
    writeFileSync(join(fixture.milestone, "a.png"), "png");
    edit("doc.md", (doc) => `${doc}\n${words}\n`);
    const { found, built } = await judged();
    expect(found).toEqual([expect.stringContaining(`${rule}: `)]);
    expect(built).toBe(false);
  });

  test.each([
    ["a link of a notebook that leads nowhere", "[a](nope.md)", "notebook/links"],
    ["a place of a notebook that is not there", "[a](#nope)", "notebook/links"],
    ["a picture of a notebook that is not there", "![a](nope.png)", "notebook/links"],
    ["an attachment that is not there", "![a](attachment:nope.png)", "notebook/links"],
    ["a picture of a notebook without words", "![](diagram.svg)", "notebook/alt-text"],
    ["an insertion in a notebook's text", 'It is {{ fact "store.checks" }}.', "notebook/insertions"],
  ])("on %s", async (_, source, rule) => {
    await commitNotebook(fixture.project, 1, text(source));
    const { found, built } = await judged();
    expect(found).toEqual([expect.stringContaining(`${rule}: cell text: `)]);
    expect(built).toBe(false);
  });

  test("on a name that two cells record, with both places", async () => {
    await commitNotebook(fixture.project, 1, [
      ...text("Two"),
      code("again", "2", 2, [factOutput("store.checks", 39, "checks")]),
    ]);
    const { found, built } = await judged();
    expect(found).toEqual([
      'notebook/names: the fact "store.checks" is recorded in cell [1] (fact) and in cell [2] (again): give one of them another name.',
    ]);
    expect(built).toBe(false);
  });
});

/** A talk of four steps and two slides, of which so many words are said. */
const talk = (words: number, shown = "- A point", title = "One") => `---
title: A talk
---

# Requirements

## ${title}

${shown}

### Say

${"word ".repeat(words)}

### Say more

${"more ".repeat(700)}

# Numbers

# Design

## Two

- Another point

### Say more

So many checks: {{ fact "store.checks" }}.

# Deep dive
`;

describe("what is said is judged with what is written", () => {
  const drills = (evidence: string, answer: string) =>
    `- id: one\n  ask: Is it?\n  answer: ${answer}\n  evidence: [${evidence}]\n  then: And then?\n`;

  test("a question whose evidence resolves is in order", async () => {
    writeFileSync(join(fixture.milestone, "drills.yaml"), drills("fact days, decision 01", "Yes."));
    expect(await judged()).toEqual({ found: [], built: true });
  });

  test.each([
    ["a fact that nobody recorded", "fact nope", "Yes."],
    ["a cell that the notebook lacks", "cell nope", "Yes."],
    ["a decision that was not taken", "decision 77", "Yes."],
    ["no evidence", "", "Yes."],
    ["an answer that quotes a fact that nobody recorded", "fact days", "'{{ fact \"nope\" }}'"],
  ])("a question with %s is refused", async (_, evidence, answer) => {
    writeFileSync(join(fixture.milestone, "drills.yaml"), drills(evidence, answer));
    const { found, built } = await judged();
    expect(found).toEqual([expect.stringContaining('drills/evidence: the question "one": ')]);
    expect(built).toBe(false);
  });

  test("a question that has another one's id is refused", async () => {
    const one = drills("fact days", "Yes.");
    writeFileSync(join(fixture.milestone, "drills.yaml"), one + one);
    expect((await judged()).found).toEqual([expect.stringContaining("there is another one with this id.")]);
  });

  const giveTalk = async (source: string) => {
    const m11 = join(fixture.project.milestones, "m11-interview");
    await commitNotebook(fixture.project, 11, text("Hello"));
    writeFileSync(join(m11, "a.png"), "png");
    writeFileSync(join(m11, "talk.md"), source);
  };

  test("a talk that fits its clock becomes a page with its times", async () => {
    await giveTalk(talk(600));
    expect(await judged()).toEqual({ found: [], built: true });
    const html = page("slides/talk.html");
    expect(html).toContain('data-from-5="0.0" data-to-5="243.0" data-from-10="0.0" data-to-10="523.0"');
    expect(html.match(/class="slide /g)).toHaveLength(3);
    expect(html).toContain("38");
    // What is said in ten minutes alone is marked, and said once.
    const [, longer = ""] = html.split('data-least="10"');
    expect(html.match(/data-least="10"/g)).toHaveLength(2);
    expect(longer).toContain("more more");
    expect(longer).not.toContain("word word");
    // The second slide begins where the first one ends, and has no part in five minutes.
    expect(html).toContain('<div class="beat" data-from-10="523.0"');
    expect(html.match(/data-from-5=/g)).toHaveLength(1);
    expect(html.match(/data-from-10=/g)).toHaveLength(2);
  });

  test.each([
    ["takes longer than its minutes", talk(755), "talk/5-minutes"],
    ["is another talk than the one of its minutes", talk(500), "talk/5-minutes"],
    ["has a figure typed in", talk(600, "- It took 12.5 ms"), "talk/measurements"],
    ["has more on a slide than can be read", talk(600, "- word ".repeat(50)), "talk/words"],
    ["has a fact that nobody recorded", talk(600, '{{ fact "nope" }}'), "talk/names"],
    ["leads nowhere", talk(600, "[a](nope.md)"), "talk/links"],
    ["has a picture without words", talk(600, "![](a.png)"), "talk/alt-text"],
    ["says by hand what is planned", talk(600, "- A point (planned)"), "talk/planned"],
    ["lacks a step", talk(600).replace("# Numbers\n", ""), "talk/steps"],
  ])("a talk that %s is refused", async (_, source, rule) => {
    await giveTalk(source);
    const { found, built } = await judged();
    expect(found).toEqual([expect.stringContaining(`${rule}: `)]);
    expect(built).toBe(false);
  });
});

describe("a page", () => {
  test("has the text of now, where the outputs of this machine are fresh still", async () => {
    const milestone = (await listMilestones(fixture.project))[1];
    if (!milestone) throw new Error("the fixture has no M1");
    const place = placeOf(milestone, fixture.project);
    const ran = await readNotebook(place.source);
    if (!ran) throw new Error("the fixture's M1 has no notebook");
    mkdirSync(join(fixture.project.executed, "m01"), { recursive: true });
    await writeNotebook(place.executed, ran);
    const cells = ran.cells.map((cell) =>
      cell.cell_type === "markdown"
        ? { ...cell, source: "# Object storage\n\nA new sentence." }
        : { ...cell, outputs: [] },
    );
    await writeNotebook(place.source, { ...ran, cells });
    await buildContent(fixture.project);
    const html = page("notebooks/m01-object-storage.html");
    expect(html).toContain("A new sentence.");
    expect(html).not.toContain("What a store must promise");
    expect(html).toContain('id="fact-store.checks"');
  });
});
