import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Project } from "../../milestones/index.js";
import { mediaPath, type PageContext } from "../html/render.js";
import type { MilestoneContent } from "../model/inputs.js";
import type { SiteSettings } from "../model/settings.js";
import type { SiteText } from "../model/site-texts.js";
import type { ProjectState } from "../project/state.js";
import { relativeUrl } from "../text/escape.js";
import { renderTemplates } from "./eleventy.js";
import type { Files } from "./media.js";
import { navItem, reference, withNeighbours } from "./navigation.js";
import { makePages } from "./pages.js";
import { searchIndex } from "./search-index.js";
import { styleFiles } from "./style.js";
import type { TalkHtml } from "./talk-page.js";

/** Everything that the site is made of besides its templates. */
export interface SiteInput {
  readonly project: Project;
  readonly settings: SiteSettings;
  readonly all: readonly MilestoneContent[];
  readonly texts: readonly SiteText[];
  readonly context: Omit<PageContext, "page">;
  /** The architecture diagram of the home page, by suffix. */
  readonly architecture: ReadonlyMap<string, string>;
  readonly media: ReadonlyMap<MilestoneContent, Files>;
  /** Posts as HTML with whole URLs, for the feed. */
  readonly feed: ReadonlyMap<MilestoneContent, string>;
  /** Slides as HTML. */
  readonly decks: ReadonlyMap<MilestoneContent, string>;
  readonly talk: TalkHtml | undefined;
  /** Where the project stands. */
  readonly state: ProjectState;
  /** Folders of the site that others make, such as the reference of the API. */
  readonly besides: readonly string[];
}

/** Makes the whole site: files by path. */
export async function renderSite(input: SiteInput): Promise<Files> {
  const { project, settings, all } = input;
  const folder = join(project.root, "blog");
  const files: Files = new Map(styleFiles(folder));
  for (const [content, media] of input.media) {
    for (const [name, bytes] of media) files.set(mediaPath(content, name), bytes);
  }
  for (const [suffix, svg] of input.architecture) files.set(`media/architecture${suffix}.svg`, svg);
  for (const name of readdirSync(join(folder, "assets"))) {
    files.set(`assets/${name}`, readFileSync(join(folder, "assets", name)));
  }

  const made = await makePages(input);
  for (const [path, bytes] of made.files) files.set(path, bytes);
  const pages = withNeighbours(made.pages);
  const posts = pages
    .filter(({ kind }) => kind === "post")
    .map((post) => ({
      ...post,
      feedHtml: input.feed.get(
        all.find(({ milestone }) => milestone.id === post.milestone) as MilestoneContent,
      ),
    }));
  const rendered = await renderTemplates(
    templateFolder(folder),
    {
      site: settings,
      milestones: all.map((content) => navItem(content, input.texts)),
      reference: reference(pages, input.besides),
      pages,
      posts,
      latest: [...posts].reverse().sort((a, b) => (b.date ?? "").localeCompare(a.date ?? "")),
      version: versionOf(files),
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

/** Changes with every style sheet and script: whoever has an older one asks anew. */
function versionOf(files: Files): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of files) if (/^assets\/.*\.(css|js)$/.test(path)) hash.update(bytes);
  return hash.digest("hex").slice(0, 8);
}

/** Eleventy reads a folder given relative to the current one. */
function templateFolder(folder: string): string {
  return relative(process.cwd(), folder) || ".";
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
