// A video draft: what is shown when, what is said when, and what a machine lacks for it.
import { afterEach, describe, expect, test, vi } from "vitest";
import { bind } from "../../../lib/kit/content/model/bind.js";
import { type MilestoneContent, pieceFromText } from "../../../lib/kit/content/model/inputs.js";
import { cuesOf } from "../../../lib/kit/content/pieces/captions.js";
import { readScript } from "../../../lib/kit/content/pieces/script.js";
import { captionTimes, concatList, makeVideo } from "../../../lib/kit/content/video/film.js";
import { storyboard } from "../../../lib/kit/content/video/storyboard.js";
import { SAMPLE_RATE, samplesOf, sayScript, type Voice } from "../../../lib/kit/content/video/voice.js";
import { listMilestones, parseMilestone } from "../../../lib/kit/milestones/index.js";
import { fixtureText, makeFixture, recordedFixture } from "../support/fixture.js";

const piece = pieceFromText("video", fixtureText("video"));
const folder = "/project/milestones/m03-writing-iceberg";
const content: MilestoneContent = {
  milestone: {
    ...parseMilestone(
      { number: 3, slug: "writing-iceberg", title: "Writing", "one-line": "One.", profiles: ["embedded"] },
      "m03-writing-iceberg",
      "milestone.yaml",
    ),
    folder,
    notebookPath: `${folder}/notebook.ipynb`,
  },
  state: { kind: "fresh" },
  recorded: recordedFixture(),
  pieces: { video: piece },
  diagram: `${folder}/diagram.d2`,
  diagrams: [`${folder}/diagram.d2`],
};
const script = readScript(piece, bind(piece, content, [content]).bound);

