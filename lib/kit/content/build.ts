import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { LakehouseError } from "sololakehouse/errors";
import { contentInvalid, staleOutput } from "../errors.js";
import type { Project } from "../milestones/index.js";
import { openCache } from "./draw/cache.js";
import { type DiagramRenderer, openDiagrams, readDiagram } from "./draw/diagrams.js";
import { openPrinter } from "./draw/pdf.js";
import { openPictures } from "./draw/pictures.js";
import { openHighlighter } from "./html/code.js";
import { openMarkdown } from "./html/markdown.js";
import { type Judgement, judge, SITE } from "./judge.js";
import { bind } from "./model/bind.js";
import type { MilestoneContent } from "./model/inputs.js";
import { loadContent } from "./model/load.js";
import { readSettings } from "./model/settings.js";
import { siteMap } from "./model/site-map.js";
import { readSiteTexts } from "./model/site-texts.js";
import { breaks } from "./pieces/result.js";
import { projectState } from "./project/state.js";
import { deadAddresses, makeChannels } from "./site/channels.js";
import { brokenLinks } from "./site/link-check.js";
import { drawDiagram, type Files, type MediaTools, milestoneMedia } from "./site/media.js";
import { renderSite } from "./site/site.js";
import { deckFiles, deckHtml, type PrintContext } from "./site/slides.js";
import { styleFiles } from "./site/style.js";
import { talkHtml } from "./site/talk-page.js";
import { inputsKey, noteBuild, unchangedBuild } from "./unchanged.js";

/** Folders of the site that other commands make: linked where they are, and kept when the site is built anew. */
const OTHERS = ["api"];

export interface BuildOptions {
  /** Milestones that must build, by id. Others join where they can; all must when this is left out. */
  readonly only?: readonly string[] | undefined;
  /** Called as each stage begins. */
  readonly onStage?: ((stage: string) => void) | undefined;
}

export interface BuildReport {
  /** What to open first. */
  readonly home: string;
  readonly pages: number;
  readonly milestones: readonly {
    readonly id: string;
    readonly pages: number;
    readonly pieces: readonly string[];
  }[];
  /** Started milestones that were left out, and why. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
  /** Texts for other platforms that were not written, as their pictures would be at an address that is a placeholder. */
  readonly withheld: readonly string[];
  /** True where slides were not printed as PDF, since no Chromium is installed. */
  readonly unprinted: boolean;
  readonly seconds: number;
}

/**
 * Builds the site into `dist/site` and each milestone's channel texts into `dist/content/mNN`. Each folder is made
 * aside and moved into place, so a reader never meets half a site. Where nothing has changed since, nothing is made.
 *
 * @throws STALE_OUTPUT when a milestone's outputs are missing, failed or older than their code; CONTENT_INVALID with
 *   every broken rule, `file:line:column` first.
 */
