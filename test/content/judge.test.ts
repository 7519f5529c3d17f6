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
