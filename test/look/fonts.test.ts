import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FONT_FACES, fontFile, trueType, woffToTrueType } from "../../lib/kit/look/index.js";

describe("fonts", () => {
  test.each(FONT_FACES)(
    "$family $weight $style unpacks to a TrueType file whose tables carry their checksums",
    (face) => {
      const font = trueType(face);
      const view = new DataView(font.buffer);
      expect(view.getUint32(0)).toBe(0x00010000);
      const tables = view.getUint16(4);
      let verified = 0;
      for (let entry = 12; entry < 12 + 16 * tables; entry += 16) {
        const tag = String.fromCharCode(...font.subarray(entry, entry + 4));
        if (tag === "head") continue; // its checksum excludes the adjustment that it holds itself
        expect(checksum(view, view.getUint32(entry + 8), view.getUint32(entry + 12))).toBe(
          view.getUint32(entry + 4),
        );
        verified++;
      }
      expect(verified).toBe(tables - 1);
    },
  );

  test("refuses what is not WOFF 1.0", () => {
    const woff2 = readFileSync(fontFile({ family: "Inter", weight: 400, style: "normal" }, "woff2"));
    expect(() => woffToTrueType(woff2)).toThrow(expect.objectContaining({ code: "CORRUPT_FILE" }));
  });
});

/** The sfnt table checksum: the sum of big-endian 32-bit words, the last one padded with zeros. */
function checksum(view: DataView, offset: number, length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at += 4) {
    sum = (sum + (offset + at + 4 <= view.byteLength ? view.getUint32(offset + at) : 0)) >>> 0;
  }
  return sum;
}
