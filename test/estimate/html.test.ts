import { expect, test } from "vitest";
import {
  breaksFirst,
  type Estimate,
  estimates,
  inShort,
  loadsHtml,
  loadText,
  PETABYTE,
  resultsHtml,
  withUnit,
} from "../../lib/kit/estimate/index.js";

const textOf = (found: readonly Estimate[], id: string): string => {
  const one = found.find((each) => each.id === id) as Estimate;
  return withUnit(one.value, one.unit);
};

test("the whole in a sentence is what is stored, busy and paid, and what breaks first, if something does", () => {
  const small = estimates({ rows_a_day: 1e5, questions_a_day: 100, writers: 1 });
  const [stored, busy, bill] = ["stored", "busy", "bill"].map((id) => textOf(small, id));
  expect(inShort(small)).toBe(
    `${stored} stored, ${busy} busy, ${bill} for the store; every part takes what is asked of it.`,
  );
  const large = estimates(PETABYTE);
  const first = breaksFirst(large);
  expect(inShort(large)).toContain(
    `; ${first?.part} breaks first, at ${loadText(first?.value ?? 0)} what it takes.`,
  );
});

test("a part is over where more is asked of it than it takes, and has then what takes its place", () => {
  const found = estimates();
  for (const [value, over] of [
    [0.99, false],
    [1, false],
    [1.01, true],
  ] as const) {
    const html = loadsHtml(found.map((one) => (one.id.startsWith("load_") ? { ...one, value } : one)));
    expect(html.includes('class="over"')).toBe(over);
    expect(html.includes('class="within"')).toBe(!over);
    expect(html.includes("In its place:")).toBe(over);
  }
});

test("results have a unit and their arithmetic, and loads are none of them", () => {
  const found = estimates();
  const html = resultsHtml(found);
  for (const { unit, label, arithmetic } of found)
    expect(html.includes(`<span>${label}</span>`) && html.includes(arithmetic)).toBe(unit !== "");
});
