import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { MilestoneId, Project } from "../milestones/index.js";
import { openCache } from "./draw/cache.js";
import { openHighlighter } from "./html/code.js";
import { openMarkdown } from "./html/markdown.js";
import { renderText } from "./html/render.js";
import { judge } from "./judge.js";
import { bind } from "./model/bind.js";
import type { Piece } from "./model/inputs.js";
import { loadContent } from "./model/load.js";
import { readSettings } from "./model/settings.js";
import { siteMap } from "./model/site-map.js";
import { readSiteTexts } from "./model/site-texts.js";
import type { CheckResult } from "./pieces/result.js";
import { makeChannels } from "./site/channels.js";

/** One text of a milestone as it would be published now. */
export interface PiecePreview {
  readonly name: Piece["name"];
  /** From the project's root. */
  readonly file: string;
  /** As it is written. */
  readonly source: string;
  /** As on its page; pictures of diagrams and links to other pages need the site. */
  readonly html: string;
  readonly checks: readonly CheckResult[];
  /** Files for its channels, by name: `linkedin.txt`, `devto.md`. None while a name in it does not resolve. */
  readonly copies: ReadonlyMap<string, string>;
}

export interface MilestonePreview {
  /** Why its outputs are not those of its code; empty where they are. */
  readonly stale: readonly string[];
  readonly pieces: readonly PiecePreview[];
}

/** What a milestone's texts come to, without building the site: also where rules are broken or outputs are stale. */
export async function previewMilestone(project: Project, id: MilestoneId): Promise<MilestonePreview> {
  const all = await loadContent(project);
  const content = all.find(({ milestone }) => milestone.id === id);
  if (!content) return { stale: [], pieces: [] };
  const settings = readSettings(project);
  const texts = readSiteTexts(project);
  const map = siteMap(project.root, all, settings.source, texts);
  const results = judge(project, all, texts).get(id) ?? [];
  const cache = openCache(join(project.lake, "cache", "content"));
  const highlighter = await openHighlighter();
  try {
    const context = {
      tools: { cache, highlighter, markdown: openMarkdown(highlighter) },
      map,
      all,
      page: "preview.html",
    };
    const copiesOf = (piece: Piece): ReadonlyMap<string, string> => {
      // What does not resolve has no text to paste.
      if (bind(piece, content, all).problems.length > 0) return new Map();
      const alone = { ...content, pieces: { [piece.name]: piece } };
      const files = makeChannels([alone], new Map(), { all, map, settings }).files.get(id) ?? [];
      return new Map([...files].flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])));
    };
    const pieces: PiecePreview[] = [];
    for (const piece of Object.values(content.pieces)) {
      const file = join(project.root, piece.file);
      const { html } = await renderText(piece, { own: content, folder: dirname(file) }, context);
      pieces.push({
        name: piece.name,
        file: piece.file,
        source: readFileSync(file, "utf8"),
        html,
        checks: results.filter((result) => result.file === piece.file),
        copies: copiesOf(piece),
      });
    }
    const { state } = content;
    return {
      stale:
        "reasons" in state ? state.reasons : state.kind === "fresh" ? [] : ["the notebook has no outputs"],
      pieces,
    };
  } finally {
    highlighter.close();
  }
}
