import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openMarkdown } from "../../../lib/kit/content/html/markdown.js";
import { bind } from "../../../lib/kit/content/model/bind.js";
import {
  type MilestoneContent,
  type PieceName,
  pieceFromText,
} from "../../../lib/kit/content/model/inputs.js";
import { siteMap } from "../../../lib/kit/content/model/site-map.js";
import { devtoPost } from "../../../lib/kit/content/pieces/blog-channels.js";
import { cuesOf, subRip, webVtt } from "../../../lib/kit/content/pieces/captions.js";
import { linkedinApiText, linkedinText } from "../../../lib/kit/content/pieces/linkedin-text.js";
import type { ChannelInput } from "../../../lib/kit/content/pieces/piece.js";
import { clock, readScript, videoMarkdown } from "../../../lib/kit/content/pieces/script.js";
import { parseMilestone } from "../../../lib/kit/milestones/index.js";
import { fixtureText, recordedFixture } from "../support/fixture.js";

function made(name: PieceName, text: string) {
  const declared = parseMilestone(
    { number: 3, slug: "writing-iceberg", title: "Writing", "one-line": "One.", profiles: ["embedded"] },
    "m03-writing-iceberg",
    "milestone.yaml",
  );
  const folder = "/project/milestones/m03-writing-iceberg";
  const piece = pieceFromText(name, text);
  const content: MilestoneContent = {
    milestone: { ...declared, folder, notebookPath: `${folder}/notebook.ipynb` },
    state: { kind: "fresh" },
    recorded: recordedFixture(),
    pieces: { [name]: piece },
    diagram: undefined,
    diagrams: [],
  };
  return { piece, content, bound: bind(piece, content, [content]).bound };
}

test("a fact is quoted of a milestone without a number, by its id", () => {
  const { content } = made("linkedin", "A hook");
  const milestone = { ...content.milestone, id: "streaming-log", label: "Log", number: undefined };
  const piece = pieceFromText("linkedin", '{{ fact "streaming-log:days" }} and {{ fact "streaming:days" }}');
  const { bound, problems } = bind(piece, undefined, [{ ...content, milestone }]);
  expect(bound).toMatchObject([{ text: "182\u00A0days" }]);
  expect(problems).toMatchObject([{ message: 'there is no milestone "streaming".' }]);
});

describe("LinkedIn text", () => {
  test("unwraps paragraphs, writes bullets as bullets, keeps hashtags on a line", () => {
    const { piece, bound } = made(
      "linkedin",
      'A hook\nin two lines with {{ fact "days" }}\n\n- one\n- two goes\n  on\n• three\n\nWhy?\n\n#a #b\n',
    );
    expect(linkedinText(piece, bound)).toBe(
      "A hook in two lines with 182\u00A0days\n\n• one\n• two goes on\n• three\n\nWhy?\n\n#a #b\n",
    );
  });

  test("escapes what the Posts API reserves, and nothing else", () => {
    expect(linkedinApiText("a_b (c) #d @e [f] {g} <h> *i* ~j~ k|l \\m 100%")).toBe(
      "a\\_b \\(c\\) \\#d \\@e \\[f\\] \\{g\\} \\<h\\> \\*i\\* \\~j\\~ k\\|l \\\\m 100%",
    );
    fc.assert(fc.property(fc.string(), (text) => linkedinApiText(text).replace(/\\(.)/gs, "$1") === text));
  });
});

