// The project as a whole, from the command line.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, makeFixture } from "../content/support/fixture.js";
import { slhInProcess } from "./in-process.js";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture.remove());

const slh = (...words: string[]) => slhInProcess(words, fixture.project.root);

test("each promise is a line with what was looked at, and one that isn't kept is exit code 1", async () => {
  const { code, out, err } = await slh("status", "--project");
  expect({ code, err }).toEqual({ code: 1, err: "" });
  expect(out).toMatch(/^✖ +A pipeline runs from end to end +notebooks\/end-to-end is not there$/m);
  expect(out).toMatch(/^current milestone +M1 /m);
  const json = await slh("status", "--project", "--json");
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out).promises).toHaveLength(6);
});

test("takes no milestone", async () => {
  const { code, err } = await slh("status", "m03", "--project");
  expect(code).not.toBe(0);
  expect(err).toContain("INVALID_ARGUMENT");
});

test("the plan prints each milestone on each channel, and what goes out next", async () => {
  const { code, out } = await slh("content", "plan");
  expect(code).toBe(0);
  expect(out).toMatch(/^publish next +M3 on dev\.to: dist\/content\/m03\/blog\.md$/m);
  expect(out).toMatch(/^m03 +ready +ready +ready +ready +ready$/m);
});
