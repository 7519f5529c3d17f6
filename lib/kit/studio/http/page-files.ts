import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brokenInstall } from "sololakehouse/errors";

/** In `dist`, which is this file's own folder where the kit is built, and lies two above it where it runs from sources. */
const PLACES = ["./studio", "../../dist/studio"].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
);

/** What `scripts/build.mjs` makes of `ui/`. */
export interface StudioFiles {
  /** The page; `{{nonce}}` stands where the nonce of an answer goes. */
  readonly page: string;
  /** The program of the frame of outputs, which goes into its page. */
  readonly frame: string;
  /** `studio.js`, `studio.css` and what they load, by name. */
  readonly assets: ReadonlyMap<string, { readonly type: string; readonly path: string }>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".woff2": "font/woff2",
};

/** @throws BROKEN_INSTALL where they have not been made. */
export function studioFiles(): StudioFiles {
  const folder = PLACES.find((place) => existsSync(join(place, "index.html")));
  if (folder === undefined) {
    throw brokenInstall(
      PLACES[0] ?? "",
      "The programs of the studio's page are missing.",
      "In a checkout, run: npm run build. Else install the kit anew.",
    );
  }
  const assets = new Map<string, { type: string; path: string }>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[/\.\w+$/.exec(name)?.[0] ?? ""];
    if (type !== undefined && name !== "frame.js") assets.set(name, { type, path: join(folder, name) });
  }
  return {
    page: readFileSync(join(folder, "index.html"), "utf8"),
    frame: readFileSync(join(folder, "frame.js"), "utf8"),
    assets,
  };
}
