import { readFileSync } from "node:fs";
import { FONT_FACES, fontFile } from "../../look/index.js";
import type { PdfSize, Printer } from "../draw/pdf.js";
import { mediaPath, type PageContext, renderText } from "../html/render.js";
import type { MilestoneContent } from "../model/inputs.js";
import { isPlaceholder, type SiteSettings } from "../model/settings.js";
import { docPage, slidesPage } from "../model/site-map.js";
import { escapeHtml } from "../text/escape.js";
import type { Files } from "./media.js";

/** A deck's two forms on paper, in px: a screen's and LinkedIn's. */
const FORMS: Readonly<Record<"slides" | "document", PdfSize>> = {
  slides: { width: 1280, height: 720 },
  document: { width: 1080, height: 1350 },
};

/** A milestone's deck as a part of its page; nothing without one. */
export async function deckHtml(
  content: MilestoneContent,
  settings: SiteSettings,
  context: Omit<PageContext, "page">,
): Promise<string> {
  const { milestone, pieces } = content;
  if (!pieces.slides) return "";
  const page = slidesPage(content);
  const standing = { own: content, folder: milestone.folder };
  const { html } = await renderText(pieces.slides, standing, { ...context, page });
  const parts = html.split(/(?=<h[12][ >])/).filter((part) => /^<h[12]/.test(part));
  const mark = milestone.label;
  const foot = (index: number) =>
    `<p class="foot"><span>${escapeHtml(settings.title)} · ${mark}</span><span>${index + 1} / ${parts.length + 1}</span></p>`;
  const where = `${settings.url}/${docPage(content)}`.replace(/^https?:\/\//, "");
  const address = isPlaceholder(settings.url)
    ? ""
    : `<p>The page, the notebook and its exercises: <span class="address">${escapeHtml(where)}</span></p>`;
  const close =
    `<h2>Run it, and change it</h2><p><code>npm start -- ${milestone.id}</code></p>${address}` +
    `<p class="by">${escapeHtml(settings.author)}</p>`;
  return [...parts, close]
    .map((part, index) => {
      const [, title = "", rest = ""] = /^(<h[12][\s\S]*?<\/h[12]>)([\s\S]*)$/.exec(part) ?? [];
      const kind = index === 0 ? "cover" : index === parts.length ? "close" : "inner";
      return `<section class="slide ${kind}" aria-label="Slide ${index + 1}">${title.replace(/h1(?=[ >])/g, "h2")}<div class="body">${rest}</div>${foot(index)}</section>`;
    })
    .join("\n");
}

/** What printing needs of the site. */
export interface PrintContext {
  readonly css: string;
  readonly media: Files;
  readonly printer: Printer;
}

/**
 * A deck for paper: HTML that stands alone, always, and PDF where there is a browser to print it.
 *
 * @param deck what `deckHtml` made.
 */
export async function deckFiles(
  content: MilestoneContent,
  deck: string,
  context: PrintContext,
): Promise<Files> {
  const files: Files = new Map();
  if (deck === "") return files;
  const { title } = content.milestone;
  for (const form of ["slides", "document"] as const)
    for (const [name, bytes] of await printedDeck({ content, title, deck, form, name: form }, context))
      files.set(name, bytes);
  return files;
}

/** Slides of a milestone in one form, `name.html` and `name.pdf`. */
export async function printedDeck(
  {
    content,
    title,
    deck,
    form,
    name,
  }: {
    readonly content: MilestoneContent;
    readonly title: string;
    readonly deck: string;
    readonly form: keyof typeof FORMS;
    readonly name: string;
  },
  { css, media, printer }: PrintContext,
): Promise<Files> {
  const size = FORMS[form];
  const body = forPaper(deck, content, media, size.height > size.width);
  const html = `<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${withFonts(css)}\n@page{size:${size.width}px ${size.height}px;margin:0}</style></head>
<body class="paper ${form}"><main class="deck">${body}</main></body></html>\n`;
  const files: Files = new Map([[`${name}.html`, html]]);
  const pdf = await printer.print(html);
  if (pdf) files.set(`${name}.pdf`, pdf);
  return files;
}

/** On paper no link leads to this machine's files: words stay, and where a number is from is said in captions. */
const unlinked = (html: string): string =>
  html
    .replace(/<span class="tip"[\s\S]*?<\/span>/g, "")
    .replace(/<a class="anchor"[\s\S]*?<\/a>/g, "")
    .replace(/<details class="data">[\s\S]*?<\/details>/g, "")
    .replace(/<a class="only-dark"[\s\S]*?<\/a>/g, "")
    .replace(/<a\b[^>]*>|<\/a>/g, "");

/** What a page shows, for where nobody can click and pictures must be inside: a sheet, a frame of a video. */
export const forPaper = (html: string, content: MilestoneContent, media: Files, isUpright = false): string =>
  inlined(upright(unlinked(html), isUpright), content, media);

/** A sheet that is higher than wide takes a diagram's upright drawing. */
const upright = (html: string, isUpright: boolean): string =>
  html.replace(
    /<picture><source [^>]*srcset="([^"]+)"><img src="([^"]+)"([^>]*)><\/picture>/g,
    (_, tall: string, wide: string, rest: string) => `<img src="${isUpright ? tall : wide}"${rest}>`,
  );

/** Pictures become part of the page. */
function inlined(html: string, content: MilestoneContent, media: Files): string {
  const own = `../${mediaPath(content, "")}`;
  return html.replace(/src="([^"]+)"/g, (whole, src: string) => {
    const bytes = src.startsWith(own) ? media.get(src.slice(own.length)) : undefined;
    if (bytes === undefined) return whole;
    const mime = src.endsWith(".svg") ? "image/svg+xml" : "image/png";
    return `src="data:${mime};base64,${Buffer.from(bytes).toString("base64")}"`;
  });
}

/** The style sheet with its fonts inside. */
export function withFonts(css: string): string {
  const urls = new Map(
    FONT_FACES.map((face) => [
      `${face.family} ${face.weight} ${face.style}`,
      readFileSync(fontFile(face, "woff2")).toString("base64"),
    ]),
  );
  return css.replace(
    /(font-family:"([^"]+)";font-style:(\w+);font-weight:(\d+);[^}]*?)url\([^)]+\)/g,
    (_, before: string, family: string, style: string, weight: string) =>
      `${before}url(data:font/woff2;base64,${urls.get(`${family} ${weight} ${style}`)})`,
  );
}
