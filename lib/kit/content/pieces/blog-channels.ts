import { stringify } from "yaml";
import type { Rendered, RenderOptions } from "../html/markdown.js";
import type { Bound } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import type { SiteSettings } from "../model/load.js";
import { postPage, type SiteMap } from "../model/site-map.js";
import { escapeHtml } from "../text/escape.js";
import { postFront } from "./blog.js";
import { type MediaUrl, portableMarkdown } from "./portable.js";

/** What every blog platform's version of a post is made from. */
export interface PostSource {
  readonly piece: Piece;
  readonly content: MilestoneContent;
  readonly bound: readonly Bound[];
  readonly map: SiteMap;
  readonly settings: SiteSettings;
  readonly media: (owner: MilestoneContent) => MediaUrl;
}

const frontMatter = (fields: Record<string, unknown>): string =>
  `---\n${stringify(fields, { lineWidth: 0 })}---\n\n`;

function canonicalUrl({ settings, content }: PostSource): string {
  return `${settings.url}/${postPage(content)}`;
}

function portable({ piece, content, bound, map, settings, media }: PostSource): string {
  return portableMarkdown(piece, content, bound, map, settings, media);
}

/**
 * For dev.to: its front matter, and its Liquid tags escaped. It stays unpublished until someone publishes it there.
 */
export function devtoPost(post: PostSource): string {
  const { title, description, tags } = postFront(post.piece);
  const body = portable(post).replace(/\{\{|\{%/g, "{% raw %}$&{% endraw %}");
  return (
    frontMatter({
      title,
      published: false,
      description,
      tags: tags.slice(0, 4).join(", "),
      canonical_url: canonicalUrl(post),
      cover_image: post.media(post.content)("cover.png"),
      series: post.settings.title,
    }) + body
  );
}

/** For Hashnode, which imports Markdown with this front matter from a repository. */
export function hashnodePost(post: PostSource): string {
  const { title, description, tags } = postFront(post.piece);
  const page = postPage(post.content);
  return (
    frontMatter({
      title,
      subtitle: description,
      slug: page.slice(page.lastIndexOf("/") + 1).replace(/\.html$/, ""),
      tags: tags.join(","),
      domain: new URL(post.settings.url).host,
      canonical: canonicalUrl(post),
      cover: post.media(post.content)("cover.png"),
    }) + portable(post)
  );
}

/** For Medium, to open in a browser and paste: it keeps headings, emphasis, code and pictures, and has no tables. */
export function mediumPost(
  post: PostSource,
  markdown: (text: string, options?: RenderOptions) => Rendered,
): string {
  const { title, description } = postFront(post.piece);
  const tableUrl = (item: Extract<Bound, { kind: "table" }>) =>
    post.media(item.owner)(`table-${item.table.name}.png`);
  // A recorded table becomes its picture before the Markdown is made, so the page has no table from a run.
  const bound = post.bound.map(
    (item): Bound =>
      item.kind === "table"
        ? {
            kind: "given",
            insertion: item.insertion,
            owner: item.owner,
            text: `![${item.table.caption ?? item.table.name}](${tableUrl(item)})`,
          }
        : item,
  );
  const { html } = markdown(portable({ ...post, bound }), { plain: true });
  return [
    "<!doctype html>",
    `<html lang="${escapeHtml(post.settings.language)}"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<h2>${escapeHtml(description)}</h2>`,
    html.trim(),
    `<p><em>Originally published at <a href="${escapeHtml(canonicalUrl(post))}">${escapeHtml(canonicalUrl(post))}</a>.</em></p>`,
    "</body></html>",
    "",
  ].join("\n");
}
