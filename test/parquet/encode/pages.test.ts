// Page indexes, statistics, sizes and Bloom filters say of the pages what a naive reader finds in them.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { xxHash64 } from "../../../lib/lakehouse/codecs/index.js";
import { int, long, structs } from "../../../lib/lakehouse/parquet/format/schema.js";
import { readThriftStruct, type ThriftStruct } from "../../../lib/lakehouse/parquet/format/thrift.js";
import {
  type ParquetColumn,
  type ParquetCompression,
  type ParquetNode,
  type ParquetWriteOptions,
  writeParquet,
} from "../../../lib/lakehouse/parquet/index.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";
import { hybrid, maxLevels, type NaivePage, pagesOf, plainBytes } from "../support/naive-pages.js";
import { build, type Plain } from "../support/plain-values.js";
import { anyColumn, type Column, columnOf } from "../support/random-columns.js";

const uri = "mem://test/x.parquet";
const PLAIN = 0;
const RLE_DICTIONARY = 8;

type Row = { readonly [name: string]: Plain };
/** A value in an order that JavaScript's `<` keeps; bytes as text with a character for each. */
type Ordered = number | bigint | string;

interface Chunk {
  readonly column: ParquetColumn;
  readonly rows: number;
  readonly struct: ThriftStruct;
  readonly metadata: ThriftStruct;
  readonly pages: readonly NaivePage[];
  /** The values of each data page. */
  readonly values: readonly (readonly Uint8Array[])[];
}

async function written(columns: readonly Column[], rows: readonly Row[], options: ParquetWriteOptions) {
  const store = new MemoryStore();
  const type = new arrow.Struct(columns.map(({ field }) => field));
  const schema = new arrow.Schema(type.children);
  const batch = new arrow.RecordBatch(schema, build(type, rows) as arrow.Data<arrow.Struct>);
  const { footer } = await writeParquet(store, uri, schema, [batch], options);
  const file = store.objects.get(uri) ?? new Uint8Array();
  const groups = structs(readThriftStruct(footer.metadata, "footer").struct, 4) ?? [];
  const chunks = groups.flatMap((group, g) =>
    (structs(group, 1) ?? []).map((struct, c): Chunk => {
      const metadata = fieldsOf(struct, 3);
      const column = footer.columns[c]!;
      const levels = maxLevels(nodesOf(footer.schema, column.path));
      const all = pagesOf(file, metadata, levels);
      const [first] = all;
      const dictionary = first?.dictionary ? plainBytes(column, first.values, first.count) : [];
      const pages = all.filter((page) => !page.dictionary);
      const values = pages.map((page) => {
        const present =
          levels.definition === 0
            ? page.count
            : page.definitions.filter((level) => level === levels.definition).length;
        if (page.encoding === PLAIN) return plainBytes(column, page.values, present);
        return hybrid(page.values.subarray(1), page.values[0]!, present).map((key) => dictionary[key]!);
      });
      return { column, rows: Number(footer.rowGroups[g]!.rowCount), struct, metadata, pages, values };
    }),
  );
  return { file, chunks };
}

const columns = fc
  .array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 })
  .chain((depths) => fc.tuple(...depths.map((depth, i) => anyColumn(`c${i}`, depth))));
const table = columns.chain((all) =>
  fc.record({
    columns: fc.constant(all),
    rows: fc.array(fc.record(Object.fromEntries(all.map(({ field, value }) => [field.name, value]))), {
      minLength: 1,
      maxLength: 60,
    }),
  }),
);
const options = fc.record({
  compression: fc.constantFrom<ParquetCompression>("zstd", "snappy", "gzip", "lz4_raw", "uncompressed"),
  rowGroupRows: fc.integer({ min: 5, max: 60 }),
  pageRows: fc.integer({ min: 1, max: 20 }),
  pageBytes: fc.constantFrom(1, 60, 1 << 20),
  dictionaryBytes: fc.constantFrom(0, 30, 1 << 20),
});

describe("of the pages of any table", () => {
  test("the index says where each is, its first row, nulls and bounds; the footer adds them up", async () => {
    await fc.assert(
      fc.asyncProperty(table, options, async ({ columns: all, rows }, how) => {
        const { file, chunks } = await written(all, rows, how);
        for (const chunk of chunks) {
          checkSizes(chunk, how.pageRows);
          checkOffsets(chunk, file);
          checkBounds(chunk, file);
        }
      }),
      { numRuns: runs(60) },
    );
  });

  test("the Bloom filters of any type find every value, and few others", async () => {
    let asked = 0;
    let wrong = 0;
    await fc.assert(
      fc.asyncProperty(table, options, async ({ columns: all, rows }, how) => {
        const ids = all.flatMap(({ field }) => leafIds(field));
        const filters = new Map(ids.map((id) => [id, { bloomFilter: true }]));
        const { file, chunks } = await written(all, rows, { ...how, columns: filters });
        for (const { column, metadata, values } of chunks) {
          const at = long(metadata, 14);
          expect([column.node.physicalType, at === undefined]).toEqual([
            column.node.physicalType,
            column.node.physicalType === "BOOLEAN",
          ]);
          if (at === undefined) continue;
          const filter = file.subarray(Number(at), Number(at) + (int(metadata, 15) ?? 0));
          for (const value of values.flat()) expect(mayHold(filter, value)).toBe(true);
          const present = new Set(values.flat().map((value) => Buffer.from(value).toString("hex")));
          for (let i = 0; i < 5; i++) {
            const absent = new TextEncoder().encode(`not there ${i}`);
            if (present.has(Buffer.from(absent).toString("hex"))) continue;
            asked++;
            if (mayHold(filter, absent)) wrong++;
          }
        }
      }),
      { numRuns: runs(30) },
    );
    expect(asked).toBeGreaterThan(100);
    expect(wrong / asked).toBeLessThan(0.05);
  });
});

