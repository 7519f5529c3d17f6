import type { Project } from "../../milestones/index.js";
import { type PageContext, renderText } from "../html/render.js";
import { TALK_PAGE } from "../model/site-map.js";
import { clock } from "../pieces/script.js";
import {
  LENGTHS,
  type Minutes,
  readTalk,
  type TalkSlide,
  type TalkSource,
  talkSource,
} from "../spoken/talk.js";
import { escapeHtml } from "../text/escape.js";
import { parseSource } from "../text/source.js";
import type { Files } from "./media.js";
import { type PrintContext, printedDeck } from "./slides.js";

/** The talk, ready for its page. */
export interface TalkHtml {
  readonly title: string;
  readonly html: string;
  /** What it is made from, from the project's root. */
  readonly file: string;
  /** Files beside the page: the slides as PDF where there is a browser to print them. */
  readonly files: Files;
}

/** Where the slides lie for whoever wants them on paper. */
const PDF = "slides/talk.pdf";

/**
 * The talk as slides with what is said beside them and the time for each, from the source that `slh interview talk` prints.
 * It can be read as it is; `assets/talk.js` makes the presenter's view of it. Nothing where there is no talk, or where its
 * notebook has no outputs.
 */
export async function talkHtml(
  project: Project,
  author: string,
  context: Omit<PageContext, "page">,
  printing: (own: TalkSource["own"]) => PrintContext,
): Promise<TalkHtml | undefined> {
  const found = talkSource(project, context.all);
  if (!found?.own.recorded) return undefined;
  const { own, source, title } = found;
  const lengths = LENGTHS.map((minutes) => readTalk(source, own, context.all, minutes));
  const whole = lengths.reduce((long, talk) => (talk.slides.length > long.slides.length ? talk : long));
  const rendered = async (text: string, idPrefix: string) => {
    const standing = { own, folder: own.milestone.folder };
    const at = { ...context, page: TALK_PAGE };
    return (await renderText(parseSource(text, source.file), standing, at, { idPrefix })).html;
  };
  const count = whole.slides.length + 1;
  const foot = (number: number) =>
    `<p class="foot"><span>${escapeHtml(title)}</span><span>${number} / ${count}</span></p>`;
  const slides = [
    `<section class="slide cover" aria-label="Slide 1"><h2>${escapeHtml(title)}</h2><div class="body"><p class="by">${escapeHtml(author)}</p></div>${foot(1)}</section>`,
  ];
  const beats = [
    beat(slides[0] as string, "", "<p>Before you begin. The clock starts with the next slide.</p>"),
  ];
  for (const [index, slide] of whole.slides.entries()) {
    const body = await rendered(slide.body, `shown-${index + 2}-`);
    const html = `<section class="slide inner" aria-label="Slide ${index + 2}"><h2>${escapeHtml(slide.title)}</h2><div class="body">${body}</div>${foot(index + 2)}</section>`;
    slides.push(html);
    const times = lengths.flatMap(({ minutes, slides: at }) => {
      const same = at.find((one) => one.title === slide.title);
      return same ? [{ minutes, slide: same }] : [];
    });
    const notes = await notesHtml(times, (text, part) => rendered(text, `said-${index + 2}-${part}-`));
    beats.push(beat(html, slide.step, notes, times));
  }
  const pdf = await printedDeck(
    { content: own, title, deck: slides.join("\n"), form: "slides", name: "talk" },
    printing(own),
  );
  const printed = pdf.get("talk.pdf");
  const files: Files = new Map(printed ? [[PDF, printed]] : []);
  const lead = `<p class="lead">What to show, what to say with it, and when. It takes ${whole.minutes} minutes, or ${lengths[0]?.minutes} without what is marked as longer. A figure leads to the cell that measured it.${printed ? ' <a href="talk.pdf">The slides as PDF</a>' : ""}</p>`;
  return {
    title,
    file: source.file,
    files,
    html: `${lead}\n${CONTROLS}\n<div class="beats">\n${beats.join("\n")}\n${STAGE}</div>`,
  };
}

/** One slide with its notes; a script reads the seconds that are planned for it. */
function beat(
  slide: string,
  step: string,
  notes: string,
  times: readonly { readonly minutes: Minutes; readonly slide: TalkSlide }[] = [],
): string {
  const planned = times
    .map(
      ({ minutes, slide: { start, end } }) =>
        ` data-from-${minutes}="${start.toFixed(1)}" data-to-${minutes}="${end.toFixed(1)}"`,
    )
    .join("");
  const when = times.map(
    ({ minutes, slide: { start, end } }) => `${clock(start)} to ${clock(end)} of ${minutes} minutes`,
  );
  const heading =
    step === "" ? "" : `<p class="when"><strong>${escapeHtml(step)}</strong> ${when.join(" · ")}</p>`;
  return `<div class="beat"${planned}>${heading}\n${slide}\n<div class="notes">${notes}</div></div>`;
}

/** What is said at the shortest length that has the slide, then what a longer one adds. */
async function notesHtml(
  times: readonly { readonly minutes: Minutes; readonly slide: TalkSlide }[],
  rendered: (text: string, part: number) => Promise<string>,
): Promise<string> {
  const parts: string[] = [];
  let before = "";
  for (const [index, { minutes, slide }] of times.entries()) {
    const added = slide.said.slice(before.length).trim();
    before = slide.said;
    if (added === "") continue;
    const only = minutes === LENGTHS[0] ? "" : ` data-least="${minutes}"`;
    const mark = only === "" ? "" : `<p class="least">In the ${minutes} minutes</p>`;
    parts.push(`<div class="words"${only}>${mark}${await rendered(added, index)}</div>`);
  }
  return parts.join("");
}

/** Chooses a length and begins; without scripts there is nothing to choose. */
const CONTROLS = `<form class="js-only present" id="present"><fieldset><legend>Length</legend>${LENGTHS.map(
  (minutes) =>
    `<label><input type="radio" name="minutes" value="${minutes}"${minutes === 10 ? " checked" : ""}> ${minutes} minutes</label>`,
).join(
  "",
)}</fieldset><button class="button">Present</button><p>Arrow keys turn, <kbd>P</kbd> stops the clock, <kbd>R</kbd> sets it back, <kbd>A</kbd> opens a window for the audience, <kbd>Esc</kbd> ends.</p></form>`;

/** The presenter's clock and buttons, which a script shows. */
const STAGE = `<div class="stage" hidden><p class="clocks"><span class="elapsed" role="timer" aria-label="Time since the beginning">0:00</span> <span class="planned"></span></p><p class="pace" role="status"></p><p class="buttons">${[
  ["back", "Back"],
  ["next", "Next"],
  ["pause", "Stop the clock"],
  ["restart", "Set back"],
  ["audience", "Audience window"],
  ["end", "End"],
]
  .map(([name, label]) => `<button type="button" data-do="${name}">${label}</button>`)
  .join("")}</p></div>`;
