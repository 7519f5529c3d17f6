import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { palettes } from "../../look/index.js";
import type { CardElement } from "../draw/cards.js";
import type { Pictures } from "../draw/pictures.js";
import { type PageContext, renderText } from "../html/render.js";
import type { MilestoneContent } from "../model/inputs.js";
import { wrapCue } from "../pieces/captions.js";
import type { Files } from "../site/media.js";
import { forPaper, withFonts } from "../site/slides.js";
import { escapeHtml } from "../text/escape.js";
import { parseSource } from "../text/source.js";
import { runProgram } from "./programs.js";
import type { Shot } from "./storyboard.js";

/** The picture, and below it the room for the caption, in px. */
export const FRAME = { width: 1280, picture: 600, caption: 120 } as const;

/** Shots on one sheet: a browser draws no picture of any height. */
const PER_SHEET = 8;

/** What draws shots. */
export interface FrameTools {
  readonly context: Omit<PageContext, "page">;
  readonly css: string;
  readonly media: Files;
  readonly browser: string;
  readonly ffmpeg: string;
}

/** Shots as PNG files in a folder, in their order. Several are drawn as one sheet, and cut apart. */
export async function drawShots(
  shots: readonly Shot[],
  content: MilestoneContent,
  folder: string,
  tools: FrameTools,
): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const paths: string[] = [];
  for (let from = 0; from < shots.length; from += PER_SHEET) {
    const some = shots.slice(from, from + PER_SHEET);
    const page = join(folder, `sheet-${from}.html`);
    const sheet = join(folder, `sheet-${from}.png`);
    const height = FRAME.picture * some.length;
    writeFileSync(page, await sheetHtml(some, content, tools));
    await screenshot(tools.browser, page, sheet, height, folder);
    const first = String(from);
    const cut = `crop=${FRAME.width}:${height}:0:0,untile=1x${some.length}`;
    const pattern = join(folder, "shot-%04d.png");
    await runProgram(tools.ffmpeg, [
      "-v",
      "error",
      "-y",
      "-i",
      sheet,
      "-vf",
      cut,
      "-start_number",
      first,
      pattern,
    ]);
    paths.push(...some.map((_, at) => join(folder, `shot-${String(from + at).padStart(4, "0")}.png`)));
  }
  return paths;
}

async function screenshot(
  browser: string,
  page: string,
  to: string,
  height: number,
  folder: string,
): Promise<void> {
  // As for slides: the sandbox refuses root, and the page asks nothing of the network.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  await runProgram(browser, [
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    // What a window has besides its page is cut off afterwards.
    `--window-size=${FRAME.width},${height + 200}`,
    `--user-data-dir=${join(folder, "profile")}`,
    ...asRoot,
    `--screenshot=${to}`,
    page,
  ]);
  if (!existsSync(to)) throw new Error(`${browser} wrote no ${to}.`);
}

/** One below the other, each in a box of its own that what it shows is made to fit. */
export async function sheetHtml(
  shots: readonly Shot[],
  content: MilestoneContent,
  { context, css, media }: Pick<FrameTools, "context" | "css" | "media">,
): Promise<string> {
  const { milestone } = content;
  const standing = { own: content, folder: milestone.folder };
  const parts: string[] = [];
  for (const [index, shot] of shots.entries()) {
    const source = parseSource(shot.text, "shot");
    const at = { ...context, page: "video/shot.html" };
    const { html } = await renderText(source, standing, at, { idPrefix: `shot-${index}-` });
    const head = `<header><span>${escapeHtml(shot.title)}</span><span>${escapeHtml(milestone.label)}</span></header>`;
    parts.push(
      `<section class="shot">${head}<div class="sight"><div>${forPaper(html, content, media)}</div></div></section>`,
    );
  }
  return `<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><style>${withFonts(css)}
body{margin:0;background:var(--paper)}
.shot{box-sizing:border-box;width:${FRAME.width}px;height:${FRAME.picture}px;padding:28px 56px 12px;overflow:hidden;border-top:8px solid var(--ice)}
.shot header{position:static;display:flex;justify-content:space-between;margin:0 0 18px;padding:0;border:0;font-size:30px;font-weight:600}
.shot header span+span{font-family:var(--font-code);font-weight:400;color:var(--ice-text)}
.sight{height:480px;display:flex;justify-content:center;align-items:center}
.sight>div{width:880px;transform-origin:center;font-size:26px}
.sight figure{margin-inline:auto}
.sight>div>p{font-size:44px;text-align:center}
.sight :is(h1,h2){margin:0 0 28px;font-size:44px;line-height:1.2}
.sight :is(h1,h2)~p{font-size:30px;text-align:start}
.sight :is(h1,h2)~figure .chart-title{display:none}
.sight figcaption,.sight .count{display:none}
</style></head><body>${parts.join("\n")}<script>
for(const box of document.querySelectorAll(".sight")){const inner=box.firstElementChild;
const fit=Math.min(1.3,box.clientHeight/inner.scrollHeight,box.clientWidth/inner.scrollWidth);
inner.style.flex="none";inner.style.transform="scale("+fit+")"}
</script></body></html>\n`;
}

/** A caption's strip, which stands below the picture; without words, an empty one. */
export function captionCard(text: string): CardElement {
  const lines = text === "" ? [] : wrapCue(text).split("\n");
  const style = {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    justifyContent: "center",
    width: "100%",
    height: "100%",
    backgroundColor: palettes.light.ink,
    color: palettes.light.paper,
    fontFamily: "Inter",
    fontSize: 30,
    lineHeight: 1.35,
  };
  const line = (children: string): CardElement => ({
    type: "div",
    props: { style: { display: "flex" }, children },
  });
  return { type: "div", props: { style, children: lines.map(line) } };
}

/** Draws the strips for captions; one that is said twice is drawn once. */
export function drawCaption(pictures: Pictures, text: string): Promise<Uint8Array> {
  return pictures.card(captionCard(text), FRAME.width, FRAME.caption);
}
