import { bind, substitute } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { notebookPage, PAGES, sampleAnchor } from "../model/site-map.js";
import type { SiteText } from "../model/site-texts.js";
import { escapeHtml } from "../text/escape.js";
import type { Source } from "../text/source.js";
import { openMarkdown, placeholder } from "./markdown.js";
import { notebookTexts } from "./notebook-text.js";
import { cellAnchor } from "./provenance.js";

/** Ids that every page of the site has. */
const FRAME = ["content"];

/** Made without a highlighter: code has no part in it. */
const markdown = openMarkdown({ code: (text) => escapeHtml(text), close: () => undefined });

/** The ids that may be linked to on each page that is made of a text or a notebook, by the page's path. */
export function anchorsOf(
  all: readonly MilestoneContent[],
  texts: readonly SiteText[] = [],
): ReadonlyMap<string, ReadonlySet<string>> {
  const pages = new Map<string, ReadonlySet<string>>();
  for (const content of all) {
    for (const piece of Object.values(content.pieces)) {
      const page = PAGES[piece.name]?.(content);
      if (page !== undefined) pages.set(page, new Set([...FRAME, ...textAnchors(piece, content, all)]));
    }
    if (content.recorded) pages.set(notebookPage(content), new Set([...FRAME, ...notebookAnchors(content)]));
  }
  for (const { kind, source, standing } of texts) {
    const offered =
      kind === "inside" ? all.flatMap(({ recorded }) => [...(recorded?.samples.keys() ?? [])]) : [];
    const own = [...textAnchors(source, undefined, all), ...offered.map(sampleAnchor)];
    pages.set(standing.page, new Set([...FRAME, ...own]));
  }
  return pages;
}

function textAnchors(
  source: Source,
  own: MilestoneContent | undefined,
  all: readonly MilestoneContent[],
): string[] {
  const { bound } = bind(source, own, all);
  const fillings = bound.map((item) => ({
    html: "",
    text: "text" in item ? item.text : "",
    block: !("text" in item),
  }));
  const { headings } = markdown(
    substitute(source, bound, (_, index) => placeholder(index)),
    { fillings },
  );
  const figures = bound.flatMap((item) => (item.kind === "figure" ? [`figure-${item.figure.name}`] : []));
  const facts = bound.flatMap((item, index) => (item.kind === "fact" ? [`fact-${index + 1}`] : []));
  return [...headings.map(({ id }) => id), ...figures, ...facts];
}

function notebookAnchors({ recorded }: MilestoneContent): string[] {
  if (!recorded) return [];
  const texts = [...notebookTexts(recorded, markdown).values()];
  return [
    ...recorded.cells.map(({ ref }) => cellAnchor(ref)),
    ...[...recorded.facts.keys()].map((name) => `fact-${name}`),
    ...[...recorded.figures.keys()].map((name) => `figure-${name}`),
    ...texts.flatMap(({ headings }) => headings.map(({ id }) => id)),
  ];
}
