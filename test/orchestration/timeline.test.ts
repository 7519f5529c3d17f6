import { type RunDetails, runTimeline } from "sololakehouse/orchestration";
import { expect, test } from "vitest";

const details = (more: Partial<RunDetails>): RunDetails => ({
  id: "20261130-060000-0badcafe",
  pipeline: "flights",
  target: "main",
  trigger: "manual",
  status: "failed",
  base: "",
  epoch: 1,
  fingerprint: "",
  startedAt: 1000,
  endedAt: 3000,
  hash: undefined,
  error: undefined,
  steps: [],
  attempts: [],
  logs: [],
  ...more,
});

test("a run over time has a row for each step and a bar for each try, where and as long as it was", () => {
  const step = {
    attempts: 1,
    startedAt: 1000,
    endedAt: 2000,
    error: undefined,
    result: undefined,
    inputs: {},
    outputs: {},
  };
  const svg = runTimeline(
    details({
      steps: [
        { ...step, name: "left <out>", status: "skipped" },
        { ...step, name: "a & b", status: "succeeded" },
      ],
      attempts: [
        { step: "a & b", attempt: 1, startedAt: 1000, endedAt: 2000, outcome: "error" },
        { step: "a & b", attempt: 2, startedAt: 2000, endedAt: 3000, outcome: "succeeded" },
      ],
    }),
  );
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ]);
  expect(bars).toEqual([
    [220, 360],
    [580, 360],
  ]);
  expect(svg).toContain("a &#38; b, try 1: error, 1000 ms");
  expect(svg).toContain("left &#60;out&#62; (skipped)");
  expect(svg.match(/<svg|<\/svg>/g)).toEqual(["<svg", "</svg>"]);
});

test("a run that has only begun, and a clock that was set back, are no trouble", () => {
  const svg = runTimeline(
    details({
      endedAt: undefined,
      attempts: [{ step: "s\u0000", attempt: 1, startedAt: 900, endedAt: undefined, outcome: undefined }],
    }),
    500,
  );
  expect(svg).not.toMatch(/NaN|Infinity|="-\d/);
  expect(svg.includes("\u0000")).toBe(false);
});
