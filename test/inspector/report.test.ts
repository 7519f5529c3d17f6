// Footers as the page shows them, against DuckDB's own reading of the same files.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { columnReports, type FileReport, inspectFile } from "../../lib/kit/inspector/report.js";
import { fixtureTables, needsFixtureTables } from "../support/needs.js";

let folder: string;
let duckdb: DuckDBConnection;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slh-inspector-"));
  duckdb = await (await DuckDBInstance.create()).connect();
});
afterAll(() => {
  duckdb.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

const report = (path: string): Promise<FileReport> => inspectFile(path, new Blob([readFileSync(path)]));

/** What the page and DuckDB agree on, for every row group and column. */
async function ofDuckDb(path: string) {
  const rows = await duckdb.runAndReadAll(`
    select row_group_id::int as "group", column_id::int as "column", path_in_schema as path, num_values as "values",
      stats_null_count as nulls, stats_min_value as lower, stats_max_value as upper, compression as codec,
      total_compressed_size as bytes, encodings
    from parquet_metadata('${path}') order by all`);
  return rows.getRowObjectsJS() as unknown as readonly {
    group: number;
    column: number;
    path: string;
    values: bigint;
    nulls: bigint | null;
    lower: string | null;
    upper: string | null;
    codec: string;
    bytes: bigint;
    encodings: string;
  }[];
}

async function holdAgainstDuckDb(path: string): Promise<void> {
  const { footer } = await report(path);
  for (const row of await ofDuckDb(path)) {
    const column = columnReports(footer, row.group)[row.column];
    const where = `${path}: ${row.path} of row group ${row.group}`;
    expect([where, column?.path, column?.values, column?.bytes], where).toEqual([
      where,
      row.path.split(", ").join("."),
      row.values,
      Number(row.bytes),
    ]);
    expect(column?.codecs, where).toEqual([row.codec]);
    expect(column?.encodings.toSorted(), where).toEqual(row.encodings.split(", ").toSorted());
    if (column?.nulls !== undefined && row.nulls !== null) expect(column.nulls, where).toBe(row.nulls);
    const { node } = footer.columns[row.column] ?? {};
    const stated = footer.rowGroups[row.group]?.columns[row.column]?.statistics;
    for (const [side, ours, theirs] of [
      ["min", column?.lower, row.lower],
      ["max", column?.upper, row.upper],
    ] as const) {
      // Bounds of bytes whose order the file does not define are not given: DuckDB shows them all the same.
      if (stated?.[side] === undefined && node?.physicalType.endsWith("BYTE_ARRAY")) continue;
      expect(ours, `${where}, ${side}`).toEqual(theirs === null ? undefined : plain(theirs, node));
    }
  }
}

/** A bound as DuckDB writes it, in our way: no zero behind the point of a float, UTC by its name. */
function plain(bound: string, node: FileReport["footer"]["schema"] | undefined): string {
  if (node?.physicalType === "FLOAT" || node?.physicalType === "DOUBLE") return bound.replace(/\.0$/, "");
  return node?.logicalType?.kind === "timestamp" ? bound.replace(/\+00$/, " UTC") : bound;
}

describe("a footer", () => {
  test("of every type that DuckDB writes", async () => {
    const path = join(folder, "types.parquet");
    await duckdb.run(`
      copy (
        select i % 2 = 0 as flag, (i - 50)::tinyint as i8, (i * 100)::smallint as i16, (i - 7)::int as i32,
          (i * 10000000000 - 5)::bigint as i64, i::utinyint as u8, (i * 300)::usmallint as u16,
          (4294967000 + i)::uinteger as u32, (18446744073709551000 + i)::ubigint as u64,
          (i - 3) / 4.0::float as f32, (i - 3) / 3.0 as f64, (i - 3)::decimal(4, 2) as small,
          (i - 3)::decimal(18, 5) as middle, (i - 3)::decimal(38, 10) as large, 'text ' || i as words,
          date '1969-12-30' + i::int as days, timestamp '1969-12-31 23:59:59.5' + to_milliseconds(i * 37) as moments,
          (timestamp '2262-01-01 00:00:00' + to_days(i::int))::timestamp_ms as millis,
          make_timestamp_ns(1700000000123456789 + i) as nanos, timestamptz '2001-02-14 05:30:00+00' + to_hours(i) as instants,
          time '05:30:00.25' + to_seconds(i) as clock, case when i > 4 then i end as gaps, null::int as nothing,
          ('00000000-0000-4000-8000-0000000000' || lpad(i::text, 2, '0'))::uuid as id,
          {'a': i, 'b': {'c': 'x' || i}} as nested, [i, i + 1] as list, map {'k' || i: i} as pairs
        from range(100) t(i)
      ) to '${path}' (row_group_size 2048)`);
    await holdAgainstDuckDb(path);
  });

  test.each(["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"])("of %s", async (codec) => {
    const path = join(folder, `${codec}.parquet`);
    await duckdb.run(
      `copy (select i, i % 7 as few from range(10000) t(i)) to '${path}' (codec '${codec}', row_group_size 2048)`,
    );
    const { rowGroups } = await report(path);
    expect(rowGroups.length).toBeGreaterThan(1);
    await holdAgainstDuckDb(path);
  });

  test("accounts for every byte of the file", async () => {
    const path = join(folder, "bytes.parquet");
    await duckdb.run(`copy (select i % 10 as few, i from range(5000) t(i)) to '${path}'`);
    const { size, columns, footerBytes, otherBytes } = await report(path);
    const inColumns = columns.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(inColumns + footerBytes + otherBytes).toBe(size);
    expect(columns.find(({ path: name }) => name === "few")?.dictionaryBytes).toBeGreaterThan(0);
  });

  test("is all that is read of a large file", async () => {
    const path = join(folder, "large.parquet");
    await duckdb.run(
      `copy (select random() as number from range(1000000)) to '${path}' (codec 'uncompressed')`,
    );
    const whole = new Blob([readFileSync(path)]);
    let read = 0;
    const counted = new Proxy(whole, {
      get: (blob, key) => {
        if (key !== "slice") return Reflect.get(blob, key, blob) as unknown;
        return (from: number, to: number) => {
          read += to - from;
          return blob.slice(from, to);
        };
      },
    });
    await inspectFile(path, counted);
    expect(whole.size).toBeGreaterThan(7_000_000);
    expect(read).toBeLessThan(100_000);
  });

  const fixtures = fixtureTables
    ? readdirSync(fixtureTables, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".parquet"),
      )
    : ["none"];
  test.each(fixtures)("of %s", needsFixtureTables, async (name) => {
    await holdAgainstDuckDb(join(fixtureTables ?? "", name));
  });
});
