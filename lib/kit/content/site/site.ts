import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cssVariables, FONT_FACES, fontFile, type } from "../../look/index.js";
import type { Project } from "../../milestones/index.js";
import type { Heading } from "../html/markdown.js";
import { runId } from "../html/provenance.js";
import { diagramHtml, mediaPath, type PageContext, renderNotebook, renderPiece } from "../html/render.js";
import { isStarted, label, type MilestoneContent, type OutputState } from "../model/inputs.js";
import type { SiteSettings } from "../model/load.js";
import { docPage, notebookPage, postPage } from "../model/site-map.js";
import { postFront } from "../pieces/blog-front.js";
import { escapeHtml, relativeUrl } from "../text/escape.js";
import { countWords } from "../text/words.js";
import { renderTemplates } from "./eleventy.js";
import type { Files } from "./media.js";
import { searchIndex } from "./search-index.js";

/** One page of the site, as its template needs it. */
interface PageItem {
  readonly path: string;
  readonly kind: "home" | "doc" | "post" | "notebook" | "blog" | "lost";
  readonly title: string;
  readonly description: string;
  readonly html?: string | undefined;
  readonly toc?: readonly Heading[] | undefined;
  /** Id of the milestone that the page is about. */
  readonly milestone?: string | undefined;
  readonly image?: string | undefined;
  readonly date?: string | undefined;
  readonly minutes?: number | undefined;
}

/** A milestone in the navigation and on the home page. */
interface NavItem {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  readonly oneLine: string;
  readonly state: OutputState["kind"];
  readonly stateText: string;
  readonly doc?: string | undefined;
  readonly notebook?: string | undefined;
  readonly post?: string | undefined;
  /** The first of its pages. */
  readonly page?: string | undefined;
}

const STATE_TEXT: Readonly<Record<OutputState["kind"], string>> = {
  fresh: "runs, outputs are fresh",
  stale: "outputs are stale",
  failed: "last run failed",
  missing: "not run yet",
  "not-started": "not started",
};

/** Everything that the site is made of besides its templates. */
export interface SiteInput {
  readonly project: Project;
  readonly settings: SiteSettings;
  readonly all: readonly MilestoneContent[];
  readonly context: Omit<PageContext, "page">;
  /** The architecture diagram of the home page, by suffix. */
  readonly architecture: ReadonlyMap<string, string>;
  readonly media: ReadonlyMap<MilestoneContent, Files>;
  /** Posts as HTML with whole URLs, for the feed. */
  readonly feed: ReadonlyMap<MilestoneContent, string>;
}

/** Makes the whole site: files by path. */
export async function renderSite(input: SiteInput): Promise<Files> {
  const { project, settings, all } = input;
  const folder = join(project.root, "blog");
  const files: Files = new Map();
  for (const [content, media] of input.media) {
    for (const [name, bytes] of media) files.set(mediaPath(content, name), bytes);
  }
  for (const [suffix, svg] of input.architecture) files.set(`media/architecture${suffix}.svg`, svg);
  const styles = readdirSync(join(folder, "styles")).sort();
  const css = siteCss(styles.map((name) => readFileSync(join(folder, "styles", name), "utf8")).join("\n"));
  files.set("assets/site.css", css);
  for (const name of readdirSync(join(folder, "assets"))) {
    files.set(`assets/${name}`, readFileSync(join(folder, "assets", name)));
  }
  for (const face of FONT_FACES) {
    files.set(`assets/fonts/${fontName(face)}`, readFileSync(fontFile(face, "woff2")));
  }

  const pages = await makePages(input);
  const posts = pages
    .filter(({ kind }) => kind === "post")
    .sort((a, b) => (b.date ?? "").localeCompare(a.date ?? "") || a.path.localeCompare(b.path));
  const rendered = await renderTemplates(
    templateFolder(folder),
    {
      site: settings,
      milestones: all.map(navItem),
      pages,
      posts: posts.map((post) => ({
        ...post,
        feedHtml: input.feed.get(
          all.find(({ milestone }) => milestone.id === post.milestone) as MilestoneContent,
        ),
      })),
      version: createHash("sha256")
        .update(css)
        .update(readFileSync(join(folder, "assets", "site.js")))
        .digest("hex")
        .slice(0, 8),
      basePath: new URL(`${settings.url}/`).pathname,
    },
    {
      rel: (to: string, from: string) => relativeUrl(from, to),
      longDate,
    },
  );
  for (const [path, html] of rendered) files.set(path, html);
  const searched = new Map([...rendered].filter(([, html]) => html.includes("data-pagefind-body")));
  for (const [path, bytes] of await searchIndex(searched)) files.set(`pagefind/${path}`, bytes);
  return files;
}

/** Eleventy reads a folder given relative to the current one. */
function templateFolder(folder: string): string {
  return relative(process.cwd(), folder) || ".";
}

