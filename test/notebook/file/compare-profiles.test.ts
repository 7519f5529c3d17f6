import { expect, test } from "vitest";
import {
  compareProfiles,
  profileProblems,
  type RecordedFact,
  type StackFact,
} from "../../../lib/kit/notebook/index.js";

const cell = { id: "c", index: 0, executionCount: 1 };
const embedded = (...facts: (Pick<RecordedFact, "name" | "value"> & Partial<RecordedFact>)[]) =>
  new Map(facts.map((fact) => [fact.name, { volatile: false, cell, ...fact }]));

const verdict = (here: Partial<RecordedFact>, there: Partial<StackFact>, differs = {}) => {
  const facts = compareProfiles(
    embedded({ name: "f", value: 1, ...here }),
    { f: { value: 1, unit: here.unit, ...there } },
    differs,
  );
  return { is: facts[0]?.verdict, problems: profileProblems(facts, differs) };
};

test("what counts data has to be equal; what counts storage, or is measured, has not", () => {
  expect(verdict({}, {})).toEqual({ is: "equal", problems: [] });
  for (const unit of [undefined, "rows", "flights", "files", "min"])
    expect(verdict({ unit }, { value: 2 })).toMatchObject({
      is: "wrong",
      problems: [expect.stringContaining('the fact "f" is 1 embedded and 2 on the stack')],
    });
  for (const unit of ["requests", "bytes", "kB"])
    expect(verdict({ unit }, { value: 2 })).toEqual({ is: "differs", problems: [] });
  expect(verdict({ volatile: true }, { value: 2, volatile: true }).is).toBe("measured");
});

test("a value that only one of them measures anew is held against the other", () => {
  expect(verdict({ volatile: true }, { value: 2 }).is).toBe("wrong");
  expect(verdict({}, { value: 2, volatile: true }).is).toBe("wrong");
  expect(verdict({ unit: "rows" }, { unit: "files" }).is).toBe("wrong");
});

test("a milestone says why a fact differs, and only of one that does", () => {
  const differs = { f: "each has another name" };
  expect(verdict({}, { value: "other" }, differs)).toEqual({ is: "differs", problems: [] });
  expect(verdict({}, {}, differs)).toMatchObject({
    is: "equal",
    problems: [expect.stringContaining("take it out")],
  });
});

test("a fact of one profile alone is wrong, unless it is said why", () => {
  const here = embedded({ name: "a", value: 1 });
  const there = { b: { value: 2 } };
  const found = compareProfiles(here, there, {});
  expect(found.map(({ name, verdict: is }) => [name, is])).toEqual([
    ["a", "wrong"],
    ["b", "wrong"],
  ]);
  expect(profileProblems(found, {})[1]).toContain("not recorded embedded and 2 on the stack");
  const said = { a: "no such thing there", b: "nor here" };
  expect(profileProblems(compareProfiles(here, there, said), said)).toEqual([]);
});
