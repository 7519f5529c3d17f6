import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AvroFile, AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { compileDecoder } from "../../../lib/lakehouse/iceberg/files/avro/decode.js";
import { structToAvro } from "../../../lib/lakehouse/iceberg/files/avro/from-iceberg.js";
import { readManifest, readMatching } from "../../../lib/lakehouse/iceberg/files/manifest/reader.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import { ManifestWriter } from "../../../lib/lakehouse/iceberg/files/manifest/writer.js";
import type {
  DataFile,
  FileBrief,
  ManifestEntry,
  ManifestFile,
} from "../../../lib/lakehouse/iceberg/index.js";
import { newTableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/new.js";
import { openTableAt } from "../../../lib/lakehouse/iceberg/table/open.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { fixtureTables, needsFixtureTables } from "../../support/needs.js";
import { runs } from "../../support/runs.js";
import { metadata, plain, SCHEMA } from "../support/manifests.js";
import { scratch } from "../support/tables.js";

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
