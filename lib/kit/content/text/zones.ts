import MarkdownIt, { type StateInline } from "markdown-it";

/**
 * What Markdown takes a place of a text for.
 *
 * - `text`: words, those of links and the alternatives of pictures included
 * - `code`: code of any form, and comments: quotation
 * - `html`: an HTML tag, or a block of HTML
 * - `target`: the address or the title of a link or picture
 * - `elsewhere`: marks of blocks, definitions of references, the front matter
 */
export type Zone = "text" | "code" | "html" | "target" | "elsewhere";

/** A link or a picture of Markdown or of HTML, by offsets in the text. */
export interface Link {
  readonly image: boolean;
  readonly href: string;
  readonly start: number;
  readonly end: number;
  /** The words or the text alternative; undefined for HTML, where the attribute is not looked into. */
  readonly label: readonly [number, number] | undefined;
  /** In HTML only: the text alternative is there. */
  readonly alt: boolean;
  readonly kind: "markdown" | "autolink" | "html";
}

interface Found {
  readonly kind: "code" | "html" | "link" | "image" | "autolink";
  readonly start: number;
  readonly end: number;
  readonly label: readonly [number, number] | undefined;
  readonly href: string;
}

export interface Zones {
  readonly zones: readonly Zone[];
  /** True for what stands in a table. */
  readonly tables: readonly boolean[];
  readonly headings: readonly { readonly level: number; readonly start: number; readonly end: number }[];
  readonly links: readonly Link[];
  readonly paragraphs: readonly (readonly [number, number])[];
  readonly markup: readonly number[];
}

/** Where the text of an inline token begins and what it holds, while it is parsed. */
interface Environment {
  found: Found[];
  base: number;
}

type Rule = (state: StateInline, silent: boolean) => boolean;

/** The parser's rules that are watched: our word, the name in the ruler, the name of the function. */
const WATCHED = {
  code: ["backticks", "backtick"],
  html: ["html_inline", "html_inline"],
  link: ["link", "link"],
  image: ["image", "image"],
  autolink: ["autolink", "autolink"],
} as const satisfies Record<Found["kind"], readonly [string, string]>;

const md = openParser();

/** CommonMark as the pages have it; each inline rule notes from where to where it has read. */
function openParser(): MarkdownIt {
  const parser = new MarkdownIt({ html: true, linkify: false });
  const rules = parser.inline.ruler.getRules("") as Rule[];
  for (const [kind, [rule, name]] of Object.entries(WATCHED) as [
    Found["kind"],
    readonly [string, string],
  ][]) {
    const original = rules.find((one) => one.name === name);
    if (!original) throw new Error(`markdown-it has no rule ${name}.`);
    parser.inline.ruler.at(rule, (state: StateInline, silent: boolean) =>
      watch(kind, original, state, silent),
    );
  }
  parser.core.ruler.at("inline", (state) => {
    for (const token of state.tokens) {
      if (token.type !== "inline") continue;
      const env: Environment = { ...(state.env as object), found: [], base: 0 };
      token.children ??= [];
      parser.inline.parse(token.content, parser, env, token.children);
      token.meta = { found: env.found };
    }
  });
  return parser;
}

function watch(kind: Found["kind"], original: Rule, state: StateInline, silent: boolean): boolean {
  if (silent) return original(state, true);
  const env = state.env as Environment;
  const { pos: start, tokens } = state;
  const before = tokens.length;
  const isImage = kind === "image";
  const isLabelled = isImage || kind === "link";
  const labelEnd = isLabelled
    ? state.md.helpers.parseLinkLabel(state, start + (isImage ? 1 : 0), !isImage)
    : -1;
  const labelStart = start + (isImage ? 2 : 1);
  const outer = env.base;
  if (isImage) env.base = outer + labelStart;
  const matched = original(state, false);
  env.base = outer;
  // A lone backtick is text, and matches too.
  const token = tokens.slice(before).find(({ type }) => type !== "text");
  if (!matched || !token) return matched;
  env.found.push({
    kind,
    start: outer + start,
    end: outer + state.pos,
    label: isLabelled ? [outer + labelStart, outer + labelEnd] : undefined,
    href: String(token.attrGet("href") ?? token.attrGet("src") ?? ""),
  });
  return matched;
}

const MARKUP = new Set(["heading_open", "blockquote_open", "table_open", "fence", "hr"]);

