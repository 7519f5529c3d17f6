import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Crc64Nvme, crc32, crc32c, prepareXxHash, xxHash64 } from "../../lib/lakehouse/codecs/index.js";
import { runs } from "../support/runs.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const crc64 = (...parts: Uint8Array[]) => {
  const running = new Crc64Nvme();
  for (const part of parts) running.update(part);
  return Buffer.from(running.digest()).toString("hex");
};

beforeAll(prepareXxHash);

describe("checksums of published examples", () => {
  test("CRC-32 and CRC-64/NVME of the check string of the catalogues of CRCs", () => {
    expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
    expect(crc64(bytes("123456789"))).toBe("ae8b14860a799888");
    expect(crc64()).toBe("0000000000000000");
  });

  test("CRC-32C (RFC 3720, B.4)", () => {
    expect(crc32c(bytes("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
  });

  test("XXH64", () => {
    const hash = (text: string) => xxHash64(bytes(text)).toString(16);
    expect(hash("")).toBe("ef46db3751d8e999");
    expect(hash("a")).toBe("d24ec4f1a98c6e5b");
    expect(hash("abc")).toBe("44bc2cf5ad770999");
    expect(hash("Nobody inspects the spammish repetition")).toBe("fbcea83c8a378bf1");
  });
});

describe("checksums of any bytes", () => {
  /** Bit by bit, as the polynomial says. */
  function naive(all: Uint8Array, polynomial: bigint, width: bigint): bigint {
    const ones = (1n << width) - 1n;
    let value = ones;
    for (const byte of all) {
      value ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (value & 1n ? polynomial : 0n);
    }
    return value ^ ones;
  }
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });

  test("are those of a division bit by bit, however the bytes are cut", () => {
    fc.assert(
      fc.property(parts, (cut) => {
        const all = Buffer.concat(cut);
        const running = (crc: typeof crc32) => cut.reduce((value, part) => crc(part, value), 0);
        expect(BigInt(running(crc32))).toBe(naive(all, 0xedb88320n, 32n));
        expect(BigInt(running(crc32c))).toBe(naive(all, 0x82f63b78n, 32n));
        expect(BigInt(`0x${crc64(...cut)}`)).toBe(naive(all, 0x9a6c9329ac4bc9b5n, 64n));
      }),
      { numRuns: runs(100) },
    );
  });

  test("are of a view alone, not of the memory around it", () => {
    const around = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
    const view = around.subarray(13, 64);
    const copy = view.slice();
    expect(crc32(view)).toBe(crc32(copy));
    expect(crc32c(view)).toBe(crc32c(copy));
    expect(crc64(view)).toBe(crc64(copy));
    expect(xxHash64(view)).toBe(xxHash64(copy));
  });
});
