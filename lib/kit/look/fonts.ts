import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inflateSync } from "node:zlib";
import { corruptFile } from "sololakehouse/errors";

/** A face that pictures and pages both use; files come from the @fontsource packages, so nothing is downloaded. */
export interface FontFace {
  readonly family: "Inter" | "JetBrains Mono";
  readonly weight: 400 | 500 | 600 | 700;
  readonly style: "normal" | "italic";
}

export const FONT_FACES: readonly FontFace[] = [
  { family: "Inter", weight: 400, style: "normal" },
  { family: "Inter", weight: 400, style: "italic" },
  { family: "Inter", weight: 500, style: "normal" },
  { family: "Inter", weight: 600, style: "normal" },
  { family: "Inter", weight: 700, style: "normal" },
  { family: "JetBrains Mono", weight: 400, style: "normal" },
  { family: "JetBrains Mono", weight: 600, style: "normal" },
];

/** The path of a face's file. `latin-ext` holds what `latin` lacks. */
export function fontFile(
  face: FontFace,
  format: "woff" | "woff2",
  subset: "latin" | "latin-ext" = "latin",
): string {
  const slug = face.family.toLowerCase().replace(" ", "-");
  const root = dirname(createRequire(import.meta.url).resolve(`@fontsource/${slug}/package.json`));
  return join(root, "files", `${slug}-${subset}-${face.weight}-${face.style}.${format}`);
}

/** A face as TrueType bytes, which is what D2 and resvg read. */
export function trueType(face: FontFace, subset: "latin" | "latin-ext" = "latin"): Uint8Array {
  return woffToTrueType(readFileSync(fontFile(face, "woff", subset)));
}

/**
 * Unpacks WOFF 1.0 into the sfnt it holds: the table directory is rewritten, compressed tables are inflated
 * (W3C WOFF File Format 1.0, sections 3 to 5).
 *
 * @throws CORRUPT_FILE when the bytes are not WOFF 1.0.
 */
export function woffToTrueType(woff: Uint8Array): Uint8Array {
  const input = new DataView(woff.buffer, woff.byteOffset, woff.byteLength);
  if (woff.byteLength < 44 || input.getUint32(0) !== 0x774f4646) {
    throw corruptFile("font", "The font is not a WOFF 1.0 file.");
  }
  const count = input.getUint16(12);
  const sfnt = new Uint8Array(input.getUint32(16));
  const output = new DataView(sfnt.buffer);
  const power = Math.floor(Math.log2(count));
  output.setUint32(0, input.getUint32(4));
  output.setUint16(4, count);
  output.setUint16(6, 16 * 2 ** power);
  output.setUint16(8, power);
  output.setUint16(10, 16 * count - 16 * 2 ** power);

  let at = 12 + 16 * count;
  for (let table = 0; table < count; table++) {
    const entry = 44 + 20 * table;
    const [offset, packedLength, length] = [4, 8, 12].map((field) => input.getUint32(entry + field)) as [
      number,
      number,
      number,
    ];
    const packed = woff.subarray(offset, offset + packedLength);
    sfnt.set(packedLength < length ? inflateSync(packed) : packed, at);
    const directory = 12 + 16 * table;
    output.setUint32(directory, input.getUint32(entry));
    output.setUint32(directory + 4, input.getUint32(entry + 16));
    output.setUint32(directory + 8, at);
    output.setUint32(directory + 12, length);
    at += (length + 3) & ~3;
  }
  return sfnt;
}
