import { readFileSync } from "node:fs";
import type { LakehouseError } from "sololakehouse/errors";
import { contentInvalid } from "../../errors.js";
import { type ColourRole, diagramTheme, palettes, type Theme, trueType } from "../../look/index.js";
import { type Cache, contentHash, packageVersion } from "./cache.js";

/** `wide` flows as its source says; `tall` from top to bottom, for phones. */
export type DiagramShape = "wide" | "tall";

/** Draws D2 diagrams; loads D2 on the first one that the cache does not hold. */
export interface DiagramRenderer {
  /**
   * A diagram as SVG with its fonts inside. The same source gives the same bytes.
   *
   * @throws CONTENT_INVALID with D2's own complaint and its line.
   */
  render(source: string, file: string, theme: Theme, shape?: DiagramShape): Promise<string>;
  /** Ends D2's worker, without which the process would not exit. */
  close(): Promise<void>;
}

export function openDiagrams(cache: Cache): DiagramRenderer {
  let engine: Promise<Engine> | undefined;
  return {
    async render(source, file, theme, shape = "wide") {
      const hasTables = /\bsql_table\b/.test(source);
      const text = [
        source,
        ...(shape === "tall" ? ["direction: down"] : []),
        diagramTheme("light"),
        ...(hasTables ? [TABLE_INK] : []),
        // ELK puts tables beside each other also where they stand one below the other.
        ...(hasTables && shape === "tall" ? [DAGRE] : []),
      ].join("\n");
      const made = [packageVersion("@terrastruct/d2"), packageVersion("@fontsource/inter"), MENDED];
      const key = `diagram-${contentHash(text, ...made)}.svg`;
      const light = await cache.text(key, async () => {
        engine ??= startEngine();
        return (await engine).draw(text, file);
      });
      return theme === "light" ? light : recolour(light, theme);
    },
    async close() {
      if (engine) await (await engine).stop();
      engine = undefined;
    },
  };
}

/** For diagrams with tables: D2 writes their columns in the colour of strokes, which is too faint for text. */
const TABLE_INK = `vars: {d2-config: {theme-overrides: {B2: "${palettes.light.inkSoft}"}}}`;

/** The same drawing in another theme: the layout knows no colours, and each role has a colour of its own. */
function recolour(light: string, theme: Theme): string {
  const roles = Object.keys(palettes.light) as ColourRole[];
  const colours = new Map(roles.map((role) => [palettes.light[role], palettes[theme][role]]));
  return light.replace(/#[0-9A-F]{6}\b/g, (hex) => colours.get(hex) ?? hex);
}

/** The source that a committed drawing was drawn from, as a comment that the freshness check reads. */
export function stampDiagram(svg: string, source: string, name = "diagram"): string {
  return `${svg}\n<!-- drawn from ${name}.d2 ${sourceStamp(source)} -->\n`;
}

/** Why a committed drawing does not show its source any more, or undefined when it does. */
export function diagramProblem(
  svg: string | undefined,
  source: string,
  name = "diagram",
): string | undefined {
  if (svg === undefined) return `${name}.svg is missing. Run: slh content build --save`;
  if (svg.includes(`drawn from ${name}.d2 ${sourceStamp(source)} `)) return undefined;
  return `${name}.svg was drawn from an older ${name}.d2. Run: slh content build --save`;
}

/** Of the source and the theme, not of the bytes: another D2 version may draw the same diagram a pixel apart. */
function sourceStamp(source: string): string {
  return contentHash(source.replace(/\r\n/g, "\n"), diagramTheme("light"));
}

interface Engine {
  draw(text: string, file: string): Promise<string>;
  stop(): Promise<void>;
}

const DAGRE = "vars: {d2-config: {layout-engine: dagre}}";

/** D2 writes a name with its quotes into the ids of tables' clips, within the quotes of the attribute: that is no XML. */
const QUOTED_ID = /(d2-\d+-)"([^"<>]+)"/g;

/** And it ends the outline of such a clip with a point that no command is given for. */
const POINT_AFTER_END = /Z [\d.]+ [\d.]+(?=")/g;

/** Drawings that were mended otherwise are none of these. */
const MENDED = `${QUOTED_ID} ${POINT_AFTER_END}`;

/** What the package does not declare: readiness, and the worker that keeps the process alive. */
interface D2Internals {
  readonly ready: Promise<void>;
  readonly worker: { terminate(): Promise<number> };
}

async function startEngine(): Promise<Engine> {
  const { D2 } = await import("@terrastruct/d2");
  const d2 = new D2();
  const internals = d2 as unknown as D2Internals;
  await internals.ready;
  // Requests cross to Go as JSON, where bytes are base64 text whatever the declared type.
  const face = (weight: 400 | 600) =>
    Buffer.from(trueType({ family: "Inter", weight, style: "normal" })).toString(
      "base64",
    ) as unknown as Uint8Array;
  const fonts = {
    fontRegular: face(400),
    fontItalic: face(400),
    fontBold: face(600),
    fontSemibold: face(600),
  };
  // One request at a time: the package keeps a single pending answer.
  let last: Promise<unknown> = Promise.resolve();
  return {
    draw(text, file) {
      const next = last.then(async () => {
        try {
          const compiled = await d2.compile({
            fs: { index: text },
            options: { layout: text.endsWith(DAGRE) ? "dagre" : "elk", ...fonts },
          });
          const svg = await d2.render(compiled.diagram, {
            ...compiled.renderOptions,
            noXMLTag: true,
            salt: contentHash(text).slice(0, 8),
          });
          return svg.replace(QUOTED_ID, "$1$2").replace(POINT_AFTER_END, "Z");
        } catch (cause) {
          throw complaint(cause, file);
        }
      });
      last = next.catch(() => undefined);
      return next;
    },
    async stop() {
      await internals.worker.terminate();
    },
  };
}

/** D2 reports a list of `{range, errmsg}` as JSON; `errmsg` starts with `index:line:column`. */
function complaint(cause: unknown, file: string): LakehouseError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [, line, column, reason] = /"errmsg":"index:(\d+):(\d+): (.*?)"\}/.exec(text) ?? [];
  const message = line
    ? `${file}:${line}:${column}: D2 says: ${JSON.parse(`"${reason}"`)}.`
    : `${file}: D2 cannot draw it: ${text}.`;
  return contentInvalid(file, message, "Correct the diagram's source.", cause);
}

/** Reads a diagram's source. */
export function readDiagram(path: string): string {
  return readFileSync(path, "utf8");
}
