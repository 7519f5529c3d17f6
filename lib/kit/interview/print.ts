import { clock, SPEAKING_RATE, type Talk } from "../content/index.js";

const WIDTH = 96;

/** The talk to read from, with the time at which each slide begins. */
export function talkText({ minutes, slides, seconds }: Talk): string {
  const lines: string[] = [];
  let step = "";
  for (const slide of slides) {
    if (slide.step !== step) lines.push(slide.step.toUpperCase(), "");
    step = slide.step;
    lines.push(`${clock(slide.start).padStart(5)}  ${slide.title}`, "");
    for (const paragraph of slide.words.split(/\n\s*\n/)) lines.push(...wrapped(paragraph), "");
  }
  lines.push(`${clock(seconds).padStart(5)}  end, of ${minutes} minutes, at ${SPEAKING_RATE} words a minute`);
  return `${lines.join("\n")}\n`;
}

function wrapped(paragraph: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(/[ \t\n]+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(`       ${line}`);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, `       ${line}`];
}
