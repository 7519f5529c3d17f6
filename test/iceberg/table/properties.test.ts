import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  defineSchema,
  int,
  newTableMetadata,
  updateProperties,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  checkProperties,
  TABLE_PROPERTIES,
} from "../../../lib/lakehouse/iceberg/model/metadata/properties.js";
import { runs } from "../../support/runs.js";
import { createTable, scratch } from "../support/tables.js";

const schema = defineSchema({ n: int() });
const refusal = (key: string) => expect.objectContaining({ code: "INVALID_ARGUMENT", subject: key });

describe("a table property that is set", () => {
  test.each([
    ["write.delete.mode", "mor", "merge-on-read"],
    ["write.merge.isolation-level", "none", "Snapshot"],
    ["write.metadata.delete-after-commit.enabled", "yes", "TRUE"],
    ["commit.retry.num-retries", "-1", "0"],
    ["commit.retry.num-retries", "1.5", " 4 "],
    ["write.target-file-size-bytes", "0", "1"],
    ["write.target-file-size-bytes", "512MB", "536870912"],
    ["write.metadata.metrics.default", "truncate(0)", "truncate(16)"],
    ["write.metadata.metrics.column.a.b", "some", "counts"],
    ["write.parquet.bloom-filter-fpp.column.n", "1", "0.01"],
    ["write.parquet.compression-codec", "lzo", "brotli"],
    ["write.parquet.compression-codec", " ", ""],
    ["write.parquet.compression-codec.column.n", "best", ""],
    ["write.distribution-mode", "random", "hash"],
    ["gc.enabled", "off", "false"],
  ])("such as %s cannot be %s, and may be %s", (key, wrong, right) => {
    expect(() => newTableMetadata({ schema, location: "s3://b/t", properties: { [key]: wrong } })).toThrow(
      refusal(key),
    );
    const made = newTableMetadata({ schema, location: "s3://b/t", properties: { [key]: right } });
    expect(made.properties[key]).toBe(right);
    const set = (value: string) =>
      applyUpdates(made, [{ action: "set-properties", updates: { [key]: value } }]).properties[key];
    expect(() => set(wrong)).toThrow(refusal(key));
    expect(set(right)).toBe(right);
  });

  test("may be anything where nobody here knows it, and every default may be set", () => {
    checkProperties(
      Object.fromEntries(Object.entries(TABLE_PROPERTIES).map(([key, { fallback }]) => [key, fallback])),
    );
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().map((key) => `my.${key}`),
          fc.string(),
        ),
        (properties) => checkProperties(properties),
      ),
      { numRuns: runs(50) },
    );
    checkProperties({ constructor: "x", toString: "y", "write.delete.modes": "z" });
  });

  test("is refused before anything is committed, and one that was wrong before does not stand in the way", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema });
      const wrong = table.update([updateProperties({ set: { "write.delete.mode": "mor", a: "b" } })]);
      await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT", subject: "write.delete.mode" });
      expect((await table.refresh()).properties).toEqual(table.properties);
      const foreign = { ...table.metadata, properties: { "write.delete.mode": "mor" } };
      const updates = { "write.delete.mode": "mor", a: "b" };
      expect(applyUpdates(foreign, [{ action: "set-properties", updates }]).properties).toEqual(updates);
    }));
});
