/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// What is measured in an open page. The functions given to `evaluate` run there, and see nothing of this file.
import axe from "axe-core";
import type { Page } from "playwright-core";

/**
 * Everything of axe's but what it calls experimental: WCAG 2.0 to 2.2, levels A and AA, and its own good practice, of
 * every impact that it knows.
 */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong, a line for each element. The other theme of a page differs in its colours alone. */
export async function axeViolations(page: Page, only: "all" | "colours"): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const runOnly: axe.RunOnly =
    only === "all" ? { type: "tag", values: RULES } : { type: "rule", values: ["color-contrast"] };
  return page.evaluate(async (chosen) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: chosen,
      resultTypes: ["violations"],
    });
    return violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(({ target, failureSummary = "" }) => {
        const why = failureSummary.split("\n").slice(1).join(" ").replace(/\s+/g, " ").trim();
        return `${id} (${impact}): ${target.join(" ")}: ${why}`;
      }),
    );
  }, runOnly);
}

/** How far the page reaches beyond the screen, and which elements do that stand in no box of their own that scrolls. */
export function beyondTheScreen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element: Element | null): boolean =>
      element !== null &&
      element !== document.body &&
      (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
    const wide = [...document.body.querySelectorAll("*")].filter((element) => {
      const { right, width: own } = element.getBoundingClientRect();
      return own > 0 && right + scrollX > width + 0.5 && !scrolls(element.parentElement);
    });
    const whole = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
    const page = whole > width ? [`the page is ${whole} px wide on ${width}`] : [];
    const isHidden = (element: Element) => getComputedStyle(element).visibility === "hidden";
    const seen = wide.filter((element) => !isHidden(element) && !element.matches(".hidden, .skip"));
    return [
      ...page,
      ...seen.slice(0, 5).map((element) => {
        const { right } = element.getBoundingClientRect();
        return `${element.localName}.${element.getAttribute("class") ?? ""} reaches to ${Math.round(right)} px: ${element.textContent?.trim().slice(0, 40)}`;
      }),
    ];
  });
}

/** Words in charts whose letters are smaller than `least` px as the reader sees them, or that the chart's edge cuts. */
export function smallChartText(page: Page, least = 12): Promise<string[]> {
  return page.evaluate((limit) => {
    const small: string[] = [];
    for (const text of document.querySelectorAll<SVGTextElement>("figure svg text, .treemap svg text")) {
      const matrix = text.getScreenCTM();
      if (!matrix || text.getClientRects().length === 0 || text.textContent?.trim() === "") continue;
      // The area that the matrix gives a unit square: rotation does not change it.
      const scale = Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c));
      const size = Number.parseFloat(getComputedStyle(text).fontSize) * scale;
      if (size < limit - 0.05) small.push(`${size.toFixed(1)} px: ${text.textContent}`);
      const [own, whole] = [text.getBoundingClientRect(), text.ownerSVGElement?.getBoundingClientRect()];
      if (whole && (own.left < whole.left - 1 || own.right > whole.right + 1))
        small.push(`cut: ${text.textContent}`);
    }
    return small;
  }, least);
}

/**
 * Words in pictures of diagrams, likewise: these open in full at a click, and are made to be read at 800 px, a little
 * more than a page has. A picture's text cannot be asked for in the page, so its file is, and is drawn as wide.
 */
export function smallDiagramText(page: Page, least = 10): Promise<string[]> {
  return page.evaluate(async (limit) => {
    const small: string[] = [];
    for (const image of document.querySelectorAll<HTMLImageElement>("figure.diagram img")) {
      if (image.getClientRects().length === 0) continue;
      image.loading = "eager";
      await image.decode();
      const drawing = new DOMParser().parseFromString(
        await (await fetch(image.currentSrc)).text(),
        "image/svg+xml",
      );
      const frame = document.createElement("div");
      frame.style.cssText = `position:absolute;left:0;top:0;width:${image.getBoundingClientRect().width}px`;
      const svg = document.importNode(drawing.documentElement, true) as unknown as SVGSVGElement;
      svg.style.width = "100%";
      frame.attachShadow({ mode: "open" }).append(svg);
      document.body.append(frame);
      for (const text of svg.querySelectorAll<SVGTextElement>("text")) {
        const matrix = text.getScreenCTM();
        const size = Number.parseFloat(getComputedStyle(text).fontSize) * (matrix?.a ?? 0);
        if (text.textContent?.trim() !== "" && size < limit - 0.05)
          small.push(`${size.toFixed(1)} px: ${text.textContent}`);
      }
      frame.remove();
    }
    return small;
  }, least);
}

/** What can be used with a mouse, but not reached with the tab key, or shows no ring when it is. */
export async function unreachable(page: Page): Promise<string[]> {
  const count = await page.evaluate(() => {
    const selector = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]";
    const things = [...document.querySelectorAll<HTMLElement>(selector)].filter(
      (element) =>
        element.tabIndex >= 0 &&
        !element.matches(":disabled") &&
        element.checkVisibility({ visibilityProperty: true }),
    );
    const left = new Set<Element>(things);
    const ringless = new Set<Element>();
    document.addEventListener("focusin", ({ target }) => {
      const element = target as Element;
      left.delete(element);
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      if (outlineStyle === "none" || Number.parseFloat(outlineWidth) < 1) ringless.add(element);
    });
    Object.assign(window, { keyboard: { left, ringless } });
    // Of several radio buttons of one name the tab key finds one; arrows lead to the others.
    for (const radio of things.filter((each) => each.matches("input[type=radio]:not(:checked)")))
      left.delete(radio);
    (document.activeElement as HTMLElement | null)?.blur();
    return things.length;
  });
  // Pages in frames have stops of their own, on the way to what follows them.
  const inFrames = 20 * (page.frames().length - 1);
  for (let i = 0; i < count + 3 + inFrames; i++) await page.keyboard.press("Tab");
  return page.evaluate(() => {
    const { left, ringless } = (
      window as unknown as { keyboard: { left: Set<Element>; ringless: Set<Element> } }
    ).keyboard;
    const name = (element: Element) => element.outerHTML.slice(0, 120).replace(/\s+/g, " ");
    return [
      ...[...left].map((element) => `not reached: ${name(element)}`),
      ...[...ringless].map((element) => `no ring: ${name(element)}`),
    ];
  });
}

/** What lies on other parts of its slide: heading, body and foot follow each other. */
export function onTopOfOthers(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll(".slide")].flatMap((slide) => {
      const parts = [...slide.querySelectorAll("h2, .body > *, .foot")]
        .map((part) => ({ part, box: part.getBoundingClientRect() }))
        .filter(({ box }) => box.height > 0);
      return parts.slice(1).flatMap(({ part, box }, i) => {
        const before = parts[i];
        return before !== undefined && box.top < before.box.bottom - 1
          ? [`${part.textContent?.trim().slice(0, 40)} on ${before.part.textContent?.trim().slice(0, 40)}`]
          : [];
      });
    }),
  );
}
