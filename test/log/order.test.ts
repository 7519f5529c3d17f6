import { join } from "node:path";
import { expect, test } from "vitest";
import { firstManifest } from "../../lib/lakehouse/log/manifest/manifest.js";
import { ManifestFile } from "../../lib/lakehouse/log/manifest/manifest-file.js";
import { SqliteMeta } from "../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../lib/lakehouse/log/meta/topic-config.js";
import { Budget } from "../../lib/lakehouse/log/partition/budget.js";
import { systemClock } from "../../lib/lakehouse/log/partition/clock.js";
import { Partition } from "../../lib/lakehouse/log/partition/partition.js";
import { Place } from "../../lib/lakehouse/log/partition/place.js";
import { diskAt } from "../../lib/lakehouse/log/wal/disk.js";
import { Wal } from "../../lib/lakehouse/log/wal/wal.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { testFolder } from "./support/lake-log.js";
import { batchOf } from "./support/records.js";

test("who comes at the moment that memory is free again goes behind who has waited for it", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const meta = new SqliteMeta(":memory:");
  const { wal } = await Wal.open(diskAt(join(root, "wal")), { onRefused: () => {} });
  const budget = new Budget(1_000, () => {});
  const topic = { id: "01234567-89ab-cdef-0123-456789abcdef", name: "flights", config: topicConfig({}) };
  const place = new Place(store);
  const manifest = new ManifestFile(store, place.manifest(topic.id, 0), 1n);
  await manifest.create(firstManifest());
  const partition = new Partition(
    topic,
    0,
    { start: 0n, offset: 0n, sequence: 0, producers: [] },
    {
      store,
      meta,
      place,
      clock: systemClock,
      wal,
      budget,
      epoch: 1,
      manifest,
      writerId: 1n,
    },
  );
  budget.owe(1_000);
  const first = partition.append(await batchOf([{ value: "first" }]), "wal");
  const second = await batchOf([{ value: "second" }]);
  budget.give(1_000);
  expect(await partition.append(second, "wal")).toEqual({ baseOffset: 1n, lastOffset: 1n });
  expect(await first).toEqual({ baseOffset: 0n, lastOffset: 0n });
  await partition.close();
  await wal.close();
  await meta.close();
});