/** Reads a text and says of each of its characters what it is. */
export function zonesOf(text: string): Zones {
  const zones: Zone[] = new Array(text.length).fill("elsewhere");
  const tables: boolean[] = new Array(text.length).fill(false);
  const headings: { level: number; start: number; end: number }[] = [];
  const links: Link[] = [];
  const paragraphs: [number, number][] = [];
  const markup: number[] = [];
  const lines = lineStarts(text);
  const lineAt = (line: number) => lines[line] ?? text.length;
  const tokens = md.parse(text, {});
  let row: readonly [number, number] | undefined;
  let cursor = 0;
  for (const [index, token] of tokens.entries()) {
    const { type, map } = token;
    if (MARKUP.has(type) && map) markup.push(lineAt(map[0]));
    if (type === "tr_open" && map) {
      row = map;
      cursor = lineAt(map[0]);
    }
    if (type === "tr_close") row = undefined;
    if ((type === "fence" || type === "code_block") && map)
      zones.fill("code", lineAt(map[0]), lineAt(map[1]));
    if (type === "html_block" && map) {
      const start = lineAt(map[0]);
      const html = text.slice(start, lineAt(map[1]));
      zones.fill("html", start, start + html.length);
      addHtml(html, start, zones, links);
    }
    if (type !== "inline") continue;
    const range = row ?? map;
    if (!range) continue;
    const end = lineAt(range[1]);
    const offsets = align(token.content, text, row ? cursor : lineAt(range[0]), end);
    const begin = offsets[0] ?? lineAt(range[0]);
    const at = (position: number) => offsets[position] ?? (offsets.at(-1) ?? begin - 1) + 1;
    if (row) cursor = at(token.content.length);
    for (const offset of offsets) {
      zones[offset] = "text";
      if (row) tables[offset] = true;
    }
    const opening = tokens[index - 1];
    if (opening?.type === "heading_open") {
      headings.push({
        level: Number(opening.tag.slice(1)),
        start: at(0),
        end: at(token.content.length - 1) + 1,
      });
    }
    if (opening?.type === "paragraph_open" && map) paragraphs.push([map[0], map[1]]);
    for (const one of (token.meta as { found: Found[] }).found) place(one, at, text, zones, links);
    for (const child of token.children ?? [])
      if (child.type === "strong_open" || child.type === "code_inline")
        markup.push(text.indexOf(child.markup, Math.max(at(0), (markup.at(-1) ?? -1) + 1)));
  }
  return { zones, tables, headings, links, paragraphs, markup };
}

function place(
  { kind, start, end, label, href }: Found,
  at: (position: number) => number,
  text: string,
  zones: Zone[],
  links: Link[],
): void {
  const [from, to] = [at(start), at(end - 1) + 1];
  if (kind === "code") zones.fill("code", from, to);
  else if (kind === "html") {
    const html = text.slice(from, to);
    zones.fill("html", from, to);
    addHtml(html, from, zones, links);
  } else if (kind === "autolink") {
    zones.fill("target", from, to);
    links.push({ image: false, href, start: from, end: to, label: undefined, alt: true, kind });
  } else if (label) {
    const words = [at(label[0]), at(label[1])] as const;
    // What the label itself holds has its zones already; the rest is syntax and target.
    zones.fill("target", from, words[0]);
    zones.fill("target", words[1], to);
    links.push({
      image: kind === "image",
      href,
      start: from,
      end: to,
      label: words,
      alt: true,
      kind: "markdown",
    });
  }
}

/** Comments are quotation; addresses in attributes are links as those of Markdown are. */
function addHtml(html: string, start: number, zones: Zone[], links: Link[]): void {
  const comments = html.replace(/<!--[\s\S]*?(?:-->|$)/g, (comment, at: number) => {
    zones.fill("code", start + at, start + at + comment.length);
    return " ".repeat(comment.length);
  });
  for (const tag of comments.matchAll(/<([a-z][\w-]*)\b((?:"[^"]*"|'[^']*'|[^'">])*)>/gi)) {
    const [whole, name = "", attributes = ""] = tag;
    const image = name.toLowerCase() === "img";
    const found = /\s(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i.exec(attributes);
    if (!found && !image) continue;
    links.push({
      image,
      href: found?.[1] ?? found?.[2] ?? found?.[3] ?? "",
      start: start + tag.index,
      end: start + tag.index + whole.length,
      label: undefined,
      alt: /\salt\s*=\s*(?:"[^"]+"|'[^']+')/i.test(attributes),
      kind: "html",
    });
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/**
 * Finds the characters of an inline token in the text: each line of it is the end of a line of the text, whose marks
 * (of lists, quotes, headings) the parser has taken off; in a cell of a table, `\|` has lost its backslash.
 */
function align(content: string, text: string, start: number, end: number): number[] {
  const offsets: number[] = [];
  let at = start;
  for (const [index, line] of content.split("\n").entries()) {
    if (index > 0) {
      at = text.indexOf("\n", at);
      offsets.push(at++);
    }
    const lineEnd = text.indexOf("\n", at) === -1 ? end : Math.min(end, text.indexOf("\n", at));
    const whole = text.slice(at, lineEnd).indexOf(line);
    if (whole >= 0) at += whole;
    for (const sign of line) {
      while (at < end && !text.startsWith(sign, at)) at++;
      for (let unit = 0; unit < sign.length; unit++) offsets.push(at++);
    }
  }
  return offsets;
}
