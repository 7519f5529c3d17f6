import { describe, expect, test } from "vitest";
import {
  type ColourRole,
  contrastRatio,
  cssVariables,
  palettes,
  renderChart,
  THEMES,
  withTheme,
} from "../../lib/kit/look/index.js";

const TEXT: ColourRole[] = [
  "ink",
  "inkSoft",
  "inkFaint",
  "iceText",
  "tealText",
  "amberText",
  "redText",
  "greenText",
];
const MARKS: ColourRole[] = ["ice", "teal", "amber", "red", "green"];

describe.each(THEMES)("the %s palette", (theme) => {
  const palette = palettes[theme];

  test.each(TEXT)("%s reads at 4.5:1 on paper, raised and wash", (role) => {
    for (const background of [palette.paper, palette.raised, palette.wash]) {
      expect(contrastRatio(palette[role], background)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each(MARKS)("%s stands out from paper at 3:1, as a mark must", (role) => {
    expect(contrastRatio(palette[role], palette.paper)).toBeGreaterThanOrEqual(3);
  });

  test("has a colour of its own for each role, written alike, so that drawings can be recoloured", () => {
    const colours = Object.values(palette);
    expect(new Set(colours).size).toBe(colours.length);
    for (const colour of colours) expect(colour).toMatch(/^#[0-9A-F]{6}$/);
  });

  test("becomes CSS custom properties", () => {
    expect(cssVariables(theme)).toContain(`--ink-soft: ${palette.inkSoft};`);
  });
});

describe("contrast", () => {
  test("is 21 for black on white, 1 for a colour on itself, whichever comes first", () => {
    expect(contrastRatio("#000000", "#FFFFFF")).toBeCloseTo(21);
    expect(contrastRatio("#FFFFFF", "#000000")).toBeCloseTo(21);
    expect(contrastRatio("#2F6FDE", "#2F6FDE")).toBe(1);
  });
});

describe("charts", () => {
  const spec = {
    title: "Compaction: 2,000 files become 12",
    data: {
      values: [
        { state: "before", files: 2000 },
        { state: "after", files: 12 },
      ],
    },
    mark: { type: "bar", color: "@teal" },
    encoding: { x: { field: "files", type: "quantitative" }, y: { field: "state", type: "nominal" } },
  };

  test("paints named roles from the palette, and lets a chart override the theme", () => {
    const themed = withTheme({ ...spec, config: { axis: { labelFontSize: 20 } } }, "dark");
    expect(themed.mark).toEqual({ type: "bar", color: palettes.dark.teal });
    expect(themed.config).toMatchObject({ axis: { labelFontSize: 20, labelColor: palettes.dark.inkSoft } });
  });

  test.each(THEMES)("draws the same bytes twice in the %s theme", async (theme) => {
    const first = await renderChart(spec, theme);
    expect(first).toContain(palettes[theme].teal);
    expect(first).toContain("Compaction: 2,000 files become 12");
    expect(await renderChart(spec, theme)).toBe(first);
  });

  test.each(["America/Los_Angeles", "Asia/Tokyo"])("draws times alike on a machine in %s", async (zone) => {
    const times = {
      data: {
        values: [
          { at: "2001-01-01", n: 1 },
          { at: "2001-01-01T23:30:00", n: 2 },
          { at: "2001-01-02 12:00", n: 3 },
        ],
      },
      mark: "bar",
      encoding: {
        x: { field: "at", type: "temporal", timeUnit: "monthdatehours" },
        y: { field: "n", type: "quantitative" },
      },
    };
    const here = process.env.TZ;
    try {
      process.env.TZ = "UTC";
      const expected = await renderChart(times, "light");
      process.env.TZ = zone;
      expect(await renderChart(times, "light")).toBe(expected);
      expect(expected).toContain("Jan 01");
    } finally {
      if (here === undefined) delete process.env.TZ;
      else process.env.TZ = here;
    }
  });

  test("says what Vega-Lite dislikes", async () => {
    await expect(
      renderChart(
        { mark: "bar", encoding: { x: { field: "a", type: "nonsense" } }, data: { url: 3 } },
        "light",
      ),
    ).rejects.toMatchObject({
      code: "CONTENT_INVALID",
    });
  });
});
