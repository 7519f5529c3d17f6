import { gzipSync } from "node:zlib";
import {
  Crc64Nvme,
  compressLz4Block,
  compressSnappy,
  compressZstd,
  crc32,
  crc32c,
  decompressGzip,
  decompressLz4Block,
  decompressSnappy,
  decompressZstd,
  prepareXxHash,
  prepareZstd,
  xxHash64,
} from "sololakehouse/codecs";
import type { Bench, Measurement } from "./harness.js";

export const bench: Bench = {
  about:
    "Compress, decompress and sum 1 MiB of records as text, in MB/s, and hash keys of 8 bytes, in MB/s. hyparquet-compressors reads what ours wrote; a plain table in JavaScript is what CRC-32C was before.",
  contenders: [
    { name: "ours", run: ours },
    { name: "hyparquet-compressors", run: hyparquet },
    { name: "JavaScript table", run: table },
  ],
  rounds: 3,
};

const BYTES = 1024 * 1024;

/** Records that repeat as those of logs and tables do. */
function records(): Uint8Array {
  let text = "";
  for (let i = 0; text.length < BYTES; i++)
    text += `{"id":${i * 7919},"carrier":"C${(i * 31) % 17}","delay":${(i * i) % 613},"on":"2024-0${1 + (i % 9)}-1${i % 10}"}\n`;
  return new TextEncoder().encode(text.slice(0, BYTES));
}

/** Megabytes per second, once it is warm. */
function speed(bytes: number, work: () => unknown): number {
  const until = (milliseconds: number) => {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < milliseconds) {
      work();
      count++;
    }
    return (count * bytes) / (performance.now() - start) / 1000;
  };
  until(100);
  return until(400);
}

async function ours(): Promise<Measurement> {
  await Promise.all([prepareZstd(), prepareXxHash()]);
  const plain = records();
  const [snappy, lz4, zstd, gzip] = [
    compressSnappy(plain),
    compressLz4Block(plain),
    compressZstd(plain, 1),
    gzipSync(plain),
  ];
  const crc64 = new Crc64Nvme();
  const key = plain.subarray(0, 8);
  return {
    snappyCompress: speed(BYTES, () => compressSnappy(plain)),
    snappyDecompress: speed(BYTES, () => decompressSnappy(snappy, BYTES)),
    lz4Compress: speed(BYTES, () => compressLz4Block(plain)),
    lz4Decompress: speed(BYTES, () => decompressLz4Block(lz4, BYTES)),
    zstdCompress: speed(BYTES, () => compressZstd(plain, 1)),
    zstdDecompress: speed(BYTES, () => decompressZstd(zstd, BYTES)),
    gzipDecompress: speed(BYTES, () => decompressGzip(gzip, BYTES)),
    crc32: speed(BYTES, () => crc32(plain)),
    crc32c: speed(BYTES, () => crc32c(plain)),
    crc64nvme: speed(BYTES, () => crc64.update(plain)),
    xxHash64OfKeys: speed(8, () => xxHash64(key)),
  };
}

async function hyparquet(): Promise<Measurement> {
  const { decompressGzip, decompressLz4Raw, compressors } = await import("hyparquet-compressors");
  const plain = records();
  const [snappy, lz4, gzip] = [compressSnappy(plain), compressLz4Block(plain), gzipSync(plain)];
  return {
    snappyDecompress: speed(BYTES, () => compressors.SNAPPY?.(snappy, BYTES)),
    lz4Decompress: speed(BYTES, () => decompressLz4Raw(lz4, BYTES)),
    gzipDecompress: speed(BYTES, () => decompressGzip(gzip, BYTES)),
  };
}

async function table(): Promise<Measurement> {
  const steps = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value;
  });
  const plain = records();
  return {
    crc32c: speed(BYTES, () => {
      let value = -1;
      for (const byte of plain) value = (steps[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
      return ~value >>> 0;
    }),
  };
}
