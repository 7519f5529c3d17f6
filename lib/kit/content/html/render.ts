import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { RecordedNotebook } from "../../notebook/index.js";
import { type Bound, bind, shownCode, substitute } from "../model/bind.js";
import { diagramOf, type MilestoneContent, type Standing, stemOf } from "../model/inputs.js";
import { linkTarget, picturePath, type SiteMap } from "../model/site-map.js";
import { escapeHtml, relativeUrl } from "../text/escape.js";
import type { Source } from "../text/source.js";
import { chartHtml } from "./chart.js";
import { type Filling, placeholder, type Rendered, type RenderOptions } from "./markdown.js";
import { notebookHtml } from "./notebook.js";
import { outputsHtml, type Tools } from "./outputs.js";
import { factHtml, provenanceHtml, provenanceText } from "./provenance.js";
import { tableHtml } from "./table.js";

/** What rendering a piece needs besides the piece. */
export interface PageContext {
  readonly tools: Tools;
  readonly map: SiteMap;
  readonly all: readonly MilestoneContent[];
  /** The page being made, from the site's root. */
  readonly page: string;
}

/** A text as the body of its page. Its insertions must have been checked: what does not resolve is left out. */
export async function renderText(
  source: Source,
  standing: Pick<Standing, "own" | "folder">,
  context: PageContext,
  { idPrefix = "", picture }: Pick<RenderOptions, "idPrefix" | "picture"> = {},
): Promise<Rendered> {
  const { bound } = bind(source, standing.own, context.all);
  const fillings = await Promise.all(
    bound.map((item, index) => fillingOf(item, `${idPrefix}fact-${index + 1}`, context)),
  );
  const { own, folder } = standing;
  return context.tools.markdown(
    substitute(source, bound, (_, index) => placeholder(index)),
    {
      fillings,
      idPrefix,
      link: (href) => siteHref(href, folder, context),
      picture: (src, alt) => (own ? pictureHtml(src, alt, own, context) : picture?.(src, alt)),
    },
  );
}

async function fillingOf(item: Bound, factId: string, context: PageContext): Promise<Filling> {
  const { tools, page } = context;
  switch (item.kind) {
    case "given":
    case "planned":
      return { html: escapeHtml(item.text), text: item.text, block: false };
    case "fact": {
      const { fact, text, owner } = item;
      return {
        html: factHtml(text, owner, fact.cell, page, factId, fact.note),
        text,
        block: false,
      };
    }
    case "figure": {
      const { figure, owner } = item;
      const html = await chartHtml(tools.cache, figure, provenanceHtml(owner, figure.cell, page));
      return { html, text: figure.alt, block: true };
    }
    case "table": {
      const { table, owner } = item;
      const source = provenanceHtml(owner, table.cell, page);
      return { html: tableHtml(table, source), text: table.caption ?? table.name, block: true };
    }
    case "cell": {
      const { cell, owner, show } = item;
      const code = show.code ? tools.highlighter.code(shownCode(cell, show), "typescript") : "";
      const output = show.output && owner.recorded ? await outputsHtml(cell, owner.recorded, tools) : "";
      const outputs = output ? `<div class="outputs">${output}</div>` : "";
      const source = provenanceHtml(owner, cell.ref, page);
      return {
        html: `<figure class="excerpt">${code}${outputs}<figcaption>${source}</figcaption></figure>`,
        text: provenanceText(owner, cell.ref),
        block: true,
      };
    }
  }
}

/** A link of a piece, or of a notebook's text, as the site needs it. */
function siteHref(
  href: string,
  folder: string,
  { map, page }: Pick<PageContext, "map" | "page">,
): string | undefined {
  const target = linkTarget(href, folder, map, page);
  switch (target.kind) {
    case "external":
      return target.href;
    case "page":
      return relativeUrl(page, target.fragment ? `${target.page}#${target.fragment}` : target.page);
    case "source":
      return map.sourceBase
        ? `${map.sourceBase}/${target.path}${target.fragment ? `#${target.fragment}` : ""}`
        : undefined;
    case "missing":
      return undefined;
  }
}

/** A milestone's executed notebook as the body of its page. */
export function renderNotebook(
  recorded: RecordedNotebook,
  content: MilestoneContent,
  context: PageContext,
): Promise<Rendered> {
  return notebookHtml(recorded, context.tools, {
    link: (href) => siteHref(href, content.milestone.folder, context),
    picture: (src, alt, { attachments }) => {
      const attached = src.startsWith("attachment:")
        ? attachments?.[src.slice("attachment:".length)]
        : undefined;
      const [mime, data] = Object.entries(attached ?? {})[0] ?? [];
      if (mime === undefined) return pictureHtml(src, alt, content, context);
      return `<figure class="picture"><img src="data:${escapeHtml(mime)};base64,${escapeHtml(String(data).replace(/\s/g, ""))}" alt="${escapeHtml(alt)}"></figure>`;
    },
  });
}

/** Where the site keeps a milestone's pictures. */
export function mediaPath(content: MilestoneContent, name: string): string {
  return `media/${stemOf(content.milestone)}/${name}`;
}

/** A picture of a piece, or of a notebook's text, as the site shows it; one from elsewhere stays as it is. */
function pictureHtml(
  src: string,
  alt: string,
  content: MilestoneContent,
  { page }: Pick<PageContext, "page">,
): string | undefined {
  const name = picturePath(src);
  if (name === undefined) return undefined;
  if (diagramOf(content, name)) {
    const stem = basename(name, ".svg");
    return diagramHtml((variant) => relativeUrl(page, mediaPath(content, `${stem}${variant}.svg`)), alt);
  }
  if (!existsSync(join(content.milestone.folder, name))) return undefined;
  const url = relativeUrl(page, mediaPath(content, name));
  return `<figure class="picture"><img src="${escapeHtml(url)}" alt="${escapeHtml(alt)}" loading="lazy" decoding="async"></figure>`;
}

/** A diagram in both themes, flowing downwards on phones; it opens in full on its own. */
export function diagramHtml(url: (variant: string) => string, alt: string): string {
  const one = (theme: "light" | "dark") =>
    `<a class="only-${theme}" href="${escapeHtml(url(`-${theme}`))}"><picture>` +
    `<source media="(max-width: 640px)" srcset="${escapeHtml(url(`-tall-${theme}`))}">` +
    `<img src="${escapeHtml(url(`-${theme}`))}" alt="${escapeHtml(alt)}" loading="lazy" decoding="async"></picture></a>`;
  return `<figure class="diagram">${one("light")}${one("dark")}</figure>`;
}
