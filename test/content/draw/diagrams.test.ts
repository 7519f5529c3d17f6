import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contentHash, openCache } from "../../../lib/kit/content/draw/cache.js";
import {
  type DiagramRenderer,
  diagramProblem,
  openDiagrams,
  stampDiagram,
} from "../../../lib/kit/content/draw/diagrams.js";
import { palettes } from "../../../lib/kit/look/index.js";

let folder: string;
let diagrams: DiagramRenderer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slh-diagrams-"));
  diagrams = openDiagrams(openCache(folder));
});
afterAll(async () => {
  await diagrams.close();
  rmSync(folder, { recursive: true, force: true });
});

const source = "direction: right\na: Rows\nb: Table {class: here}\na -> b: appends\n";

describe("diagrams", () => {
  test("are drawn in both themes, wide and tall, with their fonts inside, the same bytes each time", async () => {
    const light = await diagrams.render(source, "d.d2", "light");
    const dark = await diagrams.render(source, "d.d2", "dark");
    const tall = await diagrams.render(source, "d.d2", "light", "tall");
    expect(light).toContain(palettes.light.ice);
    expect(dark).toContain(palettes.dark.ice);
    expect(light).toContain("data:application/font-woff");
    const [width, height] = size(light);
    const [tallWidth, tallHeight] = size(tall);
    expect(width).toBeGreaterThan(height);
    expect(tallHeight).toBeGreaterThan(tallWidth);

    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    expect(await diagrams.render(source, "d.d2", "light")).toBe(light);
  });

  test("are XML with names in quotes too, which D2 writes into ids as they are", async () => {
    const tables =
      '"a.b": {\n  shape: sql_table\n  "x"\n}\n"c.d": {\n  shape: sql_table\n  "y"\n}\n"a.b"."x" -> "c.d"."y"\n';
    const svg = await diagrams.render(tables, "d.d2", "light");
    expect(svg).toMatch(/clip-path="url\(#d2-\d+-a\.b\)"/);
    expect(svg).not.toMatch(/ d="[^"]*Z [^"MmZz]/);
    const { Resvg } = await import("@resvg/resvg-js");
    expect(new Resvg(svg).width).toBeGreaterThan(100);
  });

  test("come out of the cache without D2", async () => {
    const first = await diagrams.render(source, "d.d2", "light");
    const other = openDiagrams(openCache(folder));
    expect(await other.render(source, "d.d2", "light")).toBe(first);
    await other.close();
  });

  test("say where D2 stumbles", async () => {
    await expect(
      diagrams.render("a: {\n  b ->\n}\n", "milestones/x/diagram.d2", "light"),
    ).rejects.toMatchObject({
      code: "CONTENT_INVALID",
      message: expect.stringMatching(/^milestones\/x\/diagram\.d2:2:\d+: D2 says: /),
    });
    // One bad diagram does not spoil the next.
    expect(await diagrams.render("z", "z.d2", "light")).toContain("<svg");
  });

  test("know whether a committed drawing shows its source", () => {
    const svg = stampDiagram("<svg/>", source);
    expect(diagramProblem(svg, source)).toBeUndefined();
    expect(diagramProblem(svg, source.replaceAll("\n", "\r\n"))).toBeUndefined();
    expect(diagramProblem(svg, `${source}c\n`)).toMatch(/older diagram\.d2/);
    expect(diagramProblem(undefined, source)).toMatch(/missing\. Run: slh content build --save/);
  });
});

describe("the cache", () => {
  test("makes a thing once, and nothing when making fails", async () => {
    const cache = openCache(folder);
    let made = 0;
    const make = () => `made ${++made}`;
    expect([await cache.text("k", make), await cache.text("k", make)]).toEqual(["made 1", "made 1"]);
    await expect(cache.text("bad", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(existsSync(join(folder, "bad"))).toBe(false);
  });

  test("tells parts apart however they are cut", () => {
    expect(contentHash("ab", "c")).not.toBe(contentHash("a", "bc"));
  });
});

function size(svg: string): [number, number] {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];
  return [Number(width), Number(height)];
}
