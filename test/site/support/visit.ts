/// <reference lib="dom" />
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launchBrowser } from "./browser.js";
import { type SiteServer, serveSite, siteFolder } from "./site.js";

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong so far: console errors, exceptions, requests that failed or went to another host. */
  readonly faults: readonly string[];
}

export interface VisitOptions {
  readonly width: number;
  readonly scripts?: boolean;
}

/** Serves the site to a browser while the tests of a `describe` run. */
export function visitor(): (path: string, options: VisitOptions) => Promise<Visit> {
  let server: SiteServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await serveSite(siteFolder);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  return (path, options) => visit(browser, server.url, path, options);
}

/** Opens a page of the site, and listens. Requests to other hosts are refused. */
async function visit(browser: Browser, origin: string, path: string, options: VisitOptions): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: options.width, height: 900 },
    javaScriptEnabled: options.scripts ?? true,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", ({ message }) => faults.push(`exception: ${message}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // What the page itself gives up is no failure of a server.
    if (reason !== "net::ERR_ABORTED") faults.push(`request failed: ${request.url()} (${reason})`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`request failed: ${response.url()} (${response.status()})`);
  });
  await context.route(
    (url) => /^https?:/.test(url.protocol) && !url.href.startsWith(origin),
    (route) => {
      faults.push(`request to another host: ${route.request().url()}`);
      return route.abort();
    },
  );
  await page.goto(origin + path, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  return { page, context, faults };
}
