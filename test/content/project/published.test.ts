// What is typed in of the calendar: refused where it can't be true.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPublished } from "../../../lib/kit/content/project/published.js";
import { type Fixture, makeFixture } from "../support/fixture.js";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture.remove());

const read = (text: string) => {
  writeFileSync(join(fixture.project.root, "blog/published.yaml"), text);
  return readPublished(fixture.project, ["m01", "m03"], "2026-12-02");
};
const one = 'm03: { devto: { url: "https://dev.to/ada/m3", date: "2026-12-01" } }\n';

test("says what is out, where and since when", () => {
  expect(read(one)).toEqual([
    { milestone: "m03", channel: "devto", url: "https://dev.to/ada/m3", date: "2026-12-01" },
  ]);
  expect(read("# nothing is out yet\n")).toEqual([]);
});

test.each([
  ["m07: {}", '"m07" must be a milestone: m01, m03'],
  ["- m03", "the file must be a mapping"],
  ["m03: x", '"m03" must be a mapping'],
  ["m03: { twitter: { url: x, date: y } }", '"m03.twitter" must be one of devto, hashnode'],
  [one.replace("https", "http"), '"m03.devto": url must be the whole https:// address'],
  [one.replace("dev.to/ada", "ada.example"), '"m03.devto": url must be the whole https:// address'],
  [one.replace("2026-12-01", "2026-02-30"), '"m03.devto": date must be a day'],
  [one.replace('"2026-12-01"', "20261201"), '"m03.devto": date must be a day'],
  [one.replace("2026-12-01", "2026-12-03"), '"m03.devto": date must be 2026-12-02 or before'],
  [one.replace("date:", "state: live, date:"), '"m03.devto": "state" must be left out'],
  [one + one.replace("m03", "m01"), '"m01.devto": url must be its own: m03.devto has the same'],
  ["m03: {", "blog/published.yaml is not YAML"],
])("refuses %j", (text, message) => {
  expect(() => read(text)).toThrow(message);
});
