import { expect, test } from "vitest";
import { compare } from "../../lib/kit/stack/drills/load.js";

test("a drill tells what is lost, twice, or of nobody; what was not acknowledged may be there or not", () => {
  const fine = { acknowledged: 2, unknown: 2, lost: [], twice: [], strangers: [] };
  expect(compare(["a", "b"], ["c", "d"], ["b", "c", "a"])).toEqual(fine);
  expect(compare(["a", "b"], ["c"], ["a", "c"]).lost).toEqual(["b"]);
  expect(compare(["a", "b"], [], ["a", "b", "b", "b"]).twice).toEqual(["b"]);
  expect(compare(["a"], ["c"], ["a", "c", "c"]).twice).toEqual(["c"]);
  expect(compare(["a"], [], ["a", "x"]).strangers).toEqual(["x"]);
});
