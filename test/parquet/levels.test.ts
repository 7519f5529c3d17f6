// Nulls counted from definition levels: those that the rows have, in files of ours and of another writer.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { EnabledStatistics, WriterPropertiesBuilder, WriterVersion } from "parquet-wasm";
import { describe, expect, test } from "vitest";
import {
  countNulls,
  nodePlaces,
  type ParquetNode,
  readFooter,
  writeParquet,
} from "../../lib/lakehouse/parquet/index.js";
import { runs } from "../support/runs.js";
import { MemoryStore } from "./support/memory-store.js";
import { build, type Plain } from "./support/plain-values.js";
import { anyColumn, type Column } from "./support/random-columns.js";
import { rustWrite } from "./support/rust.js";

const uri = "mem://test/x.parquet";
const anyTable = fc
  .nat(2)
  .chain((depth) => anyColumn("c", depth))
  .chain((column) => fc.tuple(fc.constant(column), fc.array(column.value, { minLength: 1, maxLength: 60 })));

function batchOf({ field }: Column, rows: readonly Plain[]): arrow.RecordBatch {
  const type = new arrow.Struct([field]);
  return new arrow.RecordBatch(
    new arrow.Schema([field]),
    build(
      type,
      rows.map((c) => ({ c })),
    ) as arrow.Data<arrow.Struct>,
  );
}

/** How often each field that may be null is, where what it stands in is there; by field id. */
function nullsOf(field: arrow.Field, values: readonly Plain[]): Map<number, number> {
  const present = values.filter((value) => value !== null);
  const nulls = new Map<number, number>();
  const id = Number(field.metadata.get("PARQUET:field_id"));
  if (field.nullable) nulls.set(id, values.length - present.length);
  const below = (child: arrow.Field, of: readonly Plain[]) => {
    for (const [key, count] of nullsOf(child, of)) nulls.set(key, count);
  };
  const { type } = field;
  if (arrow.DataType.isStruct(type))
    for (const child of type.children)
      below(
        child,
        present.map((row) => (row as { [name: string]: Plain })[child.name]!),
      );
  else if (arrow.DataType.isMap(type)) {
    const [, value] = type.children[0]!.type.children as [arrow.Field, arrow.Field];
    below(
      value,
      present.flatMap((entries) => (entries as [Plain, Plain][]).map(([, of]) => of)),
    );
  } else if (arrow.DataType.isList(type) || arrow.DataType.isFixedSizeList(type))
    below(
      type.children[0] as arrow.Field,
      present.flatMap((items) => items as Plain[]),
    );
  return nulls;
}

async function expectNulls(store: MemoryStore, column: Column, rows: readonly Plain[]): Promise<void> {
  const footer = await readFooter(store, uri);
  const expected = nullsOf(column.field, rows);
  const found = new Map<number, number>();
  for (const [node, place] of nodePlaces(footer.schema))
    if (node.repetition === "optional" && node.fieldId !== undefined)
      found.set(node.fieldId, Number(await countNulls(store, uri, footer, place)));
  expect(found).toEqual(expected);
}

describe("nulls are counted at every depth", () => {
  test("in what we write, in any codec and pages of any length", async () => {
    const options = fc.record({
      compression: fc.constantFrom(
        "zstd" as const,
        "snappy" as const,
        "gzip" as const,
        "lz4_raw" as const,
        "uncompressed" as const,
      ),
      rowGroupRows: fc.integer({ min: 1, max: 60 }),
      pageRows: fc.integer({ min: 1, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(anyTable, options, async ([column, rows], how) => {
        const store = new MemoryStore();
        const batch = batchOf(column, rows);
        await writeParquet(store, uri, batch.schema, [batch], how);
        await expectNulls(store, column, rows);
      }),
      { numRuns: runs(80) },
    );
  });

  test.each([WriterVersion.V1, WriterVersion.V2])(
    "in what another implementation writes, without statistics, pages of version %i",
    async (version) => {
      await fc.assert(
        fc.asyncProperty(anyTable, async ([column, rows]) => {
          const properties = new WriterPropertiesBuilder()
            .setWriterVersion(version)
            .setStatisticsEnabled(EnabledStatistics.None)
            .setDataPageSizeLimit(100)
            .setWriteBatchSize(7)
            .build();
          const store = new MemoryStore();
          store.objects.set(uri, rustWrite(new arrow.Table(batchOf(column, rows)), properties));
          await expectNulls(store, column, rows);
        }),
        { numRuns: runs(40) },
      );
    },
  );
});

describe("damaged pages", () => {
  test("are refused or counted, in bounded time, wherever a byte was changed", async () => {
    const column: Column = {
      field: new arrow.Field("c", new arrow.List(new arrow.Field("element", new arrow.Int32(), true)), true),
      value: fc.constant(null),
    };
    const rows: Plain[] = Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? null : [i, i % 5 === 0 ? null : i],
    );
    const store = new MemoryStore();
    const batch = batchOf(column, rows);
    await writeParquet(store, uri, batch.schema, [batch], { compression: "uncompressed", pageRows: 50 });
    const footer = await readFooter(store, uri);
    const good = store.objects.get(uri)!;
    const place = nodePlaces(footer.schema).get(leafOf(footer.schema))!;
    const nulls = await countNulls(store, uri, footer, place);
    expect(nulls).toBe(BigInt(rows.flatMap((row) => row ?? []).filter((item) => item === null).length));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - footer.metadata.length - 9),
        fc.integer({ min: 1, max: 255 }),
        async (at, xor) => {
          const bad = Uint8Array.from(good);
          bad[at]! ^= xor;
          store.objects.set(uri, bad);
          const outcome = await countNulls(store, uri, footer, place).catch(
            (error: { code: string }) => error.code,
          );
          expect(
            typeof outcome === "bigint" || ["CORRUPT_FILE", "UNSUPPORTED_FEATURE"].includes(outcome),
          ).toBe(true);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

const leafOf = (node: ParquetNode): ParquetNode => (node.children[0] ? leafOf(node.children[0]) : node);
