/** Text as HTML text or as a quoted attribute's value. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A word for a URL's fragment: lower case, letters and digits of any script, hyphens between. */
export function slugify(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}+/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
}

/** The path from one site page to another place of the site, both from the site's root, without leading slash. */
export function relativeUrl(fromPage: string, to: string): string {
  const [target = "", fragment] = to.split("#", 2);
  const hash = fragment === undefined ? "" : `#${fragment}`;
  if (target === fromPage || target === "") return hash || (fromPage.split("/").at(-1) ?? "");
  const from = fromPage.split("/").slice(0, -1);
  const path = target.split("/");
  let shared = 0;
  while (shared < from.length && shared < path.length - 1 && from[shared] === path[shared]) shared++;
  return [...from.slice(shared).map(() => ".."), ...path.slice(shared)].join("/") + hash;
}
