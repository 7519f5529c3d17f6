import { expect, test } from "vitest";
import { palettes } from "../../../lib/kit/look/tokens.js";
import {
  type CheckReport,
  type CheckResult,
  notNull,
  type Outcome,
  type PastResult,
  range,
  rowCount,
  types,
  unique,
} from "../../../lib/lakehouse/quality/index.js";
import { reportPage } from "../../../lib/lakehouse/quality/report/page.js";
import { STYLE } from "../../../lib/lakehouse/quality/report/style.js";

const result = (
  check: CheckResult["check"],
  outcome: Outcome,
  more: Partial<CheckResult> = {},
): CheckResult => ({
  check,
  outcome,
  failing: outcome === "pass" ? 0 : 3,
  rows: 1200,
  message: outcome === "pass" ? "1,200 rows" : "3 of 1,200 rows",
  samples: [],
  ...more,
});

const report = (results: readonly CheckResult[]): CheckReport => ({
  run: "r1",
  table: "a.<b>",
  ref: "main",
  scope: "table",
  at: "2026-11-29T18:12:44.120Z",
  milliseconds: 1240,
  passed: results.every(({ outcome }) => outcome !== "fail"),
  results,
});

test("what failed comes first, with rows that are text and nothing else", () => {
  const evil = '</td><script>alert("1")</script>';
  const page = reportPage(
    report([
      result(rowCount({ min: 1 }), "pass", { measured: 1200 }),
      result(range("delay", { max: 9, name: evil, description: evil, where: evil }), "fail", {
        message: evil,
        samples: [{ [evil]: evil, empty: null, many: [1, evil], control: "\u0000\ud800" }],
      }),
    ]),
    [],
  );
  expect(page).not.toMatch(/<script|<\/td><\/td>/);
  expect(page).not.toContain("a.<b>");
  expect(page).toContain("1 of 2 checks failed");
  expect(page.indexOf("&lt;/td&gt;")).toBeLessThan(page.indexOf("row count at least 1"));
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/\b(src|href|url)\s*[=(]/);
  expect(page).toContain("\ufffd\ufffd");
  expect(page).toContain('<td class="null">null</td>');
});

test("the trend is a bar a run, oldest first, the report's own last", () => {
  const past = (run: string, failing: number, outcome: string): PastResult => ({
    run,
    at: new Date(0),
    ref: "main",
    scope: "table",
    check: "id not null",
    outcome,
    failing,
    rows: 1200,
    measured: undefined,
  });
  const page = reportPage(report([result(notNull("id"), "fail")]), [
    past("r1", 3, "fail"),
    past("r0", 6, "fail"),
    past("r-1", 0, "pass"),
    { ...past("r-2", 99, "fail"), check: "another" },
    { ...past("r-3", 99, "fail"), scope: "new" },
  ]);
  expect(page).toContain("3 runs, oldest first: 0 failed, 6 failed, 3 failed");
  expect([...page.matchAll(/height="([\d.]+)" rx/g)].map(([, height]) => Number(height))).toEqual([
    3, 40, 20,
  ]);
});

test("it has the colours of the one look", () => {
  const [light, dark] = STYLE.split("@media (prefers-color-scheme:dark)") as [string, string];
  const used = (css: string) =>
    [...css.matchAll(/--([a-z-]+):(#[0-9A-F]{6})/g)].map(([, role, hex]) => [role, hex]);
  for (const [css, palette] of [
    [light, palettes.light],
    [dark, palettes.dark],
  ] as const) {
    expect(used(css).length).toBeGreaterThan(12);
    for (const [role = "", hex] of used(css)) {
      const name = role.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      expect([name, palette[name as keyof typeof palette]]).toEqual([name, hex]);
    }
  }
});

test("the columns that a check is about come first among those of its rows", () => {
  const samples = [{ id: 1, name: "a", place: { city: 2 }, z: 3 }];
  const headsOf = (check: CheckResult["check"]) =>
    [...reportPage(report([result(check, "fail", { samples })]), []).matchAll(/<th scope="col">(.*?)</g)].map(
      ([, name]) => name,
    );
  expect(headsOf(range("z", { max: 2 }))).toEqual(["z", "id", "name", "place"]);
  expect(headsOf(notNull("place.city"))).toEqual(["place", "id", "name", "z"]);
  expect(headsOf(unique(["z", "name"]))).toEqual(["name", "z", "id", "place"]);
  expect(headsOf(types({ z: "int" }))).toEqual(["id", "name", "place", "z"]);
});
