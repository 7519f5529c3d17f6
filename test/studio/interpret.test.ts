// Charts of the committed notebooks, drawn by Vega's own compiler and by the studio's interpreter of expressions.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { interpret, interpreter } from "../../lib/kit/studio/ui/chart/interpret.js";

const VEGA_LITE = "application/vnd.vegalite.v5+json";

interface NotebookJson {
  readonly cells: readonly {
    readonly id: string;
    readonly outputs?: readonly { readonly data?: Readonly<Record<string, unknown>> }[];
  }[];
}

function chartsOf(milestone: string): { readonly id: string; readonly spec: unknown }[] {
  const path = fileURLToPath(new URL(`../../milestones/${milestone}/notebook.ipynb`, import.meta.url));
  const { cells } = JSON.parse(readFileSync(path, "utf8")) as NotebookJson;
  return cells.flatMap(({ id, outputs = [] }) =>
    outputs.flatMap(({ data }) => (data?.[VEGA_LITE] ? [{ id, spec: data[VEGA_LITE] }] : [])),
  );
}

describe("expressions of charts, interpreted", () => {
  test.each(["m01-object-storage", "m02-data-version-control", "m03-writing-iceberg", "m04-querying"])(
    "draw the charts of %s as Vega does",
    async (milestone) => {
      const [vega, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
      const { resetSVGDefIds } = vega as unknown as { resetSVGDefIds(): void };
      const drawn = async (spec: unknown, interpreted: boolean) => {
        const compiled = compile(spec as Parameters<typeof compile>[0]).spec;
        const parsed = vega.parse(compiled, undefined, { ast: interpreted } as never);
        const options = { renderer: "none", ...(interpreted ? { expr: interpreter } : {}) };
        const view = new vega.View(parsed, options as unknown as import("vega").ViewOptions);
        resetSVGDefIds();
        const svg = await view.toSVG();
        view.finalize();
        return svg;
      };
      const charts = chartsOf(milestone);
      expect(charts.length).toBeGreaterThan(0);
      for (const { id, spec } of charts) expect(await drawn(spec, true), id).toBe(await drawn(spec, false));
    },
  );

  test("lead nowhere but to the data", () => {
    const text = { type: "Literal", value: "x" };
    const member = (property: string, object: object = text) =>
      ({ type: "MemberExpression", object, property: { type: "Identifier", name: property } }) as const;
    const scope = { fn: {}, params: undefined };
    expect(() => interpret(member("constructor"), scope)).toThrow("may not read .constructor");
    const computed = {
      type: "MemberExpression",
      computed: true,
      object: text,
      property: { type: "Literal", value: ["__proto__"] },
    };
    expect(() => interpret(computed, scope)).toThrow("may not read .__proto__");
    const call = { type: "CallExpression", callee: { type: "Identifier", name: "toString" }, arguments: [] };
    expect(() => interpret(call, scope)).toThrow("not known");
  });
});
