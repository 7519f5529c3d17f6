import { branchingOf } from "sololakehouse/catalog";
import { definePipeline, step } from "sololakehouse/orchestration";
import { expect, test } from "vitest";
import { EVENTS, freshLake } from "./support/lakes.js";

const at = freshLake();

test("a run whose branches are gone is done anew, also its steps that write nothing", async () => {
  const ingest = step({
    name: "ingest",
    writes: { events: EVENTS },
    run: async ({ write }) => write("events", [{ id: 1, day: "2001-01-01", v: 1 }]),
  });
  const tries: string[] = [];
  const look = step({
    name: "look",
    reads: { events: EVENTS },
    run: async ({ read }) => tries.push(String((await read("events")).currentSnapshot?.snapshotId)),
  });
  let isUp = false;
  const last = step({
    name: "last",
    after: ["look"],
    run: () => {
      if (!isUp) throw new Error("down");
    },
  });
  const steps = definePipeline({ name: "p", steps: [ingest, look, last] });
  await expect(at.lake.orchestration.run(steps)).rejects.toMatchObject({ code: "RUN_FAILED" });
  for (const name of await at.branches()) await branchingOf(at.lake.catalog).deleteReference(name);
  isUp = true;
  await at.lake.sql("create table n.other (id int)");
  const { id } = await at.lake.orchestration.retry(steps);
  const { attempts } = await at.lake.orchestration.show(id);
  // Once more each, and not once more because the target had moved.
  expect(attempts.map(({ step }) => step).sort()).toEqual([
    "ingest",
    "ingest",
    "last",
    "last",
    "look",
    "look",
  ]);
  expect(new Set(tries).size).toBe(2);
  expect(await at.valuesOf("select count(*) from n.events")).toEqual([[1n]]);
});
