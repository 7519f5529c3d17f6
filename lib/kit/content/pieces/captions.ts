import { countWords } from "../text/words.js";
import { type Script, SPEAKING_RATE } from "./script.js";

/** Words that are shown while they are said. Times are in seconds from the start of the video. */
export interface Cue {
  /** On one line. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const CUE_CHARACTERS = 84;

/** The words of a script as cues, timed by their share of the words. Demos have none. */
export function cuesOf(script: Script): Cue[] {
  return script.segments.flatMap(({ words, start }) => {
    let at = start;
    return cueTexts(words).map((text) => {
      const cue = { text, start: at, end: at + (countWords(text) / SPEAKING_RATE) * 60 };
      at = cue.end;
      return cue;
    });
  });
}

/** Cues for what plays WebVTT: browsers, YouTube, Vimeo. */
export function webVtt(cues: readonly Cue[], note: string): string {
  const blocks = cues.map(
    ({ text, start, end }) => `${timestamp(start, ".")} --> ${timestamp(end, ".")}\n${wrapCue(text)}\n`,
  );
  return ["WEBVTT\n", `NOTE ${note}\n`, ...blocks].join("\n");
}

/** The same as SubRip, which is what LinkedIn takes. */
export function subRip(cues: readonly Cue[]): string {
  return cues
    .map(
      ({ text, start, end }, index) =>
        `${index + 1}\n${timestamp(start, ",")} --> ${timestamp(end, ",")}\n${wrapCue(text)}\n`,
    )
    .join("\n");
}

/** What a segment says, cut into cues of at most two lines. */
export function cueTexts(words: string): string[] {
  return pieces(plainWords(words));
}

function plainWords(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<br\s*\/?>/gi, " ")
    .replace(/[*`]|(?<!\w)_|_(?!\w)/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Breaks at sentences, then at words, so that each cue fits. */
function pieces(text: string): string[] {
  const cues: string[] = [];
  for (const sentence of text.match(/[^.!?]+(?:[.!?]+(?=\s|$)|[.!?](?=\S)[^.!?]*)*[.!?]*\s*/g) ?? []) {
    let cue = "";
    for (const word of sentence.trim().split(" ")) {
      if (cue !== "" && cue.length + 1 + word.length > CUE_CHARACTERS) {
        cues.push(cue);
        cue = word;
      } else cue = cue === "" ? word : `${cue} ${word}`;
    }
    if (cue !== "") cues.push(cue);
  }
  return cues;
}

/** Two lines of about the same length. */
export function wrapCue(cue: string): string {
  if (cue.length <= CUE_CHARACTERS / 2) return cue;
  const middle = cue.length / 2;
  const spaces = [...cue.matchAll(/ /g)].map(({ index }) => index);
  const best = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  return best === undefined ? cue : `${cue.slice(0, best)}\n${cue.slice(best + 1)}`;
}

/** `00:07:05.250`, with the sign before its milliseconds that the format wants. */
function timestamp(seconds: number, point: "." | ","): string {
  const milliseconds = Math.round(seconds * 1000);
  const part = (value: number, width: number) => String(value).padStart(width, "0");
  const [hours, minutes] = [Math.floor(milliseconds / 3_600_000), Math.floor(milliseconds / 60_000) % 60];
  return `${part(hours, 2)}:${part(minutes, 2)}:${part(Math.floor(milliseconds / 1000) % 60, 2)}${point}${part(milliseconds % 1000, 3)}`;
}
