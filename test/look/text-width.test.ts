import { expect, test } from "vitest";
import { renderChart } from "../../lib/kit/look/index.js";
import { textWidth } from "../../lib/kit/look/text-width.js";

test("a text is as wide as its face says", () => {
  expect(textWidth({ fontSize: 16, fontWeight: 400 }, "i")).toBeLessThan(
    textWidth({ fontSize: 16, fontWeight: 400 }, "m") / 2,
  );
  expect(textWidth({ fontSize: 16, fontWeight: 600 }, "bold")).toBeGreaterThan(
    textWidth({ fontSize: 16, fontWeight: 400 }, "bold"),
  );
  expect(textWidth({ fontSize: 16, fontWeight: 400 }, "")).toBe(0);
  // Twelve signs of running text take about half an em each.
  expect(textWidth({ fontSize: 12, fontWeight: 400 }, "in the table")).toBeGreaterThan(55);
  expect(textWidth({ fontSize: 12, fontWeight: 400 }, "in the table")).toBeLessThan(75);
});

test("a character that the face lacks still takes room", () =>
  expect(textWidth({ fontSize: 16, fontWeight: 400 }, "\u{1f9ca}")).toBeGreaterThan(0));

test("a chart leaves its labels the room that they take", async () => {
  const chart = (name: string) =>
    renderChart(
      {
        data: { values: [{ name, value: 1 }] },
        mark: "bar",
        encoding: {
          y: { field: "name", type: "nominal", title: null },
          x: { field: "value", type: "quantitative" },
        },
      },
      "light",
    );
  const width = async (name: string) => Number(/<svg[^>]* width="([\d.]+)"/.exec(await chart(name))?.[1]);
  const name = "a label of some length";
  expect((await width(name)) - (await width("a"))).toBeCloseTo(
    textWidth({ fontSize: 12, fontWeight: 400 }, name) - textWidth({ fontSize: 12, fontWeight: 400 }, "a"),
    -1,
  );
});
