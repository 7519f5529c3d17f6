import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { DeleteIndex } from "../../../lib/lakehouse/iceberg/files/deletes/delete-index.js";
import {
  type DeleteScope,
  deletionVectorApplies,
  equalityDeletesApply,
  partitionKey,
  positionDeletesApply,
  referencedDataFile,
  type SequencedFile,
} from "../../../lib/lakehouse/iceberg/files/deletes/delete-rules.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import type { PrimitiveType } from "../../../lib/lakehouse/iceberg/index.js";
import type { DataFile, ManifestFile } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
import type { TableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/types.js";
import { utf8Encode } from "../../../lib/lakehouse/iceberg/model/values/bytes.js";
import { toBinary } from "../../../lib/lakehouse/iceberg/model/values/single-value.js";
import { deleteReach } from "../../../lib/lakehouse/iceberg/table/scan/delete-reach.js";
import { runs } from "../../support/runs.js";

const FILE_PATH = 2147483546;

/** Spec 0 is unpartitioned; specs 1 and 2 have one field. Column 1 is a long, column 2 a double. */
const scope: DeleteScope = {
  spec: (id) => ({
    specId: id,
    fields:
      id === 0 ? [] : [{ sourceIds: [1], fieldId: 1000, name: "p", transform: { transform: "identity" } }],
  }),
  fieldType: (id) => (id === 1 ? { type: "long" } : id === 2 ? { type: "double" } : undefined),
};

function file(changes: Partial<DataFile>): DataFile {
  return {
    content: "data",
    filePath: "s3://b/data/a.parquet",
    fileFormat: "parquet",
    specId: 1,
    partition: [5n],
    recordCount: 10n,
    fileSizeInBytes: 1n,
    ...changes,
  };
}
const at = (sequenceNumber: bigint, changes: Partial<DataFile> = {}): SequencedFile => ({
  file: file(changes),
  sequenceNumber,
});
const vector = (sequenceNumber: bigint, changes: Partial<DataFile> = {}) =>
  at(sequenceNumber, {
    content: "position-deletes",
    fileFormat: "puffin",
    filePath: "s3://b/data/dv.puffin",
    referencedDataFile: "s3://b/data/a.parquet",
    ...changes,
  });
const positions = (sequenceNumber: bigint, changes: Partial<DataFile> = {}) =>
  at(sequenceNumber, { content: "position-deletes", filePath: "s3://b/data/pos.parquet", ...changes });
const equality = (sequenceNumber: bigint, changes: Partial<DataFile> = {}) =>
  at(sequenceNumber, {
    content: "equality-deletes",
    filePath: "s3://b/data/eq.parquet",
    equalityIds: [1],
    ...changes,
  });

const paths = (lower: string, upper: string): Partial<DataFile> => ({
  lowerBounds: new Map([[FILE_PATH, utf8Encode(lower)]]),
  upperBounds: new Map([[FILE_PATH, utf8Encode(upper)]]),
});
const longs = (lower: bigint, upper: bigint, nulls: bigint, values = 10n): Partial<DataFile> => ({
  valueCounts: new Map([[1, values]]),
  nullValueCounts: new Map([[1, nulls]]),
  lowerBounds: new Map([[1, toBinary({ type: "long" }, lower)]]),
  upperBounds: new Map([[1, toBinary({ type: "long" }, upper)]]),
});

describe("a deletion vector applies", () => {
  test("to the data file that it names, of the same commit or older", () => {
    expect(deletionVectorApplies(at(3n), vector(4n))).toBe(true);
    expect(deletionVectorApplies(at(4n), vector(4n))).toBe(true);
    expect(deletionVectorApplies(at(5n), vector(4n))).toBe(false);
    expect(deletionVectorApplies(at(3n, { filePath: "s3://b/data/b.parquet" }), vector(4n))).toBe(false);
  });
  test("within its partition and spec only", () => {
    expect(deletionVectorApplies(at(3n), vector(4n, { partition: [6n] }))).toBe(false);
    expect(deletionVectorApplies(at(3n), vector(4n, { specId: 2 }))).toBe(false);
  });
});

describe("position deletes apply", () => {
  test("to files of the same partition, of the same commit or older", () => {
    expect(positionDeletesApply(at(3n), positions(4n))).toBe(true);
    expect(positionDeletesApply(at(4n), positions(4n))).toBe(true);
    expect(positionDeletesApply(at(5n), positions(4n))).toBe(false);
    expect(positionDeletesApply(at(3n), positions(4n, { partition: [null] }))).toBe(false);
  });
  test("not to files outside of the bounds of their paths, nor to others than the one named", () => {
    expect(positionDeletesApply(at(3n), positions(4n, paths("s3://b/data/a", "s3://b/data/b")))).toBe(true);
    expect(positionDeletesApply(at(3n), positions(4n, paths("s3://b/data/b", "s3://b/data/c")))).toBe(false);
    expect(positionDeletesApply(at(3n), positions(4n, { referencedDataFile: "s3://b/data/z.parquet" }))).toBe(
      false,
    );
  });
  test("to one file by equal bounds, also where the entry does not name it", () => {
    for (const path of ["s3://b/data/ä🤯.parquet", "\ufeff/data/a.parquet"]) {
      expect(referencedDataFile(positions(4n, paths(path, path)).file)).toBe(path);
    }
    expect(referencedDataFile(positions(4n, paths("s3://b/a", "s3://b/b")).file)).toBeUndefined();
    expect(referencedDataFile(positions(4n).file)).toBeUndefined();
  });
});

describe("equality deletes apply", () => {
  test("to strictly older files", () => {
    expect(equalityDeletesApply(at(3n), equality(4n), scope)).toBe(true);
    expect(equalityDeletesApply(at(4n), equality(4n), scope)).toBe(false);
  });
  test("to their partition, and with an unpartitioned spec to all", () => {
    expect(equalityDeletesApply(at(3n), equality(4n, { partition: [6n] }), scope)).toBe(false);
    expect(equalityDeletesApply(at(3n), equality(4n, { specId: 0, partition: [] }), scope)).toBe(true);
  });
  test("unless the values of a delete column cannot meet", () => {
    const deletes = equality(4n, longs(10n, 20n, 0n));
    expect(equalityDeletesApply(at(3n, longs(20n, 30n, 0n)), deletes, scope)).toBe(true);
    expect(equalityDeletesApply(at(3n, longs(21n, 30n, 0n)), deletes, scope)).toBe(false);
    expect(equalityDeletesApply(at(3n, longs(1n, 9n, 5n)), deletes, scope)).toBe(false);
  });
  test("where null can meet null, whatever the bounds", () => {
    const deletes = equality(4n, longs(10n, 20n, 1n));
    expect(equalityDeletesApply(at(3n, longs(30n, 40n, 1n)), deletes, scope)).toBe(true);
    expect(equalityDeletesApply(at(3n, longs(30n, 40n, 0n)), deletes, scope)).toBe(false);
    const onlyNulls = { valueCounts: new Map([[1, 2n]]), nullValueCounts: new Map([[1, 2n]]) };
    expect(equalityDeletesApply(at(3n, longs(10n, 20n, 0n)), equality(4n, onlyNulls), scope)).toBe(false);
    expect(equalityDeletesApply(at(3n, longs(10n, 20n, 3n)), equality(4n, onlyNulls), scope)).toBe(true);
  });
  test("wherever metrics are missing, or are those of floats, which say nothing of NaN", () => {
    expect(equalityDeletesApply(at(3n), equality(4n, longs(10n, 20n, 0n)), scope)).toBe(true);
    const doubles = (value: number): Partial<DataFile> => ({
      valueCounts: new Map([[2, 10n]]),
      nullValueCounts: new Map([[2, 0n]]),
      lowerBounds: new Map([[2, toBinary({ type: "double" }, value)]]),
      upperBounds: new Map([[2, toBinary({ type: "double" }, value)]]),
    });
    const deletes = equality(4n, { ...doubles(1), equalityIds: [2] });
    expect(equalityDeletesApply(at(3n, doubles(2)), deletes, scope)).toBe(true);
  });
  test("whatever the metrics of columns say that are not compared", () => {
    const deletes = equality(4n, { ...longs(10n, 20n, 0n), equalityIds: [2] });
    expect(equalityDeletesApply(at(3n, longs(30n, 40n, 0n)), deletes, scope)).toBe(true);
  });
  test("in every partition, with a spec of void fields alone, and position deletes in theirs", () => {
    const voided: DeleteScope = {
      ...scope,
      spec: (id) => {
        const fields = scope
          .spec(id)
          .fields.map((field) => ({ ...field, transform: { transform: "void" } as const }));
        return { specId: id, fields: id === 2 ? fields : scope.spec(id).fields };
      },
    };
    const deletes = equality(4n, { specId: 2, partition: [null] });
    expect(equalityDeletesApply(at(3n), deletes, voided)).toBe(true);
    expect(new DeleteIndex([deletes], voided).forDataFile(at(3n))).toEqual([deletes.file]);
    expect(positionDeletesApply(at(3n), positions(4n, { specId: 2, partition: [null] }))).toBe(false);
  });
  test("by bounds of an older, narrower type, and by none that cannot be read or are the wrong way round", () => {
    const bounds = (type: PrimitiveType, lower: Uint8Array, upper: Uint8Array) => ({
      scope: { ...scope, fieldType: () => type } as DeleteScope,
      metrics: {
        valueCounts: new Map([[1, 10n]]),
        nullValueCounts: new Map([[1, 0n]]),
        lowerBounds: new Map([[1, lower]]),
        upperBounds: new Map([[1, upper]]),
      },
    });
    const meets = (
      type: PrimitiveType,
      data: [Uint8Array, Uint8Array],
      deleted: [Uint8Array, Uint8Array],
    ) => {
      const { metrics, scope: typed } = bounds(type, ...data);
      return equalityDeletesApply(at(3n, metrics), equality(4n, bounds(type, ...deleted).metrics), typed);
    };
    const int = (value: number) => toBinary({ type: "int" }, value);
    const long = (value: bigint) => toBinary({ type: "long" }, value);
    const date = (value: number) => toBinary({ type: "date" }, value);
    const day = 86_400_000_000n;
    expect(meets({ type: "long" }, [int(-5), int(5)], [long(5n), long(9n)])).toBe(true);
    expect(meets({ type: "long" }, [int(-5), int(5)], [long(6n), long(9n)])).toBe(false);
    expect(meets({ type: "timestamp" }, [date(1), date(2)], [long(2n * day), long(9n * day)])).toBe(true);
    expect(meets({ type: "timestamp" }, [date(1), date(2)], [long(2n * day + 1n), long(9n * day)])).toBe(
      false,
    );
    const decimal = { type: "decimal", precision: 20, scale: 2 } as const;
    const cents = (value: bigint) => toBinary(decimal, value);
    expect(meets(decimal, [cents(-300n), cents(127n)], [cents(10n ** 15n), cents(10n ** 15n)])).toBe(false);
    expect(meets(decimal, [cents(-300n), cents(10n ** 16n)], [cents(10n ** 15n), cents(10n ** 15n)])).toBe(
      true,
    );
    const text = utf8Encode;
    expect(meets({ type: "string" }, [text("b"), text("c")], [text("a"), text("az")])).toBe(false);
    // A lower bound that ends within "é": what replaces the rest would be above all that begins so.
    const cut = Uint8Array.of(0x62, 0xc3);
    expect(meets({ type: "string" }, [cut, text("c")], [text("bé"), text("bé")])).toBe(true);
    expect(meets({ type: "int" }, [int(1), long(2n)], [int(9), int(9)])).toBe(true);
    const uuid = (value: string) => toBinary({ type: "uuid" }, `${value}0000000-0000-0000-0000-000000000000`);
    expect(meets({ type: "uuid" }, [uuid("9"), uuid("1")], [uuid("a"), uuid("a")])).toBe(true);
  });
});

describe("which deletes may touch some data files", () => {
  const specs = specsById({
    partitionSpecs: [0, 1].map(scope.spec).map((spec, specId) => ({ ...spec, specId })),
    schemas: [
      {
        schemaId: 0,
        fields: [{ id: 1, name: "p", required: false, type: { type: "long" } }],
        identifierFieldIds: [],
      },
    ],
    currentSchemaId: 0,
  } as unknown as TableMetadata);
  const manifest = (changes: Partial<ManifestFile>): ManifestFile => ({
    manifestPath: "m.avro",
    manifestLength: 1n,
    partitionSpecId: 1,
    content: "deletes",
    sequenceNumber: 9n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    ...changes,
  });
  const summary = (lower: bigint, upper: bigint, containsNull = false): Partial<ManifestFile> => ({
    partitions: [
      {
        containsNull,
        lowerBound: toBinary({ type: "long" }, lower),
        upperBound: toBinary({ type: "long" }, upper),
      },
    ],
  });

  test("is told by sequence numbers, specs and partitions", () => {
    const reach = deleteReach([at(3n), at(5n, { partition: [null] })], specs);
    expect(reach.mayReachManifest(manifest(summary(4n, 6n)))).toBe(true);
    expect(reach.mayReachManifest(manifest(summary(6n, 8n)))).toBe(false);
    expect(reach.mayReachManifest(manifest(summary(6n, 8n, true)))).toBe(true);
    expect(reach.mayReachManifest(manifest({ ...summary(4n, 6n), sequenceNumber: 2n }))).toBe(false);
    expect(reach.mayReachManifest(manifest({ ...summary(4n, 6n), sequenceNumber: 0n }))).toBe(true);
    expect(reach.mayReachManifest(manifest({}))).toBe(true);
    expect(reach.mayReachManifest(manifest({ partitionSpecId: 0, partitions: [] }))).toBe(true);
    expect(reach.mayReachFile(file({ partition: [5n] }))).toBe(true);
    expect(reach.mayReachFile(file({ partition: [6n] }))).toBe(false);
    expect(reach.mayReachFile(file({ specId: 0, partition: [] }))).toBe(true);
  });
  test("is none where there are no data files, and none in another spec", () => {
    expect(deleteReach([], specs).mayReachManifest(manifest({ partitionSpecId: 0 }))).toBe(false);
    const global = deleteReach([at(3n, { specId: 0, partition: [] })], specs);
    expect(global.mayReachManifest(manifest(summary(4n, 6n)))).toBe(false);
    expect(global.mayReachManifest(manifest({ partitionSpecId: 0 }))).toBe(true);
  });
});

describe("partition keys", () => {
  test("tell apart what is different and only that", () => {
    expect(partitionKey(1, ["a", "b"])).not.toBe(partitionKey(1, ["a,1:b"]));
    expect(partitionKey(1, [null])).not.toBe(partitionKey(1, ["null"]));
    expect(partitionKey(1, [""])).not.toBe(partitionKey(1, [null]));
    expect(partitionKey(1, [0])).not.toBe(partitionKey(1, [-0]));
    expect(partitionKey(1, [Number.NaN])).toBe(partitionKey(1, [Number.NaN]));
    expect(partitionKey(1, [Uint8Array.of(1, 2)])).toBe(partitionKey(1, [Uint8Array.of(1, 2)]));
    expect(partitionKey(1, [5n])).not.toBe(partitionKey(2, [5n]));
    const tuple = fc.array(fc.oneof(fc.string(), fc.constant(null)), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        expect(partitionKey(1, a) === partitionKey(1, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe("the index of delete files", () => {
  const name = fc.constantFrom("a", "b", "c").map((letter) => `s3://b/data/${letter}.parquet`);
  const place = fc.constantFrom(
    { specId: 0, partition: [] },
    { specId: 1, partition: [5n] },
    { specId: 1, partition: [null] },
    { specId: 2, partition: [5n] },
  );
  const sequence = fc.bigInt({ min: 1n, max: 4n });
  const range = fc
    .tuple(fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: 2n }))
    .map(([lower, width, nulls]) => longs(lower, lower + width, nulls));
  const data = fc
    .tuple(sequence, name, place, range)
    .map(([seq, filePath, where, metrics]) => at(seq, { filePath, ...where, ...metrics }));
  const deletes = fc.oneof(
    fc.tuple(sequence, place).map(([seq, where]) => positions(seq, where)),
    fc
      .tuple(sequence, place, name)
      .map(([seq, where, path]) => positions(seq, { ...where, referencedDataFile: path })),
    fc
      .tuple(sequence, place, name)
      .map(([seq, where, path]) => positions(seq, { ...where, ...paths(path, path) })),
    fc
      .tuple(sequence, place, name, name)
      .map(([seq, where, x, y]) => positions(seq, { ...where, ...(x < y ? paths(x, y) : paths(y, x)) })),
    fc.tuple(sequence, place, range).map(([seq, where, metrics]) => equality(seq, { ...where, ...metrics })),
    fc.tuple(sequence, place).map(([seq, where]) => equality(seq, where)),
  );
  const vectors = fc.uniqueArray(
    fc
      .tuple(sequence, place, name)
      .map(([seq, where, path]) => vector(seq, { ...where, referencedDataFile: path })),
    { selector: ({ file: { referencedDataFile: path } }) => path, maxLength: 2 },
  );

  test("finds exactly the deletes that the rules apply", () => {
    fc.assert(
      fc.property(data, fc.array(deletes, { maxLength: 12 }), vectors, (target, others, dvs) => {
        const all = [...others, ...dvs];
        const hasVector = dvs.some((dv) => deletionVectorApplies(target, dv));
        const expected = all.filter(
          (entry) =>
            deletionVectorApplies(target, entry) ||
            (!hasVector && positionDeletesApply(target, entry)) ||
            equalityDeletesApply(target, entry, scope),
        );
        const found = new DeleteIndex(all, scope).forDataFile(target);
        expect(found.length).toBe(expected.length);
        expect(new Set(found)).toEqual(new Set(expected.map((entry) => entry.file)));
      }),
      { numRuns: runs(500) },
    );
  });

  test("gives position deletes before equality deletes, each in order of sequence numbers", () => {
    const index = new DeleteIndex(
      [
        equality(9n),
        positions(8n),
        positions(4n, { referencedDataFile: "s3://b/data/a.parquet" }),
        equality(5n, { specId: 0, partition: [] }),
      ],
      scope,
    );
    const found = index.forDataFile(at(2n));
    expect(found.map((found) => found.content)).toEqual([
      "position-deletes",
      "position-deletes",
      "equality-deletes",
      "equality-deletes",
    ]);
    expect(found.map((found) => found.specId)).toEqual([1, 1, 0, 1]);
  });

  test("refuses two deletion vectors of one data file", () => {
    try {
      new DeleteIndex([vector(4n), vector(5n)], scope);
      expect.unreachable("it was accepted");
    } catch (error) {
      expect(isLakehouseError(error, "INVALID_METADATA")).toBe(true);
    }
  });
});
