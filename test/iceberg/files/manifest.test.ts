import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { AvroFile, AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { compileDecoder } from "../../../lib/lakehouse/iceberg/files/avro/decode.js";
import { structToAvro } from "../../../lib/lakehouse/iceberg/files/avro/from-iceberg.js";
import { encodeManifestList, readManifestList } from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { readManifest, readMatching } from "../../../lib/lakehouse/iceberg/files/manifest/reader.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import { ManifestWriter } from "../../../lib/lakehouse/iceberg/files/manifest/writer.js";
import type {
  DataFile,
  FormatVersion,
  ManifestEntry,
  ManifestFile,
  TableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { FileBrief } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
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
import { openTableAt } from "../../../lib/lakehouse/iceberg/table/open.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { fixtureTables, needsFixtureTables } from "../../support/needs.js";
import { runs } from "../../support/runs.js";
import { scratch } from "../support/tables.js";

const SCHEMA = defineSchema({
  id: uuid(),
  at: timestamp(),
  on: date().optional(),
  price: decimal(12, 2),
  ratio: double(),
  origin: string(),
  n: long(),
  bucketed: int(),
});

function metadata(formatVersion: FormatVersion): TableMetadata {
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

const metric = fc.option(
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.bigInt({ min: 0n, max: 2n ** 62n })))
    .map((pairs) => new Map(pairs)),
  { nil: undefined },
);
const bounds = fc.option(
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.uint8Array({ maxLength: 20 })))
    .map((pairs) => new Map(pairs)),
  { nil: undefined },
);
const uuids = fc.uuid();

const dataFile: fc.Arbitrary<DataFile> = fc.record({
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
function plain(file: DataFile): unknown {
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

describe.each([1, 2, 3] as const)("manifests of v%i", (version) => {
  const base = metadata(version);
  const specs = specsById(base);
  const spec = specs.get(0);
  const [schema] = base.schemas;
  if (spec === undefined || schema === undefined) throw new Error("no spec");

  const write = (files: readonly DataFile[]) => {
    const writer = new ManifestWriter({
      formatVersion: version,
      content: "data",
      spec,
      schema,
      snapshotId: 77n,
    });
    for (const file of files) writer.added(file);
    return writer.finish();
  };
  const inList = (manifest: ReturnType<typeof write>["manifest"], path: string): ManifestFile => ({
    ...manifest,
    manifestPath: path,
    manifestLength: 1n,
    sequenceNumber: version === 1 ? 0n : 9n,
    minSequenceNumber: version === 1 ? 0n : 9n,
  });

  test("read back as written, partition values and metrics and all", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      let count = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(dataFile, { maxLength: 6 }), async (files) => {
          const { bytes, manifest } = write(files);
          const path = `${store.root}/m${count++}.avro`;
          await store.put(path, bytes);
          const entries = await readManifest(store, inList(manifest, path), specs);
          expect(entries.map((entry) => plain(entry.dataFile))).toEqual(files.map(plain));
          for (const entry of entries) {
            expect(entry).toMatchObject({
              status: "added",
              snapshotId: 77n,
              sequenceNumber: version === 1 ? 0n : 9n,
            });
          }
          // Single look-ups, which leave the map in its bytes, agree with the built map.
          for (const [i, entry] of entries.entries()) {
            for (const id of [1, 5, 9])
              expect(entry.dataFile.valueCounts?.get(id)).toBe(files[i]?.valueCounts?.get(id));
          }
        }),
        { numRuns: runs(50) },
      );
    }));

  test("carry the keys and field ids that the spec asks for", () => {
    const { bytes } = write([]);
    const file = new AvroFile(bytes, "m");
    const keys = ["schema", "partition-spec", "format-version", "schema-id", "partition-spec-id"];
    for (const key of keys) expect(file.header.metadata.get(key), key).toBeDefined();
    expect(file.header.metadata.get("content")).toBe(version === 1 ? undefined : "data");
    const ids = JSON.stringify(JSON.parse(file.header.schemaJson)).match(/"field-id":(\d+)/g);
    expect(ids?.includes('"field-id":142')).toBe(version === 3);
    expect(ids?.includes('"field-id":134')).toBe(version >= 2);
    expect(ids?.includes('"field-id":105')).toBe(version === 1);
  });

  test("lists read back as written", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const rows: ManifestFile[] = Array.from({ length: 5 }, (_, i) => ({
        manifestPath: `file:///m${i}`,
        manifestLength: BigInt(i),
        partitionSpecId: i,
        content: version > 1 && i % 2 === 1 ? "deletes" : "data",
        sequenceNumber: version === 1 ? 0n : BigInt(i + 1),
        minSequenceNumber: version === 1 ? 0n : BigInt(i),
        addedSnapshotId: 2n ** 62n + BigInt(i),
        addedFilesCount: i,
        existingFilesCount: 2,
        deletedFilesCount: 3,
        addedRowsCount: 2n ** 40n,
        existingRowsCount: 5n,
        deletedRowsCount: 6n,
        partitions: [
          { containsNull: true, containsNan: false, lowerBound: Uint8Array.of(1), upperBound: undefined },
        ],
        keyMetadata: Uint8Array.of(7),
        firstRowId: version === 3 ? 100n : undefined,
      }));
      const head = {
        formatVersion: version,
        snapshotId: 5n,
        parentSnapshotId: undefined,
        sequenceNumber: 3n,
      };
      await store.put(`${store.root}/l.avro`, encodeManifestList(head, rows));
      const read = await readManifestList(store, `${store.root}/l.avro`);
      expect(
        read.map((row) => ({
          ...row,
          keyMetadata: [...(row.keyMetadata ?? [])],
          partitions: row.partitions?.map((p) => ({ ...p, lowerBound: [...(p.lowerBound ?? [])] })),
        })),
      ).toEqual(
        rows.map((row) => ({
          ...row,
          keyMetadata: [7],
          partitions: [{ containsNull: true, containsNan: false, lowerBound: [1], upperBound: undefined }],
        })),
      );
    }));

  test("corrupt bytes are told as such", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const [file] = fc.sample(dataFile, { numRuns: 1, seed: 5 });
      if (file === undefined) throw new Error("no sample");
      const { bytes, manifest } = write([file, file]);
      let count = 0;
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
          const broken = cut ? bytes.slice(0, at) : Uint8Array.from(bytes);
          if (!cut) broken[at] = value;
          const path = `${store.root}/b${count++}.avro`;
          await store.put(path, broken);
          try {
            await readManifest(store, inList(manifest, path), specs);
          } catch (error) {
            expect(
              isLakehouseError(error, "CORRUPT_FILE") || isLakehouseError(error, "UNSUPPORTED_FEATURE"),
              String(error),
            ).toBe(true);
          }
        }),
        { numRuns: runs(300) },
      );
    }));
});

