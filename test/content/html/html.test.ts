import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCache } from "../../../lib/kit/content/draw/cache.js";
import { chartHtml, inlineSvg } from "../../../lib/kit/content/html/chart.js";
import { type Highlighter, openHighlighter } from "../../../lib/kit/content/html/code.js";
import { openMarkdown, placeholder } from "../../../lib/kit/content/html/markdown.js";
import { notebookHtml } from "../../../lib/kit/content/html/notebook.js";
import { tableHtml, tableTexts } from "../../../lib/kit/content/html/table.js";
import { brokenLinks } from "../../../lib/kit/content/site/link-check.js";
import { escapeHtml, relativeUrl, slugify } from "../../../lib/kit/content/text/escape.js";
import { type Output, RECORD_MIME, recordedIn } from "../../../lib/kit/notebook/index.js";
import { code, factOutput, recordedFixture } from "../support/fixture.js";

let highlighter: Highlighter;
let folder: string;
beforeAll(async () => {
  highlighter = await openHighlighter();
  folder = mkdtempSync(join(tmpdir(), "slh-html-"));
});
afterAll(() => {
  highlighter.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("relative URLs", () => {
  test.each([
    ["index.html", "index.html", "index.html"],
    ["index.html", "blog/a.html#x", "blog/a.html#x"],
    ["blog/a.html", "index.html", "../index.html"],
    ["blog/a.html", "blog/b.html", "b.html"],
    ["blog/a.html", "blog/a.html#x", "#x"],
    ["a/b/c.html", "a/d/e.html", "../d/e.html"],
  ])("from %s to %s are %s", (from, to, url) => expect(relativeUrl(from, to)).toBe(url));

  test("lead where a browser would go", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
      .map((parts) => `${parts.join("/")}.html`);
    fc.assert(
      fc.property(path, path, (from, to) => {
        expect(new URL(relativeUrl(from, to), `http://site/${from}`).pathname).toBe(`/${to}`);
      }),
    );
  });
});

describe("words for fragments", () => {
  test.each([
    ["What I decided, and why", "what-i-decided-and-why"],
    ["Überblick: `x`", "uberblick-x"],
    ["  --  ", ""],
  ])("%s becomes %s", (text, slug) => expect(slugify(text)).toBe(slug));
});

describe("Markdown", () => {
  const render = (text: string, options = {}) => openMarkdown(highlighter)(text, options);

  test("numbers equal headings, and gives the list of them", () => {
    const { html, headings } = render("## A b\n\n## A b\n\n### `c` d");
    expect(headings).toEqual([
      { level: 2, id: "a-b", text: "A b" },
      { level: 2, id: "a-b-2", text: "A b" },
      { level: 3, id: "c-d", text: "c d" },
    ]);
    expect(html).toContain('<h2 id="a-b-2">');
  });

  test("puts fillings in place: inline in sentences and alt texts, blocks without a paragraph around", () => {
    const fillings = [
      { html: "<b>1</b>", text: "one", block: false },
      { html: "<figure></figure>", text: "fig", block: true },
    ];
    const { html } = render(
      `A ${placeholder(0)} "b" ![see ${placeholder(0)}](x.png)\n\n${placeholder(1)}\n`,
      { fillings },
    );
    expect(html).toContain('<p>A <b>1</b> “b” <img src="x.png" alt="see one"');
    expect(html).toContain("<figure></figure>");
    expect(html).not.toContain("<p><figure>");
  });

  test("drops a link that leads nowhere and keeps its words", () => {
    expect(
      render("[a *b*](x.md) [c](y.md)", { link: (href: string) => (href === "y.md" ? "y.html" : undefined) })
        .html,
    ).toBe('<p>a <em>b</em> <a href="y.html">c</a></p>\n');
  });

  test("shows code in unknown languages as it is", () => {
    expect(render("```klingon\n<a> & b\n```").html).toContain(
      '<pre tabindex="0"><code>&lt;a&gt; &amp; b</code></pre>',
    );
  });

  test("never lets text become markup", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"]/);
      }),
    );
  });
});

