import fc from "fast-check";
import type { readManifest } from "../../../lib/lakehouse/iceberg/files/manifest/reader.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import type { ManifestFile } from "../../../lib/lakehouse/iceberg/index.js";
import { newTableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/new.js";
import { bucket, day, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  date,
  decimal,
  defineSchema,
  long as longType,
  string,
  timestamp,
  uuid,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import {
  annotated,
  array,
  bytes,
  fixed,
  int,
  long,
  map,
  orNull,
  record,
  type Shape,
  type ShapeField,
  symbols,
  text,
} from "../support/avro-shapes.js";
export const schema = defineSchema({
  id: uuid(),
  at: timestamp(),
  on: date().optional(),
  price: decimal(12, 2),
  "weird name": string(),
  n: longType(),
});
export const base = newTableMetadata({
  schema,
  formatVersion: 2,
  location: "file:///w/t",
  partitionSpec: [
    identity("id"),
    identity("at"),
    day("at"),
    identity("price"),
    identity("weird name"),
    identity("n"),
    bucket("n", 16),
  ],
});
export const specs = specsById(base);
export const spec = specs.get(0)?.spec;
if (spec === undefined) throw new Error("no spec");

/** How a writer writes. */
export interface Style {
  readonly ids: "all" | "none" | "some";
  readonly nullable: boolean;
  readonly nullLast: boolean;
  /** Seed of the order of fields. */
  readonly order: number;
  readonly extra: boolean;
  readonly metrics: "records" | "nullable records" | "maps";
  readonly mapType: boolean;
  readonly swapped: boolean;
  readonly wide: boolean;
  readonly narrow: boolean;
  readonly enums: boolean;
  readonly sized: boolean;
  readonly logicalTypes: boolean;
  readonly header: boolean;
  readonly partitionNames: "own" | "compatible" | "others";
}

/** Every field nullable, no ids, metric maps as arrays of nullable records, a header with the schema alone. */
export const BIG_QUERY: Style = {
  ids: "none",
  nullable: true,
  nullLast: false,
  order: 0,
  extra: false,
  metrics: "nullable records",
  mapType: false,
  swapped: false,
  wide: true,
  narrow: false,
  enums: false,
  sized: false,
  logicalTypes: false,
  header: false,
  partitionNames: "compatible",
};

export const styles: fc.Arbitrary<Style> = fc.record({
  ids: fc.constantFrom("all" as const, "none" as const, "some" as const),
  nullable: fc.boolean(),
  nullLast: fc.boolean(),
  order: fc.nat(),
  extra: fc.boolean(),
  metrics: fc.constantFrom("records" as const, "nullable records" as const, "maps" as const),
  mapType: fc.boolean(),
  swapped: fc.boolean(),
  wide: fc.boolean(),
  narrow: fc.boolean(),
  enums: fc.boolean(),
  sized: fc.boolean(),
  logicalTypes: fc.boolean(),
  header: fc.boolean(),
  partitionNames: fc.constantFrom("own" as const, "compatible" as const, "others" as const),
});

export type Metrics<V> = readonly (readonly [number, V])[] | null;

export interface Entry {
  readonly status: 0 | 1 | 2;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly content: 0 | 1 | 2;
  readonly path: string;
  readonly partition: {
    readonly id: string | null;
    readonly at: bigint | null;
    readonly day: number | null;
    readonly price: bigint | null;
    readonly name: string | null;
    readonly n: bigint | null;
    readonly bucket: number | null;
  };
  readonly rows: bigint;
  readonly size: bigint;
  readonly counts: Metrics<bigint>;
  readonly bounds: Metrics<Uint8Array>;
  readonly offsets: readonly bigint[] | null;
  readonly equalityIds: readonly number[] | null;
  readonly sortOrder: number | null;
}

export const small = fc.bigInt({ min: 0n, max: 2n ** 31n - 1n });
export const unique = <V>(value: fc.Arbitrary<V>) =>
  fc.option(
    fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), value), { selector: ([id]) => id, maxLength: 6 }),
  );
export const entries: fc.Arbitrary<Entry> = fc.record({
  status: fc.constantFrom(0 as const, 1 as const, 2 as const),
  snapshotId: fc.bigInt({ min: 1n, max: 2n ** 62n }),
  sequenceNumber: small,
  content: fc.constantFrom(0 as const, 1 as const, 2 as const),
  path: fc.string({ minLength: 1 }),
  partition: fc.record({
    id: fc.option(fc.uuid()),
    at: fc.option(fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }).map((n) => n * 1000n)),
    day: fc.option(fc.integer({ min: -50_000, max: 50_000 })),
    price: fc.option(fc.bigInt({ min: -(10n ** 12n) + 1n, max: 10n ** 12n - 1n })),
    name: fc.option(fc.string()),
    n: fc.option(fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n })),
    bucket: fc.option(fc.nat(15)),
  }),
  rows: small,
  size: small,
  counts: unique(small),
  bounds: unique(fc.uint8Array({ maxLength: 9 })),
  offsets: fc.option(fc.array(small, { maxLength: 4 })),
  equalityIds: fc.option(fc.array(fc.nat(9), { maxLength: 3 })),
  sortOrder: fc.option(fc.nat(4)),
});

