import { createHash } from "node:crypto";
import { Crc64Nvme, crc32, crc32c } from "../codecs/index.js";

/** A running checksum; `digest` is base64 of the big-endian value, as S3 headers carry it. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/** The checksum of each `x-amz-checksum-*` header that we know, and Content-MD5. */
const CHECKSUMS: ReadonlyMap<string, () => Checksum> = new Map([
  ["x-amz-checksum-crc32", () => crc(crc32)],
  ["x-amz-checksum-crc32c", () => crc(crc32c)],
  ["x-amz-checksum-crc64nvme", crc64],
  ["x-amz-checksum-sha1", () => hash("sha1")],
  ["x-amz-checksum-sha256", () => hash("sha256")],
  ["content-md5", () => hash("md5")],
]);

/** The checksum that a header names; undefined for one that we do not know. */
export function checksumFor(header: string): Checksum | undefined {
  return CHECKSUMS.get(header.toLowerCase())?.();
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

function crc64(): Checksum {
  const running = new Crc64Nvme();
  return {
    update: (bytes) => running.update(bytes),
    digest: () => Buffer.from(running.digest()).toString("base64"),
  };
}
