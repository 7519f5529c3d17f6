// The talk, given from the built site: the presenter's view, its clock and the window for the audience.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { needsChromium } from "./support/browser.js";
import { axeViolations, beyondTheScreen, onTopOfOthers } from "./support/inspect.js";
import { siteFolder, sitePages, THEMES, WIDTHS } from "./support/site.js";
import { visitor } from "./support/visit.js";

const PAGE = "slides/talk.html";

describe.runIf(sitePages.includes(PAGE))("the talk", needsChromium, () => {
  const visit = visitor();

  /** The page, with a clock that goes when it is told to, and the view that begins with the cover. */
  async function presenting(width: number, minutes = 10) {
    const visited = await visit(PAGE, { width });
    const { page } = visited;
    await page.clock.install({ time: new Date("2026-11-30T12:00:00Z") });
    await page.getByLabel(`${minutes} minutes`).check();
    await page.getByRole("button", { name: "Present" }).click();
    return visited;
  }
  const title = (page: Page) => page.locator(".beat.now h2").textContent();
  const elapsed = (page: Page) => page.getByRole("timer").textContent();

  test("keys turn the slides, and the clock starts with the first of them and says who is late", async () => {
    const { page, context, faults } = await presenting(1280);
    await page.clock.fastForward(5000);
    expect(await elapsed(page)).toBe("0:00");
    const cover = await title(page);
    const coming = await page.locator(".beat.next h2").textContent();
    await page.keyboard.press("ArrowRight");
    expect(await title(page)).toBe(coming);
    expect(await page.locator(".pace").textContent()).toBe("in time");
    await page.clock.fastForward(9 * 60_000);
    expect(await elapsed(page)).toBe("9:00");
    expect(await page.locator(".pace").textContent()).toMatch(/^\d:\d\d late$/);
    await page.keyboard.press("p");
    await page.clock.fastForward(60_000);
    expect(await elapsed(page)).toBe("9:00");
    await page.keyboard.press("p");
    await page.clock.fastForward(61_000);
    expect(await elapsed(page)).toBe("10:01");
    await page.keyboard.press("r");
    expect(await elapsed(page)).toBe("0:00");
    await page.keyboard.press("End");
    expect(await page.locator(".beat.next").count()).toBe(0);
    expect(await page.locator(".pace").textContent()).toMatch(/early$/);
    await page.keyboard.press("Home");
    expect(await title(page)).toBe(cover);
    await page.keyboard.press("Escape");
    expect(
      await page.getByRole("button", { name: "Present" }).evaluate((it) => it === document.activeElement),
    ).toBe(true);
    expect(await page.locator("header.top").getAttribute("inert")).toBeNull();
    expect(faults).toEqual([]);
    await context.close();
  });

  test("five minutes have fewer slides, and nothing to say that takes ten", async () => {
    const walk = async (minutes: number) => {
      const { page, context } = await presenting(1280, minutes);
      const titles: (string | null)[] = [];
      let longer = 0;
      for (;;) {
        titles.push(await title(page));
        longer += await page.locator(".beat.now [data-least]:visible").count();
        if ((await page.locator(".beat.next").count()) === 0) break;
        await page.keyboard.press("ArrowRight");
      }
      await context.close();
      return { titles, longer };
    };
    const [short, long] = [await walk(5), await walk(10)];
    expect(short.titles.length).toBeGreaterThan(3);
    expect(long.titles.length).toBeGreaterThan(short.titles.length);
    expect(long.titles).toEqual(expect.arrayContaining(short.titles));
    expect(short.longer).toBe(0);
    expect(long.longer).toBeGreaterThan(0);
  });

  test("the audience sees the slide alone, whenever its window opens", async () => {
    const { page, context } = await presenting(1280);
    await page.keyboard.press("ArrowRight");
    const [audience] = await Promise.all([page.waitForEvent("popup"), page.keyboard.press("a")]);
    const sees = (words: string | null) =>
      audience.waitForFunction(
        (wanted) =>
          [...document.querySelectorAll<HTMLElement>(".slide h2")]
            .filter((it) => it.checkVisibility())
            .map((it) => it.textContent)
            .join() === wanted,
        words,
      );
    await sees(await title(page));
    await page.keyboard.press("ArrowRight");
    await sees(await title(page));
    expect(await audience.locator(".notes:visible").count()).toBe(0);
    expect(await audience.getByRole("timer").count()).toBe(0);
    await context.close();
  });

  test.each(WIDTHS)("every slide of the view can be read, %i px wide", async (width) => {
    const { page, context, faults } = await presenting(width);
    const found: string[] = [];
    for (let slide = 0; ; slide++) {
      // The first that has everything; the others differ in what they show, and that is looked at on the page.
      for (const colorScheme of slide === 1 ? THEMES : []) {
        await page.emulateMedia({ colorScheme });
        found.push(...(await axeViolations(page, colorScheme === "light" ? "all" : "colours")));
      }
      found.push(...(await beyondTheScreen(page)), ...(await onTopOfOthers(page)));
      if ((await page.locator(".beat.next").count()) === 0) break;
      await page.keyboard.press("ArrowRight");
    }
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("its slides are printed, where there is a browser to print them", () =>
    expect(existsSync(join(siteFolder, "slides", "talk.pdf"))).toBe(true));
});
