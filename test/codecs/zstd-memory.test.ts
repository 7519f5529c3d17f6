import type * as wasm from "@bokuweb/zstd-wasm";
import { beforeEach, describe, expect, test, vi } from "vitest";

/** What the package answers with in place of a frame, where a test says so. */
let instead: ((frame: Uint8Array) => Uint8Array) | undefined;

vi.mock("@bokuweb/zstd-wasm", async (original) => {
  const real = await original<typeof wasm>();
  const compress = (bytes: Uint8Array, level: number) => {
    const frame = real.compress(bytes, level);
    return instead === undefined ? frame : instead(frame);
  };
  return { ...real, compress };
});

describe("zstd in a process whose memory runs out", () => {
  beforeEach(() => {
    instead = undefined;
    vi.resetModules();
  });

  const random = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);
  const spoilt: Record<string, (frame: Uint8Array) => Uint8Array> = {
    "a right header before wrong bytes": (frame) =>
      frame.map((byte, at) => (at > frame.length / 2 ? byte ^ 0x55 : byte)),
    "a failure of the module": () => {
      throw new Error("Failed to compress with code -64");
    },
  };

  test.each(Object.keys(spoilt))("%s is refused, and so is all that comes after", async (kind) => {
    const { compressZstd, decompressZstd, prepareZstd } = await import("../../lib/lakehouse/codecs/zstd.js");
    await prepareZstd();
    const small = random(1000);
    expect(decompressZstd(compressZstd(small, 3), 1000)).toEqual(small);
    instead = spoilt[kind];
    const refused = expect.objectContaining({ code: "UNSUPPORTED_FEATURE", subject: "zstd" });
    expect(() => compressZstd(random(100_000), 3)).toThrow(refused);
    instead = undefined;
    expect(() => compressZstd(small, 3)).toThrow(refused);
  });
});
