import { defineSchema, double, long, string } from "sololakehouse";
import { expect, test } from "vitest";
import { requireChecks } from "../../lib/lakehouse/quality/checks/builders.js";
import {
  type Check,
  contract,
  drift,
  length,
  notNull,
  range,
  rowCount,
  unique,
} from "../../lib/lakehouse/quality/index.js";
import { lake } from "./support/lake.js";

test("what nothing can be compared with is no bound, however a check was made", () => {
  const nan = Number.NaN;
  for (const make of [
    () => rowCount({ min: nan }),
    () => rowCount({ change: { min: nan } }),
    () => rowCount({ change: { min: -1, runs: 0 } }),
    () => length("origin", { max: nan }),
    () => range("delay", { max: nan }),
    () => drift("delay", { against: "main", max: nan }),
  ])
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  // As a program without types has them, or JSON, where it is null.
  for (const wrong of [
    { kind: "rowCount", name: "a", severity: "block", min: null },
    { kind: "rowCount", name: "a", severity: "block", min: "abc" },
    { kind: "range", name: "a", severity: "block", column: "delay", max: null },
    { kind: "notNull", name: "a", severity: "block" },
    { kind: "unique", name: "a", severity: "block", columns: [] },
    { kind: "notNull", name: "a", column: "id" },
    { kind: "not_null", name: "a", severity: "block", column: "id" },
  ])
    expect(() => requireChecks([wrong as unknown as Check])).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  expect(notNull("id", { severity: undefined } as never)).toMatchObject({ severity: "block" });
});

test("NaN is a bound of text, and of no number", async () => {
  const table = await lake.createTable("a.words", {
    schema: defineSchema({ word: string(), score: double() }),
  });
  await table.append([{ word: "Nan", score: 1 }]);
  const run = (check: Check) => lake.quality.check("a.words", { checks: [check], record: false });
  expect((await run(range("word", { min: "NaN" }))).passed).toBe(true);
  await expect(run(range("score", { max: "NaN" }))).rejects.toMatchObject({ code: "INVALID_CHECK" });
});

test("a check that names a column which is not there is not kept for later", async () => {
  const schema = defineSchema({ id: long() });
  await lake.createTable("a.kept", { schema });
  await expect(lake.quality.setChecks("a.kept", [notNull("nope")])).rejects.toMatchObject({
    code: "INVALID_CHECK",
  });
  expect(() => contract({ name: "a.kept", schema, owner: "x", checks: [unique(["id", "nope"])] })).toThrow(
    /names the column "nope", which is not there/,
  );
  expect(await lake.quality.checksOf("a.kept")).toEqual([]);
});

test("what a run is given is looked at before it reads anything", async () => {
  for (const wrong of [{ samples: -1 }, { samples: "3" }, { now: "2026-01-01" }, { now: new Date("soon") }])
    await expect(
      lake.quality.check("a.kept", { checks: [notNull("id")], ...(wrong as object) }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(lake.quality.publish("a.none", [{ id: 1 }], { checks: [notNull("id")] })).rejects.toThrow(
    /There is no table a\.none on main/,
  );
});
