// The calculator of the built site, against the room that the notebook and the command go by.
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { estimates, inShort, type Moved, PETABYTE, withUnit } from "../../lib/kit/estimate/index.js";
import { needsChromium } from "./support/browser.js";
import { sitePages } from "./support/site.js";
import { visitor } from "./support/visit.js";

const PAGE = "estimates.html";

describe.runIf(sitePages.includes(PAGE))("the calculator", needsChromium, () => {
  const visit = visitor();
  const open = (query = "", scripts = true) => visit(`${PAGE}${query}`, { width: 1280, scripts });
  const field = (page: Page, id: string) => page.locator(`#assumption-${id} input[type=text]`);
  const slider = (page: Page, id: string) => page.locator(`#assumption-${id} input[type=range]`);

  /** Every result with its arithmetic and every load are those of these assumptions. */
  async function holds(page: Page, moved: Moved): Promise<void> {
    const found = estimates(moved);
    expect(await page.locator("#in-short").textContent()).toBe(inShort(found));
    const shown = await page.locator("#results, #parts").allTextContents();
    for (const { value, unit, arithmetic } of found) {
      expect(shown.join()).toContain(arithmetic);
      if (unit !== "") expect(shown[0]).toContain(withUnit(value, unit));
    }
  }

  test("shows the assumptions as they are, without scripts and with them", async () => {
    for (const scripts of [false, true]) {
      const { page, context, faults } = await open("", scripts);
      await holds(page, {});
      expect(await page.locator("input:visible").count()).toBe(scripts ? 50 : 0);
      expect(faults).toEqual([]);
      await context.close();
    }
  });

  test("reckons anew what is moved, by field, slider, preset and link", async () => {
    const { page, context, faults } = await open("?writers=50&kept=nonsense&nobody=1");
    await holds(page, { writers: 50 });
    expect(await field(page, "rows_a_day").inputValue()).toBe("100,000,000");
    expect(await field(page, "price_get").inputValue()).toBe("0.0004");
    await field(page, "rows_a_day").fill("3,000,000,000");
    await holds(page, { writers: 50, rows_a_day: 3e9 });
    expect(await page.locator("#command").textContent()).toBe(
      "slh interview estimate writers=50 rows_a_day=3e9",
    );
    await page.getByRole("button", { name: "1 PB and 500 writers" }).click();
    await holds(page, PETABYTE);
    await page.getByRole("button", { name: "As it was" }).click();
    await holds(page, {});
    await slider(page, "kept").focus();
    await page.keyboard.press("End");
    await holds(page, { kept: 3650 });
    expect(await field(page, "kept").inputValue()).toBe("3,650");
    await slider(page, "price_put").focus();
    await page.keyboard.press("Home");
    await holds(page, { kept: 3650, price_put: 0 });
    expect(faults).toEqual([]);
    await context.close();
  });

  test("says what is no value, and keeps what was there", async () => {
    const { page, context } = await open();
    const before = await page.locator("#results").textContent();
    for (const text of ["", "-1", "many", "1e30", "Infinity", "1,5", "1,0000", ",100", "10,000,"]) {
      await field(page, "rows_a_day").fill(text);
      expect(await field(page, "rows_a_day").getAttribute("aria-invalid")).toBe("true");
      expect(await page.locator("#in-short").textContent()).toContain(
        "rows a day: give a number from 10,000 to",
      );
      expect(await page.locator("#results").textContent()).toBe(before);
    }
    await field(page, "rows_a_day").fill("1e8");
    expect(await field(page, "rows_a_day").getAttribute("aria-invalid")).toBe("false");
    await holds(page, {});
    await context.close();
  });

  test("has every design with numbers that lead to its estimates", async () => {
    const { page, context } = await open();
    const designs = page.locator(".design");
    expect(await designs.count()).toBeGreaterThan(3);
    const href = await designs.first().locator("details a").getAttribute("href");
    await page.goto(new URL(href ?? "", page.url()).href);
    const given = [...new URLSearchParams(href?.split("?")[1])].map(([id, value]) => [id, Number(value)]);
    expect(given.length).toBeGreaterThan(2);
    await holds(page, Object.fromEntries(given) as Moved);
    await context.close();
  });
});
