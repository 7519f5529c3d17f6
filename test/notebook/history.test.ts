import { expect, test } from "vitest";
import { type HistoryRequest, historyOf, type Ran } from "../../lib/kit/notebook/kernel/history.js";

const RAN: readonly Ran[] = [
  [1, "const a = 1;"],
  [2, "a + (1)"],
  [3, "const b = 2;\nb"],
  [4, "a + (1)"],
];
const numbers = (request: HistoryRequest) =>
  historyOf(RAN, request).map((entry) => (entry as [number, number, string])[1]);

test("what has run is found from its end, by its numbers and by its words", () => {
  expect(numbers({ hist_access_type: "tail", n: 2 })).toEqual([3, 4]);
  expect(numbers({ hist_access_type: "tail", n: 9 })).toEqual([1, 2, 3, 4]);
  expect(numbers({ hist_access_type: "tail", n: 0 })).toEqual([]);
  expect(numbers({ hist_access_type: "range", start: 2, stop: 4 })).toEqual([2, 3]);
  expect(numbers({ hist_access_type: "range", session: 0, start: 3, stop: null })).toEqual([3, 4]);
  expect(numbers({ hist_access_type: "range", session: -1, start: 1 })).toEqual([]);
  expect(numbers({ hist_access_type: "search", pattern: "const*" })).toEqual([1, 3]);
  expect(numbers({ hist_access_type: "search", pattern: "a + (?)" })).toEqual([2, 4]);
  expect(numbers({ hist_access_type: "search", pattern: "a . (1)" })).toEqual([]);
  expect(numbers({ hist_access_type: "search", pattern: "a*", unique: true, n: 5 })).toEqual([4]);
});

test("an entry has its output's place where outputs are asked for", () => {
  expect(historyOf(RAN, { hist_access_type: "tail", n: 1 })).toEqual([[1, 4, "a + (1)"]]);
  expect(historyOf(RAN, { hist_access_type: "tail", n: 1, output: true })).toEqual([
    [1, 4, ["a + (1)", null]],
  ]);
});
