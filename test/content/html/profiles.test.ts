import { describe, expect, test } from "vitest";
import { profilesHtml } from "../../../lib/kit/content/html/profiles.js";
import type { MilestoneContent } from "../../../lib/kit/content/model/inputs.js";
import { profilesOf } from "../../../lib/kit/content/model/profiles.js";
import { type Milestone, parseMilestone } from "../../../lib/kit/milestones/index.js";
import type { OnStack, StackFacts } from "../../../lib/kit/notebook/index.js";
import { recordedFixture } from "../support/fixture.js";

const recorded = recordedFixture();

const content = (onStack: OnStack | undefined, differs: Milestone["differs"] = {}): MilestoneContent => {
  const declared = parseMilestone(
    {
      slug: "tour",
      label: "Tour",
      title: "Tour",
      "one-line": "One.",
      profiles: ["embedded", "stack"],
      differs,
    },
    "tour",
    "milestone.yaml",
  );
  const milestone = { ...declared, folder: "/none", notebookPath: "/none/notebook.ipynb" };
  return {
    milestone,
    state: { kind: "fresh" },
    recorded,
    onStack,
    pieces: {},
    diagram: undefined,
    diagrams: [],
  };
};

/** As recorded embedded, but for some. */
const onStack = (changed: StackFacts["facts"] = {}, state: OnStack["state"] = "fresh"): OnStack => {
  const same = [...recorded.facts.values()].map(({ name, value, unit, volatile }) => [
    name,
    { value, unit, ...(volatile ? { volatile: true as const } : {}) },
  ]);
  const made = { cells: "", library: "", lock: "", data: "", tslab: "" };
  const facts = { ...Object.fromEntries(same), ...changed };
  const services = { seaweedfs: "4.53", etcd: "3.4.23" };
  return { state, reasons: [], recorded: { services, made, datasets: [], files: [], facts } };
};
const [first] = [...recorded.facts.values()].filter(({ volatile }) => !volatile);
const name = first?.name ?? "";

describe("the facts of both profiles on a page", () => {
  test("are told apart, with the services that they are of and why some differ", () => {
    const other = { [name]: { value: 987_654, unit: first?.unit } };
    const html = profilesHtml(content(onStack(other), { [name]: "it is <so>" }))?.html ?? "";
    expect(html).toContain("SeaweedFS 4.53 and etcd 3.4.23");
    expect(html).toContain("3 are the same on both, 1 differs, and 2 are times and the like");
    expect(html).toMatch(new RegExp(`<td>${name}</td>.*987,654.*it is &lt;so&gt;`));
    expect(profilesHtml(content(onStack()))?.html).not.toContain("Facts that differ");
  });

  test("are not shown where they are old or missing, and the page says so", () => {
    const old = profilesHtml(content(onStack({ [name]: { value: 987_654 } }, "stale")))?.html;
    expect(old).toContain("older than its code, and is not shown");
    expect(old).not.toContain("987,654");
    const none: OnStack = { state: "missing", reasons: [], recorded: undefined };
    expect(profilesHtml(content(none))?.html).toContain("has not been run on the stack");
    expect(profilesHtml(content(undefined))).toBeUndefined();
  });

  test("that have to be equal and are not are problems, where they are fresh", () => {
    const wrong = { [name]: { value: 987_654, unit: first?.unit } };
    expect(profilesOf(content(onStack(wrong)))?.problems).toEqual([expect.stringContaining(`"${name}"`)]);
    expect(profilesOf(content(onStack(wrong, "stale")))).toBeUndefined();
    expect(profilesOf(content(onStack()))?.problems).toEqual([]);
  });
});
