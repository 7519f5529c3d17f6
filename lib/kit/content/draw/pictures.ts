import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FONT_FACES, fontFile, palettes, trueType } from "../../look/index.js";
import { type Cache, contentHash, packageVersion } from "./cache.js";
import type { CardElement } from "./cards.js";

/** Makes PNGs without a browser and without the machine's fonts: the same input gives the same bytes everywhere. */
export interface Pictures {
  /** An SVG as PNG, `width` pixels wide. */
  png(svg: string, width: number): Promise<Uint8Array>;
  /** A laid-out card (cover, social image, table) as PNG. Without a height, as tall as its content. */
  card(element: CardElement, width: number, height?: number): Promise<Uint8Array>;
}

/**
 * @param fontFolder where the fonts are unpacked to: resvg reads TrueType files, the packages hold WOFF.
 */
export function openPictures(cache: Cache, fontFolder: string): Pictures {
  const version = contentHash(
    packageVersion("@resvg/resvg-js"),
    packageVersion("satori"),
    packageVersion("@fontsource/inter"),
  );
  const rasterise = async (svg: string, width: number) => {
    const { Resvg } = await import("@resvg/resvg-js");
    const image = new Resvg(plainGlyphs(plainFonts(svg)), {
      fitTo: { mode: "width", value: width },
      background: palettes.light.paper,
      font: { fontFiles: unpackFonts(fontFolder), loadSystemFonts: false, defaultFontFamily: "Inter" },
    });
    return image.render().asPng();
  };
  return {
    png(svg, width) {
      return cache.bytes(`picture-${contentHash(svg, String(width), version)}.png`, () =>
        rasterise(svg, width),
      );
    },
    card(element, width, height) {
      const key = `card-${contentHash(JSON.stringify(element), `${width}x${height}`, version)}.png`;
      return cache.bytes(key, async () => {
        const { default: satori } = await import("satori");
        const fonts = FONT_FACES.map((face) => ({ face, data: Buffer.from(trueType(face)) }));
        // satori takes React elements, and plain objects of the same shape.
        const svg = await satori(
          element as unknown as Parameters<typeof satori>[0],
          {
            width,
            height,
            fonts: fonts.map(({ face: { family, weight, style }, data }) => ({
              name: family,
              weight,
              style,
              data,
            })),
          } as Parameters<typeof satori>[1],
        );
        return rasterise(svg, width);
      });
    },
  };
}

/** D2 embeds its fonts in CSS, which resvg does not read: name the families that it has. */
function plainFonts(svg: string): string {
  return svg.replace(
    /font-family:\s*"?d2-\d+-font-(\w+)"?/g,
    (_, kind: string) =>
      `font-family: Inter; font-weight: ${kind === "regular" || kind === "italic" ? 400 : 600}`,
  );
}

/** Signs that the Latin fonts lack, written with those that they have: a missing glyph would be a box. */
function plainGlyphs(svg: string): string {
  const signs: Readonly<Record<string, string>> = {
    "→": "-&gt;",
    "←": "&lt;-",
    "↔": "&lt;-&gt;",
    "≥": "&gt;=",
    "≤": "&lt;=",
    "≈": "~",
  };
  return svg.replace(/[→←↔≥≤≈]/g, (sign) => signs[sign] ?? sign);
}

function unpackFonts(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return FONT_FACES.flatMap((face) =>
    (["latin", "latin-ext"] as const).map((subset) => {
      const name = contentHash(fontFile(face, "woff", subset), packageVersion("@fontsource/inter"));
      const path = join(folder, `${name}.ttf`);
      if (!existsSync(path)) writeFileSync(path, trueType(face, subset));
      return path;
    }),
  );
}
