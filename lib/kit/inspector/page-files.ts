import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brokenInstall } from "sololakehouse/errors";

/** The page's programs, by name. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/** In `dist`, which is this file's own folder where the kit is built, and lies two above it where it runs from sources. */
const PLACES = ["./page", "../dist/page"].map((place) => fileURLToPath(new URL(place, import.meta.url)));

/** @throws BROKEN_INSTALL where they have not been made. */
export function pageFiles(): PageFiles {
  const folder = PLACES.find((place) => existsSync(join(place, "look-inside.js")));
  if (folder === undefined) {
    throw brokenInstall(
      PLACES[0] ?? "",
      "The programs of the page that looks inside files are missing.",
      "In a checkout, run: npm run build. Else install the kit anew.",
    );
  }
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}
