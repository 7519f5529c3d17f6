import { setTimeout as sleep } from "node:timers/promises";
import { init } from "@bokuweb/zstd-wasm";
import * as arrow from "apache-arrow";
import { expect, test, vi } from "vitest";
import { readParquet, writeParquet } from "../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "../parquet/support/memory-store.js";

type Parquet = typeof import("../../lib/lakehouse/parquet/index.js");

const uri = "mem://test/x.parquet";
const table = new arrow.Table({ n: arrow.makeVector(Int32Array.from({ length: 10_000 }, (_, i) => i % 91)) });

async function written({ writeParquet: write }: Parquet | { writeParquet: typeof writeParquet }) {
  const store = new MemoryStore();
  await write(store, uri, table.schema, table.batches, { compression: "zstd" });
  const { columns } = await readParquet(store, uri, { columns: ["n"] });
  return columns[0]?.values;
}

test("a second copy of the library in the process writes, and leaves the first writing, what was given", async () => {
  const expected = Array.from({ length: 10_000 }, (_, i) => i % 91);
  expect(await written({ writeParquet })).toEqual(expected);
  vi.resetModules();
  const other = (await import("../../lib/lakehouse/parquet/index.js")) as Parquet;
  expect(other.writeParquet).not.toBe(writeParquet);
  expect(await written(other)).toEqual(expected);
  await sleep(1000); // the package does not say when it has started again
  expect(await written({ writeParquet })).toEqual(expected);
  expect(await written(other)).toEqual(expected);
});

test("nothing is written where another package has started the module again", async () => {
  expect(await written({ writeParquet })).toHaveLength(10_000);
  await init();
  await sleep(1000);
  await expect(written({ writeParquet })).rejects.toThrow("@bokuweb/zstd-wasm");
});
