import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { LakehouseError } from "sololakehouse/errors";
import { contentInvalid, staleOutput } from "../errors.js";
import type { Project } from "../milestones/index.js";
import { openCache } from "./draw/cache.js";
import { type DiagramRenderer, openDiagrams, readDiagram } from "./draw/diagrams.js";
import { openPictures } from "./draw/pictures.js";
import { openHighlighter } from "./html/code.js";
import { openMarkdown } from "./html/markdown.js";
import { mediaPath } from "./html/render.js";
import { judge } from "./judge.js";
import { type Bound, bind } from "./model/bind.js";
import type { MilestoneContent, PieceName } from "./model/inputs.js";
import { loadContent, readSettings } from "./model/load.js";
import { siteMap } from "./model/site-map.js";
import type { ChannelInput } from "./pieces/piece.js";
import { PIECES } from "./pieces/pieces.js";
import { portableMarkdown } from "./pieces/portable.js";
import { breaks } from "./pieces/result.js";
import { brokenLinks } from "./site/link-check.js";
import { drawDiagram, type Files, type MediaTools, milestoneMedia } from "./site/media.js";
import { renderSite } from "./site/site.js";
import { inputsKey, noteBuild, unchangedBuild } from "./unchanged.js";

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
  const { all, skipped } = admit(project, loaded, options.only);
  const key = inputsKey(project, all, settings, options.only);
  const before = unchangedBuild(project, key);
  if (before) return { ...before, seconds: (performance.now() - began) / 1000 };
  const map = siteMap(project.root, all, settings.source);

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
      const shown = boundOf(content, "blog", all);
      media.set(content, await milestoneMedia(content, shown, mediaTools, settings));
    }

    stage("write channel texts");
    const mediaUrl = (owner: MilestoneContent) => (name: string) =>
      `${settings.url}/${mediaPath(owner, name)}`;
    const plain = openMarkdown({ code: plainCode, close: () => undefined });
    const feed = new Map<MilestoneContent, string>();
    const channels = new Map<string, Files>();
    for (const content of started) {
      const files: Files = new Map();
      for (const [name, bytes] of media.get(content) ?? []) files.set(`images/${name}`, bytes);
      for (const piece of Object.values(content.pieces)) {
        const bound = boundOf(content, piece.name, all);
        const input: ChannelInput = {
          piece,
          content,
          bound,
          map,
          settings,
          media: mediaUrl,
          markdown: plain,
        };
        for (const [name, text] of PIECES[piece.name].channels?.(input) ?? []) files.set(name, text);
        if (piece.name === "blog") feed.set(content, plain(portableMarkdown(input), { plain: true }).html);
      }
      channels.set(content.milestone.id, files);
    }

    stage("make the site");
    const site = await renderSite({
      project,
      settings,
      all,
      context: { tools, map, all },
      architecture,
      media,
      feed,
    });
    const broken = brokenLinks(site);
    if (broken.length > 0) throw invalid(broken);
    for (const [id, files] of channels) replaceFolder(join(project.dist, "content", id), files);
    replaceFolder(join(project.dist, "site"), site);
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
  project: Project,
  loaded: readonly MilestoneContent[],
  only: readonly string[] | undefined,
): { all: MilestoneContent[]; skipped: { id: string; reason: string }[] } {
  const must = (content: MilestoneContent) => !only || only.includes(content.milestone.id);
  const results = judge(project, loaded);
  const broken = loaded.map(({ milestone }) => (results.get(milestone.id) ?? []).filter(breaks));
  const failures = loaded.flatMap((content, index) => (must(content) ? (broken[index] ?? []) : []));
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
    return { ...content, pieces: {}, diagram: undefined, recorded: undefined };
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

function boundOf(content: MilestoneContent, name: PieceName, all: readonly MilestoneContent[]): Bound[] {
  const piece = content.pieces[name];
  return piece ? bind(piece, content, all).bound : [];
}

/** The home page's diagram, from `blog/architecture.d2`. */
async function drawArchitecture(project: Project, diagrams: DiagramRenderer): Promise<Map<string, string>> {
  const path = join(project.root, "blog", "architecture.d2");
  return drawDiagram(readDiagram(path), relative(project.root, path), diagrams);
}

function plainCode(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<pre><code>${escaped}</code></pre>`;
}

/** Writes files into a folder of their own, then puts it in the old one's place. */
function replaceFolder(folder: string, files: Files): void {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const [path, content] of files) {
    const target = join(partial, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(partial, folder);
}
