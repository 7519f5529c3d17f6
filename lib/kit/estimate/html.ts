import { type Estimate, withUnit } from "./estimates.js";
import { breaksFirst, loads, loadText } from "./loads.js";

// What the calculator page shows of estimates. The build writes it into the page for the assumptions as they are, and the
// page's program again for those that a reader has moved. All words in it are of this room, so none has to be escaped.

/** The results with their arithmetic. */
export function resultsHtml(found: readonly Estimate[]): string {
  const items = found
    .filter(({ unit }) => unit !== "")
    .map(
      ({ label, value, unit, arithmetic, says }) =>
        `<li><p><span>${label}</span> <strong>${withUnit(value, unit)}</strong></p><p class="how">${arithmetic}</p><p class="says">${says}</p></li>`,
    );
  return `<ul class="results">${items.join("")}</ul>`;
}

/** The load of every part, and what takes its place beyond 1. */
export function loadsHtml(found: readonly Estimate[]): string {
  const items = loads(found).map(({ part, load, value, replaced, stays }) => {
    const how = found.find(({ id }) => id === load)?.arithmetic ?? "";
    const over = value > 1;
    const next = over
      ? `<p>More than it takes. In its place: ${replaced}. What stays: ${stays}.</p>`
      : "<p>It takes that.</p>";
    return `<li class="${over ? "over" : "within"}"><p><span>${part}</span> <strong>${loadText(value)}</strong></p><p class="how">${how}</p>${next}</li>`;
  });
  return `<ol class="loads">${items.join("")}</ol>`;
}

/** The whole in a sentence. */
export function inShort(found: readonly Estimate[]): string {
  const said = (id: string): string => {
    const one = found.find((each) => each.id === id);
    return one ? withUnit(one.value, one.unit) : "";
  };
  const first = breaksFirst(found);
  const end = first
    ? `${first.part} breaks first, at ${loadText(first.value)} what it takes`
    : "every part takes what is asked of it";
  return `${said("stored")} stored, ${said("busy")} busy, ${said("bill")} for the store; ${end}.`;
}
