/// <reference lib="dom" />
// A person in the studio: the keyboard, the pointer, two widths, two themes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { defineSchema, int, openLakehouse, string } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cell, Notebook } from "../../lib/kit/notebook/index.js";
import { launchBrowser, needsChromium } from "../site/support/browser.js";
import { axeViolations, beyondTheScreen, unreachable } from "../site/support/inspect.js";
import { THEMES, WIDTHS } from "../site/support/site.js";
import { NOTEBOOK, type Studio, studio } from "./support/studio.js";

const code = (id: string, source: string, tags: readonly string[] = []): Cell => ({
  cell_type: "code",
  id,
  metadata: tags.length > 0 ? { tags } : {},
  source,
  execution_count: null,
  outputs: [],
});

const QUESTION = `predict("How many rows are left?", {
  options: ["One", "Two"],
  answer: "B. Two: the filter keeps both.",
});`;

const CHECK = `await check("double", (t) => {
  t.equal(double(4), 8, "twice four");
});`;

const notebook: Notebook = {
  cells: [
    {
      cell_type: "markdown",
      id: "title",
      metadata: {},
      source: "# One\n\nText with `code`, and <script>document.title = 'taken'</script>.",
    },
    code("imports", '// Imports\nimport { check, figure, predict, table } from "@sololakehouse/kit";', [
      "hide-input",
    ]),
    code("ask", QUESTION),
    code("rows", 'await table("rows", [{ name: "a", size: 1 }, { name: "b", size: 2 }]);'),
    code(
      "chart",
      `await figure(
  "sizes",
  {
    data: { values: [{ name: "a", size: 1 }, { name: "b", size: 2 }] },
    mark: "bar",
    encoding: { x: { field: "size", type: "quantitative" }, y: { field: "name", type: "nominal" } },
  },
  { alt: "b is twice a", title: "b is twice a" },
);`,
    ),
    code(
      "starter",
      'function double(n: number): number {\n  throw new Error("double is not written yet");\n}',
    ),
    code("check", CHECK),
    code("endless", "for (;;) {}"),
    code("lines", 'for (let i = 0; i < 10_000; i++) console.log("line", i);'),
    code(
      "html",
      `import { display } from "tslab";
display.html("<b id=mine>bold</b><img src=x onerror=\\"parent.document.title='taken'\\"><script>top.document.title='taken'</script>");`,
    ),
  ],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
};

/** Lakehouses have long names in them, and more branches than there is room for. */
async function fillLake(root: string): Promise<void> {
  await using lake = await openLakehouse({ root: join(root, ".lake") });
  const name = "flights.by_the_airport_that_they_leave_from";
  const schema = defineSchema({ origin: string(), a_delay_in_minutes_as_it_was_reported: int() });
  await lake.createTable(name, { schema });
  for (let i = 0; i < 12; i++) {
    const branch = await lake.branch(`publish/flights.by_the_airport_that_they_leave_from/2001-01-${10 + i}`);
    const table = await branch.table<{ origin: string; a_delay_in_minutes_as_it_was_reported: number }>(name);
    await table.append([{ origin: "ATL", a_delay_in_minutes_as_it_was_reported: i }]);
  }
}

