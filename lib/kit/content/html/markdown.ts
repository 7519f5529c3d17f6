import MarkdownIt, { type Token } from "markdown-it";
import { escapeHtml, slugify } from "../text/escape.js";
import type { Highlighter } from "./code.js";

/** Private-use characters that stand for insertion number n while Markdown is rendered. */
const OPEN = "\uE000";
const CLOSE = "\uE001";
const PLACEHOLDER = /\uE000(\d+)\uE001/g;

export const placeholder = (index: number): string => `${OPEN}${index}${CLOSE}`;

/** What a placeholder becomes: HTML on the page, and plain text where HTML cannot stand (alt texts). */
export interface Filling {
  readonly html: string;
  readonly text: string;
  /** True for figures, tables and cells, which stand between paragraphs. */
  readonly block: boolean;
}

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

export interface RenderOptions {
  readonly fillings?: readonly Filling[] | undefined;
  /** Where a link leads from this page; undefined drops the link and keeps its words. */
  readonly link?: ((href: string) => string | undefined) | undefined;
  /** HTML for a picture in place of `<img>`; undefined keeps it. */
  readonly picture?: ((src: string, alt: string) => string | undefined) | undefined;
  /** The level of its highest headings, whatever they are in the text: an output's own `#` is not the page's. */
  readonly top?: number | undefined;
  /** Leaves out what only our own pages style: anchors on headings, frames around tables. */
  readonly plain?: boolean | undefined;
  /** Put before heading ids, to keep them apart from others on the page. */
  readonly idPrefix?: string | undefined;
  /** How often each heading id is on the page already, where a page is made of several texts. */
  readonly ids?: Map<string, number> | undefined;
}

export interface Rendered {
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** Markdown as HTML: CommonMark with tables, typographic quotes, anchors on headings, highlighted code. */
export function openMarkdown(highlighter: Highlighter): (text: string, options?: RenderOptions) => Rendered {
  const md = new MarkdownIt({ html: true, linkify: false, typographer: true });
  md.disable("replacements");
  md.core.ruler.push("place", (state) => {
    const env = state.env as Environment;
    hoistBlocks(state.tokens, env);
    numberHeadings(state.tokens, env);
  });
  const { rules } = md.renderer;
  rules.fence = (tokens, index) => {
    const token = tokens[index] as Token;
    return `${highlighter.code(token.content.replace(/\n$/, ""), token.info.trim().split(/\s+/)[0] ?? "")}\n`;
  };
  rules.code_block = (tokens, index) =>
    highlighter.code((tokens[index] as Token).content.replace(/\n$/, ""), "");
  rules.table_open = (_tokens, _index, _options, env: Environment) => {
    if (env.options.plain) return "<table>\n";
    // Regions of a page are told apart by their labels; no heading has a blank in its id.
    const number = (env.ids.get("a table") ?? 0) + 1;
    env.ids.set("a table", number);
    const label = `${env.options.idPrefix === undefined ? "Table" : "Output table"} ${number}`;
    return `<div class="table" role="region" aria-label="${label}" tabindex="0"><table>\n`;
  };
  rules.table_close = (_tokens, _index, _options, env: Environment) =>
    env.options.plain ? "</table>\n" : "</table></div>\n";
  rules.text = (tokens, index, _options, env: Environment) =>
    fill((tokens[index] as Token).content, env, "html");
  rules.html_inline = (tokens, index, _options, env: Environment) =>
    (tokens[index] as Token).content.replace(
      PLACEHOLDER,
      (_, n: string) => env.options.fillings?.[Number(n)]?.text ?? "",
    );
  rules.html_block = rules.html_inline;
  rules.image = (tokens, index, options, env: Environment, self) => {
    const token = tokens[index] as Token;
    const alt = fill(self.renderInlineAsText(token.children ?? [], options, env), env, "text");
    const src = String(token.attrGet("src") ?? "");
    return (
      env.options.picture?.(src, alt) ??
      `<img src="${escapeHtml(src)}" alt="${escapeHtml(alt)}" loading="lazy" decoding="async">`
    );
  };
  // A dropped link must drop its end too; links do not nest, so one flag does.
  rules.link_open = (tokens, index, options, env: Environment, self) => {
    const token = tokens[index] as Token;
    const href = String(token.attrGet("href") ?? "");
    const target = env.options.link ? env.options.link(href) : href;
    env.linkDropped = target === undefined;
    if (target === undefined) return "";
    token.attrSet("href", target);
    return self.renderToken(tokens, index, options);
  };
  rules.link_close = (_tokens, _index, _options, env: Environment) => (env.linkDropped ? "" : "</a>");
  rules.heading_close = (tokens, index, options, env: Environment, self) => {
    const heading = tokens[index - 2] as Token;
    if (env.options.plain || heading.tag === "h1") return self.renderToken(tokens, index, options);
    return `<a class="anchor" href="#${heading.attrGet("id")}" aria-hidden="true" tabindex="-1" data-pagefind-ignore>#</a>${self.renderToken(tokens, index, options)}`;
  };
  return (text, options = {}) => {
    const env: Environment = { options, headings: [], ids: options.ids ?? new Map(), linkDropped: false };
    return { html: md.render(text, env), headings: env.headings };
  };
}

interface Environment {
  readonly options: RenderOptions;
  readonly headings: Heading[];
  readonly ids: Map<string, number>;
  linkDropped: boolean;
}

function fill(text: string, env: Environment, as: "html" | "text"): string {
  const escaped = as === "html" ? escapeHtml(text) : text;
  return escaped.replace(PLACEHOLDER, (_, n: string) => env.options.fillings?.[Number(n)]?.[as] ?? "");
}

/** A paragraph that is one block filling becomes that block: a figure may not stand inside `<p>`. */
function hoistBlocks(tokens: Token[], env: Environment): void {
  for (let at = tokens.length - 2; at > 0; at--) {
    const inline = tokens[at] as Token;
    const lone = inline.type === "inline" ? /^\uE000(\d+)\uE001$/.exec(inline.content.trim()) : null;
    const filling = lone ? env.options.fillings?.[Number(lone[1])] : undefined;
    const isPicture =
      inline.type === "inline" && inline.children?.length === 1 && inline.children[0]?.type === "image";
    if (tokens[at - 1]?.type !== "paragraph_open" || !(filling?.block || (isPicture && env.options.picture)))
      continue;
    (tokens[at - 1] as Token).hidden = true;
    (tokens[at + 1] as Token).hidden = true;
  }
}

const levelOf = ({ tag }: Token): number => Number(tag.slice(1));

function numberHeadings(tokens: Token[], env: Environment): void {
  const { top } = env.options;
  const highest = Math.min(...tokens.filter(({ type }) => type === "heading_open").map(levelOf));
  const lower = top === undefined ? 0 : top - highest;
  for (const [index, token] of tokens.entries()) {
    if (token.type !== "heading_open") continue;
    const inline = tokens[index + 1] as Token;
    const text = (inline.children ?? [])
      .filter(({ type }) => type === "text" || type === "code_inline")
      .map(({ content }) => fill(content, env, "text"))
      .join("");
    const level = Math.min(6, levelOf(token) + lower);
    const base = (env.options.idPrefix ?? "") + (slugify(text) || "section");
    const seen = env.ids.get(base) ?? 0;
    env.ids.set(base, seen + 1);
    const id = seen === 0 ? base : `${base}-${seen + 1}`;
    token.tag = `h${level}`;
    (tokens[index + 2] as Token).tag = token.tag;
    if (!env.options.plain) token.attrSet("id", id);
    env.headings.push({ level, id, text });
  }
}
