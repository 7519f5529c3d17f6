import { join, resolve } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { cellProblems } from "../../../lib/kit/content/pieces/cells.js";
import { listMilestones, projectAt } from "../../../lib/kit/milestones/index.js";
import { newNotebook } from "../../../lib/kit/notebook/commands/new.js";
import { ownPlace } from "../../../lib/kit/notebook/fresh/place.js";
import { executeNotebook, isFolded, notebookStatus, readRecorded } from "../../../lib/kit/notebook/index.js";
import { notebookFolder } from "../support/notebooks.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("slh new writes a notebook that runs as it is, with a copy and a freshness of its own", async () => {
  const project = projectAt(await notebookFolder());
  vi.stubEnv("SLH_LAKE", project.lake);
  vi.spyOn(console, "log").mockReturnValue();
  const path = join(project.root, "my", "first-try.ipynb");
  await newNotebook(project, path);
  const place = ownPlace(path, project);
  expect(place).toMatchObject({
    id: "my/first-try.ipynb",
    executed: join(project.executed, "own/my/first-try.ipynb"),
  });
  const { run } = await executeNotebook(place);
  expect(run).toMatchObject({ status: "ok" });
  const recorded = await readRecorded(place.executed);
  expect(recorded.cells[0]?.source).toMatch(/^# First try\n/);
  expect(recorded.facts.get("numbers.divisible")?.value).toBe(47);
  expect(recorded.figures.get("numbers.by_divisor")?.title).toBe("Divisible by 3: 33; by 5: 20");
  expect(recorded.checks.map(({ state }) => state)).toEqual(["open", "reference"]);
  expect(recorded.notebook.cells.filter(isFolded).map(({ id }) => id)).toEqual([
    "open",
    "ask-predict",
    "record",
    "exercise-solution",
  ]);
  expect(cellProblems(recorded)).toEqual([]);
  expect((await notebookStatus(place)).machine.state).toBe("fresh");
  await expect(newNotebook(project, path)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
});

test("a notebook outside the checkout, or none at all, is refused with what to do", async () => {
  const project = projectAt(await notebookFolder());
  expect(() => ownPlace("/elsewhere/a.ipynb", project)).toThrow(/lies outside the checkout/);
  expect(() => ownPlace(join(project.root, "a.ipynb"), project)).toThrow(/Make it: slh new/);
});

test("slh new makes a milestone by its name, with all that slh status needs to judge it", async () => {
  const project = projectAt(await notebookFolder());
  const path = await newNotebook(project, "m12-my-topic");
  expect(resolve(path)).toBe(join(project.milestones, "m12-my-topic", "notebook.ipynb"));
  expect(await listMilestones(project)).toMatchObject([
    { id: "m12", slug: "my-topic", title: "My topic", definitionOfDone: ["notebook", "doc"] },
  ]);
  await expect(newNotebook(project, "m12-my-topic")).rejects.toMatchObject({ code: "INVALID_CONFIG" });
});
