// Where a project stands, computed: the plan, the current milestone and the promises.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProjectState } from "../../../lib/kit/content/index.js";
import { type Fixture, makeFixture } from "../support/fixture.js";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture.remove());

const path = (name: string) => join(fixture.project.root, name);
const state = () => readProjectState(fixture.project);
const kept = async (promise: RegExp) => (await state()).promises.find((one) => promise.test(one.promise));

describe("the plan", () => {
  test("has each milestone on each channel that it promises a piece for", async () => {
    const { plan } = await state();
    expect(plan.map(({ milestone, channel, state: is }) => [milestone, channel, is])).toEqual(
      ["devto", "hashnode", "medium", "linkedin", "video"].map((channel) => ["m03", channel, "ready"]),
    );
  });

  test("goes on behind what is published", async () => {
    expect((await state()).nextContent).toMatchObject({
      milestone: "m03",
      channel: "devto",
      files: ["dist/content/m03/blog.md"],
    });
    writeFileSync(
      path("blog/published.yaml"),
      'm03: { devto: { url: "https://dev.to/ada/m3", date: "2026-01-01" } }\n',
    );
    const { plan, nextContent } = await state();
    expect(plan[0]).toMatchObject({ state: "published", url: "https://dev.to/ada/m3", date: "2026-01-01" });
    expect(nextContent).toMatchObject({ channel: "hashnode" });
    rmSync(path("blog/published.yaml"));
  });

  test("blocks what breaks a rule, and posts that would lead to a placeholder", async () => {
    const settings = readFileSync(path("blog/site.yaml"), "utf8");
    writeFileSync(path("blog/site.yaml"), settings.replace("https://lakehouse.test", "https://a.example"));
    const { plan } = await state();
    expect(plan.map(({ state: is }) => is)).toEqual(["blocked", "blocked", "blocked", "ready", "ready"]);
    expect(plan[0]?.why).toContain("slh content setup");
    writeFileSync(path("blog/site.yaml"), settings);

    const post = join(fixture.milestone, "linkedin.md");
    const text = readFileSync(post, "utf8");
    writeFileSync(post, `${text}\n**bold**\n`);
    const broken = await state();
    expect(new Set(broken.plan.map(({ state: is }) => is))).toEqual(new Set(["blocked"]));
    expect(broken.plan[0]?.why).toMatch(/^milestones\/m03-writing-iceberg\/linkedin\.md:\d+: .*Markdown/);
    expect(broken.nextContent).toBeUndefined();
    writeFileSync(post, text);
  });
});

test("the current milestone is the first that lacks something, and a run on this machine is nothing to lack", async () => {
  // M0 promises nothing here; M1 a notebook with exercises, and a page.
  const { current, next, blocking, milestones } = await state();
  expect([current?.id, next?.id]).toEqual(["m01", "m02"]);
  expect(blocking.join("\n")).toContain("exercises");
  expect(milestones.flatMap(({ lacks }) => lacks).join("\n")).not.toMatch(/on this machine|not run here/);
});

describe("promises", () => {
  test("the architecture is complete once nothing is planned", async () => {
    expect(await kept(/architecture/)).toMatchObject({
      kept: false,
      evidence: expect.stringContaining("m00"),
    });
  });

  test("one command starts it: script, README and CI have to agree", async () => {
    expect(await kept(/one command/)).toMatchObject({ kept: false });
    mkdirSync(path(".ci"));
    writeFileSync(path("start.mjs"), "");
    writeFileSync(path("README.md"), "```sh\nnpm start   # all of it\n```\n");
    writeFileSync(path(".ci/run"), "step npm start\n");
    const manifest = { workspaces: [], scripts: { start: "node start.mjs" } };
    writeFileSync(path("package.json"), JSON.stringify(manifest));
    expect(await kept(/one command/)).toMatchObject({ kept: true });
    writeFileSync(path(".ci/run"), "step npm test\n");
    expect(await kept(/one command/)).toMatchObject({
      kept: false,
      evidence: ".ci/run does not run npm start",
    });
  });

  test("a post and a demo: all that promise one are counted", async () => {
    const { promises, milestones } = await state();
    const lacks = milestones.find(({ id }) => id === "m03")?.lacks ?? [];
    expect(promises[2]).toMatchObject({
      kept: lacks.length === 0,
      evidence: expect.stringMatching(/^[01] of 1 /),
    });
  });

  test("a pipeline from end to end is a tour of that name", async () => {
    expect(await kept(/end to end/)).toEqual({
      promise: "A pipeline runs from end to end",
      kept: false,
      evidence: "notebooks/end-to-end is not there",
    });
  });
});
