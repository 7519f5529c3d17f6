/// <reference lib="dom" />
// A person in the studio: the keyboard, the pointer, two widths, two themes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

/** An exercise of the thread that runs through the milestones: its solution becomes a module. */
const exercise: Notebook = {
  ...notebook,
  cells: [
    ...notebook.cells.filter(({ id }) => ["imports", "ask", "rows"].includes(id)),
    {
      cell_type: "markdown",
      id: "task",
      metadata: {},
      source: "## Build it small, step 1: `double`\n\nWrite `double`, which gives twice a number.",
    },
    ...notebook.cells.filter(({ id }) => ["starter", "check"].includes(id)),
    code("solution", "function double(n: number): number {\n  return 2 * n;\n}", [
      "solution:double",
      "module:../small/double.ts",
    ]),
  ],
};

const POST = "---\nimage: diagram\n---\n\nA hook.\n\n- one\n- two\n- three\n\nAnd that is that.\n";

/** A milestone's post for LinkedIn. @returns its path */
function writePost(root: string): string {
  mkdirSync(join(root, "blog"), { recursive: true });
  writeFileSync(
    join(root, "blog/site.yaml"),
    "title: Test\nsentence: A test.\nurl: https://example.org\nauthor: Nobody\n",
  );
  const path = join(root, "milestones/m01-one/linkedin.md");
  writeFileSync(path, POST);
  return path;
}

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

  async function open(width = 1280, shown = notebook): Promise<Opened> {
    const at = await studio(shown, false);
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

  test("loses no key that comes before the next frame", async () => {
    const { page, context, faults } = await open();
    await cell(page, "title").focus();
    /** Presses a key where the keyboard is. @returns where it is in the task after that, which no frame need come before. */
    const press = (key: string) =>
      page.evaluate(async (pressed) => {
        const event = new KeyboardEvent("keydown", { key: pressed, bubbles: true, cancelable: true });
        document.activeElement?.dispatchEvent(event);
        await new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = resolve;
          port2.postMessage("");
        });
        const { activeElement: now } = document;
        const isText = now?.classList.contains("cm-content");
        return `${isText ? "text of " : ""}${now?.closest<HTMLElement>("[data-cell]")?.dataset.cell}`;
      }, key);
    // A text is left and entered twice: what its first editor has left behind must not be in the second one's way.
    for (const time of [1, 2]) {
      expect(await press("Enter"), `time ${time}`).toBe("text of title");
      expect(await press("Escape"), `time ${time}`).toBe("title");
    }
    expect(await press("j")).toBe("imports");
    // Its code is folded, and opens.
    expect(await press("Enter")).toBe("text of imports");
    expect(await press("Escape")).toBe("imports");
    const added = await press("b");
    expect(added).not.toBe("imports");
    expect(await press("Enter")).toBe(`text of ${added}`);
    expect(await press("Escape")).toBe(added);
    expect(await press("d")).toBe(added);
    expect(await press("d")).toBe("ask");
    await press("?");
    expect(await page.getByRole("dialog", { name: "Keyboard shortcuts" }).isVisible()).toBe(true);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("has an exercise written, checked and revealed beside the notebook", async () => {
    const { page, context, faults, at } = await open(1280, exercise);
    const learn = page.getByRole("region", { name: "Learn", exact: true });
    await page.getByRole("button", { name: "Learn", exact: true }).click();
    await learn.getByRole("heading", { name: "Build it small", exact: true }).waitFor();
    await learn.getByRole("button", { name: /double/ }).click();
    await learn.getByText("which gives twice a number").waitFor();
    const check = learn.getByRole("button", { name: "Check", exact: true });
    await check.click();
    // What comes before it asks for a prediction, here as in the notebook.
    await page.getByRole("button", { name: "Go on without" }).click();
    await check.click();
    await learn.getByText("double is not written yet").waitFor();

    await learn.getByRole("textbox", { name: "Your code for double" }).focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText("function double(n: number): number {\n  return n + 2;\n}");
    await page.keyboard.press("Control+Enter");
    await learn.getByText("twice four should be 8, and is 6").waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText("function double(n: number): number {\n  return n + n;\n}");
    await page.keyboard.press("Control+Enter");
    await learn.getByText("Solved", { exact: true }).waitFor();
    await learn.getByText("solved", { exact: true }).waitFor();
    // The notebook's cell is the same text.
    expect(await cell(page, "starter").textContent()).toContain("return n + n;");

    expect(await learn.getByText("return 2 * n;").isVisible()).toBe(false);
    await learn.getByText("Show a solution").click();
    await learn.getByText("return 2 * n;").waitFor();
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      expect(await axeViolations(page, "all"), colorScheme).toEqual([]);
      expect(await beyondTheScreen(page), colorScheme).toEqual([]);
    }
    expect(readFileSync(join(at.root, NOTEBOOK), "utf8")).not.toContain("return n + n;");

    // On a phone the notebook is behind the panel, and comes to the front.
    await page.setViewportSize({ width: 390, height: 860 });
    await learn.getByRole("button", { name: "Show in the notebook" }).click();
    await learn.waitFor({ state: "hidden" });
    expect(await cell(page, "starter").evaluate((it) => it === document.activeElement)).toBe(true);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("drills ten questions by the keyboard alone", async () => {
    const { page, context, faults, at } = await open();
    const questions = Array.from(
      { length: 10 },
      (_, n) =>
        `- { id: q${n}, ask: "Question ${n}?", answer: "Answer ${n}.", evidence: [cell rows], then: "And then?" }\n`,
    );
    writeFileSync(join(at.root, "milestones/m01-one/drills.yaml"), questions.join(""));
    await page.getByRole("button", { name: "Learn", exact: true }).click();
    const drill = page.locator(".drill");
    await drill.getByRole("button", { name: "Drill" }).focus();
    await page.keyboard.press("Enter");
    for (let n = 0; n < 10; n++) {
      await drill.getByText(`Question ${n}?`).waitFor();
      expect(await drill.getByText(`Answer ${n}.`).count()).toBe(0);
      await page.keyboard.press("Enter");
      await drill.getByText(`Answer ${n}.`).waitFor();
      if (n === 0)
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          expect(await axeViolations(page, "all"), colorScheme).toEqual([]);
          expect(await beyondTheScreen(page), colorScheme).toEqual([]);
        }
      await page.keyboard.press("4");
    }
    await drill.getByText("None is due").waitFor();
    expect(await drill.getByRole("status").textContent()).toContain("0 due, 0 new, 10 in all.");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("has a text written, kept over a reload, and saved to its file unless that has changed", async () => {
    const { page, context, faults, at } = await open(390);
    const file = writePost(at.root);
    const texts = page.getByRole("region", { name: "Texts", exact: true });
    const editor = texts.getByRole("textbox", { name: /linkedin\.md/ });
    const rewrite = async (hook: string) => {
      await editor.focus();
      await page.keyboard.press("Control+a");
      await page.keyboard.insertText(POST.replace("A hook.", hook));
    };
    await page.getByRole("button", { name: "Texts", exact: true }).click();
    await texts.getByRole("button", { name: "Edit", exact: true }).click();
    await rewrite("A better hook.");
    expect(await axeViolations(page, "all")).toEqual([]);
    expect(await beyondTheScreen(page)).toEqual([]);

    await page.reload();
    await page.getByRole("button", { name: "Texts", exact: true }).click();
    await editor.getByText("A better hook.").waitFor();
    expect(readFileSync(file, "utf8")).toBe(POST);
    await texts.getByRole("button", { name: "Save" }).click();
    await texts.frameLocator("iframe").getByText("A better hook.").waitFor();
    expect(readFileSync(file, "utf8")).toContain("A better hook.");

    await texts.getByRole("button", { name: "Edit", exact: true }).click();
    await rewrite("Mine.");
    writeFileSync(file, POST.replace("A hook.", "Another's."));
    await page.keyboard.press("Control+s");
    await texts.getByText("has changed since you began").waitFor();
    expect(readFileSync(file, "utf8")).toContain("Another's.");
    await texts.getByRole("button", { name: "Save" }).click();
    await texts.frameLocator("iframe").getByText("Mine.").waitFor();
    expect(readFileSync(file, "utf8")).toContain("Mine.");
    expect(faults).toEqual([]);
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