export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed;
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const j = state % (i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/** The shapes that a style gives the fields of manifests, and what it makes of values. */
export function shapesOf(style: Style) {
  const opt = (shape: Shape) => orNull(shape, style.nullLast);
  const req = (shape: Shape) => (style.nullable ? opt(shape) : shape);
  const fields = (all: readonly ShapeField[]): ShapeField[] => {
    const known = all.map((field, i): ShapeField => {
      const withId = style.ids === "all" || (style.ids === "some" && i % 2 === 0);
      return withId ? field : { name: field.name, shape: field.shape };
    });
    const more = style.extra
      ? [
          { name: "unknown_text", shape: opt(text), ...(style.ids === "none" ? {} : { id: 9001 }) },
          { name: "distinct_counts", shape: opt(array(long, style.sized)) },
          { name: "block_size_in_bytes", shape: opt(long) },
        ]
      : [];
    return style.order === 0 ? [...known, ...more] : shuffled([...known, ...more], style.order);
  };
  const whole = style.wide ? long : int;
  const big = style.narrow ? int : long;
  const code = (name: string, names: readonly string[]) => ({
    shape: style.enums ? symbols(name, names.toReversed()) : whole,
    value: (n: number) => (style.enums ? names[n] : n),
  });
  const metric = (name: string, value: Shape, keyId: number): Shape => {
    if (style.metrics === "maps") return map(req(value));
    const pair = [
      { name: "key", shape: req(whole), id: keyId },
      { name: "value", shape: req(value), id: keyId + 1 },
    ];
    const order = style.swapped ? pair.toReversed() : pair;
    const item = record(
      `k${name}`,
      style.ids === "none" ? order.map((field) => ({ name: field.name, shape: field.shape })) : order,
    );
    const items = style.metrics === "nullable records" ? opt(item) : item;
    return array(items, style.sized, style.mapType ? { logicalType: "map" } : {});
  };
  const pairs = (metrics: Metrics<unknown>): unknown => {
    if (metrics === null || style.metrics === "maps") return metrics;
    const listed: unknown[] = metrics.map(([key, value]) => ({ key, value }));
    // What is null says nothing.
    if (style.metrics === "nullable records") listed.push(null);
    if (style.nullable) listed.push({ key: 3, value: null }, { key: null, value: null });
    return listed;
  };
  const list = (item: Shape) => array(style.nullable ? opt(item) : item, style.sized);
  const items = (values: readonly unknown[] | null) =>
    values && (style.nullable ? [...values, null] : values);
  return { opt, req, fields, whole, big, code, metric, pairs, list, items };
}

export function manifestShape(style: Style) {
  const { opt, req, fields, whole, big, code, metric, pairs, list, items } = shapesOf(style);
  const status = code("st", ["EXISTING", "ADDED", "DELETED"]);
  const content = code("co", ["DATA", "POSITION_DELETES", "EQUALITY_DELETES"]);
  const format = code("fo", ["PARQUET"]);
  const names = spec?.fields.map(({ name }, i) => {
    if (style.partitionNames === "others" && style.ids !== "some") return `p${i}`;
    return name === "weird name" ? "weird_x20name" : name;
  }) as string[];
  const logical = (shape: Shape, type: string) => (style.logicalTypes ? annotated(shape, type) : shape);
  const millis = style.logicalTypes && style.narrow;
  const partitionShapes: Shape[] = [
    fixed("uuid_fixed", 16, style.logicalTypes ? { logicalType: "uuid" } : {}),
    logical(long, millis ? "timestamp-millis" : "timestamp-micros"),
    logical(style.wide ? long : int, "date"),
    style.wide ? bytes : fixed("decimal_12_2", 8),
    text,
    big,
    whole,
  ];
  const parts = spec?.fields.map(({ fieldId }, i) => ({
    name: names[i] as string,
    shape: opt(partitionShapes[i] as Shape),
    id: fieldId,
  })) as ShapeField[];
  // Without ids and without names, place is what is left: then they come in order, and nothing comes between.
  const partition =
    style.partitionNames === "others" && style.ids === "none"
      ? record(
          "partition",
          parts.map(({ name, shape }) => ({ name, shape })),
        )
      : record("partition", style.partitionNames === "others" && style.ids === "all" ? parts : fields(parts));
  const file = record(
    "r2",
    fields([
      { id: 134, name: "content", shape: req(content.shape) },
      { id: 100, name: "file_path", shape: req(text) },
      { id: 101, name: "file_format", shape: req(style.enums ? format.shape : text) },
      { id: 102, name: "partition", shape: req(partition) },
      { id: 103, name: "record_count", shape: req(big) },
      { id: 104, name: "file_size_in_bytes", shape: req(big) },
      { id: 109, name: "value_counts", shape: opt(metric("109", big, 119)) },
      { id: 125, name: "lower_bounds", shape: opt(metric("125", bytes, 126)) },
      { id: 132, name: "split_offsets", shape: opt(list(big)) },
      { id: 135, name: "equality_ids", shape: opt(list(whole)) },
      { id: 140, name: "sort_order_id", shape: opt(whole) },
    ]),
  );
  const shape = record(
    "manifest_entry",
    fields([
      { id: 0, name: "status", shape: req(status.shape) },
      { id: 1, name: "snapshot_id", shape: opt(long) },
      { id: 3, name: "sequence_number", shape: opt(big) },
      { id: 4, name: "file_sequence_number", shape: opt(big) },
      { id: 2, name: "data_file", shape: req(file) },
    ]),
  );
  const unscaled = (value: bigint): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(value);
    return buffer;
  };
  const value = (entry: Entry): unknown => {
    const p = entry.partition;
    const tuple = [
      p.id && Buffer.from(p.id.replaceAll("-", ""), "hex"),
      p.at === null ? null : millis ? p.at / 1000n : p.at,
      p.day,
      p.price === null ? null : unscaled(p.price),
      p.name,
      p.n,
      p.bucket,
    ];
    return {
      status: status.value(entry.status),
      snapshot_id: entry.snapshotId,
      sequence_number: entry.sequenceNumber,
      file_sequence_number: entry.sequenceNumber,
      data_file: {
        content: content.value(entry.content),
        file_path: entry.path,
        file_format: style.enums ? format.value(0) : "PARQUET",
        partition: Object.fromEntries(tuple.map((part, i) => [names[i], part])),
        record_count: entry.rows,
        file_size_in_bytes: entry.size,
        value_counts: pairs(entry.counts),
        lower_bounds: pairs(entry.bounds),
        split_offsets: items(entry.offsets),
        equality_ids: items(entry.equalityIds),
        sort_order_id: entry.sortOrder,
        unknown_text: "x",
        distinct_counts: null,
        block_size_in_bytes: 67_108_864n,
      },
      unknown_text: null,
      distinct_counts: [1n],
      block_size_in_bytes: 1n,
    };
  };
  return { shape, value };
}

