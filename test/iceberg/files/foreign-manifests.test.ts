import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readManifest, readMatching } from "../../../lib/lakehouse/iceberg/files/manifest/reader.js";
import { ManifestWriter } from "../../../lib/lakehouse/iceberg/files/manifest/writer.js";
import type { PrimitiveValue } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { container, int, long, record, text } from "../support/avro-shapes.js";
import {
  BIG_QUERY,
  base,
  type Entry,
  entries,
  expected,
  found,
  manifestShape,
  rowOf,
  type Style,
  specs,
  styles,
} from "../support/foreign-manifests.js";
import { scratch } from "../support/tables.js";

describe("manifests of other writers", () => {
  const check = async (store: LocalStore, path: string, all: readonly Entry[], style: Style) => {
    const { shape, value } = manifestShape(style);
    const head = style.header
      ? { schema: "{}", "partition-spec": "[]", "partition-spec-id": "0", "format-version": "2" }
      : {};
    await store.put(path, container(shape, all.map(value), head));
    const live = all.filter(({ status }) => status !== 2);
    // First as a filter skims them, then whole.
    const briefs: unknown[] = [];
    const matching = await readMatching(store, rowOf(path), specs, (file) => {
      const counts = [1, 3, 9].map((id) => file.valueCounts?.get(id));
      const bounds = [1, 3, 9].map((id) => file.lowerBounds?.get(id)).map((bound) => bound && [...bound]);
      briefs.push([file.partition, file.recordCount, file.fileSizeInBytes, counts, bounds]);
      return true;
    });
    expect(matching.map(found)).toEqual(live.map(expected));
    expect(briefs).toEqual(
      live.map((entry) => {
        const { partition, recordCount, fileSizeInBytes } = expected(entry);
        const counts = new Map(entry.counts ?? []);
        const bounds = new Map(entry.bounds ?? []);
        return [
          partition,
          recordCount,
          fileSizeInBytes,
          [1, 3, 9].map((id) => counts.get(id)),
          [1, 3, 9].map((id) => bounds.get(id)).map((bound) => bound && [...bound]),
        ];
      }),
    );
    expect((await readManifest(store, rowOf(path), specs)).map(found)).toEqual(all.map(expected));
  };

  test("are read as BigQuery writes them", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const all = fc.sample(entries, { numRuns: 20, seed: 3 });
      await check(store, `${store.root}/m.avro`, all, BIG_QUERY);
    }));

  test("are read by id, by name, and through whatever is nullable, reordered, wider or narrower", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      let count = 0;
      await fc.assert(
        fc.asyncProperty(styles, fc.array(entries, { maxLength: 7 }), async (style, all) => {
          await check(store, `${store.root}/m${count++}.avro`, all, style);
        }),
        { numRuns: runs(300) },
      );
    }));

  test("whose partitions lack a field are refused: its values would be made up", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const file = record("r2", [
        { id: 100, name: "file_path", shape: text },
        { id: 101, name: "file_format", shape: text },
        { id: 102, name: "partition", shape: record("r102", [{ name: "n", shape: long, id: 1005 }]) },
        { id: 103, name: "record_count", shape: long },
        { id: 104, name: "file_size_in_bytes", shape: long },
      ]);
      const shape = record("manifest_entry", [
        { id: 0, name: "status", shape: int },
        { id: 3, name: "sequence_number", shape: long },
        { id: 2, name: "data_file", shape: file },
      ]);
      const data_file = {
        file_path: "f",
        file_format: "PARQUET",
        partition: { n: 1n },
        record_count: 1n,
        file_size_in_bytes: 1n,
      };
      const path = `${store.root}/m.avro`;
      await store.put(path, container(shape, [{ status: 1, sequence_number: 1n, data_file }]));
      await expect(readManifest(store, rowOf(path), specs)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
      await expect(readMatching(store, rowOf(path), specs, () => true)).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
    }));

  test("that are cut between two blocks are told by their row in the list", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const resolved = specs.get(0);
      if (resolved === undefined) throw new Error("no spec");
      const { schemas } = base;
      const writer = new ManifestWriter({
        formatVersion: 2,
        content: "data",
        spec: resolved,
        schema: schemas[0] as (typeof schemas)[number],
        snapshotId: 5n,
      });
      for (let i = 0; i < 3000; i++) {
        writer.added({
          content: "data",
          filePath: `file:///a/long/path/to/make/blocks/${i}`,
          fileFormat: "parquet",
          specId: 0,
          partition: [null, null, null, null, null, BigInt(i), null] as (PrimitiveValue | null)[],
          recordCount: 1n,
          fileSizeInBytes: 1n,
        });
      }
      const { bytes: whole, manifest } = writer.finish();
      const buffer = Buffer.from(whole);
      const sync = buffer.subarray(buffer.length - 16);
      const cut = buffer.lastIndexOf(sync, buffer.length - 17) + 16;
      const path = `${store.root}/m.avro`;
      await store.put(path, buffer.subarray(0, cut));
      const row = {
        ...rowOf(path),
        ...manifest,
        minSequenceNumber: 1n,
        manifestLength: BigInt(buffer.length),
      };
      await expect(readManifest(store, row, specs)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
      await expect(readMatching(store, row, specs, () => true)).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
      // A wrong length alone is no cut.
      const other = `${store.root}/n.avro`;
      await store.put(other, buffer);
      const long = { ...row, manifestPath: other, manifestLength: BigInt(buffer.length) * 2n };
      expect(await readManifest(store, long, specs)).toHaveLength(3000);
    }));
});
