import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Schedule } from "../../lib/kit/interview/index.js";
import { projectAt } from "../../lib/kit/milestones/index.js";
import { notebookOf } from "../notebook/support/notebooks.js";
import { studio } from "./support/studio.js";

const DRILLS = ["first", "second"]
  .map(
    (id) => `- id: ${id}
  ask: What is asked in the ${id} one?
  answer: The answer of the ${id} one.
  evidence: ["cell c0", "decision 01"]
  then: And then?
`,
  )
  .join("");

test("questions are asked one after the other, graded, and come again when the terminal would ask them", async () => {
  const notebook = notebookOf("1");
  const [cell] = notebook.cells;
  const { ask, root } = await studio({ ...notebook, cells: cell ? [{ ...cell, id: "c0" }] : [] });
  await mkdir(join(root, "docs/decisions"), { recursive: true });
  await writeFile(join(root, "docs/decisions/01-one.md"), "# One\n");
  await writeFile(join(root, "milestones/m01-one/drills.yaml"), DRILLS);

  const first = await ask("GET", "/studio/drills");
  expect([first.status, first.json]).toMatchObject([200, { all: 2, seen: 0, due: 0 }]);
  expect(first.json.card).toEqual({
    id: "m01/first",
    label: "M1",
    ask: "What is asked in the first one?",
    answer: "The answer of the first one.",
    follows: "And then?",
    evidence: [
      { kind: "cell", name: "c0", cell: "m01/c0" },
      { kind: "decision", name: "01" },
    ],
  });
  const second = await ask("POST", "/studio/drills", { card: "m01/first", grade: "easy", milestone: "m01" });
  expect(second.json).toMatchObject({ all: 2, seen: 1, due: 0, card: { id: "m01/second" } });
  const again = Date.parse(second.json.again);
  expect(again).toBeGreaterThan(Date.now() + 86_400_000);
  const last = await ask("POST", "/studio/drills", { card: "m01/second", grade: "good" });
  expect(last.json).toMatchObject({ all: 2, seen: 2, due: 0 });
  expect(last.json.card).toBeUndefined();

  // The schedule is the one that `slh interview drill` goes by.
  const card = { id: "m01/first" } as Parameters<Schedule["due"]>[0][number];
  const schedule = Schedule.open(projectAt(root));
  expect(schedule.due([card], new Date(again - 1000))).toEqual([]);
  expect(schedule.due([card], new Date(again + 1000))).toEqual([card]);

  expect((await ask("GET", "/studio/drills?milestone=m99")).json).toMatchObject({ all: 0 });
  expect((await ask("POST", "/studio/drills", { card: "m01/third", grade: "good" })).status).toBe(404);
  for (const grade of ["best", "toString", 3])
    expect((await ask("POST", "/studio/drills", { card: "m01/first", grade })).status).toBe(400);
});