function scripted(...actions: string[]) {
  const rows = actions.map((action) => `| | S | ${action} | some words to say | the evidence |`);
  const text = `| Time | Segment | Action | Words | Evidence |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  const own = pieceFromText("video", text);
  return readScript(own, bind(own, content, [content]).bound);
}
const shown = (action: string) =>
  storyboard(scripted("Nothing", action, "Nothing"), content)
    .slice(1, -1)
    .map(({ text }) => text);

describe("the storyboard", () => {
  test("fills the script's time without a gap, to its end", () => {
    const shots = storyboard(script, content);
    expect(shots[0]?.start).toBe(0);
    for (const [index, { start, end }] of shots.entries()) {
      expect(end).toBeGreaterThan(start);
      if (index > 0) expect(start).toBeCloseTo(shots[index - 1]?.end ?? Number.NaN, 9);
    }
    expect(shots.at(-1)?.end).toBe(script.seconds);
  });

  test("shows the cells, figures, tables and commands that an action names, in its order", () => {
    expect(shown("Run `append`, show `manifest.bounds`, then `npm start -- m03`")).toEqual([
      expect.stringMatching(/^\{\{ cell "append" \| code \| lines 1 \d+ \}\}/),
      '{{ table "manifest.bounds" | rows 8 }}',
      "```sh\n$ npm start -- m03\n```",
    ]);
    expect(shown("Show `files.by_day`")).toEqual(['{{ figure "files.by_day" }}']);
  });

  test("shows what a cell prints below its code, and the figures that it records", () => {
    expect(shown("Run `log`")[0]).toContain('{{ cell "log" | output }}');
    expect(shown("Run `files`")).toContain('{{ figure "files.by_day" }}');
  });

  test("shows the diagram where it is named, and the evidence where nothing is", () => {
    expect(shown("The diagram of the doc page")).toEqual(["![The diagram](diagram.svg)"]);
    expect(shown("Look at `no-such-cell`")).toEqual(["the evidence"]);
  });

  test("opens with the deck's cover, and ends a segment with the slides that sum it up", () => {
    const deck = [
      "# Cover\n\nWhat it is about",
      '## By day\n\n{{ figure "files.by_day" }}',
      '## Bounds\n\n{{ table "manifest.bounds" }}',
      '## Days\n\n{{ fact "days" }} in all.',
      "## Nobody speaks of it\n\nA slide with words alone.",
    ];
    const slides = pieceFromText("slides", `${deck.join("\n\n")}\n`);
    const text = [
      "| Time | Segment | Action | Words | Evidence |",
      "| --- | --- | --- | --- | --- |",
      "| | Hook | A folder | some words | a folder |",
      '| | Days | A folder | there are {{ fact "days" }} | a number |',
      "| | Files | Show `files.by_day`, run `append` | some words | a chart |",
      "| | Close | The end | some words | the end |",
      "",
    ].join("\n");
    const video = pieceFromText("video", text);
    const own = { ...content, pieces: { video, slides } };
    const read = readScript(video, bind(video, own, [own]).bound);
    const shots = storyboard(read, own).map(({ title, text: shownText }) => [title, shownText]);
    expect(shots).toEqual([
      ["", deck[0]],
      ["Hook", "a folder"],
      ["Days", deck[3]],
      ["Files", expect.stringContaining('{{ cell "append" | code')],
      ...(shots.length > 6 ? [["Files", expect.any(String)]] : []),
      ["Files", deck[1]],
      ["Close", expect.stringContaining("$ npm start -- m03")],
    ]);
    expect(shots.flat().join()).not.toContain("Nobody speaks of it");
  });

  test("names nothing that does not resolve", () => {
    for (const { text } of storyboard(script, content))
      expect(bind(pieceFromText("doc", text), content, [content]).problems).toEqual([]);
  });
});

test("below the picture stands each cue while it is said, and nothing in between", () => {
  const cues = [
    { text: "a", start: 0, end: 1 },
    { text: "b", start: 2, end: 4 },
  ];
  expect(captionTimes(cues, 5)).toEqual([
    { text: "a", seconds: 1 },
    { text: "", seconds: 1 },
    { text: "b", seconds: 2 },
    { text: "", seconds: 1 },
  ]);
  expect(captionTimes(cues, 3).at(-1)).toEqual({ text: "b", seconds: 1 });
  for (const seconds of [7, script.seconds]) {
    const times = captionTimes(
      cuesOf(script).filter(({ start }) => start < seconds),
      seconds,
    );
    expect(times.reduce((sum, one) => sum + one.seconds, 0)).toBeCloseTo(seconds, 6);
  }
});

test("ffmpeg is told each file with its time, quotes and all", () => {
  expect(concatList([{ path: "/a/it's.png", seconds: 1.5 }])).toBe(
    "ffconcat version 1.0\nfile '/a/it'\\''s.png'\nduration 1.500000\nfile '/a/it'\\''s.png'\n",
  );
});

describe("the voice", () => {
  /** Says a word in 60/rate seconds, so a rate of half the script's needs twice the time. */
  const speaker = (slow: number): Voice & { rates: number[] } => {
    const rates: number[] = [];
    return {
      program: "test",
      rates,
      speak: async (text, rate) => {
        rates.push(rate);
        const words = text.split(" ").length;
        return new Int16Array(Math.round((words / rate) * 60 * slow * SAMPLE_RATE)).fill(7);
      },
    };
  };

  test.each([0.5, 1, 1.8])("keeps to the script's time, %d times as slow as it thinks", async (slow) => {
    const { cues, samples } = await sayScript(script, speaker(slow));
    expect(samples.length).toBe(Math.ceil(script.seconds * SAMPLE_RATE));
    expect(cues.map(({ text }) => text)).toEqual(cuesOf(script).map(({ text }) => text));
    for (const { start, end } of script.segments) {
      const own = cues.filter((cue) => cue.start >= start - 1e-4 && cue.start < end - 1e-4);
      expect(own[0]?.start).toBeCloseTo(start, 3);
      expect(own.at(-1)?.end).toBeLessThanOrEqual(end + 1e-4);
    }
  });

  test("reads WAV files of another rate, and those that do not know their size", () => {
    const wav = Buffer.alloc(44 + 8);
    wav.write("RIFF", 0);
    wav.write("WAVEfmt ", 8);
    wav.writeUInt32LE(16, 16);
    wav.writeUInt32LE(SAMPLE_RATE / 2, 24);
    wav.write("data", 36);
    wav.writeUInt32LE(0x7fffffff, 40);
    for (const [index, value] of [1, -2, 3, 4].entries()) wav.writeInt16LE(value, 44 + 2 * index);
    expect([...samplesOf(wav)]).toEqual([1, 1, -2, -2, 3, 3, 4, 4]);
  });
});

describe("a machine that lacks a program", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("gets one line with a code, and no video", async ({ onTestFinished }) => {
    const fixture = await makeFixture();
    onTestFinished(() => fixture.remove());
    const milestone = (await listMilestones(fixture.project)).find(({ id }) => id === "m03");
    if (!milestone) throw new Error("The fixture has no M3.");
    vi.stubEnv("PATH", "");
    await expect(makeVideo(fixture.project, milestone)).rejects.toMatchObject({
      code: "PROGRAM_MISSING",
      message: expect.stringContaining("ffmpeg is not installed"),
    });
  });
});
