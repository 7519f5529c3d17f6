import fc from "fast-check";
import type { DataFile, FormatVersion, TableMetadata } from "../../../lib/lakehouse/iceberg/index.js";
import { newTableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/new.js";
import { bucket, day, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  date,
  decimal,
  defineSchema,
  double,
  int,
  long,
  string,
  timestamp,
  uuid,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
export const SCHEMA = defineSchema({
  id: uuid(),
  at: timestamp(),
  on: date().optional(),
  price: decimal(12, 2),
  ratio: double(),
  origin: string(),
  n: long(),
  bucketed: int(),
});

export function metadata(formatVersion: FormatVersion): TableMetadata {
  return newTableMetadata({
    schema: SCHEMA,
    formatVersion,
    location: "file:///w/t",
    partitionSpec: [
      identity("id"),
      day("at"),
      identity("on"),
      identity("price"),
      identity("ratio"),
      identity("origin"),
      identity("n"),
      bucket("bucketed", 16),
    ],
  });
}

export const metric = fc.option(
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.bigInt({ min: 0n, max: 2n ** 62n })))
    .map((pairs) => new Map(pairs)),
  { nil: undefined },
);
export const bounds = fc.option(
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.uint8Array({ maxLength: 20 })))
    .map((pairs) => new Map(pairs)),
  { nil: undefined },
);
export const uuids = fc.uuid();

export const dataFile: fc.Arbitrary<DataFile> = fc.record({
  content: fc.constant("data" as const),
  filePath: fc.string({ minLength: 1 }),
  fileFormat: fc.constantFrom("parquet" as const, "avro" as const, "orc" as const),
  specId: fc.constant(0),
  partition: fc.tuple(
    fc.option(uuids),
    fc.option(fc.integer({ min: -50000, max: 50000 })),
    fc.option(fc.integer({ min: -50000, max: 50000 })),
    fc.option(fc.bigInt({ min: -(10n ** 12n) + 1n, max: 10n ** 12n - 1n })),
    fc.option(fc.double()),
    fc.option(fc.string()),
    fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.option(fc.nat(15)),
  ) as fc.Arbitrary<DataFile["partition"]>,
  recordCount: fc.bigInt({ min: 0n, max: 2n ** 40n }),
  fileSizeInBytes: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  columnSizes: metric,
  valueCounts: metric,
  nullValueCounts: metric,
  nanValueCounts: metric,
  lowerBounds: bounds,
  upperBounds: bounds,
  keyMetadata: fc.option(fc.uint8Array({ maxLength: 9 }), { nil: undefined }),
  splitOffsets: fc.option(fc.array(fc.bigInt({ min: 0n, max: 2n ** 50n })), { nil: undefined }),
  sortOrderId: fc.option(fc.nat(5), { nil: undefined }),
});

/** A data file with its maps as plain Maps and its bytes as arrays, to be compared. */
export function plain(file: DataFile): unknown {
  const map = (value: ReadonlyMap<number, unknown> | undefined) =>
    value && [...value].map(([k, v]) => [k, v instanceof Uint8Array ? [...v] : v]).sort();
  return {
    ...Object.fromEntries(Object.entries(file).filter(([, value]) => value !== undefined)),
    columnSizes: map(file.columnSizes),
    valueCounts: map(file.valueCounts),
    nullValueCounts: map(file.nullValueCounts),
    nanValueCounts: map(file.nanValueCounts),
    lowerBounds: map(file.lowerBounds),
    upperBounds: map(file.upperBounds),
    keyMetadata: file.keyMetadata && [...file.keyMetadata],
  };
}
