// Every page of the built site, in a browser: on a phone and on a laptop, in the light and in the dark.
import { describe, expect, test } from "vitest";
import { needsChromium } from "./support/browser.js";
import {
  axeViolations,
  beyondTheScreen,
  onTopOfOthers,
  smallChartText,
  smallDiagramText,
  unreachable,
} from "./support/inspect.js";
import { sitePages, THEMES, WIDTHS } from "./support/site.js";
import { visitor } from "./support/visit.js";

describe("the built site", needsChromium, () => {
  const visit = visitor();

  test("has pages", () => expect(sitePages).toContain("index.html"));

  describe.each(WIDTHS)("%i px wide", { concurrent: true }, (width) => {
    test.each(sitePages)("%s", async (path) => {
      const { page, context, faults } = await visit(path, { width });
      const found: Record<string, readonly string[]> = {};
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        found[`${colorScheme}: beyond the screen`] = await beyondTheScreen(page);
        found[`${colorScheme}: small words in charts`] = await smallChartText(page);
        found[`${colorScheme}: small words in diagrams`] = await smallDiagramText(page);
        found[`${colorScheme}: axe`] = await axeViolations(page, colorScheme === "light" ? "all" : "colours");
      }
      found["on top of others"] = await onTopOfOthers(page);
      found.keyboard = await unreachable(page);
      found.faults = faults;
      await context.close();
      expect(Object.fromEntries(Object.entries(found).filter(([, lines]) => lines.length > 0))).toEqual({});
    });
  });

  test.each(sitePages)("%s has its text without scripts", async (path) => {
    const { page, context, faults } = await visit(path, { width: 1280, scripts: false });
    expect(faults).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);
    const text = (await page.locator("main").textContent()) ?? "";
    expect(text.length).toBeGreaterThan(40);
    // A button that only scripts give a meaning is not there without them.
    expect(await page.locator("button:visible").allInnerTexts()).toEqual([]);
    await context.close();
  });
});
