import { crc32 } from "../codecs/index.js";
import type { ObjectStore } from "../storage/index.js";
import { corrupt } from "./format/corrupt.js";
import { chunkStart, readFooter } from "./format/footer.js";
import { int, structAt } from "./format/schema.js";
import { readThriftStruct, type ThriftStruct } from "./format/thrift.js";

/** What a verification has seen of a file. */
export interface ParquetVerification {
  /** Data pages and dictionary pages. */
  readonly pages: number;
  /** Those of them that carry a checksum, all of which are right. */
  readonly checkedPages: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
/** A page header holds some numbers and two bounds. */
const HEADER_BYTES = 64 * 1024;

/** parquet.thrift: PageHeader's structs for data pages of both versions. Their first field counts their values. */
const DATA_PAGE_HEADER = 5;
const DATA_PAGE_HEADER_V2 = 8;

/**
 * Reads a Parquet file's pages without decoding them, and holds each against its checksum (parquet-format,
 * "Checksumming"). Pages without one are counted, and must lie and count as the footer says. The footer itself, the
 * page indexes and Bloom filters have no checksums in Parquet.
 *
 * @param size length of the object in bytes where it is known.
 * @throws LakehouseError CORRUPT_FILE naming column, row group, page and offset; OBJECT_NOT_FOUND; STORAGE_FAILED
 */
export async function verifyParquet(
  store: ObjectStore,
  uri: string,
  size?: number,
): Promise<ParquetVerification> {
  const length = size ?? (await store.head(uri))?.size;
  const footer = await readFooter(store, uri, length);
  const end = (length ?? 0) - 8 - footer.metadata.length;
  const window = new Window(store, uri, end);
  let pages = 0;
  let checkedPages = 0;
  for (const [group, { columns }] of footer.rowGroups.entries()) {
    for (const [i, chunk] of columns.entries()) {
      const column = footer.columns[i]?.path.join(".") ?? "";
      let at = Number(chunkStart(chunk));
      let values = 0n;
      for (let page = 0; values < chunk.valueCount; page++) {
        const where = `page ${page} of column ${column} in row group ${group}, at byte ${at}`;
        const { struct, length: headerLength } = readThriftStruct(await window.at(at, HEADER_BYTES), uri);
        const bodyLength = int(struct, 3) ?? -1;
        const next = at + headerLength + bodyLength;
        if (bodyLength < 0 || next > end) throw corrupt(uri, `${where} goes beyond the data`);
        const checksum = int(struct, 4);
        if (checksum !== undefined) {
          const body = (await window.at(at, headerLength + bodyLength)).subarray(headerLength);
          if ((crc32(body.subarray(0, bodyLength)) | 0) !== checksum) {
            throw corrupt(uri, `${where} does not have the checksum that it came with`);
          }
          checkedPages++;
        }
        values += BigInt(valueCount(struct));
        pages++;
        at = next;
      }
      if (values > chunk.valueCount) {
        throw corrupt(
          uri,
          `column ${column} has ${values} values in row group ${group}, not ${chunk.valueCount}`,
        );
      }
    }
  }
  return { pages, checkedPages };
}

function valueCount(page: ThriftStruct): number {
  const data = structAt(page, DATA_PAGE_HEADER) ?? structAt(page, DATA_PAGE_HEADER_V2);
  return data === undefined ? 0 : Math.max(0, int(data, 1) ?? 0);
}

/** A stretch of the file in memory, which moves on. */
class Window {
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(
    readonly store: ObjectStore,
    readonly uri: string,
    readonly end: number,
  ) {}

  /** The bytes from `start` on: at least `length` of them, as far as there are so many before the footer. */
  async at(start: number, length: number): Promise<Uint8Array> {
    const needed = Math.min(start + length, this.end);
    if (start < this.#start || needed > this.#start + this.#bytes.length) {
      if (start >= this.end)
        throw corrupt(this.uri, `a column goes on at byte ${start}, where the footer is`);
      const end = Math.min(this.end, start + Math.max(length, WINDOW_BYTES));
      this.#bytes = await this.store.read(this.uri, { start, end });
      this.#start = start;
      if (this.#bytes.length < end - start) throw corrupt(this.uri, `it ends before byte ${end}`);
    }
    return this.#bytes.subarray(start - this.#start);
  }
}
