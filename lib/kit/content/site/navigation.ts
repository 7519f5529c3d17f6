import { basename } from "node:path";
import { isStarted, type MilestoneContent, type OutputState } from "../model/inputs.js";
import {
  docPage,
  ESTIMATES_PAGE,
  INSIDE_PAGE,
  interviewPage,
  notebookFile,
  notebookPage,
  postPage,
  slidesPage,
  TALK_PAGE,
} from "../model/site-map.js";
import type { SiteText } from "../model/site-texts.js";
import { readingMinutes } from "../text/words.js";
import type { PageItem, PageKind } from "./pages.js";
import { PROJECT_PAGE } from "./project-page.js";

/** A milestone in the navigation and on the home page. */
export interface NavItem {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  /** The title up to its colon. */
  readonly shortTitle: string;
  readonly oneLine: string;
  readonly state: OutputState["kind"];
  readonly stateText: string;
  readonly doc?: string | undefined;
  readonly notebook?: string | undefined;
  /** The notebook's file, to take along. */
  readonly file?: string | undefined;
  readonly post?: string | undefined;
  readonly interview?: string | undefined;
  readonly slides?: string | undefined;
  /** The first of its pages. */
  readonly page?: string | undefined;
  /** Minutes that its page and the notebook, code too, take to read. */
  readonly minutes: number;
  readonly exercises: number;
  /** The records of decisions that say where they can be seen at work: here. */
  readonly decisions: readonly Reference[];
}

/** What a reader is told of a milestone. Why one is not ready is the author's matter: `slh status`. */
const STATE_TEXT: Readonly<Record<OutputState["kind"], string>> = {
  fresh: "ready",
  stale: "being written",
  failed: "being written",
  missing: "being written",
  "not-started": "planned",
};

export function navItem(content: MilestoneContent, texts: readonly SiteText[]): NavItem {
  const { milestone, state, pieces, recorded } = content;
  const doc = pieces.doc && docPage(content);
  const notebook = recorded && notebookPage(content);
  const post = pieces.blog && postPage(content);
  const kind = isStarted(content) ? state.kind : "not-started";
  const written = [pieces.doc?.prose ?? "", ...(recorded?.notebook.cells ?? []).map(({ source }) => source)];
  return {
    id: milestone.id,
    label: milestone.label,
    title: milestone.title,
    shortTitle: milestone.title.split(":", 1)[0] ?? "",
    oneLine: milestone.oneLine,
    state: kind,
    stateText: STATE_TEXT[kind],
    doc,
    notebook,
    file: recorded && notebookFile(content),
    post,
    interview: pieces.doc && interviewPage(content),
    slides: pieces.slides && slidesPage(content),
    page: doc ?? notebook ?? post,
    minutes: readingMinutes(written.join(" ")),
    decisions: texts
      .filter(({ kind, source }) => kind === "decision" && source.links.some(leadsTo(milestone.folder)))
      .map(({ title, standing }) => ({ title: title.replace(/`/g, ""), path: standing.page })),
    exercises: recorded?.checks.filter(({ state: is }) => is !== "reference").length ?? 0,
  };
}

const leadsTo = (folder: string) => {
  const name = basename(folder);
  return ({ href }: { readonly href: string }) => href.split("/").includes(name);
};

/** A page beside the milestones, in the navigation. */
export interface Reference {
  readonly title: string;
  readonly path: string;
}

/** What the navigation calls the pages beside the milestones, in its order; those that there are become entries. */
const REFERENCE: readonly Reference[] = [
  { title: "Guide", path: "docs/guide.html" },
  { title: "Studio", path: "docs/studio.html" },
  { title: "SQL", path: "docs/sql.html" },
  { title: "Log", path: "docs/log.html" },
  { title: "Quality", path: "docs/quality.html" },
  { title: "Experiments", path: "docs/experiments.html" },
  { title: "Pipelines", path: "docs/pipelines.html" },
  { title: "Orchestration", path: "docs/orchestration.html" },
  { title: "Upkeep", path: "docs/maintenance.html" },
  { title: "Backup", path: "docs/backup.html" },
  { title: "Stack", path: "docs/stack.html" },
  { title: "Engines", path: "docs/engines.html" },
  { title: "Observability", path: "docs/observability.html" },
  { title: "Look inside a file", path: INSIDE_PAGE },
  { title: "API", path: "api/index.html" },
  { title: "Decisions", path: "docs/decisions/index.html" },
  { title: "Interview answers", path: "interview/index.html" },
  { title: "The talk", path: TALK_PAGE },
  { title: "Estimates", path: ESTIMATES_PAGE },
  { title: "Where it stands", path: PROJECT_PAGE },
  { title: "Roadmap", path: "docs/roadmap.html" },
  { title: "Portfolio", path: "docs/portfolio.html" },
];

/** @param besides folders of the site that others make. */
export function reference(pages: readonly PageItem[], besides: readonly string[]): Reference[] {
  const there = new Set([
    ...pages.map(({ path }) => path),
    ...besides.map((folder) => `${folder}/index.html`),
  ]);
  return REFERENCE.filter(({ path }) => there.has(path));
}

/** Pages that are read one after the other: the page that a series starts from, and the kind of its members. */
const SERIES: readonly (readonly [start: string, kind: PageKind])[] = [
  ["index.html", "doc"],
  ["index.html", "notebook"],
  ["blog/index.html", "post"],
  ["interview/index.html", "interview"],
  ["index.html", "slides"],
  ["docs/decisions/index.html", "decision"],
  ["index.html", "text"],
];

/** A page with those before and after it in its series. */
export type LinkedPage = PageItem & {
  readonly previous?: PageItem | undefined;
  readonly next?: PageItem | undefined;
};

/** A page's neighbours; where a series starts, its first member comes next. */
export function withNeighbours(pages: readonly PageItem[]): LinkedPage[] {
  const links = new Map<PageItem, { previous?: PageItem; next?: PageItem }>();
  for (const [start, kind] of SERIES) {
    const first = pages.filter(({ path }) => path === start);
    const series = [...first, ...pages.filter((page) => page.kind === kind && page.path !== start)];
    for (const [index, page] of series.entries()) {
      const [previous, next] = [series[index - 1], series[index + 1]];
      // A page is in one series, and may be where others start: what it has already, it keeps.
      links.set(page, { ...(previous && { previous }), ...(next && { next }), ...links.get(page) });
    }
  }
  return pages.map((page) => ({ ...page, ...links.get(page) }));
}
