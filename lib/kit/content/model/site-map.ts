import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { slugify } from "../text/escape.js";
import { type MilestoneContent, type Piece, type PieceName, stemOf } from "./inputs.js";
import type { SiteText } from "./site-texts.js";

/** Where things stand on the site: paths from its root, without leading slash. */
export interface SiteMap {
  /** Project files that have a page, by absolute path. */
  readonly pages: ReadonlyMap<string, string>;
  /** Base of source links on the code host, when there is one: `https://host/owner/name/blob/main`. */
  readonly sourceBase: string | undefined;
  readonly root: string;
}

/** What a link in a piece leads to. */
export type LinkTarget =
  | { readonly kind: "external"; readonly href: string }
  /** A place on the site, `page` from its root. */
  | { readonly kind: "page"; readonly page: string; readonly fragment: string }
  /** A project file without a page; `path` from the project's root. */
  | { readonly kind: "source"; readonly path: string; readonly fragment: string }
  | { readonly kind: "missing"; readonly path: string };

/** The page that looks inside files. */
export const INSIDE_PAGE = "look-inside.html";

/** The talk, to be given from a browser. */
export const TALK_PAGE = "slides/talk.html";

/** The estimates, to be reckoned anew in a browser. */
export const ESTIMATES_PAGE = "estimates.html";

/** Where that page offers a sample. */
export const sampleAnchor = (name: string): string => `sample-${name}`;

/** The page of a milestone's executed notebook, from the site's root. */
export function notebookPage(content: MilestoneContent): string {
  return `notebooks/${stemOf(content.milestone)}.html`;
}

/** The notebook itself, with its outputs, to take along. */
export function notebookFile(content: MilestoneContent): string {
  return `notebooks/${stemOf(content.milestone)}.ipynb`;
}

export function slidesPage(content: MilestoneContent): string {
  return `slides/${stemOf(content.milestone)}.html`;
}

/** What to say of a milestone in an interview, by itself. */
export function interviewPage(content: MilestoneContent): string {
  return `interview/${stemOf(content.milestone)}.html`;
}

export function docPage(content: MilestoneContent): string {
  return `milestones/${stemOf(content.milestone)}.html`;
}

export function postPage(content: MilestoneContent): string {
  const slug = content.pieces.blog?.front.slug;
  return `blog/${typeof slug === "string" ? slugify(slug) : content.milestone.slug}.html`;
}

/** The page that each kind of piece becomes; none for what is pasted or read aloud. */
export const PAGES: Readonly<Record<PieceName, ((content: MilestoneContent) => string) | undefined>> = {
  doc: docPage,
  blog: postPage,
  linkedin: undefined,
  video: undefined,
  slides: slidesPage,
};

/** Knows the page of every file that becomes one. */
export function siteMap(
  root: string,
  all: readonly MilestoneContent[],
  sourceBase?: string,
  texts: readonly SiteText[] = [],
): SiteMap {
  const pages = new Map<string, string>([
    [root, "index.html"],
    [join(root, "milestones"), "index.html"],
  ]);
  for (const content of all) {
    const { folder, notebookPath } = content.milestone;
    if (content.pieces.doc) pages.set(folder, docPage(content));
    for (const { name } of Object.values(content.pieces)) {
      const page = PAGES[name]?.(content);
      if (page !== undefined) pages.set(join(folder, `${name}.md`), page);
    }
    if (content.recorded) pages.set(notebookPath, notebookPage(content));
    const talk = join(folder, "talk.md");
    if (content.recorded && existsSync(talk)) pages.set(talk, TALK_PAGE);
  }
  for (const { path, standing } of texts) {
    pages.set(path, standing.page);
    if (path.endsWith("README.md")) pages.set(dirname(path), standing.page);
  }
  return { pages, sourceBase, root };
}

/** Resolves a link as written in a file of `folder`. */
export function linkTarget(href: string, folder: string, map: SiteMap, ownPage: string): LinkTarget {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(href)) return { kind: "external", href };
  const [path = "", fragment = ""] = href.split("#", 2);
  if (path === "") return { kind: "page", page: ownPage, fragment };
  const absolute = resolve(folder, decodeURI(path)).replace(/[\\/]$/, "");
  const page = map.pages.get(absolute);
  if (page) return { kind: "page", page, fragment };
  const inside = relative(map.root, absolute).split(sep).join("/");
  if (inside.startsWith("..") || !existsSync(absolute)) return { kind: "missing", path };
  return { kind: "source", path: inside, fragment };
}

/** A picture's path from the folder of the text that shows it; undefined for one that lies elsewhere on the web. */
export function picturePath(href: string): string | undefined {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(href)) return undefined;
  return decodeURI(href).replace(/^\.\//, "");
}

/** The page that links within a piece are about: its own, or the doc page where it has none. */
export function pageOf(piece: Piece, content: MilestoneContent): string {
  return (PAGES[piece.name] ?? docPage)(content);
}
