// The built site, as a server shows it.
import { existsSync, readdirSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

export { type SiteServer, serveSite } from "../../../lib/kit/content/site/serve.js";

export const siteFolder = fileURLToPath(new URL("../../../dist/site/", import.meta.url)).replace(
  /[\\/]$/,
  "",
);

/** Paths of all pages from the site's root. Without a site there are none: `npm run test:site` builds it. */
export const sitePages: readonly string[] = existsSync(siteFolder)
  ? readdirSync(siteFolder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".html"))
      .map((name) => name.split(sep).join("/"))
      .sort()
  : [];

/** The two widths that the site is made for, in px: a phone and a laptop. */
export const WIDTHS = [390, 1280] as const;
export const THEMES = ["light", "dark"] as const;