describe("inheritance", () => {
  const base = metadata(3);
  const specs = specsById(base);
  const spec = specs.get(0);
  const [schema] = base.schemas;
  if (spec === undefined || schema === undefined) throw new Error("no spec");
  const file = (name: string, recordCount: bigint, firstRowId?: bigint): DataFile => ({
    content: "data",
    filePath: name,
    fileFormat: "parquet",
    specId: 0,
    partition: spec.spec.fields.map(() => null),
    recordCount,
    fileSizeInBytes: 1n,
    firstRowId,
  });

  test("gives first row ids to files without one, past those that have one (spec's example)", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const writer = new ManifestWriter({ formatVersion: 3, content: "data", spec, schema, snapshotId: 5n });
      writer.existing({
        status: "existing",
        snapshotId: 1n,
        sequenceNumber: 1n,
        fileSequenceNumber: 1n,
        dataFile: file("data1", 25n, 800n),
      });
      writer.added(file("data2", 50n));
      writer.added(file("data3", 50n));
      const { bytes, manifest } = writer.finish();
      await store.put(`${store.root}/m.avro`, bytes);
      const row = {
        ...manifest,
        manifestPath: `${store.root}/m.avro`,
        manifestLength: 1n,
        sequenceNumber: 2n,
        minSequenceNumber: 1n,
      };
      const ids = async (firstRowId: bigint | undefined) =>
        (await readManifest(store, { ...row, firstRowId }, specs)).map((entry) => entry.dataFile.firstRowId);
      expect(await ids(1000n)).toEqual([800n, 1000n, 1050n]);
      expect(await ids(undefined)).toEqual([undefined, undefined, undefined]);
      expect(manifest).toMatchObject({
        addedFilesCount: 2,
        existingFilesCount: 1,
        addedRowsCount: 100n,
        existingRowsCount: 25n,
        minSequenceNumber: 1n,
      });
    }));

  test("is the same for the entries that a filter keeps, whichever they are", () =>
    scratch(async (directory) => {
      const plainEntry = (entry: ManifestEntry) => ({ ...entry, dataFile: plain(entry.dataFile) });
      const anyFile = fc.record({
        status: fc.constantFrom("existing", "added", "deleted"),
        rows: fc.bigInt({ min: 1n, max: 100n }),
        firstRowId: fc.option(fc.bigInt({ min: 0n, max: 10_000n }), { nil: undefined }),
        low: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyFile, { maxLength: 40 }),
          fc.integer({ min: 0, max: 9 }),
          async (files, above) => {
            const writer = new ManifestWriter({
              formatVersion: 3,
              content: "data",
              spec,
              schema,
              snapshotId: 5n,
            });
            for (const [i, { status, rows, firstRowId, low }] of files.entries()) {
              const lowerBounds = low === undefined ? undefined : new Map([[7, Uint8Array.of(low)]]);
              const dataFile = { ...file(`data${i}`, rows, firstRowId), lowerBounds };
              const entry = { status, snapshotId: 1n, sequenceNumber: 1n, fileSequenceNumber: 1n, dataFile };
              if (status === "added") writer.added(dataFile);
              else if (status === "existing") writer.existing({ ...entry, status });
              else writer.deleted(entry);
            }
            const { bytes, manifest } = writer.finish();
            const manifestPath = `file://${directory}/${bytes.length}-${above}.avro`;
            const row = { ...manifest, manifestPath, manifestLength: 1n, firstRowId: 1000n };
            const read = { ...row, sequenceNumber: 2n, minSequenceNumber: 1n };
            const store = new LocalStore(directory, { durable: false });
            await store.put(manifestPath, bytes);
            const asked: bigint[] = [];
            const keep = ({ lowerBounds, recordCount }: FileBrief): boolean => {
              asked.push(recordCount);
              return (lowerBounds?.get(7)?.[0] ?? 0) > above;
            };
            const found = await readMatching(store, read, specs, keep);
            const skimmed = asked.splice(0);
            const live = (await readManifest(store, read, specs)).filter(
              ({ status }) => status !== "deleted",
            );
            const expected = live.filter(({ dataFile }) => keep(dataFile));
            expect(found.map(plainEntry)).toEqual(expected.map(plainEntry));
            expect(skimmed).toEqual(asked);
            expect(skimmed).toEqual(live.map(({ dataFile }) => dataFile.recordCount));
            // With all entries in memory they are asked instead.
            expect(await readMatching(store, read, specs, keep)).toEqual(expected);
          },
        ),
        { numRuns: runs(40) },
      );
    }));

  test("an existing entry without a sequence number is refused in v2, and reads as 0 in a manifest of v1", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const specs = specsById(newTableMetadata({ schema: SCHEMA, location: "file:///w/t" }));
      // As an old writer would have it: no sequence number columns, other field order, optional fields left out.
      const avro = structToAvro(
        {
          type: "struct",
          fields: [
            {
              id: 2,
              name: "data_file",
              required: true,
              type: {
                type: "struct",
                fields: [
                  { id: 103, name: "record_count", required: true, type: { type: "long" } },
                  { id: 100, name: "file_path", required: true, type: { type: "string" } },
                  { id: 101, name: "file_format", required: true, type: { type: "string" } },
                  { id: 102, name: "partition", required: true, type: { type: "struct", fields: [] } },
                  { id: 104, name: "file_size_in_bytes", required: true, type: { type: "long" } },
                  { id: 105, name: "block_size_in_bytes", required: true, type: { type: "long" } },
                ],
              },
            },
            { id: 1, name: "snapshot_id", required: false, type: { type: "long" } },
            { id: 0, name: "status", required: true, type: { type: "int" } },
          ],
        },
        "manifest_entry",
      );
      const writer = new AvroWriter(avro, { schema: "{}", "partition-spec": "[]" });
      const data_file = {
        record_count: 3,
        file_path: "f",
        file_format: "PARQUET",
        partition: {},
        file_size_in_bytes: 9,
        block_size_in_bytes: 1,
      };
      writer.write({ status: 0, snapshot_id: null, data_file });
      await store.put(`${store.root}/old.avro`, writer.finish());
      const row: ManifestFile = {
        manifestPath: `${store.root}/old.avro`,
        manifestLength: 1n,
        partitionSpecId: 0,
        content: "data",
        sequenceNumber: 0n,
        minSequenceNumber: 0n,
        addedSnapshotId: 42n,
      };
      const [entry] = await readManifest(store, row, specs);
      expect(entry).toMatchObject({
        status: "existing",
        snapshotId: 42n,
        sequenceNumber: 0n,
        dataFile: { content: "data", fileFormat: "parquet", recordCount: 3n },
      });
      expect(entry?.dataFile.partition).toEqual([]);
      // In a table with partitions, nulls would be made up.
      await expect(readManifest(store, row, specsById(base))).rejects.toMatchObject({ code: "CORRUPT_FILE" });
      await expect(readManifest(store, { ...row, sequenceNumber: 4n }, specs)).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
    }));

  test("map columns may be Avro maps or arrays of records", () => {
    const writer = new AvroWriter(
      { type: "record", name: "r", fields: [{ name: "m", type: { type: "map", values: "long" } }] },
      {},
    );
    writer.write({ m: new Map([["a", 1n]]) });
    const file = new AvroFile(writer.finish(), "t");
    expect(file.records(compileDecoder(file.schema()))).toEqual([{ m: new Map([["a", 1n]]) }]);
  });
});

describe("tables of other engines", () => {
  const expected: [table: string, tasks: [records: bigint, deletes: string[]][]][] = [
    [
      "java/bunnies",
      [
        [1n, []],
        [21n, ["position-deletes", "equality-deletes"]],
      ],
    ],
    ["spark/bunnies", [[20n, []]]],
    [
      "spark/rename_column",
      [
        [1n, []],
        [1n, []],
        [2n, []],
      ],
    ],
    ["athena/example", [[2n, []]]],
  ];

  test.each(expected)(
    "%s plans, deletes matched to their data files",
    needsFixtureTables,
    async (name, tasks) => {
      const store = new LocalStore(fixtureTables as string);
      const table = await openTableAt(store, pathToFileURL(`${fixtureTables}/${name}`).href, { moved: true });
      const plan = await table.scan().planAll();
      expect(plan.tasks.map((t) => [t.dataFile.recordCount, t.deleteFiles.map((d) => d.content)])).toEqual(
        tasks,
      );
    },
  );
});
