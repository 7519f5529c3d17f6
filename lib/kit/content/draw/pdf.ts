import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { contentInvalid } from "../../errors.js";
import { type Cache, contentHash } from "./cache.js";

/** A page, in px. */
export interface PdfSize {
  readonly width: number;
  readonly height: number;
}

/** Prints pages as PDF. */
export interface Printer {
  /** The browser that prints; undefined where none is installed, and nothing is printed. */
  readonly browser: string | undefined;
  /**
   * A page that stands alone, as PDF, of the size that its `@page` says. The same page is printed once.
   *
   * @throws CONTENT_INVALID when the browser does not print it.
   */
  print(html: string): Promise<Uint8Array | undefined>;
}

/** Names under which Chromium and its kin are installed. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const ELSEWHERE = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const LIMIT_MS = 120_000;

/** Prints by the Chromium that `SLH_CHROMIUM` names, or by one that is installed. */
export function openPrinter(cache: Cache): Printer {
  const browser = findChromium();
  return {
    browser,
    async print(html) {
      return browser === undefined
        ? undefined
        : cache.bytes(`print-${contentHash(html)}.pdf`, () => printed(browser, html));
    },
  };
}

/** The program that `SLH_CHROMIUM` names, or one that is installed; an empty name is for none. */
export function findChromium(): string | undefined {
  const named = process.env.SLH_CHROMIUM;
  if (named !== undefined) return named === "" ? undefined : named;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...ELSEWHERE].find(
    existsSync,
  );
}

async function printed(browser: string, html: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "slh-print-"));
  const [page, pdf] = [join(folder, "page.html"), join(folder, "page.pdf")];
  try {
    writeFileSync(page, html);
    // Chromium's sandbox refuses root, as in a container; the page is ours, and asks nothing of the network.
    const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const flags = [
      "--headless",
      "--disable-gpu",
      "--no-pdf-header-footer",
      `--user-data-dir=${folder}/profile`,
    ];
    const child = spawn(browser, [...flags, ...asRoot, `--print-to-pdf=${pdf}`, page], {
      stdio: "ignore",
      timeout: LIMIT_MS,
    });
    const [code] = await once(child, "exit");
    if (!existsSync(pdf)) throw new Error(`it ended with ${code ?? "a signal"} and wrote nothing`);
    return readFileSync(pdf);
  } catch (cause) {
    throw contentInvalid(
      browser,
      `${browser} does not print slides: ${cause instanceof Error ? cause.message : String(cause)}.`,
      "Name another Chromium in SLH_CHROMIUM; empty, it prints nothing.",
      cause,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