describe("the studio in a browser", needsChromium, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  interface Opened {
    readonly page: Page;
    readonly context: BrowserContext;
    readonly faults: string[];
    readonly at: Studio;
  }

  async function open(width = 1280): Promise<Opened> {
    const at = await studio(notebook, false);
    const context = await browser.newContext({
      viewport: { width, height: 860 },
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", ({ message }) => faults.push(`exception: ${message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy/.test(message.text()))
        faults.push(message.text());
    });
    await context.route(
      (url) => !url.href.startsWith(at.server.url) && /^https?:/.test(url.protocol),
      (route) => {
        faults.push(`request to another host: ${route.request().url()}`);
        return route.abort();
      },
    );
    await page.goto(at.server.openUrl);
    await page.locator(".cell").first().waitFor();
    return { page, context, faults, at };
  }

  const cell = (page: Page, id: string) => page.locator(`.notebook [data-cell="${id}"]`);
  const isOk = (page: Page, id: string) => page.locator(`[data-cell="${id}"].is-ok`).waitFor();

  /** Runs a cell as the keyboard does. */
  async function run(page: Page, id: string): Promise<void> {
    await cell(page, id).focus();
    await page.keyboard.press("Control+Enter");
  }

  async function write(page: Page, id: string, source: string): Promise<void> {
    await cell(page, id).focus();
    await page.keyboard.press("Enter");
    await cell(page, id).locator(".cm-content").waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(source);
    await page.keyboard.press("Escape");
  }

  test("is stepped through: a prediction, an exercise, an endless loop, an edit, a reload, an export", async () => {
    const { page, context, faults, at } = await open();
    await page.getByRole("button", { name: "Run all" }).click();
    const card = page.locator(".predict");
    await card.getByText("waits for your prediction").waitFor();
    expect(await page.locator('[data-cell="rows"].is-ok').count()).toBe(0);
    // The keyboard is on the first answer: a wrong one is given.
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await run(page, "rows");
    await isOk(page, "rows");
    expect(await card.textContent()).toContain("It was B.");
    expect(await cell(page, "rows").locator("tbody tr").count()).toBe(2);

    await run(page, "chart");
    await cell(page, "chart").locator(".plot svg path").first().waitFor();

    await run(page, "starter");
    await run(page, "check");
    await cell(page, "check").getByText("double is not written yet").waitFor();
    await write(page, "starter", "function double(n: number): number {\n  return n + n;\n}");
    await run(page, "starter");
    await run(page, "check");
    await cell(page, "check").getByText("Solved").waitFor();

    await run(page, "endless");
    await page.locator('[data-cell="endless"].is-running').waitFor();
    await page.getByText("kernel busy").waitFor();
    await page.getByRole("button", { name: "Interrupt", exact: true }).click();
    await page.locator('[data-cell="endless"]:is(.is-failed, .is-aborted)').waitFor();

    await page.getByText("working copy", { exact: true }).waitFor();
    await page.reload();
    await cell(page, "check").getByText("Solved").waitFor();
    expect(await card.textContent()).toContain("You predicted");
    await page.getByRole("button", { name: "Learn" }).click();
    await page.getByRole("region", { name: "Learn", exact: true }).getByText("solved").first().waitFor();

    await page.getByRole("button", { name: "More" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export as .ipynb" }).click();
    const file = readFileSync(await (await download).path(), "utf8");
    expect(file).toContain("return n + n;");
    expect(readFileSync(join(at.root, NOTEBOOK), "utf8")).not.toContain("return n + n;");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("stays smooth with ten thousand lines, and lets no output reach the page", async () => {
    const { page, context, faults } = await open();
    await run(page, "lines");
    await isOk(page, "lines");
    await cell(page, "lines").getByText("10,000 lines").waitFor();
    const drawn = await page.evaluate(async () => {
      const box = document.querySelector(".lines-box") as HTMLElement;
      const began = performance.now();
      box.scrollTop = box.scrollHeight / 2;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return { elements: box.querySelectorAll("*").length, took: performance.now() - began };
    });
    expect(drawn.elements).toBeLessThan(200);

    await run(page, "html");
    await isOk(page, "html");
    const frame = page.frameLocator('[data-cell="html"] iframe');
    await frame.locator("#mine").waitFor();
    expect(await page.title()).not.toContain("taken");
    expect(await page.locator('[data-cell="html"] iframe').getAttribute("sandbox")).toBe("allow-scripts");
    expect(faults.filter((fault) => !/inline|img-src data:/.test(fault))).toEqual([]);
    await context.close();
  });

  test("is used by Jupyter's keys alone", async () => {
    const { page, context } = await open();
    await cell(page, "title").focus();
    const here = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.cell);
    for (const [key, where] of [
      ["j", "imports"],
      ["j", "ask"],
      ["k", "imports"],
      ["ArrowUp", "title"],
    ] as const) {
      await page.keyboard.press(key);
      await expect.poll(here).toBe(where);
    }
    const before = await page.locator(".cell").count();
    await page.keyboard.press("b");
    await expect.poll(() => page.locator(".cell").count()).toBe(before + 1);
    await page.keyboard.press("Enter");
    await page.keyboard.insertText("1 + 1");
    await page.keyboard.press("Shift+Enter");
    await expect.poll(here).toBe("imports");
    await page.keyboard.press("k");
    await page.keyboard.press("d");
    await page.keyboard.press("d");
    await expect.poll(() => page.locator(".cell").count()).toBe(before);
    await page.keyboard.press("z");
    await expect.poll(() => page.locator(".cell").count()).toBe(before + 1);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await context.close();
  });

  test.each(WIDTHS)("serves everybody, %i px wide", async (width) => {
    const { page, context, faults, at } = await open(width);
    await fillLake(at.root);
    for (const view of ["Notebook", "Learn", "Lakehouse", "Texts"]) {
      await page.getByRole("button", { name: view, exact: true }).click();
      if (view === "Lakehouse") await page.getByText("Append to flights.by").first().waitFor();
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        expect(await axeViolations(page, "all"), `${view}, ${colorScheme}`).toEqual([]);
        expect(await beyondTheScreen(page), `${view}, ${colorScheme}`).toEqual([]);
      }
    }
    await page.getByRole("button", { name: "Notebook", exact: true }).click();
    expect(await unreachable(page)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