describe("charts and tables", () => {
  test("draws a chart once for both themes, again for phones, and lists its data", async () => {
    const figure = recordedFixture().figures.get("files.by_day");
    if (!figure) throw new Error("no figure");
    const html = await chartHtml(openCache(folder), figure, "from here");
    expect(html).toContain('<p class="chart-title">Every day fills one to three files</p>');
    expect(html.match(/<svg /g)).toHaveLength(2);
    expect(html).not.toMatch(/fill="#|stroke="#/);
    expect(html).toContain("<title>Day: Jan 01, 2001; Data files: 1</title>");
    expect(html).toContain("<summary>Data, 24 rows</summary>");
  });

  test("draws a chart for each theme where colours are between those of the palette", async () => {
    const figure = recordedFixture().figures.get("files.by_day");
    if (!figure) throw new Error("no figure");
    const encoding = { ...(figure.spec.encoding as object), color: { field: "files", type: "quantitative" } };
    const html = await chartHtml(
      openCache(folder),
      { ...figure, spec: { ...figure.spec, width: 200, encoding } },
      "",
    );
    expect(html).toContain('<div class="only-light"><svg');
    expect(html).toContain('<div class="only-dark"><svg');
  });

  test("keeps ids of drawings apart", () => {
    expect(inlineSvg('<?xml?><svg><g id="a"/><use href="#a" fill="url(#a)"/></svg>', "x", "n.1")).toBe(
      '<svg role="img" aria-label="x"><g id="n-1-a"/><use href="#n-1-a" fill="url(#n-1-a)"/></svg>',
    );
  });

  test("gives a column as many decimals as its numbers need", () => {
    const column = { key: "a", label: "A", align: "right" } as const;
    const texts = (values: (number | null)[]) =>
      tableTexts({ columns: [column], rows: values.map((value) => [value]) }).flat();
    expect(texts([1, 20_000])).toEqual(["1", "20,000"]);
    expect(texts([0.0741, 0.5])).toEqual(["0.074", "0.500"]);
    expect(texts([1.5, 2, null])).toEqual(["1.5", "2.0", "–"]);
    expect(texts([1234.5, 2])).toEqual(["1,235", "2"]);
  });

  test("escapes what cells hold", () => {
    const table = {
      name: "t",
      columns: [{ key: "a", label: "<A>", align: "left" as const }],
      rows: [["<b>"]],
      totalRows: 1,
      volatile: false,
      cell: { id: "c", index: 0, executionCount: 1 },
    };
    expect(tableHtml(table)).toContain(
      '<th scope="col">&lt;A&gt;</th></tr></thead><tbody><tr><td>&lt;b&gt;</td>',
    );
  });
});

describe("folded code", () => {
  test.each([
    ["// Imports and helpers\nimport a;\nimport b;", [], "Imports and helpers, 3 lines"],
    ["fact(1);", [factOutput("a", 1), factOutput("b", 2)], "Code that records 2 facts"],
    ["// Which <b>?\nfact(1);", [], "Which &lt;b&gt;?"],
    ["run();", [], "Code"],
  ])("says in a line what is below it: %j", async (source, outputs, summary) => {
    const cells = [code("one", source, 1, outputs, ["hide-input"])];
    const recorded = recordedIn({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, "n.ipynb");
    const tools = { cache: openCache(folder), highlighter, markdown: openMarkdown(highlighter) };
    const { html } = await notebookHtml(recorded, tools, { link: (href) => href });
    expect(html).toContain(`<details class="folded"><summary>${summary}</summary>`);
  });
});

describe("a notebook's outputs", () => {
  const page = async (outputs: readonly Output[]) => {
    const cells = [code("one", "1 + 1", 1, outputs)];
    const recorded = recordedIn({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, "n.ipynb");
    const tools = { cache: openCache(folder), highlighter, markdown: openMarkdown(highlighter) };
    return (await notebookHtml(recorded, tools, { link: (href) => href })).html;
  };
  const display = (data: Record<string, unknown>): Output => ({
    output_type: "display_data",
    metadata: {},
    data,
  });

  const wicked = [
    "<script>alert(1)</script>",
    '<script src="https://else.test/x.js"></script>',
    '<img src="x" onerror="alert(1)">',
    '<img src="https://else.test/x.png">',
    "<svg/onload=alert(1)><g onclick='alert(1)'/></svg>",
    '<svg><animate attributeName="href" to="javascript:alert(1)"/></svg>',
    '<svg><foreignObject><iframe src="https://else.test"></iframe></foreignObject></svg>',
    '<svg><use href="https://else.test/x.svg#a"/></svg>',
    '<a href="javascript:alert(1)">a</a>',
    '<a href=" java&#10;script:alert(1)">a</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<iframe sandbox="allow-scripts" srcdoc="<b>a</b>" src="https://else.test"></iframe>',
    `<iframe srcdoc='<META x=">" HTTP-EQUIV=refresh content=0><LINK rel=preconnect><base target=_top>'></iframe>`,
    '<form action="https://else.test"><button>a</button></form>',
    '<link rel="stylesheet" href="https://else.test/y.css"><base href="https://else.test"><meta http-equiv="refresh" content="0">',
    '<style>@import "https://else.test/y.css";</style>',
    '<b style="background:url(https://else.test/x.png)">a</b>',
    '<b style="background:u\\72l(https://else.test/x.png)">a</b>',
    '<rect fill="url(https://else.test/x.svg#a)"/>',
    '<math><mtext></table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<video src="https://else.test/v" autoplay></video><object data="https://else.test"></object><embed src="https://else.test">',
    "<sc<script>ript>alert(1)</script>",
  ];

  test.each(wicked)("run and load nothing, whatever their form: %s", async (html) => {
    for (const data of [
      { "text/html": html },
      { "text/markdown": `a ${html} b\n\n${html}\n` },
      { "image/svg+xml": `<svg>${html}</svg>` },
      { [RECORD_MIME.predict]: {}, "text/html": html },
      { [RECORD_MIME.check]: { name: "a", state: "open", message: "" }, "text/html": html },
    ]) {
      const out = (await page([display(data)])).replace(
        /src="data:image\/svg\+xml;base64,[A-Za-z0-9+/=]*"/g,
        "",
      );
      // A page in a frame is text to this one, and it may do nothing.
      const alone = escapeHtml(
        '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\';',
      );
      for (const [frame] of out.matchAll(/<iframe\b[^>]*>/gi)) {
        expect(frame).toMatch(/ sandbox(?:=""|[ >])/);
        expect(frame.replaceAll("&#39;", "'")).toContain(`srcdoc="${alone.replaceAll("&#39;", "'")}`);
        expect(frame.slice(alone.length)).not.toMatch(/[^-]http-equiv=refresh|&lt;(?:link|base)/i);
      }
      expect(out.replace(/<iframe\b[^>]*>/gi, "")).not.toMatch(
        /<(?:script|iframe|object|embed|link|base|meta|style|form|video|animate|foreignobject)\b/i,
      );
      const tags = [...out.matchAll(/<[a-z][^<]*?>/gi)].map(([tag]) =>
        tag.replace(/"[^"]*"/g, (value) => value.replace(/&[a-z]+;/g, "")),
      );
      for (const tag of tags) {
        expect(tag).not.toMatch(/javascript:|url\(http/i);
        expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\s(?:on[a-z]+|src)=/i);
        if (!tag.startsWith("<a ")) expect(tag).not.toMatch(/else\.test/);
      }
    }
  });

  test("keep what is harmless", async () => {
    const html =
      '<b class="x" style="color:red">bold</b><svg viewBox="0 0 1 1"><path d="M0 0" fill="url(#g)"></path></svg>';
    const out = await page([display({ "text/html": html })]);
    expect(out).toContain('<b class="x" style="color:red">bold</b>');
    expect(out).toMatch(/<svg viewbox="0 0 1 1"><path d="M0 0" fill="url\(#g\)"/i);
    const framed = await page([
      display({ "text/html": '<iframe title="A report" srcdoc="&lt;h1&gt;All passed&lt;/h1&gt;"></iframe>' }),
    ]);
    expect(framed).toMatch(/<iframe title="A report" srcdoc="[^"]*&lt;h1&gt;All passed&lt;\/h1&gt;" sandbox/);
  });

  test("show errors and terminal text without their colours", async () => {
    const html = await page([
      { output_type: "stream", name: "stdout", text: "\u001b[31mred\u001b[0m <x>\n" },
      { output_type: "error", ename: "TypeError", evalue: "no", traceback: [] },
    ]);
    expect(html).toContain('<pre tabindex="0">red &lt;x&gt;</pre>');
    expect(html).toContain(
      '<div class="output error" role="note"><div class="output"><pre tabindex="0">TypeError: no</pre>',
    );
  });

  test("show pictures with words, Markdown, and values", async () => {
    const html = await page([
      display({ "image/png": "aGk=", "text/plain": "a plot" }),
      display({ "text/markdown": "# *m*" }),
      { output_type: "execute_result", execution_count: 1, metadata: {}, data: { "text/plain": "2" } },
    ]);
    expect(html).toContain('<img src="data:image/png;base64,aGk=" alt="a plot">');
    expect(html).toMatch(/<h3 id="o[0-9a-f]{6}-m"><em>m<\/em>/);
    expect(html).toContain('<pre tabindex="0">2</pre>');
  });
});

describe("the check of a built site", () => {
  test("names every link that leads nowhere", () => {
    const site = new Map([
      ["index.html", '<a id="x" href="a/b.html#y">1</a>\n<a href="a/b.html#n">2</a><img src="c.png?v=1">'],
      ["a/b.html", '<p id="y"></p><a href="../index.html#x">3</a><a href="https://else.test/d">4</a>'],
    ]);
    expect(brokenLinks(site).map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
      'dist/site/index.html:2 it links to "a/b.html#n", where nothing has that id.',
      'dist/site/index.html:2 it links to "c.png?v=1", which is not there.',
    ]);
  });
});
