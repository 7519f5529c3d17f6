import { expect, it } from "vitest";
import { loadDecompressors } from "../../lib/lakehouse/parquet/decompressors.js";
import { compressSnappy } from "../../lib/lakehouse/parquet/encode/snappy.js";

it("reads sound Snappy blocks also after thousands that run over their length", async () => {
  const { SNAPPY: decompress } = await loadDecompressors();
  if (decompress === undefined) throw new Error("There is no Snappy.");
  const sound = Array.from({ length: 20 }, (_, k) =>
    Uint8Array.from({ length: 50 + k * 97 }, (_, i) =>
      k % 2 === 0 ? (i * i) % 7 : (i * 2_654_435_761) >>> 24,
    ),
  );
  const blocks = sound.map((bytes) => compressSnappy(bytes));
  // Says 2,000,000 bytes: eight, then copies of them over and over. Its page is said to have 26.
  const copies = Array.from({ length: 20_000 }, () => [(63 << 2) | 2, 8, 0]).flat();
  const long = Uint8Array.from([0x80, 0x89, 0x7a, 7 << 2, 1, 2, 3, 4, 5, 6, 7, 8, ...copies]);
  for (let i = 0; i < 4000; i++) expect(() => decompress(long, 26)).toThrow();
  for (const [i, bytes] of sound.entries())
    expect(decompress(blocks[i] as Uint8Array, bytes.length)).toEqual(bytes);
});
