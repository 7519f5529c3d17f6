import { expect, test } from "vitest";
import type { Etcd } from "../../../lib/lakehouse/etcd/index.js";
import { EtcdMirror } from "../../../lib/lakehouse/log/meta/mirror.js";

const KEY = Buffer.from("log/broker/1").toString("base64");
const VALUE = Buffer.from("{}").toString("base64");

test("an answer that was on its way while all was read anew brings nothing back that is deleted", async () => {
  let arrive = () => {};
  const slow = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let relist = () => {};
  let [revision, watches] = [4, 0];
  const etcd = {
    transact: async ({ success }: { readonly success: readonly { readonly request_range: object }[] }) => {
      const isList = "range_end" in (success[0]?.request_range ?? {});
      const header = { revision: String(revision) };
      if (isList) return { succeeded: true, header, responses: [{ response_range: { kvs: [] } }] };
      await slow;
      const kvs = [{ key: KEY, value: VALUE, mod_revision: "5" }];
      return { succeeded: true, header: { revision: "5" }, responses: [{ response_range: { kvs } }] };
    },
    // What was between is no longer told.
    watch: async (_: unknown, _from: number, _ms: number, _on: unknown, signal: AbortSignal) => {
      await new Promise<void>((resolve) => {
        relist = resolve;
        signal.addEventListener("abort", () => resolve());
      });
      return ++watches > 1;
    },
  } as unknown as Etcd;
  const mirror = new EtcdMirror({ etcd, prefix: "log/", sleep: async () => undefined });
  await mirror.start();
  const reading = mirror.read("broker/1");
  // It is there as of 5, and gone as of 6.
  revision = 10;
  relist();
  await expect.poll(() => watches).toBe(1);
  await new Promise(setImmediate);
  arrive();
  expect(await reading).toBeUndefined();
  expect(mirror.get("broker/1")).toBeUndefined();
  await mirror.stop();
});
