import { defineSchema, long } from "sololakehouse";
import { notNull } from "sololakehouse/quality";
import { expect, test } from "vitest";
import { lake } from "../support/lake.js";

test("a page compares a run with those before it that looked at the same kind of rows", async () => {
  const table = await lake.createTable("a.trend", { schema: defineSchema({ id: long() }) });
  const since = (await table.append([{ id: 1 }])).currentSnapshot?.snapshotId;
  const checks = [notNull("id")];
  const first = await lake.quality.check("a.trend", { checks });
  for (let i = 0; i < 31; i++) await lake.quality.check("a.trend", { checks, since });
  const last = await lake.quality.check("a.trend", { checks });
  const captionOf = async (report: typeof last) =>
    /<figcaption>(.*?)</.exec(await lake.quality.html(report))?.[1];
  expect(await captionOf(last)).toBe("2 runs, nothing failed");
  // A page that is made later has what there was at the time.
  expect(await captionOf(first)).toBe("one run, nothing failed");
});