export async function buildContent(project: Project, options: BuildOptions = {}): Promise<BuildReport> {
  const began = performance.now();
  const stage = options.onStage ?? (() => undefined);
  const settings = readSettings(project);
  stage("read notebooks and texts");
  const loaded = await loadContent(project);
  const texts = readSiteTexts(project);
  const results = judge(project, loaded, texts);
  const { all, skipped } = admit(loaded, results, options.only);
  const state = await projectState(project, loaded, results);
  const besides = OTHERS.filter((name) => existsSync(join(project.dist, "site", name)));
  const key = inputsKey(project, all, settings, { only: options.only, besides, state });
  const before = unchangedBuild(project, key);
  if (before) return { ...before, seconds: (performance.now() - began) / 1000 };
  const map = siteMap(project.root, all, settings.source, texts);

  const cache = openCache(join(project.lake, "cache", "content"));
  const diagrams = openDiagrams(cache);
  const highlighter = await openHighlighter();
  try {
    const tools = { cache, highlighter, markdown: openMarkdown(highlighter) };
    const mediaTools: MediaTools = {
      cache,
      diagrams,
      pictures: openPictures(cache, join(project.lake, "cache", "fonts")),
    };
    const started = all.filter(
      ({ recorded, pieces }) => recorded !== undefined || Object.keys(pieces).length > 0,
    );
    stage("draw diagrams, charts and covers");
    const architecture = await drawArchitecture(project, diagrams);
    const media = new Map<MilestoneContent, Files>();
    for (const content of started) {
      const { blog } = content.pieces;
      const shown = blog ? bind(blog, content, all).bound : [];
      media.set(content, await milestoneMedia(content, shown, mediaTools, settings));
    }

    stage("write channel texts");
    const channels = makeChannels(started, media, { all, map, settings });

    stage("make slides");
    const context = { tools, map, all };
    const printer = openPrinter(cache);
    const css = String(styleFiles(join(project.root, "blog")).get("assets/site.css"));
    const printing = (content: MilestoneContent): PrintContext => ({
      css,
      media: media.get(content) ?? new Map(),
      printer,
    });
    const decks = new Map<MilestoneContent, string>();
    for (const content of started) {
      const deck = await deckHtml(content, settings, context);
      const printed = await deckFiles(content, deck, printing(content));
      for (const [name, bytes] of printed) channels.files.get(content.milestone.id)?.set(name, bytes);
      decks.set(content, deck);
    }

    const talk = await talkHtml(project, settings.author, context, printing);

    stage("make the site");
    const site = await renderSite({
      project,
      settings,
      all,
      texts,
      context,
      architecture,
      media,
      feed: channels.feed,
      decks,
      talk,
      state,
      besides,
    });
    const broken = brokenLinks(site, besides);
    broken.push(...deadAddresses(channels.files, site, settings.url));
    if (broken.length > 0) throw invalid(broken);
    for (const [id, files] of channels.files) replaceFolder(join(project.dist, "content", id), files);
    replaceFolder(join(project.dist, "site"), site, besides);
    const htmlOf = (id: string) =>
      [...site.keys()].filter((path) => path.endsWith(".html") && path.includes(id)).length;
    const report: BuildReport = {
      home: join(project.dist, "site", "index.html"),
      pages: [...site.keys()].filter((path) => path.endsWith(".html")).length,
      milestones: started.map(({ milestone, pieces }) => ({
        id: milestone.id,
        pages: htmlOf(milestone.id) + (pieces.blog ? 1 : 0),
        pieces: Object.keys(pieces),
      })),
      skipped,
      withheld: channels.withheld,
      unprinted: printer.browser === undefined && started.some(({ pieces }) => pieces.slides),
      seconds: (performance.now() - began) / 1000,
    };
    noteBuild(project, key, report);
    return report;
  } finally {
    highlighter.close();
    await diagrams.close();
  }
}

/** Decides which milestones are built. One that may not be is left unstarted, or stops the build when it must be. */
function admit(
  loaded: readonly MilestoneContent[],
  results: Judgement,
  only: readonly string[] | undefined,
): { all: MilestoneContent[]; skipped: { id: string; reason: string }[] } {
  const must = (content: MilestoneContent) => !only || only.includes(content.milestone.id);
  const broken = loaded.map(({ milestone }) => (results.get(milestone.id) ?? []).filter(breaks));
  const failures = loaded.flatMap((content, index) => (must(content) ? (broken[index] ?? []) : []));
  if (!only) failures.push(...(results.get(SITE) ?? []).filter(breaks));
  const old = failures.filter(({ rule }) => rule === "notebook/fresh");
  if (old.length > 0) {
    throw staleOutput(
      old.map(({ file }) => file).join(", "),
      `Content is built from fresh outputs only.\n${old.map(({ file, message }) => `  ${file}: ${message}`).join("\n")}`,
    );
  }
  if (failures.length > 0) throw invalid(failures);
  const skipped: { id: string; reason: string }[] = [];
  const all = loaded.map((content, index): MilestoneContent => {
    const [first] = broken[index] ?? [];
    if (!first) return content;
    skipped.push({ id: content.milestone.id, reason: first.message });
    return { ...content, pieces: {}, diagram: undefined, diagrams: [], recorded: undefined };
  });
  return { all, skipped };
}

/** One error with every problem, so that one build shows all that is to be done. */
function invalid(
  problems: readonly { file: string; line: number; column: number; message: string; rule?: string }[],
): LakehouseError {
  const lines = problems.map(({ file, line, column, message }) => `  ${file}:${line}:${column}: ${message}`);
  return contentInvalid(
    [...new Set(problems.map(({ file }) => file))].join(", "),
    `${problems.length === 1 ? "One rule of the content does" : `${problems.length} rules of the content do`} not hold.\n${lines.join("\n")}`,
  );
}

/** The home page's diagram, from `blog/architecture.d2`. */
async function drawArchitecture(project: Project, diagrams: DiagramRenderer): Promise<Map<string, string>> {
  const path = join(project.root, "blog", "architecture.d2");
  return drawDiagram(readDiagram(path), relative(project.root, path), diagrams);
}

/** Writes files into a folder of their own, then puts it in the old one's place; what others made there moves along. */
function replaceFolder(folder: string, files: Files, besides: readonly string[] = []): void {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const [path, content] of files) {
    const target = join(partial, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  for (const name of besides) renameSync(join(folder, name), join(partial, name));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(partial, folder);
}