async function makePages({ settings, all, context }: SiteInput): Promise<PageItem[]> {
  const diagram = diagramHtml(
    (variant) => `media/architecture${variant}.svg`,
    `${settings.title}: ${settings.sentence}`,
  );
  const pages: PageItem[] = [
    {
      path: "index.html",
      kind: "home",
      title: settings.title,
      description: settings.sentence,
      html: diagram,
    },
    {
      path: "blog/index.html",
      kind: "blog",
      title: "Blog",
      description: `Posts on building ${settings.title}.`,
    },
    { path: "404.html", kind: "lost", title: "Not found", description: "There is no such page." },
  ];
  for (const content of all) {
    const { milestone, pieces, recorded } = content;
    const common = { milestone: milestone.id, image: `${settings.url}/${mediaPath(content, "social.png")}` };
    if (pieces.doc) {
      const path = docPage(content);
      const { html, headings } = await renderPiece(pieces.doc, content, { ...context, page: path });
      const toc = headings.filter(({ level }) => level === 2);
      pages.push({
        ...common,
        path,
        kind: "doc",
        title: milestone.title,
        description: milestone.oneLine,
        html,
        toc,
      });
    }
    if (pieces.blog) {
      const path = postPage(content);
      const { html, headings } = await renderPiece(pieces.blog, content, { ...context, page: path });
      const { title, description, date } = postFront(pieces.blog);
      const minutes = Math.max(1, Math.round(countWords(pieces.blog.prose) / 230));
      const toc = headings.filter(({ level }) => level === 2);
      pages.push({ ...common, path, kind: "post", title, description, html, toc, date, minutes });
    }
    if (recorded) {
      const path = notebookPage(content);
      const { html, headings } = await renderNotebook(recorded, content, { ...context, page: path });
      const toc = headings.filter(({ level }) => level === 2);
      const title = `${milestone.title}: the notebook`;
      pages.push({
        ...common,
        path,
        kind: "notebook",
        title,
        description: milestone.oneLine,
        html: runHtml(content) + html,
        toc,
      });
    }
  }
  return pages;
}

/** The line above a notebook that says what run it shows. */
function runHtml({ recorded, milestone }: MilestoneContent): string {
  const run = recorded?.run;
  if (!recorded || !run) return "";
  const parts = [`${run.profile} profile`, `Node ${run.node.replace(/^v/, "")}`, `run ${runId(recorded)}`];
  return `<p class="run">Executed notebook · ${parts.map(escapeHtml).join(" · ")} · run it yourself: <code>npm start -- ${milestone.id}</code></p>`;
}

function navItem(content: MilestoneContent): NavItem {
  const { milestone, state, pieces, recorded } = content;
  const doc = pieces.doc && docPage(content);
  const notebook = recorded && notebookPage(content);
  const post = pieces.blog && postPage(content);
  const page = doc ?? notebook ?? post;
  const kind = isStarted(content) ? state.kind : "not-started";
  return {
    id: milestone.id,
    label: label(content),
    title: milestone.title,
    oneLine: milestone.oneLine,
    state: kind,
    stateText: STATE_TEXT[kind],
    doc,
    notebook,
    post,
    page,
  };
}

function fontName(face: (typeof FONT_FACES)[number]): string {
  return `${face.family.toLowerCase().replace(" ", "-")}-${face.weight}${face.style === "italic" ? "-italic" : ""}.woff2`;
}

/** Fonts, tokens in both themes, then the site's own rules. A reader's choice of theme beats the system's. */
function siteCss(own: string): string {
  const fonts = FONT_FACES.map(
    (face) =>
      `@font-face{font-family:"${face.family}";font-style:${face.style};font-weight:${face.weight};font-display:swap;src:url(fonts/${fontName(face)}) format("woff2")}`,
  );
  const shown = (theme: "light" | "dark") =>
    `.only-${theme === "light" ? "dark" : "light"}{display:none!important}`;
  return [
    ...fonts,
    `:root{color-scheme:light;--font-text:${type.text};--font-code:${type.code};\n${cssVariables("light")}\n}`,
    `:root:not([data-theme=dark]) ${shown("light")}`,
    `:root[data-theme=dark]{color-scheme:dark;\n${cssVariables("dark")}\n}`,
    `:root[data-theme=dark] ${shown("dark")}`,
    "@media (prefers-color-scheme:dark){",
    `:root:not([data-theme=light]){color-scheme:dark;\n${cssVariables("dark")}\n}`,
    `:root:not([data-theme]) .only-light{display:none!important}:root:not([data-theme]) .only-dark{display:revert!important}`,
    "}",
    own,
  ].join("\n");
}

/** `20 November 2026`. */
function longDate(date: string): string {
  return new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}
