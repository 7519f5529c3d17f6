import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { diagramOf, type MilestoneContent, type Standing } from "../model/inputs.js";
import type { Part } from "../model/parts.js";
import { linkTarget, picturePath, type SiteMap } from "../model/site-map.js";
import type { Problem } from "../text/insertions.js";
import { placeAt, type Source } from "../text/source.js";

/** What a text may lead to: everything that is made together. */
export interface Whole {
  readonly all: readonly MilestoneContent[];
  readonly map: SiteMap;
  /** The ids on each page, by its path. */
  readonly anchors: ReadonlyMap<string, ReadonlySet<string>>;
  /** What texts may speak of that is not built, or has been built since. */
  readonly parts: readonly Part[];
}

/**
 * Links and pictures that lead nowhere on the site.
 *
 * @param attached names of files that the text carries along, as a cell of a notebook may.
 */
export function linkProblems(
  source: Source,
  { own, folder, page }: Standing,
  { map, anchors }: Whole,
  attached: readonly string[] = [],
): Problem[] {
  const why = ({ href, image, kind }: Source["links"][number]): string | undefined => {
    if (href.startsWith("attachment:"))
      return image && attached.includes(href.slice("attachment:".length))
        ? undefined
        : "is not attached to its cell.";
    if (image) {
      const name = picturePath(href);
      if (name === undefined) return undefined;
      if (kind === "html")
        return "is a picture in HTML, which no page resolves: write ![what it shows](file).";
      if (!own && page === "index.html" && name === "architecture.svg") return undefined;
      if (!own) return "is a picture, and pages of docs show none: link to the milestone's page that does.";
      if (diagramOf(own, name)) return undefined;
      if (name.startsWith("..") || name.startsWith("/"))
        return "lies elsewhere: put the picture beside its text.";
      return existsSync(join(folder, name)) ? undefined : `leads nowhere: ${missing(name)}`;
    }
    const target = linkTarget(href, folder, map, page);
    if (target.kind === "external") return undefined;
    if (kind === "html" && !href.startsWith("#"))
      return "is a link in HTML, which no page resolves: write [words](file).";
    if (target.kind === "missing") return `leads nowhere: ${missing(target.path)}`;
    if (target.kind === "source" || target.fragment === "") return undefined;
    const isThere = anchors.get(target.page)?.has(decodeURIComponent(target.fragment));
    return isThere ? undefined : "leads to no heading of that page.";
  };
  const missing = (path: string) => `there is no ${join(dirname(source.file), path)}.`;
  return source.links.flatMap((link) => {
    const reason = why(link);
    return reason === undefined
      ? []
      : [{ place: placeAt(source, link.start), message: `"${link.href}" ${reason}` }];
  });
}
