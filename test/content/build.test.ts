import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openPrinter } from "../../lib/kit/content/draw/pdf.js";
import { buildContent, checkContent, contentDone, saveDiagrams } from "../../lib/kit/content/index.js";
import { listMilestones } from "../../lib/kit/milestones/index.js";
import { needs } from "../support/needs.js";
import { commitNotebook, type Fixture, makeFixture, writingCells } from "./support/fixture.js";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await makeFixture();
});
afterEach(() => {
  vi.unstubAllEnvs();
  fixture.remove();
});

const unused = () => Promise.reject(new Error("nothing is kept"));
const { browser } = openPrinter({ bytes: unused, text: unused });
const chromium = needs(browser !== undefined, "Chromium, to print slides");

const site = (path: string) => readFileSync(join(fixture.project.dist, "site", path), "utf8");
const content = (path: string) => readFileSync(join(fixture.project.dist, "content", path), "utf8");
/** The Definition of Done is computed once for a project: here it changes in between. */
const forget = () => {
  fixture = { ...fixture, project: { ...fixture.project } };
};
const setting = (key: string, value: string) => {
  const path = join(fixture.project.root, "blog", "site.yaml");
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace(new RegExp(`^${key}: .*$`, "m"), `${key}: "${value}"`),
  );
};
const edit = (name: string, change: (text: string) => string) => {
  const path = join(fixture.milestone, name);
  writeFileSync(path, change(readFileSync(path, "utf8")));
};

