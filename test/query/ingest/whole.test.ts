import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compressZstd, prepareZstd } from "../../../lib/lakehouse/codecs/index.js";
import { requireWhole } from "../../../lib/lakehouse/query/ingest/whole.js";
import { runs } from "../../support/runs.js";

/** A compressed file that was cut short is an error, wherever it was cut: never the rows that are left of it. */

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "whole-"));
  await prepareZstd();
});
afterAll(() => rmSync(folder, { recursive: true }));

const PACKED = {
  gz: (bytes: Uint8Array) => gzipSync(bytes),
  zst: (bytes: Uint8Array) => compressZstd(bytes, 1),
};

const file = (ending: string, bytes: Uint8Array) => {
  const path = join(folder, `rows.csv.${ending}`);
  writeFileSync(path, bytes);
  return { name: "rows", path };
};

/** Several blocks, of text and of one byte again and again; and several pieces one after the other. */
const contents = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 400_000 }).map((length) => new Uint8Array(length)),
    fc
      .integer({ min: 0, max: 40_000 })
      .map((length) => Buffer.from(Array.from({ length }, (_, i) => `${i},${i * i}`).join("\n"))),
  ),
  { minLength: 1, maxLength: 3 },
);

test.each(["gz", "zst"] as const)("%s, at any place", async (ending) => {
  await fc.assert(
    fc.asyncProperty(contents, fc.double({ min: 0, max: 1, noNaN: true }), async (pieces, place) => {
      const packed = pieces.map((piece) => PACKED[ending](piece));
      const whole = Buffer.concat(packed);
      await requireWhole(file(ending, whole));
      // Between two pieces it is whole, and shorter.
      const ends = packed.map((_, i) => Buffer.concat(packed.slice(0, i + 1)).length);
      const cut = Math.max(1, Math.floor(whole.length * place));
      if (ends.includes(cut)) return;
      await expect(requireWhole(file(ending, whole.subarray(0, cut)))).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
    }),
    { numRuns: runs(60) },
  );
});

test("nothing of it comes in", async () => {
  const lake = await openLakehouse({ root: join(folder, "lake") });
  const table = await lake.createTable("a.t", { schema: defineSchema({ a: int() }) });
  const rows = Buffer.from(`a\n${Array.from({ length: 50_000 }, (_, i) => i).join("\n")}\n`);
  for (const [ending, pack] of Object.entries(PACKED)) {
    const packed = pack(rows);
    const { path } = file(ending, packed.subarray(0, packed.length >> 1));
    await expect(table.appendFrom(path)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    await expect(lake.createTableAs("a.u", path)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  }
  expect((await table.refresh()).currentSnapshot).toBeUndefined();
  await lake.close();
});