describe("a dictionary", () => {
  /** Eight bytes a value: so many different ones. */
  const longs = (different: number) =>
    Array.from({ length: 200 }, (_, i) => ({ n: BigInt(i % different) * 3n }));
  const n = columnOf("n", new arrow.Int64(), fc.constant(0n), false);

  test("is as large as it may be, and not a value larger; then the chunk is plain, as a whole", async () => {
    for (const [different, isDictionary] of [
      [10, true],
      [11, false],
    ] as const) {
      const { chunks } = await written([n], longs(different), { dictionaryBytes: 80, pageRows: 30 });
      const encodings = new Set(chunks[0]?.pages.map(({ encoding }) => encoding));
      expect([different, ...encodings]).toEqual([different, isDictionary ? RLE_DICTIONARY : PLAIN]);
      expect(chunks[0]?.values.flat().map((bytes) => Buffer.from(bytes).readBigInt64LE())).toEqual(
        longs(different).map((row) => row.n),
      );
    }
  });
});

function checkSizes({ column, metadata, pages, values, rows }: Chunk, pageRows: number): void {
  const total = (of: (page: NaivePage) => number) => pages.reduce((sum, page) => sum + of(page), 0);
  const start = Number(long(metadata, 11) ?? long(metadata, 9));
  const dictionary = Number(long(metadata, 9)) - start;
  expect(pages[0]?.offset).toBe(Number(long(metadata, 9)));
  expect(Number(long(metadata, 7))).toBe(dictionary + total(({ size }) => size));
  if (dictionary === 0) expect(Number(long(metadata, 6))).toBe(total((page) => page.uncompressedSize));
  expect(Number(long(metadata, 5))).toBe(total(({ count }) => count));
  expect(pages.every(({ encoding }) => encoding === (dictionary > 0 ? RLE_DICTIONARY : PLAIN))).toBe(true);
  const inPage = pages.map(rowsIn);
  expect(inPage.reduce((sum, of) => sum + of, 0)).toBe(rows);
  expect(Math.max(...inPage)).toBeLessThanOrEqual(pageRows);
  // No page begins in the middle of a row.
  for (const page of pages) expect(page.repetitions[0] ?? 0).toBe(0);
  const nulls = Number(long(fieldsOf(metadata, 12), 3));
  expect([column.path, nulls]).toEqual([column.path, total(({ count }) => count) - values.flat().length]);
}

function checkOffsets({ struct, pages }: Chunk, file: Uint8Array): void {
  const at = Number(long(struct, 4));
  const index = readThriftStruct(file.subarray(at, at + (int(struct, 5) ?? 0)), "offset index");
  let firstRow = 0;
  const expected = pages.map((page) => {
    const place = [page.offset, page.size, firstRow];
    firstRow += rowsIn(page);
    return place;
  });
  const found = (structs(index.struct, 1) ?? []).map((place) => [
    Number(long(place, 1)),
    int(place, 2),
    Number(long(place, 3)),
  ]);
  expect(found).toEqual(expected);
}

function checkBounds({ column, struct, metadata, pages, values }: Chunk, file: Uint8Array): void {
  const statistics = fieldsOf(metadata, 12);
  const own = (id: number) => binaryOf(statistics.get(id));
  expectBounds(column, values.flat(), own(6), own(5), flagOf(statistics, 8), flagOf(statistics, 7));
  const at = long(struct, 6);
  if (at === undefined) {
    // Only where a page has values and nothing that orders: NaN, or text that has nothing above it.
    expect(values.some((page) => page.length > 0 && page.every((value) => isUnbounded(column, value)))).toBe(
      true,
    );
    return;
  }
  const index = readThriftStruct(
    file.subarray(Number(at), Number(at) + (int(struct, 7) ?? 0)),
    "column index",
  );
  const list = (id: number) => {
    const field = index.struct.get(id);
    return field?.type === "list" ? field.value.map(({ value }) => value) : [];
  };
  const [empty, mins, maxes, nulls] = [list(1), list(2) as Uint8Array[], list(3) as Uint8Array[], list(5)];
  expect(empty).toEqual(values.map((page) => page.length === 0));
  expect(nulls).toEqual(pages.map((page, i) => BigInt(page.count - values[i]!.length)));
  values.forEach((page, i) => {
    if (page.length > 0) expectBounds(column, page, mins[i], maxes[i], undefined, undefined);
  });
  const full = values.flatMap((page, i) => (page.length > 0 ? [i] : []));
  const rises = (bounds: Uint8Array[], sign: number) =>
    full.slice(1).every((page, i) => sign * compare(column, bounds[full[i]!]!, bounds[page]!) <= 0);
  const order = int(index.struct, 4);
  if (order === 1) expect(rises(mins, 1) && rises(maxes, 1)).toBe(true);
  if (order === 2) expect(rises(mins, -1) && rises(maxes, -1)).toBe(true);
}

