import { expect, test } from "vitest";
import { cellProblems } from "../../../lib/kit/content/pieces/cells.js";
import { recordedIn } from "../../../lib/kit/notebook/index.js";
import { code } from "../support/fixture.js";

const problems = (source: string, tags: string[] = []) =>
  cellProblems(
    recordedIn(
      { cells: [code("c", source, 1, [], tags)], metadata: {}, nbformat: 4, nbformat_minor: 5 },
      "n",
    ),
  ).map(({ message }) => message);

const lesson = (lines: number) => Array.from({ length: lines }, (_, n) => `const a${n} = ${n};`).join("\n");
const record = (name: string) => `fact(\n  "${name}",\n  a1,\n  { unit: "rows" },\n);`;

test("a cell that teaches fits on a screen, unless it is folded", () => {
  expect(problems(lesson(30))).toEqual([]);
  expect(problems(lesson(31))).toEqual([expect.stringContaining("it has 31 lines, and a screen shows 30")]);
  expect(problems(lesson(200), ["hide-input"])).toEqual([]);
  expect(problems(lesson(200), ["solution:x"])).toEqual([]);
});

test("a lesson carries little bookkeeping", () => {
  expect(problems(`${lesson(3)}\n${record("a")}\n${record("b")}`)).toEqual([]);
  expect(problems(`${lesson(3)}\n${record("a")}\n${record("b")}\n${record("c")}`)).toEqual([
    expect.stringContaining("15 of its 18 lines are bookkeeping"),
  ]);
  expect(problems(`import {\n${"  a,\n".repeat(10)}} from "b";\nconst lake = a();`)).toHaveLength(1);
});

test("a query that is handed to a recording is a lesson", () => {
  const query = `await table(\n  "t",\n  lake.sql(\`\n${"    select 1\n".repeat(12)}  \`),\n  { caption: "c" },\n);`;
  expect(problems(query)).toEqual([]);
});
