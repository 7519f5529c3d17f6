/// <reference lib="dom" />
import MarkdownIt from "markdown-it";

const md = new MarkdownIt({ html: false, linkify: false, typographer: true });
md.disable("replacements");

/** Alignment as a class: an attribute `style` is refused by the studio's content security policy. */
for (const part of ["th_open", "td_open"] as const)
  md.renderer.rules[part] = (tokens, index, options, _env, self) => {
    const token = tokens[index];
    const align = /text-align:\s*(\w+)/.exec(String(token?.attrGet("style") ?? ""))?.[1];
    if (token) {
      token.attrs = (token.attrs ?? []).filter(([name]) => name !== "style");
      if (align) token.attrJoin("class", align);
    }
    return self.renderToken(tokens, index, options);
  };
md.renderer.rules.table_open = () =>
  '<div class="table" role="region" aria-label="Table" tabindex="0"><table>\n';
md.renderer.rules.table_close = () => "</table></div>\n";

const openLink =
  md.renderer.rules.link_open ??
  ((tokens, index, options, _env, self) => self.renderToken(tokens, index, options));
md.renderer.rules.link_open = (tokens, index, options, env: Environment, self) => {
  const token = tokens[index];
  const href = String(token?.attrGet("href") ?? "");
  const target = env.link(href);
  if (target === undefined) token?.attrs?.splice(0);
  else token?.attrSet("href", target);
  if (target?.startsWith("http")) {
    token?.attrSet("rel", "noreferrer");
    token?.attrSet("target", "_blank");
  }
  return openLink(tokens, index, options, env, self);
};
// Pictures lie beside the notebook, where the studio does not reach: their words stand for them.
md.renderer.rules.image = (tokens, index, options, env: Environment, self) => {
  const token = tokens[index];
  const src = String(token?.attrGet("src") ?? "");
  const alt = self.renderInlineAsText(token?.children ?? [], options, env);
  const shown = env.picture(src);
  return shown === undefined
    ? `<em>${md.utils.escapeHtml(alt)}</em>`
    : `<img src="${md.utils.escapeHtml(shown)}" alt="${md.utils.escapeHtml(alt)}">`;
};

interface Environment {
  /** Where a link leads; undefined keeps its words alone. */
  readonly link: (href: string) => string | undefined;
  readonly picture: (src: string) => string | undefined;
}

/** A page of the studio for what notebooks link to: other notebooks and their cells; the web stays itself. */
function studioLink(href: string): string | undefined {
  if (/^(https?:|#)/.test(href)) return href;
  const [, id, fragment = ""] =
    /(?:^|\/)(m\d{2}|[a-z0-9-]+)(?:-[a-z0-9-]+)?\/notebook\.ipynb(#.*)?$/.exec(href) ?? [];
  return id === undefined ? undefined : `#/${id}${fragment.replace("#cell-", "/")}`;
}

/**
 * Markdown as HTML that can be put into the page: raw HTML in it is text, and so is what has no safe address.
 *
 * @param attachments pictures that lie in the cell, by name: MIME type to base64
 */
export function markdownHtml(
  text: string,
  attachments: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): string {
  const env: Environment = {
    link: studioLink,
    picture: (src) => {
      const [mime, data] = Object.entries(attachments[src.replace(/^attachment:/, "")] ?? {})[0] ?? [];
      return mime?.startsWith("image/") ? `data:${mime};base64,${data}` : undefined;
    },
  };
  return md.render(text, env);
}

/** A line of Markdown as HTML: code, emphasis and links alone. */
export const markdownInline = (text: string): string =>
  md.renderInline(text, { link: studioLink, picture: () => undefined } satisfies Environment);
