import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  findProject,
  listMilestones,
  parseMilestone,
  selectMilestones,
} from "../../lib/kit/milestones/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

describe("the milestones of this project", () => {
  test("are twelve, numbered as their folders, and those beside them, which have no number", async () => {
    const project = findProject(fileURLToPath(new URL(".", import.meta.url)));
    expect(project.root).toBe(root);
    const all = await listMilestones(project);
    const numbers = Array.from({ length: 12 }, (_, number) => number);
    expect(all.map(({ id, number, label }) => [id, number, label])).toEqual([
      ...numbers.map((number) => [`m${String(number).padStart(2, "0")}`, number, `M${number}`]),
      ["end-to-end", undefined, "Demo"],
      ["start-here", undefined, "Tour"],
      ["streaming-log", undefined, "Log"],
    ]);
    const folders = await readdir(project.milestones);
    expect(all.slice(0, 12).map(({ id, slug }) => `${id}-${slug}`)).toEqual(
      folders.filter((name) => name.startsWith("m")).sort(),
    );
    for (const { oneLine } of all) expect(oneLine).toMatch(/\.$/);
  });

  test("are found by id, number, slug and folder, in their own order", async () => {
    const all = await listMilestones(findProject(root));
    const words = ["writing-iceberg", "M01", "0", "m03-writing-iceberg"];
    expect(selectMilestones(all, words).map(({ id }) => id)).toEqual(["m00", "m01", "m03"]);
    const beside = selectMilestones(all, ["Streaming-Log", "m01"]);
    expect(beside.map(({ id }) => id)).toEqual(["m01", "streaming-log"]);
    expect(() => selectMilestones(all, ["undefined"])).toThrow('There is no milestone "undefined".');
    expect(() => selectMilestones(all, ["m12"])).toThrow('There is no milestone "m12". Choose from m00, m01');
  });
});

test("a folder of one's own is a project once it has what the error asks for", async ({ onTestFinished }) => {
  const own = await mkdtemp(join(tmpdir(), "slh-own-"));
  onTestFinished(() => rm(own, { recursive: true }));
  await writeFile(join(own, "package.json"), '{"private":true}');
  const advice = /make the folder milestones and put "workspaces": \[\] into its package\.json/;
  expect(() => findProject(own)).toThrow(advice);
  await mkdir(join(own, "milestones"));
  expect(() => findProject(own)).toThrow(advice);
  await writeFile(join(own, "package.json"), '{"private":true,"workspaces":[]}');
  expect(findProject(own).root).toBe(own);
});

describe("milestone.yaml", () => {
  const good = {
    number: 3,
    slug: "writing-iceberg",
    title: "Writing Iceberg",
    "one-line": "From rows to a snapshot.",
    datasets: ["flights-3m"],
    profiles: ["embedded", "stack"],
    "definition-of-done": ["notebook", "doc"],
  };
  const parse = (raw: unknown) => parseMilestone(raw, "m03-writing-iceberg", "milestone.yaml");

  test("gives the milestone, with ten minutes and two exercises where nothing else is said", () => {
    expect(parse(good)).toEqual({
      id: "m03",
      number: 3,
      label: "M3",
      slug: "writing-iceberg",
      title: "Writing Iceberg",
      oneLine: "From rows to a snapshot.",
      datasets: ["flights-3m"],
      profiles: ["embedded", "stack"],
      differs: {},
      definitionOfDone: ["notebook", "doc"],
      exercises: 2,
      timeoutSeconds: 600,
    });
  });

  test.each([
    [{ number: 4 }, '"number" must be 3, as the folder says'],
    [{ label: "Third" }, '"label" must be left out: the number says it'],
    [{ slug: "writing" }, '"slug" must be writing-iceberg, as the folder says'],
    [{ title: " " }, '"title" must be a text'],
    [{ "one-line": "Two\nlines" }, '"one-line" must be one line'],
    [{ profiles: [] }, '"profiles" must be a list of embedded, stack, one at least'],
    [{ profiles: ["cloud"] }, '"profiles" must be a list of embedded, stack'],
    [{ differs: ["rows"] }, '"differs" must be a mapping from names of facts'],
    [{ differs: { rows: 3 } }, '"differs" must be a mapping from names of facts'],
    [{ datasets: "flights-3m" }, '"datasets" must be a list of names'],
    [{ "definition-of-done": ["poster"] }, '"definition-of-done" must be a list of notebook, doc'],
    [{ exercises: "none" }, '"exercises" must be a whole number, 0 or more'],
    [{ exercises: -1 }, '"exercises" must be a whole number, 0 or more'],
    [{ timeout: 0 }, '"timeout" must be a number of seconds above 0'],
    [{ status: "done" }, '"status" must be left out'],
  ])("refuses %j", (change, message) => {
    expect(() => parse({ ...good, ...change })).toThrow(message);
  });

  test("has a label in the place of the number where the folder has none", () => {
    const { number: _, ...rest } = { ...good, slug: "streaming-log", label: "Log" };
    const beside = (raw: unknown) => parseMilestone(raw, "streaming-log", "milestone.yaml");
    expect(beside(rest)).toMatchObject({ id: "streaming-log", slug: "streaming-log", label: "Log" });
    expect(beside(rest)).not.toHaveProperty("number");
    expect(() => beside({ ...rest, number: 12 })).toThrow('"number" must be left out: the folder has none');
    expect(() => beside({ ...rest, label: undefined })).toThrow('"label" must be a text');
    expect(() => beside({ ...rest, slug: "log" })).toThrow(
      '"slug" must be streaming-log, as the folder says',
    );
  });

  test("refuses what is no mapping", () => {
    expect(() => parse(["number"])).toThrow("must be a mapping");
    expect(() => parse(null)).toThrow("must be a mapping");
  });
});
