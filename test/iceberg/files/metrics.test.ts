import { expect, test } from "vitest";
import {
  binary,
  defineSchema,
  fixed,
  readManifest,
  readManifests,
  specsById,
  string,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import { createTable, scratch } from "../support/tables.js";

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

test("bounds of text and binary are cut to 16, those of uuid and fixed are whole", () =>
  scratch(async (directory) => {
    const schema = defineSchema({ text: string(), bytes: binary(), key: uuid(), twenty: fixed(20) });
    const { table } = await createTable(directory, { schema });
    const key = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
    const after = await table.append([
      { text: "a".repeat(20), bytes: new Uint8Array(20).fill(1), key, twenty: new Uint8Array(20).fill(2) },
    ]);
    const snapshot = after.currentSnapshot;
    const [manifest] = snapshot ? await readManifests(after.store, snapshot) : [];
    const [entry] = manifest ? await readManifest(after.store, manifest, specsById(after.metadata)) : [];
    const { lowerBounds, upperBounds } = entry?.dataFile ?? {};
    const whole = [key.replaceAll("-", ""), "02".repeat(20)];
    expect([1, 2, 3, 4].map((id) => hex(lowerBounds?.get(id)))).toEqual([
      "61".repeat(16),
      "01".repeat(16),
      ...whole,
    ]);
    expect([1, 2, 3, 4].map((id) => hex(upperBounds?.get(id)))).toEqual([
      `${"61".repeat(15)}62`,
      `${"01".repeat(15)}02`,
      ...whole,
    ]);
  }));
