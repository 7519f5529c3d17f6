import { relative, sep } from "node:path";
import { pageProgram } from "../../inspector/index.js";
import { serializeNotebook } from "../../notebook/index.js";
import type { Heading, Rendered } from "../html/markdown.js";
import { profilesHtml } from "../html/profiles.js";
import { runId } from "../html/provenance.js";
import { diagramHtml, mediaPath, type PageContext, renderNotebook, renderText } from "../html/render.js";
import { bind } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import type { SiteSettings } from "../model/settings.js";
import {
  docPage,
  interviewPage,
  notebookFile,
  notebookPage,
  postPage,
  slidesPage,
  TALK_PAGE,
} from "../model/site-map.js";
import type { SiteText } from "../model/site-texts.js";
import { postFront } from "../pieces/blog-front.js";
import { interviewOf } from "../pieces/doc.js";
import { readDesigns } from "../spoken/designs.js";
import { escapeHtml } from "../text/escape.js";
import type { Source } from "../text/source.js";
import { readingMinutes } from "../text/words.js";
import { calculatorHtml, designsHtml } from "./estimates-page.js";
import { insideFiles, type SampleItem } from "./inside.js";
import type { Files } from "./media.js";
import { PROJECT_PAGE, projectHtml } from "./project-page.js";
import type { SiteInput } from "./site.js";

/** What a page is, which its template goes by: `blog/_includes/kinds/<kind>.njk`. */
export type PageKind =
  | "home"
  | "doc"
  | "post"
  | "notebook"
  | "interview"
  | "slides"
  | "talk"
  | "text"
  | "inside"
  | "estimates"
  | "decision"
  | "blog"
  | "answers"
  | "project"
  | "lost";

/** One page of the site, as its template needs it. */
export interface PageItem {
  readonly path: string;
  readonly kind: PageKind;
  readonly title: string;
  readonly description: string;
  readonly html?: string | undefined;
  readonly toc?: readonly Heading[] | undefined;
  /** Id of the milestone that the page is about. */
  readonly milestone?: string | undefined;
  readonly image?: string | undefined;
  readonly date?: string | undefined;
  readonly minutes?: number | undefined;
  /** `M3`, or the number of a decision. */
  readonly label?: string | undefined;
  /** The file of the project that the page is made from, and where it can be read. */
  readonly source?: { readonly path: string; readonly href?: string | undefined } | undefined;
  /** The picture in the list of posts. */
  readonly thumbnail?: string | undefined;
  /** Files that the page which looks inside them offers. */
  readonly samples?: readonly SampleItem[] | undefined;
  /** Bytes of the decoder that this page loads when rows are asked for. */
  readonly decoderBytes?: number | undefined;
  /** What the home page says above its text. */
  readonly front?: Readonly<Record<string, unknown>> | undefined;
}

/** All pages in reading order, and files that they offer for download. */
export async function makePages(input: SiteInput): Promise<{ pages: PageItem[]; files: Files }> {
  const { settings, all, texts } = input;
  const pages: PageItem[] = [await homePage(input)];
  const files: Files = new Map();
  const answers: string[] = [];
  for (const content of all) {
    pages.push(...(await milestonePages(content, input)));
    if (content.recorded) files.set(notebookFile(content), serializeNotebook(content.recorded.notebook));
    if (content.pieces.doc) answers.push(await answerHtml(content, content.pieces.doc, input.context));
  }
  pages.push({
    path: "blog/index.html",
    kind: "blog",
    title: "Blog",
    description: `Posts on building ${settings.title}.`,
  });
  for (const text of texts) {
    if (text.kind === "home") continue;
    const page = await docsPage(text, input);
    if (text.kind === "estimates") {
      files.set("assets/estimates.js", pageProgram("estimates.js"));
      const designs = designsHtml(readDesigns(input.project, all).designs, all);
      pages.push({ ...page, html: `${page.html}\n${calculatorHtml()}\n${designs}` });
    } else if (text.kind !== "inside") pages.push(page);
    else {
      const inside = insideFiles(all);
      for (const [path, bytes] of inside.files) files.set(path, bytes);
      pages.push({ ...page, ...inside.item });
    }
  }
  pages.push({
    path: "interview/index.html",
    kind: "answers",
    title: "Interview answers",
    description: "A minute to say on each milestone, and the questions that usually follow.",
    html: answers.join("\n"),
  });
  if (input.talk) {
    const { title, html, file } = input.talk;
    pages.push({
      path: TALK_PAGE,
      kind: "talk",
      title,
      description: "The talk on the whole system: slides, what to say with each, and a clock.",
      html,
      source: sourceOf(file, settings),
    });
    for (const [path, bytes] of input.talk.files) files.set(path, bytes);
  }
  pages.push({
    path: PROJECT_PAGE,
    kind: "project",
    title: "Where the project stands",
    description:
      "What it promises, each line with what holds it; what comes next, and what is published where.",
    html: projectHtml(input.state),
  });
  pages.push({ path: "404.html", kind: "lost", title: "Not found", description: "There is no such page." });
  return { pages, files };
}

