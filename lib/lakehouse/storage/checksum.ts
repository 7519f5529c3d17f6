import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** A running checksum; `digest` is base64 of the big-endian value, as S3 headers carry it. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/** The checksum that an `x-amz-checksum-*` header names; undefined for one that we do not know. */
export function checksumFor(header: string): Checksum | undefined {
  switch (header.toLowerCase()) {
    case "x-amz-checksum-crc32":
      return crc((bytes, before) => crc32(bytes, before));
    case "x-amz-checksum-crc32c":
      return crc(crc32c);
    case "x-amz-checksum-crc64nvme":
      return new Crc64Nvme();
    case "x-amz-checksum-sha1":
      return hash("sha1");
    case "x-amz-checksum-sha256":
      return hash("sha256");
    case "content-md5":
      return hash("md5");
    default:
      return undefined;
  }
}

function hash(algorithm: string): Checksum {
  const running = createHash(algorithm);
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest("base64") };
}

function crc(step: (bytes: Uint8Array, before: number) => number): Checksum {
  let value = 0;
  return {
    update(bytes) {
      value = step(bytes, value);
    },
    digest() {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value >>> 0);
      return out.toString("base64");
    },
  };
}

/** Castagnoli polynomial, reflected (RFC 3720, appendix B.4). */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(bytes: Uint8Array, before: number): number {
  let value = ~before;
  for (const byte of bytes) value = (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
}

/** CRC-64/NVME (NVM Express, NVM command set): polynomial 0xad93d23594c93659, reflected, here in two halves. */
const POLYNOMIAL_HIGH = 0x9a6c9329;
const POLYNOMIAL_LOW = 0xac4bc9b5;
const CRC64_HIGH = new Uint32Array(256);
const CRC64_LOW = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd) {
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
  }
  CRC64_HIGH[byte] = high;
  CRC64_LOW[byte] = low;
}

class Crc64Nvme implements Checksum {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    for (const byte of bytes) {
      const index = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (CRC64_LOW[index] ?? 0);
      high = (high >>> 8) ^ (CRC64_HIGH[index] ?? 0);
    }
    this.#high = high;
    this.#low = low;
  }

  digest(): string {
    const out = Buffer.alloc(8);
    out.writeUInt32BE(~this.#high >>> 0, 0);
    out.writeUInt32BE(~this.#low >>> 0, 4);
    return out.toString("base64");
  }
}
