import { posix } from "node:path";
import type { Files } from "./media.js";

/**
 * Every link, picture and script of a built site that leads to nothing in it; fragments are held against ids.
 *
 * @param besides folders of the site that others make, which are not looked into.
 */
export function brokenLinks(
  site: Files,
  besides: readonly string[] = [],
): { file: string; line: number; column: number; message: string }[] {
  const pages = new Map<string, string>();
  for (const [path, content] of site)
    if (path.endsWith(".html") && typeof content === "string") pages.set(path, content);
  const ids = new Map<string, Set<string>>();
  const idsOf = (path: string) => {
    let known = ids.get(path);
    if (!known) {
      known = new Set(
        [...(pages.get(path) ?? "").matchAll(/\sid="([^"]+)"/g)].map(([, id = ""]) => fromHtml(id)),
      );
      ids.set(path, known);
    }
    return known;
  };
  const broken: { file: string; line: number; column: number; message: string }[] = [];
  for (const [path, html] of pages) {
    // A page that may be shown at any address names its links from the site's base.
    const folder = /<base\s/.test(html) ? "" : posix.dirname(path);
    for (const match of html.matchAll(/\s(?:href|src|srcset)="([^"]*)"/g)) {
      const href = fromHtml(match[1] ?? "");
      if (/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(href)) continue;
      const [target = "", fragment] = href.split("#", 2);
      const file =
        target === "" ? path : posix.normalize(posix.join(folder, decodeURI(target.split("?", 1)[0] ?? "")));
      if (besides.includes(file.split("/", 1)[0] ?? "")) continue;
      const problem = !site.has(file)
        ? "which is not there"
        : fragment && pages.has(file) && !idsOf(file).has(decodeURIComponent(fragment))
          ? "where nothing has that id"
          : undefined;
      if (problem === undefined) continue;
      const before = html.slice(0, match.index);
      const line = before.split("\n").length;
      broken.push({
        file: `dist/site/${path}`,
        line,
        column: match.index - before.lastIndexOf("\n"),
        message: `it links to "${href}", ${problem}.`,
      });
    }
  }
  return broken;
}

function fromHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