/** Bounds hold for all values but NaN, which has no order; one that is exact is a value. */
function expectBounds(
  column: ParquetColumn,
  values: readonly Uint8Array[],
  min: Uint8Array | undefined,
  max: Uint8Array | undefined,
  minExact: boolean | undefined,
  maxExact: boolean | undefined,
): void {
  const ordered = values.map((value) => orderedOf(column, value)).filter((value) => !Number.isNaN(value));
  const about = (bound: Uint8Array) => [column.path.join("."), orderedOf(column, bound)];
  for (const [bound, sign, exact] of [
    [min, -1, minExact],
    [max, 1, maxExact],
  ] as const) {
    if (bound === undefined) continue;
    const limit = orderedOf(column, bound);
    const beyond = ordered.filter((value) => (sign < 0 ? value < limit : value > limit));
    expect([about(bound), beyond]).toEqual([about(bound), []]);
    // -0 and 0 are one value here, as they are to `<`.
    if (exact)
      expect([about(bound), ordered.some((value) => !(value < limit || value > limit))]).toEqual([
        about(bound),
        true,
      ]);
    if (bound.length > 64) expect(column.node.physicalType).not.toBe("BYTE_ARRAY");
  }
}

const rowsIn = (page: NaivePage) =>
  page.repetitions.length === 0 ? page.count : page.repetitions.filter((level) => level === 0).length;

function orderedOf({ node }: ParquetColumn, bytes: Uint8Array): Ordered {
  const buffer = Buffer.from(bytes);
  const isUnsigned = node.logicalType?.kind === "int" && !node.logicalType.signed;
  switch (node.physicalType) {
    case "BOOLEAN":
      return buffer[0]!;
    case "INT32":
      return isUnsigned ? buffer.readUInt32LE() : buffer.readInt32LE();
    case "INT64":
      return isUnsigned ? buffer.readBigUInt64LE() : buffer.readBigInt64LE();
    case "FLOAT":
      return buffer.readFloatLE();
    case "DOUBLE":
      return buffer.readDoubleLE();
    default:
      return node.logicalType?.kind === "decimal"
        ? BigInt.asIntN(8 * buffer.length, BigInt(`0x${buffer.toString("hex")}`))
        : buffer.toString("latin1");
  }
}

function compare(column: ParquetColumn, a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [orderedOf(column, a), orderedOf(column, b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function isUnbounded(column: ParquetColumn, value: Uint8Array): boolean {
  return (
    Number.isNaN(orderedOf(column, value)) ||
    (value.length > 64 && value.subarray(0, 64).every((b) => b >= 0xf4))
  );
}

/** BloomFilter.md, "Split Block Bloom Filters", in bigints. */
function mayHold(filter: Uint8Array, value: Uint8Array): boolean {
  const header = readThriftStruct(filter, "Bloom filter");
  const bits = filter.subarray(header.length);
  expect(bits.length).toBe(int(header.struct, 1));
  const hash = xxHash64(value);
  const block = Number(((hash >> 32n) * BigInt(bits.length / 32)) >> 32n);
  const salt = [
    0x47b6137bn,
    0x44974d91n,
    0x8824ad5bn,
    0xa2b7289dn,
    0x705495c7n,
    0x2df1424bn,
    0x9efc4947n,
    0x5c6bfb31n,
  ];
  return salt.every((odd, word) => {
    const bit = Number((((hash & 0xffffffffn) * odd) & 0xffffffffn) >> 27n);
    const at = block * 32 + word * 4;
    return ((bits[at + (bit >> 3)]! >> (bit & 7)) & 1) === 1;
  });
}

const leafIds = (field: arrow.Field): number[] =>
  field.type.children && field.type.children.length > 0
    ? (field.type.children as arrow.Field[]).flatMap(leafIds)
    : [Number(field.metadata.get("PARQUET:field_id"))];

function nodesOf(root: ParquetNode, path: readonly string[]): ParquetNode[] {
  let at = root;
  return path.map((name) => {
    at = at.children.find((child) => child.name === name)!;
    return at;
  });
}

function fieldsOf(struct: ThriftStruct, id: number): ThriftStruct {
  const field = struct.get(id);
  if (field?.type !== "struct") throw new Error(`there is no struct ${id}`);
  return field.value;
}

const binaryOf = (field: ReturnType<ThriftStruct["get"]>) =>
  field?.type === "binary" ? field.value : undefined;

function flagOf(struct: ThriftStruct, id: number): boolean | undefined {
  const field = struct.get(id);
  return field?.type === "boolean" ? field.value : undefined;
}
