/**
 * Codecs: compression and checksums that the formats share, one implementation of each. This room knows no file and no
 * format. Each decompressor takes the most bytes that it may give, and throws `InvalidBytes`; who calls knows the file
 * and makes the error of it. What has to be compiled or loaded is so at its first use.
 */
export { crc32, crc32c } from "./crc.js";
export { Crc64Nvme } from "./crc64.js";
export { InvalidBytes } from "./invalid-bytes.js";
export { compressLz4Block, compressLz4Frame, decompressLz4Block, decompressLz4Frame } from "./lz4.js";
export { compressSnappy, decompressSnappy } from "./snappy.js";
export { prepareXxHash, xxHash64 } from "./xxhash.js";
export {
  compressDeflate,
  compressGzip,
  decompressBrotli,
  decompressDeflate,
  decompressGzip,
} from "./zlib.js";
export { compressZstd, decompressZstd, decompressZstdStream, prepareZstd, zstdContentSize } from "./zstd.js";
