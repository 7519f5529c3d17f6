import { existsSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Project } from "../../milestones/index.js";
import { frontMatter } from "../text/front-matter.js";
import { readSource, type Source } from "../text/source.js";
import type { Standing } from "./inputs.js";
import { ESTIMATES_PAGE, INSIDE_PAGE } from "./site-map.js";

/** A text of the site that belongs to no milestone: what the home page says, or a page of `docs`. */
export interface SiteText {
  readonly kind: "home" | "inside" | "estimates" | "decision" | "text";
  readonly source: Source;
  readonly front: Readonly<Record<string, unknown>>;
  readonly title: string;
  readonly standing: Standing;
  readonly path: string;
}

/** `blog/home.md`, `blog/look-inside.md` and `blog/estimates.md`, then each Markdown file below `docs`, in the order of their names, a folder's README first. */
export function readSiteTexts({ root }: Project): SiteText[] {
  const own = { "home.md": "index.html", "look-inside.md": INSIDE_PAGE, "estimates.md": ESTIMATES_PAGE };
  const docs = join(root, "docs");
  const names = existsSync(docs) ? readdirSync(docs, { recursive: true, encoding: "utf8" }) : [];
  const pages = names.filter((name) => name.endsWith(".md")).sort(byReadme);
  return [
    ...Object.entries(own).flatMap(([name, page]) => {
      const path = join(root, "blog", name);
      return existsSync(path) ? [siteText(root, path, page)] : [];
    }),
    ...pages.map((name) => siteText(root, join(docs, name), docsPage(name))),
  ];
}

function siteText(root: string, path: string, page: string): SiteText {
  const file = relative(root, path).split(sep).join("/");
  const source = readSource(path, file);
  return {
    kind: kindOf(page),
    source,
    front: frontMatter(source),
    title: source.headings.find(({ level }) => level === 1)?.text ?? file,
    standing: { folder: join(path, ".."), page, own: undefined },
    path,
  };
}

function kindOf(page: string): SiteText["kind"] {
  if (page === "index.html") return "home";
  if (page === INSIDE_PAGE) return "inside";
  if (page === ESTIMATES_PAGE) return "estimates";
  return /\/decisions\/\d/.test(page) ? "decision" : "text";
}

/** `decisions/README.md` becomes `docs/decisions/index.html`. */
function docsPage(name: string): string {
  const path = name.split(sep).join("/").replace(/\.md$/, "");
  return `docs/${path.replace(/(^|\/)README$/, "$1index")}.html`;
}

const byReadme = (a: string, b: string) => {
  const key = (name: string) => name.replace(/README\.md$/, " ");
  return key(a) < key(b) ? -1 : 1;
};
