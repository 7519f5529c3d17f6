import { expect, test } from "vitest";
import { OnFirstUse } from "../../lib/lakehouse/log/on-first-use.js";

test("what all ask for at once is opened once, and is there from then on", async () => {
  let opened = 0;
  const thing = new OnFirstUse(async () => ++opened);
  expect(await Promise.all([thing.ifUsed(), thing.toClose()])).toEqual([undefined, undefined]);
  expect(await Promise.all([thing.get(), thing.get(), thing.ifUsed()])).toEqual([1, 1, 1]);
  expect([await thing.get(), await thing.toClose()]).toEqual([1, 1]);
});

test("where opening fails, all who have asked hear of it, and whoever asks next opens it anew", async () => {
  const opening: (() => Promise<string>)[] = [() => Promise.reject(new Error("no")), async () => "open"];
  const thing = new OnFirstUse(() => (opening.shift() as () => Promise<string>)());
  const asked = await Promise.allSettled([thing.get(), thing.get(), thing.ifUsed(), thing.toClose()]);
  expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"]);
  expect(await thing.ifUsed()).toBeUndefined();
  expect(await thing.get()).toBe("open");
});
