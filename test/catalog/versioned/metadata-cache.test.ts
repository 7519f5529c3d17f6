import { expect, test } from "vitest";
import { MetadataCache } from "../../../lib/lakehouse/catalog/versioned/metadata-cache.js";
import { newTableMetadata, serializeTableMetadata } from "../../../lib/lakehouse/iceberg/index.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";
import { schema } from "../support/contents.js";

test("metadata is read once while it is in use, and large ones leave before many small ones do", async () => {
  const metadata = newTableMetadata({ schema, location: "file:///w/t" });
  const metadataLog = Array.from({ length: 5000 }, (_, n) => ({
    timestampMs: 1n,
    metadataFile: `file:///w/${n}`,
  }));
  const reads: string[] = [];
  const store = {
    read: async (uri: string) => {
      reads.push(uri);
      const content = uri.includes("large") ? { ...metadata, metadataLog } : metadata;
      return Buffer.from(serializeTableMetadata(content));
    },
  } as unknown as ObjectStore;
  const cache = new MetadataCache({ store, canRelocate: true });
  const load = (name: string) => cache.read(`file:///w/t/${name}.metadata.json`);
  const readsOf = async (name: string) => {
    const before = reads.length;
    await load(name);
    return reads.length - before;
  };
  for (let n = 0; n < 200; n++) await load(`small${n}`);
  expect(await readsOf("small0")).toBe(0);
  for (let n = 0; n < 3; n++) await load(`large${n}`);
  expect(await readsOf("small0")).toBe(0);
  expect(await readsOf("large0")).toBe(0);
  for (let n = 3; n < 6; n++) await load(`large${n}`);
  expect(await readsOf("large1")).toBe(1);
  expect(await readsOf("small100")).toBe(1);
});
