import { stringify } from "yaml";
import type { RecordedTable } from "../../notebook/index.js";
import type { MilestoneContent } from "../model/inputs.js";
import { postPage } from "../model/site-map.js";
import { escapeHtml } from "../text/escape.js";
import { postFront } from "./blog-front.js";
import type { ChannelInput } from "./piece.js";
import { portableMarkdown } from "./portable.js";

const frontMatter = (fields: Record<string, unknown>): string =>
  `---\n${stringify(fields, { lineWidth: 0 })}---\n\n`;

function canonicalUrl({ settings, content }: ChannelInput): string {
  return `${settings.url}/${postPage(content)}`;
}

/**
 * For dev.to: its front matter, and its Liquid tags escaped. It stays unpublished until someone publishes it there.
 */
export function devtoPost(post: ChannelInput): string {
  const { title, description, tags } = postFront(post.piece);
  const body = portableMarkdown(post).replace(/\{\{|\{%/g, "{% raw %}$&{% endraw %}");
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
export function hashnodePost(post: ChannelInput): string {
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
    }) + portableMarkdown(post)
  );
}

/**
 * For Medium, to open in a browser and paste: it keeps headings, emphasis, code and pictures, and has no tables. Its five tags
 * are typed in there, so they are in the head, which is not pasted.
 */
export function mediumPost(post: ChannelInput): string {
  const { title, description, tags } = postFront(post.piece);
  // A recorded table becomes its picture before the Markdown is made, so the page has no table from a run.
  const text = portableMarkdown(
    post,
    ({ name, caption }: RecordedTable, owner: MilestoneContent) =>
      `![${caption ?? name}](${post.media(owner)(`table-${name}.png`)})`,
  );
  const { html } = post.markdown(text, { plain: true });
  return [
    "<!doctype html>",
    `<html lang="${escapeHtml(post.settings.language)}"><head><meta charset="utf-8"><meta name="keywords" content="${escapeHtml(tags.slice(0, 5).join(", "))}"><title>${escapeHtml(title)}</title></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<h2>${escapeHtml(description)}</h2>`,
    html.trim(),
    `<p><em>Originally published at <a href="${escapeHtml(canonicalUrl(post))}">${escapeHtml(canonicalUrl(post))}</a>.</em></p>`,
    "</body></html>",
    "",
  ].join("\n");
}
