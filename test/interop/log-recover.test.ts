import { type Lakehouse, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ok, streamctl } from "../cli/streamctl-lake.js";
import { readAll, texts } from "../log/support/lake-log.js";
import { type EtcdCluster, findEtcd, needsEtcd, startEtcd } from "./etcd-cluster.js";

describe("a log on etcd that has lost all", needsEtcd, () => {
  let etcd: EtcdCluster;
  beforeAll(async () => {
    etcd = await startEtcd(findEtcd() as string);
  });
  afterAll(() => etcd?.dispose());

  /** @param prefix another one is an etcd that knows nothing. */
  async function inLake<T>(prefix: string, work: (lake: Lakehouse) => Promise<T>): Promise<T> {
    vi.stubEnv("SLH_LOG", `${etcd.uri}/${prefix}`);
    const lake = await openLakehouse();
    try {
      return await work(lake);
    } finally {
      await lake.close();
    }
  }

  const epochOf = async ({ log }: Lakehouse, topicId: string) => (await log.core.cluster()).epoch(topicId, 0);

  test("comes back from the objects by streamctl recover, and epochs go on behind those that were told", async () => {
    const before = await inLake("whole", async (lake) => {
      const topic = await lake.log.createTopic("flights", { partitions: 2, retentionMs: 86_400_000 });
      for (const partition of [0, 1])
        await topic.append({ value: `${partition}` }, { partition, ack: "stored" });
      await lake.log.createTopic("deleted");
      await lake.log.deleteTopic("deleted");
      const described = await topic.describe();
      return { described, epoch: await epochOf(lake, described.id) };
    });
    const { described, epoch } = before;

    // Nobody makes a topic in place of one that was forgotten.
    await inLake("lost", async (lake) => {
      await expect(lake.log.createTopic("flights")).rejects.toMatchObject({ code: "LOG_METADATA_LOST" });
    });
    const recovered = JSON.parse(await ok("recover", "--json"));
    expect(recovered.topics).toBe(1);
    expect(JSON.parse(await ok("recover", "--json")), "again, which changes nothing").toEqual(recovered);

    await inLake("lost", async (lake) => {
      const topic = lake.log.topic("flights");
      expect(await topic.describe()).toMatchObject(described);
      expect((await lake.log.topics()).map(({ name }) => name)).toEqual(["flights"]);
      const appended = await topic.append({ value: "after" }, { partition: 0, ack: "stored" });
      expect(appended).toEqual([{ partition: 0, baseOffset: 1n, lastOffset: 1n }]);
      expect(texts(await readAll(topic, { partition: 0 }))).toEqual(["0", "after"]);
      expect(texts(await readAll(topic, { partition: 1 }))).toEqual(["1"]);
      expect(await epochOf(lake, described.id)).toBeGreaterThan(epoch);
    });
    expect((await streamctl("topic", "describe", "flights")).code).toBe(0);
  });
});