/** The home page. Without one of the milestones that its text quotes, it goes without the text. */
async function homePage({ settings, all, texts, context }: SiteInput): Promise<PageItem> {
  const path = "index.html";
  const home = texts.find(({ kind }) => kind === "home");
  const whole = home && bind(home.source, undefined, all).problems.length === 0;
  const picture = (src: string, alt: string) =>
    src === "architecture.svg"
      ? diagramHtml((variant) => `media/architecture${variant}.svg`, alt)
      : undefined;
  const text = whole
    ? await renderText(home.source, home.standing, { ...context, page: path }, { picture })
    : undefined;
  return {
    path,
    kind: "home",
    title: settings.title,
    description: settings.sentence,
    front: home?.front ?? {},
    html: text?.html,
  };
}

async function milestonePages(
  content: MilestoneContent,
  { project, settings, context, decks }: SiteInput,
): Promise<PageItem[]> {
  const { milestone, pieces, recorded } = content;
  const common = {
    milestone: milestone.id,
    label: milestone.label,
    image: `${settings.url}/${mediaPath(content, "social.png")}`,
    description: milestone.oneLine,
  };
  const pages: PageItem[] = [];
  if (pieces.doc) {
    const { doc } = pieces;
    const path = docPage(content);
    const page = await renderText(doc, standing(content), { ...context, page: path });
    const source = sourceOf(doc.file, settings);
    const both = profilesHtml(content);
    const whole: Rendered = {
      html: page.html + (both?.html ?? ""),
      headings: [...page.headings, ...(both?.headings ?? [])],
    };
    pages.push({ ...common, path, kind: "doc", title: milestone.title, source, ...body(whole) });
    const spoken = interviewPage(content);
    const answer = await renderText(interviewOf(doc), standing(content), { ...context, page: spoken });
    const title = `In an interview: ${milestone.title}`;
    pages.push({ ...common, path: spoken, kind: "interview", title, source, ...body(answer) });
  }
  if (pieces.slides) {
    pages.push({
      ...common,
      path: slidesPage(content),
      kind: "slides",
      title: `Slides: ${milestone.title}`,
      html: decks.get(content),
      source: sourceOf(pieces.slides.file, settings),
    });
  }
  if (recorded) {
    const path = notebookPage(content);
    const { html, headings } = await renderNotebook(recorded, content, { ...context, page: path });
    const file = relative(project.root, milestone.notebookPath).split(sep).join("/");
    const source = sourceOf(file, settings);
    const title = `${milestone.title}: the notebook`;
    const shown = body({ html: runHtml(content) + html, headings });
    pages.push({ ...common, path, kind: "notebook", title, source, ...shown });
  }
  if (pieces.blog) {
    const { blog } = pieces;
    const path = postPage(content);
    const page = await renderText(blog, standing(content), { ...context, page: path });
    const { title, description, date } = postFront(blog);
    pages.push({
      ...common,
      path,
      kind: "post",
      title,
      description,
      date,
      minutes: readingMinutes(blog.prose),
      thumbnail: mediaPath(content, "cover.png"),
      source: sourceOf(blog.file, settings),
      ...body(page),
    });
  }
  return pages;
}

/** A file of the project, and where it can be read. */
const sourceOf = (file: string, { source }: SiteSettings): NonNullable<PageItem["source"]> => ({
  path: file,
  href: source ? `${source}/${file}` : undefined,
});

async function docsPage(text: SiteText, { settings, context }: SiteInput): Promise<PageItem> {
  const { kind, source, title, standing } = text;
  const page = await renderText(source, standing, { ...context, page: standing.page });
  const { file } = source;
  return {
    path: standing.page,
    kind: kind === "home" ? "text" : kind,
    title: plainWords(title),
    description: firstWords(source),
    label: /\/(\d+)-[^/]*$/.exec(file)?.[1],
    source: sourceOf(file, settings),
    ...body(page),
  };
}

const standing = (content: MilestoneContent) => ({ own: content, folder: content.milestone.folder });

/** A text's HTML, and the headings that its page lists. */
const body = ({ html, headings }: Rendered): Pick<PageItem, "html" | "toc"> => ({
  html,
  toc: headings.filter(({ level }) => level === 2),
});

/** A milestone's answer, for the page that has them all. */
async function answerHtml(
  content: MilestoneContent,
  doc: Piece,
  context: SiteInput["context"],
): Promise<string> {
  const { milestone } = content;
  const at: PageContext = { ...context, page: "interview/index.html" };
  const { html } = await renderText(interviewOf(doc), standing(content), at, {
    idPrefix: `${milestone.id}-`,
  });
  const title = `${escapeHtml(milestone.label)} · ${escapeHtml(milestone.title)}`;
  return `<section class="answer" aria-labelledby="${milestone.id}"><h2 id="${milestone.id}">${title}</h2>${html}</section>`;
}

const plainWords = (markdown: string): string => markdown.replace(/[`*]/g, "");

/** The first paragraph, for who searches. */
function firstWords({ text, paragraphs }: Source): string {
  const [from, to] = paragraphs[0] ?? [0, 0];
  const paragraph = text.split("\n").slice(from, to).join(" ");
  return plainWords(paragraph.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")).slice(0, 200);
}

/** The line above a notebook that says what run it shows. */
function runHtml({ recorded, milestone }: MilestoneContent): string {
  const run = recorded?.run;
  if (!recorded || !run) return "";
  const parts = [`${run.profile} profile`, `Node ${run.node.replace(/^v/, "")}`, `run ${runId(recorded)}`];
  return `<p class="run">Executed notebook · ${parts.map(escapeHtml).join(" · ")} · run it yourself: <code>npm start -- ${milestone.id}</code></p>`;
}