describe("a dev.to post", () => {
  const post = (body: string): string => {
    const { piece, content, bound } = made(
      "blog",
      `---\ntitle: "T: x"\ndescription: D\ntags: [a, b]\ndate: "2026-11-20"\n---\n${body}`,
    );
    const source: ChannelInput = {
      piece,
      content,
      bound,
      map: siteMap("/project", [content]),
      settings: {
        title: "Series",
        sentence: "S",
        url: "https://site.test",
        author: "A",
        repository: "",
        source: "",
        language: "en",
      },
      media: () => (name) => `https://site.test/media/${name}`,
      markdown: openMarkdown({ code: (text) => text, close: () => undefined }),
    };
    return devtoPost(source);
  };

  test("has the front matter that dev.to reads, unpublished", () => {
    expect(post("Text.")).toBe(
      '---\ntitle: "T: x"\npublished: false\ndescription: D\ntags: a, b\ncanonical_url: https://site.test/blog/writing-iceberg.html\ncover_image: https://site.test/media/cover.png\nseries: Series\n---\n\nText.\n',
    );
  });

  test("escapes what Liquid would run, in code too", () => {
    expect(post("See `{{ x }}` and\n\n```\n{% y %}\n```")).toContain(
      "See `{% raw %}{{{% endraw %} x }}` and\n\n```\n{% raw %}{%{% endraw %} y %}\n```",
    );
  });

  test("writes out figures, tables and cells, and unwraps paragraphs but not lists, code or tables", () => {
    const text = post(
      'One\ntwo\n\n- a\n- b\n\n{{ figure "files.by_day" }}\n\n{{ table "manifest.bounds" | rows 1 | columns "rows, lower" }}\n\n{{ cell "append" | lines 1 1 | code }}\n\n```\nx\ny\n```\n',
    );
    expect(text).toContain(
      "One two\n\n- a\n- b\n\n![Bars of one to three data files for each of 24 days; none stands out](https://site.test/media/figure-files.by_day.png)",
    );
    expect(text).toContain("| Rows | Origin from |\n| ---: | --- |\n| 16,000 | ABE |");
    expect(text).toContain('```ts\nconst flights = await lake.table<Flight>("flights.bronze_flights");\n```');
    expect(text).toContain("```\nx\ny\n```");
  });

  test("makes links whole, and drops those that lead nowhere outside", () => {
    expect(post("[a](#x) [b](https://b.test) [c](blog.md#y)")).toContain(
      "[a](https://site.test/blog/writing-iceberg.html#x) [b](https://b.test) [c](https://site.test/blog/writing-iceberg.html#y)",
    );
  });
});

describe("a video", () => {
  const { piece, bound } = made("video", fixtureText("video"));
  const script = readScript(piece, bound);

  test("times each segment by its words and its demo", () => {
    const [first, second] = script.segments;
    expect(first?.start).toBe(0);
    expect(second?.start).toBe(first?.end);
    expect(second?.demoSeconds).toBe(110);
    expect(second?.words).toContain("there are 182\u00A0files");
    expect(script.seconds).toBe(script.segments.at(-1)?.end);
  });

  test("writes the times into the script that is read", () => {
    const text = videoMarkdown(piece, bound);
    expect(text).toContain(
      `| ${clock(script.segments[1]?.start ?? 0)}–${clock(script.segments[1]?.end ?? 0)} | The append |`,
    );
    expect(text).not.toContain("{{");
  });

  test("captions every word, in order, two short lines at a time, without overlap", () => {
    const vtt = webVtt(cuesOf(script), "Timed at 150 words a minute.");
    expect(vtt.startsWith("WEBVTT\n\nNOTE Timed at 150 words a minute.\n\n")).toBe(true);
    const cues = vtt
      .trim()
      .split("\n\n")
      .slice(2)
      .map((cue) => cue.split("\n"));
    const seconds = (text: string) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    let last = 0;
    for (const [times = "", ...lines] of cues) {
      const [from = "", to = ""] = times.split(" --> ");
      expect(seconds(from)).toBeGreaterThanOrEqual(last);
      expect(seconds(to)).toBeGreaterThan(seconds(from));
      last = seconds(to);
      expect(lines.length).toBeLessThanOrEqual(2);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    }
    const said = cues
      .flatMap(([, ...lines]) => lines)
      .join(" ")
      .replace(/\s+/g, " ");
    expect(said).toBe(
      script.segments
        .map(({ words }) => words)
        .join(" ")
        .replace(/\s+/g, " "),
    );
  });

  test("numbers the same cues for LinkedIn, with commas before milliseconds", () => {
    const cues = cuesOf(script);
    const blocks = subRip(cues).trim().split("\n\n");
    expect(blocks.map((block) => Number(block.split("\n", 1)[0]))).toEqual(cues.map((_, index) => index + 1));
    const asVtt = blocks.map((block) =>
      block
        .split("\n")
        .slice(1)
        .join("\n")
        .replace(/(?<=:\d\d),/g, "."),
    );
    expect(asVtt).toEqual(webVtt(cues, "x").trim().split("\n\n").slice(2));
  });
});
