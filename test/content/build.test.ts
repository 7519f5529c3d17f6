import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildContent } from "../../lib/kit/content/build.js";
import { type Fixture, makeFixture } from "./fixture.js";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => process.env.KEEP || fixture.remove());

describe("build", () => {
  it("builds", async () => {
    console.log(fixture.project.root);
    const t = Date.now();
    const r = await buildContent(fixture.project, { onStage: (s) => console.log(s, Date.now() - t) });
    console.log(JSON.stringify(r));
    const t2 = Date.now();
    await buildContent(fixture.project, { onStage: (s) => console.log(s, Date.now() - t2) });
    console.log(Date.now() - t2);
    expect(1).toBe(1);
  });
});