describe("a build", () => {
  test("makes the site and every channel's files, the same bytes each time", async () => {
    const report = await buildContent(fixture.project);
    expect(report.milestones).toMatchObject([
      { id: "m01", pages: 3 },
      { id: "m03", pages: 5 },
    ]);
    expect(existsSync(report.home)).toBe(true);
    const first = hashes(fixture.project.dist);
    for (const name of [
      "linkedin.txt",
      "linkedin.api.txt",
      "blog.md",
      "blog.hashnode.md",
      "blog.medium.html",
      "video.md",
      "captions.vtt",
    ]) {
      expect(first).toHaveProperty([`content/m03/${name}`]);
    }
    for (const name of [
      "cover.png",
      "social.png",
      "diagram.png",
      "diagram-dark.svg",
      "figure-files.by_day.png",
      "table-manifest.bounds.png",
    ]) {
      expect(first).toHaveProperty([`content/m03/images/${name}`]);
    }
    expect(pngSize("m03/images/cover.png")).toEqual([1000, 420]);
    expect(pngSize("m03/images/social.png")).toEqual([1200, 627]);
    // Nothing has changed: nothing is made, unless a file of it is gone.
    const made = statSync(report.home).mtimeMs;
    expect(await buildContent(fixture.project)).toEqual({ ...report, seconds: expect.any(Number) });
    expect(statSync(report.home).mtimeMs).toBe(made);
    rmSync(join(fixture.project.dist, "site", "feed.xml"));
    await buildContent(fixture.project);
    delete first["content-build.json"];
    expect(hashes(fixture.project.dist)).toMatchObject(first);
  });

  test("links each fact to the cell that measured it, and says which run it was", async () => {
    await buildContent(fixture.project);
    const doc = site("milestones/m03-writing-iceberg.html");
    expect(doc).toContain(
      '<a href="../notebooks/m03-writing-iceberg.html#cell-append-cell" aria-describedby="fact-1">3,000,000\u00A0rows</a>',
    );
    expect(doc).toMatch(
      /role="tooltip" id="fact-2"[^>]*>one for each day<br>Cell \[3\] of the M3 notebook · embedded profile · Node 20\.20\.2 · run [0-9a-f]{8}</,
    );
    expect(site("notebooks/m03-writing-iceberg.html")).toContain('id="cell-append-cell"');
    expect(doc).toContain("128\u00A0MB");
  });

  test("makes pages that ask no other host, work by keyboard, and know both themes", async () => {
    await buildContent(fixture.project);
    const pages = Object.keys(hashes(join(fixture.project.dist, "site"))).filter((path) =>
      path.endsWith(".html"),
    );
    expect(pages).toHaveLength(17);
    for (const path of pages) {
      const html = site(path);
      const requested = [
        ...html.matchAll(
          /<(?:img|script|iframe|source)\b[^>]*\b(?:src|srcset)="([^"]+)"|<link\b(?![^>]*rel="(?:canonical|alternate)")[^>]*href="([^"]+)"/g,
        ),
      ];
      expect(requested.length).toBeGreaterThan(0);
      for (const [, src, href] of requested) expect(src ?? href).not.toMatch(/^(?:https?:)?\/\//);
      expect(html).toContain('<a class="skip" href="#content">');
      expect(html).toContain('<main id="content"');
      expect(html).toMatch(/<html lang="en">/);
      expect(html).toMatch(/<title>[^<]+<\/title>/);
      expect([...html.matchAll(/<h1\b/g)]).toHaveLength(1);
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
      // A picture beside a link of the same words is for the eye alone.
      const spoken = html.replace(/<a class="thumbnail"[^>]*aria-hidden="true">.*?<\/a>/g, "");
      for (const [image] of spoken.matchAll(/<img\b[^>]*>/g)) expect(image).toMatch(/\salt="[^"]+"/);
    }
    const css = site("assets/site.css");
    expect(css).toContain("prefers-color-scheme:dark");
    expect(css).not.toMatch(/url\((?!fonts\/)/);
  });

  test("turns from page to page in order, from the first link of each series to its last", async () => {
    await buildContent(fixture.project);
    const turns = (path: string) =>
      Object.fromEntries(
        [...site(path).matchAll(/<link rel="(prev|next)" href="([^"]+)"/g)].map(([, rel = "", href]) => [
          rel,
          href,
        ]),
      );
    expect(turns("index.html")).toEqual({ next: "milestones/m01-object-storage.html" });
    expect(turns("milestones/m01-object-storage.html")).toEqual({
      prev: "../index.html",
      next: "m03-writing-iceberg.html",
    });
    expect(turns("milestones/m03-writing-iceberg.html")).toEqual({ prev: "m01-object-storage.html" });
    expect(turns("docs/decisions/01-tables.html")).toEqual({ prev: "index.html" });
    expect(turns("interview/m03-writing-iceberg.html")).toEqual({ prev: "m01-object-storage.html" });
  });

  test("quotes a run on the home page, and goes without the text where that milestone is left out", async () => {
    await buildContent(fixture.project);
    expect(site("index.html")).toContain("<h1>Learn it by building it.</h1>");
    expect(site("index.html")).toContain('id="figure-files.by_day"');
    expect(site("index.html")).toContain(
      'src="media/architecture-light.svg" alt="Rows go in, files come out."',
    );
    edit("notebook.ipynb", (text) => text.replace("load flights", "load all flights"));
    await buildContent(fixture.project, { only: ["m01"] });
    expect(site("index.html")).not.toContain("figure-files.by_day");
  });

  test("gives records of decisions a page, with an index and links between them and the milestones", async () => {
    await buildContent(fixture.project);
    const decision = site("docs/decisions/01-tables.html");
    expect(decision).toContain('href="../../milestones/m03-writing-iceberg.html"');
    expect(site("milestones/m03-writing-iceberg.html")).toContain('href="../docs/decisions/01-tables.html"');
    expect(site("milestones/m01-object-storage.html")).not.toContain(
      'href="../docs/decisions/01-tables.html"',
    );
    expect(site("docs/decisions/index.html")).toContain('href="01-tables.html"');
    expect(site("index.html")).toContain('<a href="docs/decisions/index.html">Decisions</a>');
  });

  test("gives each interview answer a page, and one page all of them", async () => {
    await buildContent(fixture.project);
    const one = site("interview/m03-writing-iceberg.html");
    expect(one).toContain("compare-and-set on one pointer");
    expect(one).toContain("<strong>And a crash?</strong>");
    expect(one).not.toContain("Sorting after partitioning");
    const all = site("interview/index.html");
    expect(all).toContain('<h2 id="m01">M1 · Object storage: where the bytes live</h2>');
    expect(all).toContain("compare-and-set on one pointer");
  });

  test("offers each notebook with its outputs, and names what each page is made from", async () => {
    await buildContent(fixture.project);
    const doc = site("milestones/m03-writing-iceberg.html");
    expect(doc).toContain('href="../notebooks/m03-writing-iceberg.ipynb" download');
    expect(doc).toContain("<code>milestones/m03-writing-iceberg/doc.md</code>");
    expect(JSON.parse(site("notebooks/m03-writing-iceberg.ipynb")).cells.length).toBeGreaterThan(3);
    setting("repository", "https://github.com/ada/lakehouse/");
    await buildContent(fixture.project);
    expect(site("milestones/m03-writing-iceberg.html")).toContain(
      'href="https://github.com/ada/lakehouse/blob/main/milestones/m03-writing-iceberg/doc.md"',
    );
  });

  test("keeps the reference that another command made, and links it only where it is", async () => {
    await buildContent(fixture.project);
    expect(site("index.html")).not.toContain("api/index.html");
    mkdirSync(join(fixture.project.dist, "site", "api"));
    writeFileSync(join(fixture.project.dist, "site", "api", "index.html"), "<title>API</title>");
    await buildContent(fixture.project);
    expect(site("index.html")).toContain('<a href="api/index.html">API</a>');
    expect(site("api/index.html")).toContain("API");
  });

  test("makes slides a page, and sheets that stand alone in both sizes, with their facts and no link", async () => {
    await buildContent(fixture.project);
    const page = site("slides/m03-writing-iceberg.html");
    expect(page.match(/<section class="slide /g)).toHaveLength(5);
    expect(page).toContain('href="../notebooks/m03-writing-iceberg.html#cell-');
    for (const [name, size] of [
      ["slides", "1280px 720px"],
      ["document", "1080px 1350px"],
    ]) {
      const sheets = content(`m03/${name}.html`);
      expect(sheets).toContain(`@page{size:${size};`);
      expect(sheets).toContain("182\u00A0days");
      expect(sheets).toContain('src="data:image/svg+xml;base64,');
      // Nothing in it leads to this machine or asks for another file.
      expect(sheets).not.toMatch(/<a\b|\b(?:href|src|srcset)="(?!data:|#)|url\((?!data:|#)/);
    }
  });

  test("prints no slides without a browser, and says so of one that does not print", async () => {
    vi.stubEnv("SLH_CHROMIUM", "");
    expect((await buildContent(fixture.project)).unprinted).toBe(true);
    expect(existsSync(join(fixture.project.dist, "content/m03/slides.pdf"))).toBe(false);
    vi.stubEnv("SLH_CHROMIUM", join(fixture.project.root, "no-browser"));
    edit("slides.md", (text) => text.replace("What a write leaves behind", "What a write leaves"));
    await expect(buildContent(fixture.project)).rejects.toMatchObject({
      code: "CONTENT_INVALID",
      remedy: expect.stringContaining("SLH_CHROMIUM"),
    });
  });

  test("prints both sizes, a page a slide, without the path of this machine", chromium, async () => {
    expect((await buildContent(fixture.project)).unprinted).toBe(false);
    for (const name of ["slides", "document"]) {
      const pdf = readFileSync(join(fixture.project.dist, `content/m03/${name}.pdf`), "latin1");
      expect(pdf.startsWith("%PDF-")).toBe(true);
      expect(pdf.match(/\/Type ?\/Page\b/g)).toHaveLength(5);
      expect(pdf).not.toContain("file://");
    }
  });

  test("writes no text for another platform whose pictures would be at a placeholder", async () => {
    setting("url", "https://sololakehouse.example");
    const report = await buildContent(fixture.project);
    expect(report.withheld).toEqual(["m03/blog.md", "m03/blog.hashnode.md", "m03/blog.medium.html"]);
    expect(existsSync(join(fixture.project.dist, "content/m03/blog.md"))).toBe(false);
    expect(content("m03/linkedin.txt")).toContain("182");
    expect(site("blog/writing-iceberg.html")).toContain("One pointer");
  });

  test("lists milestones that are not started, and gives them no page", async () => {
    await buildContent(fixture.project);
    expect(site("index.html")).toContain("Medallion: bronze, silver, gold");
    expect(existsSync(join(fixture.project.dist, "site", "milestones", "m05-medallion.html"))).toBe(false);
    expect(site("sitemap.xml")).not.toContain("medallion");
  });

  test("renders the notebook with code, folded output, prediction, table and chart", async () => {
    await buildContent(fixture.project);
    const page = site("notebooks/m03-writing-iceberg.html");
    expect(page).toContain("<summary>32 more lines</summary>");
    expect(page).toContain('<div class="predict">');
    expect(page).toContain('<details class="folded"><summary>Solution</summary>');
    expect(page).toContain('<details class="folded"><summary>Code</summary>');
    expect(page).toContain("<figcaption>6 of 182 rows</figcaption>");
    expect(page).toMatch(/<svg role="img" aria-label="Bars of one to three[^"]*"/);
    expect(page).toContain('fill="var(--ice)"');
    expect(page).toContain('<span style="color:var(--ice-text)">const</span>');
  });

  test("gives the feed whole posts and search an index that loads only when asked", async () => {
    await buildContent(fixture.project);
    const feed = site("feed.xml");
    expect(feed).toContain("<title>One pointer: what writing an Iceberg table really does</title>");
    expect(feed).toContain("&lt;h2&gt;The principle&lt;/h2&gt;");
    expect(existsSync(join(fixture.project.dist, "site", "pagefind", "pagefind.js"))).toBe(true);
    expect(site("index.html")).not.toContain("pagefind.js");
  });
});

describe("a build is refused", () => {
  test("for a record of a decision without its evidence, and for a figure typed into the home page", async () => {
    const change = (path: string, from: string, to: string) => {
      const whole = join(fixture.project.root, path);
      writeFileSync(whole, readFileSync(whole, "utf8").replace(from, to));
    };
    change("docs/decisions/01-tables.md", "## Evidence", "## Hearsay");
    change("blog/home.md", "It has", "In 12 ms it has");
    await expect(buildContent(fixture.project)).rejects.toThrow(
      /blog\/home\.md:\d+:\d+: "12 ms" is typed in[\s\S]*01-tables\.md:1:1: the section "## Evidence" is missing/,
    );
  });

  test("for names that do not resolve, all at once, with the place and what was meant", async () => {
    edit("doc.md", (text) => text.replace('{{ fact "days" }}', '{{ fact "dayz" }}'));
    edit("blog.md", (text) => text.replace('{{ figure "files.by_day" }}', '{{ figure "files.by_dy" }}'));
    await expect(buildContent(fixture.project)).rejects.toMatchObject({
      code: "CONTENT_INVALID",
      message: expect.stringMatching(
        /m03-writing-iceberg\/doc\.md:\d+:\d+: the notebook of m03 records no fact "dayz"\. Did you mean "days"\?\n[\s\S]*blog\.md:\d+:1: .*Did you mean "files\.by_day"\?/,
      ),
    });
  });

  test("for a measurement that was typed in", async () => {
    edit("doc.md", (text) => text.replace("a reader saw none", "in 12.5 ms a reader saw none"));
    await expect(buildContent(fixture.project)).rejects.toThrow(/doc\.md:\d+:\d+: "12\.5 ms" is typed in/);
  });

  test("for outputs that are older than their code, and keeps the site that was there", async () => {
    await buildContent(fixture.project);
    const before = hashes(fixture.project.dist);
    edit("notebook.ipynb", (text) => text.replace("load flights", "load all flights"));
    await expect(buildContent(fixture.project)).rejects.toMatchObject({
      code: "STALE_OUTPUT",
      message: expect.stringMatching(
        /notebook\.ipynb: its outputs are stale: code cell 3 \(append-cell\) changed\. Run: slh run m03/,
      ),
    });
    expect(hashes(fixture.project.dist)).toEqual(before);
  });

  test("for a notebook without outputs, with what to run", async () => {
    edit("notebook.ipynb", (text) => JSON.stringify({ ...JSON.parse(text), metadata: {} }));
    await expect(buildContent(fixture.project)).rejects.toThrow(/it has not run\. Run: slh run m03/);
  });

  test("only for milestones that were asked for: others are left out", async () => {
    edit("notebook.ipynb", (text) => text.replace("load flights", "load all flights"));
    const report = await buildContent(fixture.project, { only: ["m01"] }).catch((error: Error) => error);
    // M1 links to M3, whose page is not made: the words stay, the link goes.
    expect(report).toMatchObject({ skipped: [{ id: "m03" }], milestones: [{ id: "m01" }] });
    expect(site("milestones/m01-object-storage.html")).not.toContain("m03-writing-iceberg.html");
  });
});

describe("the Definition of Done", () => {
  test("lists each piece, and what is off in it", async () => {
    const milestone = (await listMilestones(fixture.project))[3];
    if (!milestone) throw new Error("the fixture has no M3");
    rmSync(join(fixture.milestone, "diagram.svg"));
    expect(await contentDone(milestone, fixture.project)).toMatchObject([
      { piece: "doc", done: true },
      { piece: "blog", done: true },
      { piece: "linkedin", done: true },
      { piece: "video", done: true },
      { piece: "slides", done: true },
      { piece: "diagram", done: false, why: expect.stringContaining("diagram.svg is missing") },
    ]);
    forget();
    expect(await saveDiagrams(fixture.project)).toContain("milestones/m03-writing-iceberg/diagram.svg");
    expect(await saveDiagrams(fixture.project)).toEqual([]);
    forget();
    expect((await contentDone(milestone, fixture.project)).every(({ done }) => done)).toBe(true);
    writeFileSync(join(fixture.milestone, "other.d2"), "direction: right\na: A {class: here}\na -> b\n");
    forget();
    expect((await contentDone(milestone, fixture.project)).at(-1)).toMatchObject({
      done: false,
      why: expect.stringContaining("other.svg is missing"),
    });
    expect(await saveDiagrams(fixture.project)).toEqual(["milestones/m03-writing-iceberg/other.svg"]);
    edit("doc.md", (text) => text.replace("](diagram.svg)", "](diagram.svg)\n\n![another one](other.svg)"));
    forget();
    await buildContent(fixture.project);
    expect(site("milestones/m03-writing-iceberg.html")).toContain(
      "media/m03-writing-iceberg/other-tall-dark.svg",
    );
    expect(site("media/m03-writing-iceberg/other-dark.svg")).toContain("<svg");
    edit("diagram.d2", (text) => text.replace("Batches", "Arrow batches"));
    forget();
    expect((await contentDone(milestone, fixture.project)).at(-1)).toMatchObject({
      done: false,
      why: expect.stringContaining("older diagram.d2"),
    });
  });

  test("says of each milestone which rules hold", async () => {
    rmSync(join(fixture.milestone, "diagram.svg"));
    const results = [...(await checkContent(fixture.project, ["m03"])).values()].flat();
    expect(results.filter(({ ok }) => !ok).map(({ rule }) => rule)).toEqual(["diagram/fresh"]);
    expect(results.length).toBeGreaterThan(30);
  });

  test("follows a new run without a new word", async () => {
    const cells = await writingCells();
    await commitNotebook(
      fixture.project,
      3,
      JSON.parse(JSON.stringify(cells).replaceAll('"value":3000000', '"value":2999999')),
    );
    await buildContent(fixture.project);
    expect(content("m03/linkedin.txt")).toContain("I wrote 2,999,999\u00A0rows");
  });
});

function hashes(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(folder, entry);
    if (statSync(path).isFile())
      found[relative(folder, path)] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return found;
}

function pngSize(path: string): [number, number] {
  const bytes = readFileSync(join(fixture.project.dist, "content", path));
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}
