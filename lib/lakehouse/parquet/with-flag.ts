import type { ParquetSummary } from "./format/footer.js";
import { int, long, structs } from "./format/schema.js";
import { readThriftStruct, type ThriftStruct, writeThriftStruct } from "./format/thrift.js";
import { bytes, i32, i64, list, struct as structOf } from "./format/thrift-values.js";

const MAGIC = new TextEncoder().encode("PAR1");

/** Field ids of parquet.thrift: FileMetaData, SchemaElement, RowGroup, ColumnChunk. */
const SCHEMA = 2;
const ROW_GROUPS = 4;
const COLUMN_ORDERS = 7;
const CHILD_COUNT = 5;
const COLUMNS = 1;
const GROUP_ROWS = 3;

/**
 * The end of a Parquet file that gets one more column at its top: a required boolean, uncompressed. The file is then
 * its own bytes up to where its footer started, followed by these: the column's pages, the new footer, its length, and
 * the magic. Field ids, statistics and all else stay as they are.
 *
 * @param name of the column; no other of the file may have it.
 * @param bits one for each row of the file, the lowest of a byte first.
 * @param start offset in the file at which the old footer starts.
 */
export function withFlagColumn(
  footer: Pick<ParquetSummary, "metadata">,
  name: string,
  bits: Uint8Array,
  start: number,
  subject: string,
): Uint8Array {
  const { struct } = readThriftStruct(footer.metadata, subject);
  const path = new TextEncoder().encode(name);
  const root = structs(struct, SCHEMA)?.[0];
  root?.set(CHILD_COUNT, i32((int(root, CHILD_COUNT) ?? 0) + 1));
  append(struct, SCHEMA, structOf([1, i32(BOOLEAN)], [3, i32(0)], [4, bytes(path)]).value);
  if (struct.has(COLUMN_ORDERS)) append(struct, COLUMN_ORDERS, structOf([1, structOf()]).value);
  const parts: Uint8Array[] = [];
  let at = start;
  let row = 0;
  for (const group of structs(struct, ROW_GROUPS) ?? []) {
    const rows = Number(long(group, GROUP_ROWS) ?? 0n);
    const page = dataPage(sliceBits(bits, row, rows), rows);
    append(group, COLUMNS, columnChunk(path, page.length, at, rows));
    parts.push(page);
    at += page.length;
    row += rows;
  }
  const metadata = writeThriftStruct(struct);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, metadata.length, true);
  return Buffer.concat([...parts, metadata, length, MAGIC]);
}

const BOOLEAN = 0;
const PLAIN = 0;
const RLE = 3;

/** One data page (parquet.thrift, PageHeader and DataPageHeader). A required column has no levels. */
function dataPage(values: Uint8Array, rows: number): Uint8Array {
  const data = structOf([1, i32(rows)], [2, i32(PLAIN)], [3, i32(RLE)], [4, i32(RLE)]);
  const size = i32(values.length);
  const header = writeThriftStruct(structOf([1, i32(0)], [2, size], [3, size], [5, data]).value);
  return Buffer.concat([header, values]);
}

function columnChunk(path: Uint8Array, size: number, offset: number, rows: number): ThriftStruct {
  const metadata = structOf(
    [1, i32(BOOLEAN)],
    [2, list("i32", [i32(PLAIN)])],
    [3, list("binary", [bytes(path)])],
    [4, i32(0)],
    [5, i64(rows)],
    [6, i64(size)],
    [7, i64(size)],
    [9, i64(offset)],
  );
  return structOf([2, i64(offset)], [3, metadata]).value;
}

/** `count` bits from bit `from` on; those after them in the last byte are 0. */
function sliceBits(bits: Uint8Array, from: number, count: number): Uint8Array {
  const size = Math.ceil(count / 8);
  const first = Math.floor(from / 8);
  const shift = from % 8;
  const slice = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const low = (bits[first + i] ?? 0) >>> shift;
    slice[i] = low | ((bits[first + i + 1] ?? 0) << (8 - shift));
  }
  if (count % 8 !== 0) slice[size - 1] = (slice[size - 1] ?? 0) & ((1 << (count % 8)) - 1);
  return slice;
}

function append(struct: ThriftStruct, id: number, value: ThriftStruct): void {
  const list = struct.get(id);
  if (list?.type !== "list") return;
  struct.set(id, { ...list, value: [...list.value, { type: "struct", value }] });
}
