import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { projectAt } from "../../../lib/kit/milestones/index.js";
import { newNotebook } from "../../../lib/kit/notebook/commands/new.js";
import { ownPlace } from "../../../lib/kit/notebook/fresh/place.js";
import { executeNotebook, notebookStatus, readRecorded } from "../../../lib/kit/notebook/index.js";
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
  const { cells, tables } = await readRecorded(place.executed);
  expect(cells[0]?.source).toMatch(/^# First try\n/);
  expect(tables.get("answer")?.rows).toEqual([[42]]);
  expect((await notebookStatus(place)).machine.state).toBe("fresh");
  await expect(newNotebook(project, path)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
});

test("a notebook outside the checkout, or none at all, is refused with what to do", async () => {
  const project = projectAt(await notebookFolder());
  expect(() => ownPlace("/elsewhere/a.ipynb", project)).toThrow(/lies outside the checkout/);
  expect(() => ownPlace(join(project.root, "a.ipynb"), project)).toThrow(/Make it: slh new/);
});
