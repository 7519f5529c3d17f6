import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { AvroFile } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { encodeManifestList, readManifestList } from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { readManifest } from "../../../lib/lakehouse/iceberg/files/manifest/reader.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import { ManifestWriter } from "../../../lib/lakehouse/iceberg/files/manifest/writer.js";
import type { DataFile, ManifestFile } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { dataFile, metadata, plain } from "../support/manifests.js";
import { scratch } from "../support/tables.js";

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
