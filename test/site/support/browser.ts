// The browser that the site is tried in: one that is installed, since a test downloads none.
import { type Browser, chromium } from "playwright-core";
import { findChromium } from "../../../lib/kit/content/draw/pdf.js";
import { needs } from "../../support/needs.js";

const executablePath = findChromium();

export const needsChromium = needs(
  executablePath !== undefined,
  "Chromium, Chrome or Edge (on the path, or its program in SLH_CHROMIUM)",
);

/** Root may not use Chromium's sandbox, which keeps a page from the system; the site's pages are our own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ ...(executablePath ? { executablePath } : {}), chromiumSandbox: false });
}
