import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brokenInstall } from "sololakehouse/errors";

/** The programs of the site's pages, by name. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/** In `dist`, which is this file's own folder where the kit is built, and lies two above it where it runs from sources. */
const PLACES = ["./page", "../dist/page"].map((place) => fileURLToPath(new URL(place, import.meta.url)));

/** One of them. */
export function pageProgram(name: string): Uint8Array {
  const found = pageFiles().get(name);
  if (!found) throw missing();
  return found;
}

/** @throws BROKEN_INSTALL where they have not been made. */
export function pageFiles(): PageFiles {
  const folder = PLACES.find((place) => existsSync(join(place, "look-inside.js")));
  if (folder === undefined) throw missing();
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

const missing = (): Error =>
  brokenInstall(
    PLACES[0] ?? "",
    "The programs of the site's pages are missing.",
    "In a checkout, run: npm run build. Else install the kit anew.",
  );
