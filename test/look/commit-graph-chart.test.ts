import { expect, test } from "vitest";
import { commitGraph, palettes, renderChart } from "../../lib/kit/look/index.js";

const commits = [
  { hash: "m", parents: ["b", "e"], message: "Merge etl into main" },
  { hash: "e", parents: ["a"], message: "Load February, with a message that is much too long for a phone" },
  { hash: "b", parents: ["a"], message: "Correct January" },
  { hash: "a", parents: ["0"], message: "Load January\n\nand more" },
];
const refs = [
  { type: "BRANCH", name: "main", hash: "m" },
  { type: "BRANCH", name: "etl", hash: "e" },
  { type: "TAG", name: "v1", hash: "a" },
];

test("draws a row for each commit, names its refs, and fits a phone", async () => {
  const svg = await renderChart(commitGraph(commits, { refs, main: "main", root: "0" }), "light");
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  expect(texts.sort()).toEqual([
    "Correct January",
    "Load February, with a message… (etl)",
    "Load January (tag v1)",
    "Merge etl into main (main)",
  ]);
  expect(Number(/ width="([\d.]+)"/.exec(svg)?.[1])).toBeLessThan(360);
  const lines = [...svg.matchAll(/<path[^>]*stroke="(#\w+)"[^>]*stroke-width="2"[^>]*>/g)].filter(([path]) =>
    /d="M[^"]*L/.test(path),
  );
  expect(lines.map(([, colour]) => colour).sort()).toEqual(
    [palettes.light.ice, palettes.light.ice, palettes.light.grey, palettes.light.grey].sort(),
  );
});

test("draws nothing but an empty plot where there are no commits", async () => {
  expect(await renderChart(commitGraph([]), "dark")).toContain("<svg");
});
