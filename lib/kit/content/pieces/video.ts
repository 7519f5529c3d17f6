import type { Bound } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import { placeAt } from "../text/source.js";
import { countWords, sectionText } from "../text/words.js";
import { cuesOf, subRip, webVtt } from "./captions.js";
import type { PieceDefinition } from "./piece.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";
import { clock, readScript, SPEAKING_RATE, typedStart, VIDEO_COLUMNS, videoMarkdown } from "./script.js";

/** Minutes of a video; the introduction is shorter. */
const MINUTES = { least: 8, most: 12 } as const;
const MINUTES_OF_M0 = { least: 5, most: 8 } as const;
/** Seconds that a typed time may be off from what words and demos add up to. */
const DRIFT = 15;

/** What the captions say of their times. */
const PACE = `Timed at ${SPEAKING_RATE} words a minute; a segment's demo follows its words.`;

/** The script to read from, and its captions. */
export const video: PieceDefinition = {
  promise: "the video script fits its time, with a plan for failure",
  check: checkVideo,
  channels({ piece, bound }) {
    const cues = cuesOf(readScript(piece, bound));
    return new Map([
      ["video.md", videoMarkdown(piece, bound)],
      ["captions.vtt", webVtt(cues, PACE)],
      ["captions.srt", subRip(cues)],
    ]);
  },
};

/** The rules of a video script. */
function checkVideo(piece: Piece, content: MilestoneContent, bound: readonly Bound[]): CheckResult[] {
  const script = readScript(piece, bound);
  const start = placeAt(piece, piece.bodyStart);
  const row = (line: number) => ({ file: piece.file, line, column: 1 });
  const missing = VIDEO_COLUMNS.filter((name) => !script.columns?.includes(name));
  const results = verdict(
    "video/table",
    piece,
    missing.length > 0
      ? [
          {
            place: start,
            message: `the script is a table with the columns ${VIDEO_COLUMNS.join(", ")}: ${missing.join(", ")} missing.`,
          },
        ]
      : script.segments.flatMap(({ line, segment, words, demoSeconds, evidence }) => [
          ...(segment ? [] : [{ place: row(line), message: "this row names no segment." }]),
          ...(countWords(words) > 0 || demoSeconds > 0
            ? []
            : [
                {
                  place: row(line),
                  message: 'this row has neither words nor a "(demo 20 s)" in its action.',
                },
              ]),
          ...(evidence ? [] : [{ place: row(line), message: "this row shows no evidence." }]),
        ]),
    `${script.segments.length} segments`,
  );

  const { least, most } = content.milestone.number === 0 ? MINUTES_OF_M0 : MINUTES;
  const minutes = script.seconds / 60;
  results.push(
    minutes >= least && minutes <= most
      ? pass("video/length", piece.file, `${clock(script.seconds)} minutes`)
      : fail(
          "video/length",
          start,
          `it lasts ${clock(script.seconds)} at 150 words a minute plus demos: ${least} to ${most} minutes.`,
        ),
  );

  const drifted = script.segments.flatMap(({ time, line, start: at }) => {
    const typed = typedStart(time);
    if (typed === undefined ? /^(?:|auto)$/i.test(time) : Math.abs(typed - at) <= DRIFT) return [];
    return [
      {
        place: row(line),
        message: `the time says "${time}", and the words and demos before it take ${clock(at)}: correct it, or leave it empty.`,
      },
    ];
  });
  results.push(...verdict("video/times", piece, drifted, "times fit the words"));

  const headings = piece.headings;
  const plan = headings.find(({ text }) => /when a live step fails/i.test(text));
  results.push(
    plan && sectionText(piece, plan).text.trim() !== ""
      ? pass("video/fallback", piece.file, "it says what to do when a live step fails")
      : fail(
          "video/fallback",
          placeAt(piece, piece.text.trimEnd().length),
          'the section "## When a live step fails" is missing or empty.',
        ),
  );
  return results;
}
