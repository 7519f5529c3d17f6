import { describe, expect, test } from "vitest";
import { fileCacheOptionsFromEnv } from "../../../lib/lakehouse/storage/index.js";

describe("fileCacheOptionsFromEnv", () => {
  test("reads a folder and a size in bytes or with a unit", () => {
    expect(fileCacheOptionsFromEnv({})).toEqual({});
    expect(fileCacheOptionsFromEnv({ SLH_CACHE_DIR: "/fast/disk", SLH_CACHE_BYTES: "1000" })).toEqual({
      dir: "/fast/disk",
      maxBytes: 1000,
    });
    for (const [text, bytes] of [
      ["500MB", 5e8],
      ["16GiB", 2 ** 34],
      ["1.5 gib", 1.5 * 2 ** 30],
      ["0", 0],
    ] as const) {
      expect(fileCacheOptionsFromEnv({ SLH_CACHE_BYTES: text })).toEqual({ maxBytes: bytes });
    }
  });

  test.each(["-1", "many", "10 bananas", "1e9"])("%s is INVALID_CONFIG", (size) => {
    expect(() => fileCacheOptionsFromEnv({ SLH_CACHE_BYTES: size })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", subject: "SLH_CACHE_BYTES" }),
    );
  });
});
