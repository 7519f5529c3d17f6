// What a milestone's own declaration asks of its notebook.
import { afterAll, beforeAll, expect, test } from "vitest";
import { listMilestones, type Milestone } from "../../lib/kit/milestones/index.js";
import { notebookDone } from "../../lib/kit/notebook/index.js";
import { type Fixture, makeFixture } from "../content/support/fixture.js";

let fixture: Fixture;
let store: Milestone;
beforeAll(async () => {
  fixture = await makeFixture();
  const all = await listMilestones(fixture.project);
  store = all.find(({ id }) => id === "m01") as Milestone;
});
afterAll(() => fixture.remove());

const exercises = async (milestone: Milestone) =>
  (await notebookDone(milestone, fixture.project)).find(({ what }) => what.includes("exercises"));

test("a milestone owes the exercises that it says, two where it says nothing", async () => {
  expect(await exercises(store)).toMatchObject({
    what: "it has 2 exercises or more, each with a solution that passes",
    done: false,
    why: "it has 0",
  });
});

test("a tour owes none, and the other lines stay", async () => {
  const tour = { ...store, exercises: 0 };
  expect(await exercises(tour)).toBeUndefined();
  const rest = (await notebookDone(tour, fixture.project)).map(({ what }) => what);
  expect(rest).toContain("it records facts by name");
  expect(rest).toContain("it asks for predictions");
});

test("an exercise that a tour has all the same needs a solution", async () => {
  const writing = (await listMilestones(fixture.project)).find(({ id }) => id === "m03") as Milestone;
  expect(await exercises({ ...writing, exercises: 0 })).toMatchObject({ done: false });
});
