import { join } from "node:path";
import { expect, test } from "vitest";
import { Alone } from "../../../lib/lakehouse/log/cluster/alone.js";
import { systemClock } from "../../../lib/lakehouse/log/partition/clock.js";
import { findSegments } from "../../../lib/lakehouse/log/partition/learn.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { diskAt } from "../../../lib/lakehouse/log/wal/disk.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { LocalStore, storageFailed } from "../../../lib/lakehouse/storage/index.js";
import { emptyMeta } from "../support/histories.js";
import { testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";
import { simulatedTopic } from "../support/simulated-server.js";

const TOPIC = simulatedTopic("flights", "01234567-89ab-cdef-0123-456789abcdef", 1);

test("what a server sent under an earlier leadership, and comes late, is not taken for what it puts under the next", async () => {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  const place = new Place(store);
  const meta = emptyMeta();
  await meta.createTopic(TOPIC);
  await store.put(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  /** Sent, and answered with a failure; and whether it is to come before what is put next. */
  let late: { readonly uri: string; readonly body: Uint8Array } | undefined;
  let [isLost, comesLate] = [false, false];
  const put = store.put.bind(store);
  store.put = async (uri, body, condition) => {
    if (isLost) {
      late = { uri, body: body as Uint8Array };
      throw storageFailed(uri, "It does not answer.");
    }
    if (comesLate && uri === late?.uri) {
      comesLate = false;
      await put(uri, late.body, { ifAbsent: true });
    }
    return put(uri, body, condition);
  };
  let epoch = 1;
  const cluster = Object.assign(new Alone(), { isShared: true, epoch: () => epoch });
  const parts = { store, meta, place, cluster, clock: systemClock, bufferBytes: 10_000_000 };
  const writer = await Writer.open({ ...parts, disk: diskAt(join(root, "wal")) });

  const first = await writer.partition(TOPIC, 0);
  isLost = true;
  const lost = first.append(await batchOf([{ value: "late" }]), "stored");
  await expect.poll(() => late).toBeDefined();
  // Another leads it for a moment, and puts nothing; and then this one again.
  epoch = 3;
  await Promise.all([expect(lost).rejects.toMatchObject({ code: "NOT_LEADER" }), writer.dropLost()]);
  [isLost, comesLate] = [false, true];

  const second = await writer.partition(TOPIC, 0);
  expect(await second.append(await batchOf([{ value: "next" }]), "stored")).toMatchObject({ baseOffset: 1n });
  await writer.close();
  const found = { store, place, meta: emptyMeta() };
  const all = await findSegments(found, TOPIC.id, 0, { next: 0, nextOffset: 0n });
  expect(all.segments.map(({ baseOffset, nextOffset }) => [baseOffset, nextOffset])).toEqual([
    [0n, 0n],
    [0n, 1n],
    [1n, 1n],
    [1n, 2n],
  ]);
});