export const STATUS = ["existing", "added", "deleted"];
export const CONTENT = ["data", "position-deletes", "equality-deletes"];

/** What a reader must make of an entry. */
export function expected(entry: Entry) {
  const metrics = (of: Metrics<unknown>) => (of === null ? undefined : of.map(plainPair).sort());
  const { partition: p } = entry;
  return {
    status: STATUS[entry.status],
    snapshotId: entry.snapshotId,
    sequenceNumber: entry.sequenceNumber,
    content: CONTENT[entry.content],
    filePath: entry.path,
    fileFormat: "parquet",
    partition: [p.id, p.at, p.day, p.price, p.name, p.n, p.bucket],
    recordCount: entry.rows,
    fileSizeInBytes: entry.size,
    valueCounts: metrics(entry.counts),
    lowerBounds: metrics(entry.bounds),
    splitOffsets: entry.offsets ?? undefined,
    equalityIds: entry.equalityIds ?? undefined,
    sortOrderId: entry.sortOrder ?? undefined,
  };
}

export const plainPair = ([key, value]: readonly [number, unknown]): unknown => [
  key,
  value instanceof Uint8Array ? [...value] : value,
];

export function found({
  status,
  snapshotId,
  sequenceNumber,
  dataFile: file,
}: Awaited<ReturnType<typeof readManifest>>[number]) {
  return {
    status,
    snapshotId,
    sequenceNumber,
    content: file.content,
    filePath: file.filePath,
    fileFormat: file.fileFormat,
    partition: file.partition,
    recordCount: file.recordCount,
    fileSizeInBytes: file.fileSizeInBytes,
    valueCounts: file.valueCounts && [...file.valueCounts].map(plainPair).sort(),
    lowerBounds: file.lowerBounds && [...file.lowerBounds].map(plainPair).sort(),
    splitOffsets: file.splitOffsets,
    equalityIds: file.equalityIds,
    sortOrderId: file.sortOrderId,
  };
}

export const rowOf = (manifestPath: string, more: Partial<ManifestFile> = {}): ManifestFile => ({
  manifestPath,
  manifestLength: 1n,
  partitionSpecId: 0,
  content: "data",
  sequenceNumber: 1n,
  minSequenceNumber: 1n,
  addedSnapshotId: 1n,
  ...more,
});
