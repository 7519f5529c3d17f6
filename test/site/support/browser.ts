// The browser that the site is tried in: one that is installed, since a test downloads none.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { needs } from "../../support/needs.js";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "msedge"];

/** Where installers put it that do not touch the path. */
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  "/snap/bin/chromium",
  "/opt/google/chrome/chrome",
  ...[process.env.PROGRAMFILES, process.env["PROGRAMFILES(X86)"], process.env.LOCALAPPDATA].flatMap(
    (folder) =>
      folder === undefined
        ? []
        : [
            join(folder, "Google", "Chrome", "Application", "chrome.exe"),
            join(folder, "Microsoft", "Edge", "Application", "msedge.exe"),
          ],
  ),
];

/** `SLH_CHROMIUM`, else the first Chromium on the path or in a usual place. */
function installedChromium(): string | undefined {
  const { SLH_CHROMIUM: chosen, PATH = "" } = process.env;
  if (chosen) return chosen;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const onPath = PATH.split(delimiter).flatMap((folder) =>
    NAMES.map((name) => join(folder, `${name}${suffix}`)),
  );
  return [...onPath, ...PLACES].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const executablePath = installedChromium();

export const needsChromium = needs(
  executablePath !== undefined,
  "Chromium, Chrome or Edge (on the path, or its program in SLH_CHROMIUM)",
);

/** Root may not use Chromium's sandbox, which keeps a page from the system; the site's pages are our own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ ...(executablePath ? { executablePath } : {}), chromiumSandbox: false });
}
