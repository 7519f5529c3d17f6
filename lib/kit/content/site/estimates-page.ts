import {
  ASSUMPTIONS,
  breaksFirst,
  estimates,
  inShort,
  loadsHtml,
  loadText,
  resultsHtml,
  withUnit,
} from "../../estimate/index.js";
import type { MilestoneContent } from "../model/inputs.js";
import { ESTIMATES_PAGE } from "../model/site-map.js";
import { type Design, designText, givenTexts, solved } from "../spoken/designs.js";
import { escapeHtml } from "../text/escape.js";

/** The calculator for the assumptions as they are, which is what a reader without scripts has. */
export function calculatorHtml(): string {
  const found = estimates();
  const assumptions = ASSUMPTIONS.map(
    ({ id, label, value, unit, why }) =>
      `<li id="assumption-${id}"><p><span>${escapeHtml(label)}</span> <strong>${escapeHtml(withUnit(value, unit))}</strong></p><p class="says">${escapeHtml(why)}</p></li>`,
  );
  return [
    '<div class="calculator">',
    `<p class="in-short" id="in-short" role="status">${inShort(found)}</p>`,
    '<p class="js-only presets"><button type="button" id="petabyte">1 PB and 500 writers</button> <button type="button" id="defaults">As it was</button></p>',
    '<h2 id="assumptions">Assumptions</h2>',
    `<ul class="assumptions">${assumptions.join("")}</ul>`,
    '<h2 id="what-follows">What follows</h2>',
    `<div id="results">${resultsHtml(found)}</div>`,
    '<h2 id="what-breaks-first">What breaks first</h2>',
    "<p>What is asked of each part, by what it takes. Above 1x it needs something in its place.</p>",
    `<div id="parts">${loadsHtml(found)}</div>`,
    '<p>The same in a terminal: <code id="command">slh interview estimate</code></p>',
    "</div>",
  ].join("\n");
}

/** Designs to make, each with its estimates folded away: reckoned by the formulas that the calculator has. */
export function designsHtml(designs: readonly Design[], all: readonly MilestoneContent[]): string {
  if (designs.length === 0) return "";
  return [
    '<h2 id="design-exercises">Design exercises</h2>',
    "<p>Take five minutes for the numbers and ten for the design, and say both aloud. What isn't given is as the calculator has it. In a terminal, <code>slh interview design</code> asks for your estimates and holds them against the formulas.</p>",
    ...designs.map((design) => designHtml(design, all)),
  ].join("\n");
}

function designHtml(design: Design, all: readonly MilestoneContent[]): string {
  const { id, title, ask, given, good } = design;
  const { asked, found } = solved(design);
  const say = (text: string): string => escapeHtml(designText(text, design, all));
  const item = (text: string): string => `<li>${text}</li>`;
  const wanted = asked.map(({ label, unit }) => `${label} (${unit})`).join(", ");
  const results = asked.map(
    ({ label, value, unit, arithmetic }) =>
      `<strong>${escapeHtml(label)}: ${escapeHtml(withUnit(value, unit))}</strong> <span class="how">${escapeHtml(arithmetic)}</span>`,
  );
  const first = breaksFirst(found);
  const end = first
    ? `${first.part} breaks first, at ${loadText(first.value)} what it takes. In its place: ${first.replaced}. What stays: ${first.stays}.`
    : "No part is asked for more than it takes.";
  const query = new URLSearchParams(Object.entries(given).map(([name, value]) => [name, String(value)]));
  return [
    `<section class="design" aria-labelledby="design-${escapeHtml(id)}"><h3 id="design-${escapeHtml(id)}">${escapeHtml(title)}</h3>`,
    `<p>${say(ask)}</p>`,
    `<ul>${givenTexts(design)
      .map((text) => item(escapeHtml(text)))
      .join("")}</ul>`,
    `<p>Estimate: ${escapeHtml(wanted)}. Then: what breaks first?</p>`,
    `<details><summary>The estimates, and what a good design says</summary><ul>${results.map(item).join("")}</ul><p>${escapeHtml(end)}</p><ul>${good.map((point) => item(say(point))).join("")}</ul>`,
    `<p class="js-only"><a href="${ESTIMATES_PAGE}?${escapeHtml(String(query))}">In the calculator</a></p></details></section>`,
  ].join("\n");
}
