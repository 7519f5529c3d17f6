import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { RecordBatch, Struct, vectorFromArray } from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { schemaToArrow } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import { writeEqualityDeletes } from "../../../lib/lakehouse/iceberg/files/deletes/equality-delete-writer.js";
import {
  EqualityKeys,
  readEqualityDeletes,
} from "../../../lib/lakehouse/iceberg/files/deletes/equality-deletes.js";
import { equalityDeleteSchema } from "../../../lib/lakehouse/iceberg/files/deletes/equality-schema.js";
import type { DataFile } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
import { fieldById } from "../../../lib/lakehouse/iceberg/model/schema/lookup.js";
import type {
  IcebergType,
  PrimitiveValue,
  Schema,
} from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { toBinary } from "../../../lib/lakehouse/iceberg/model/values/single-value.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

/** Written by pyarrow with one column of each type that may be a delete column, decimals as integers where they fit. */
const PYARROW = inflateSync(
  Buffer.from(
    "eNqtV01MG0cUnl0bY1xCjMOu1pFb+QCrVJAshECgTdrM4h9MMP4JawKKVGFDHDAODgabIA45pFIOHHqoolSKcoqqKsohqiK1h1bqIceqvURqDlVPldpDDpEqpVVTlc6b3fWu7cU2Ulcws/vmzfu+982bGYjj5BBn5/xc7zTpkAch9zkGqY/a+xGHOA/HD3AOzk1+HT7BqY/obwjx7AkLa3c3aTr8LGltbYyNJRBurkdHcvp+sCO0T546BDuMCHYYI5FNX+aINjViFfffbSryl50/zj9divxbz133EJy6D3Cvt1ogXeACOpJ/tyPy5PUrdvjYs8gn8V/G/pjZr3pevKpDdtfOENy1cwiTFrwsmFWp+v7AQarCiKGq8dVM1QvyUarO/kc/vd1D+npV9RHBqfuCqvVWi4qwrD0924NqD2LqPkbtma0HqcRqKqE78dxnHodFLvqI8QYI9dZqBDvSc2G1XP68/0FHdvfitw9vfnjm/lcf/1aLNEpWu9ZHqLNYoJAoOkqHv40MDA8ODw6R8D2cYApvP9FGBwS1o4FcvVDoNgdiWFRbN+1kxKmublUgwQ5Wwd6urqrpyxzShUBkxHVxHpiK1KkMIzAwifbUvV3QUiG4BEaHd/WydN2RRXkRoVi0L6BmhQ9SvLEs/DZK+Y1W+MZXfUTvP+4RJDiKmWvL+UXuOBGpjxXYlSWF6MXC69J4n4uugd13BXrgCz62paExMuLgegniFehhpIuUBIwNw5iTm+acZIz0MMbSWYs3+zpHXL41PQ6zqXT6dj2+AVrPKvxmsa9npMu3V2PdIVa3b69bt6pgzJbiQSOs0L64tLSxXCxy9mAP4joBbGel0IdGeJ9Ph2evrysC0Rtw08pxzS29cl3xqQ7MivIO4h1en/eliHxEnhHkcHtBEI7lHfz3DP+cESdF5+EuBe8ArBnHwkq7SXfuXYdXZMkhjwCE1UGWxinIfYZ/yIh7rPgz0/hmaBxW5w4LZSL/nU28ZTvcvdAYp6uCM6ziPGb5p6z4tE18bv9/b4HWZIQSM+n4dbt4p73xXdCajsymScWXTvGx83D3QGsopPbNi+USb7kOdwm0CrNDYb5h+GeMeLtTfP7W4W6C1mqC2aIozxiSj/jiiHjvSOu3QGOEThXhhL7rYa9TrD2G/5QR7x4Vf+2yuhLqovIur8M7yrJsdRlVApMjg8Z9wPCfM+IXbvGvo41vCCveoyzSiSNvnwMRZdI06ix/WXzQfa7u3vASRxrEMmt6ZNH5u/xtRnzkEV93m2+N+iTtXqutwqyYNsqjY+LfnsZ3x8FLwj86xjtEJ3+3h1AXOnEyGZt7T71UhHvdEjyns2GMcQKrz0WMy1jO4hDGWTyRpTZZxjgKLxMYR6jB6MkzSH4DQTkBQRSMZ7JBMlKWqT8xTmUD1KmM8TZMC5VJGFyEoR2YHi5DG4QmW9qQJPhMRBT4nqXxKQmdn+YqF3DFCo1c7i9JUtAwAgaOzioaSTmRSE0lU0pKieUXCgtz27nLp9dy1D28OipJY9SJJhVLa9/BYIjCUX6RCkn1gZzwfH5tS7PSZihO+G9jwzVLpRnUSSnB0CUllQqlAoX84lyquBAaLyyoEo9JhH+iVNLyn2+W/0p1/rjcL1nlH22e/8wqmdq/DPPBMZAEAvJ8JYhcrrwWKTzlM0nzn0vmMvnUTqasoUAztXqW6Jcw6oNKtx3VRQnJsrIWSiVTidGF/NpaOpy8ujinppeIExLl9Jim/0QD/SmfdH4Mm/Ufj5es9L/ZXP9AUcsf40uU+Q0pruohJ2l9GaLKBgmoaTxZKGSwKf/Q6phl/onm+cvUBd4DF3X8wHYDfLBOKhUrbaZr8SnqCG6q/zzED0Kv6zVdGtbqcb1BPUJ+8uBytqoeM9LVqnqkVGIG04PrMTArqesf0fhD5cipVDCK84fgkymb+UxErPjMlFvhk67w6a/g5yh+6uD9OVi9PwPrlvjZFvBJfHLYhOl5rENkVWUWSmc1PlnKR7HkQ/XLzV/Omc9LRSpZ8Ek05UN5kPshbITf6Nf262Sz83IhED1j3q9b8bPV+5VKZRRRg/2aA/5TRqpbknZ+yep+iR64X8OJ7Zh5v8g7ksV+2cEtnFeX4LzajlTyy5UkbT0yDeqD1mculqiqTyxJ9esRbbU+skBVr49cJXV6msnUTtYro5Ik8ULaKUe/rlG9MpZ6AX6Y4siVJNV6NPDk2vULtrB+IEIZ5k9q+uDKIYfPn0eCv7C4cWNrefNkplA4ubixsV72l5Y3iivr1/2nR08NnhryviT/PLb4g2Lkj/04Tg79B7k4jGE=",
    "base64",
  ),
);

const field = (id: number, name: string, type: IcebergType, required = false) => ({
  id,
  name,
  required,
  type,
});
const schema: Schema = {
  schemaId: 4,
  identifierFieldIds: [1],
  fields: [
    field(1, "id", { type: "long" }, true),
    field(2, "d9", { type: "decimal", precision: 9, scale: 2 }),
    field(3, "d18", { type: "decimal", precision: 18, scale: 3 }),
    field(4, "d38", { type: "decimal", precision: 38, scale: 4 }),
    field(5, "day", { type: "date" }),
    field(6, "t", { type: "time" }),
    field(7, "ts", { type: "timestamp" }),
    field(8, "tz", { type: "timestamptz" }),
    field(9, "u", { type: "uuid" }),
    field(10, "address", {
      type: "struct",
      fields: [field(11, "zip", { type: "string" }), field(12, "no", { type: "int" })],
    }),
    field(13, "b", { type: "boolean" }),
    field(14, "bin", { type: "binary" }),
    field(15, "i", { type: "int" }),
    field(16, "price", { type: "double" }),
    field(17, "tags", { type: "list", elementId: 18, elementRequired: false, element: { type: "string" } }),
  ],
};
const typeOf = (id: number): IcebergType | undefined => fieldById(schema, id)?.type;

describe("an equality delete file", () => {
  let folder: string;
  let store: LocalStore;
  let file: DataFile;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "equality-deletes-"));
    store = new LocalStore(folder, { durable: false });
    const filePath = `${store.root}/eq.parquet`;
    await store.put(filePath, PYARROW);
    file = {
      content: "equality-deletes",
      filePath,
      fileFormat: "parquet",
      specId: 0,
      partition: [],
      recordCount: 3n,
      fileSizeInBytes: BigInt(PYARROW.length),
    };
  });
  afterAll(() => rm(folder, { recursive: true }));

  const keys: [name: string, id: number, values: (PrimitiveValue | null)[], other: PrimitiveValue][] = [
    ["long", 1, [1n, null, 2n ** 53n + 1n], 2n ** 53n],
    ["decimal in INT32", 2, [1230n, -1n, null], 1n],
    ["decimal in INT64", 3, [1000n, -123456789012345678n, null], 123456789012345678n],
    ["decimal in bytes", 4, [12345678901234567890123456789012345678n, -10000n, null], 10000n],
    ["date", 5, [11_323, -1, null], 0],
    ["time", 6, [1_000_000n, null, 86_399_999_999n], 0n],
    ["timestamp", 7, [1n, -1n, null], 0n],
    ["timestamptz", 8, [1_709_300_000_000_000n, null], 0n],
    ["uuid", 9, ["f79c3e09-677c-4bbd-a479-3f349cb785e7", null], "f79c3e09-677c-4bbd-a479-3f349cb785e8"],
    ["string within a struct", 11, ["30301", null], ""],
    ["int within a struct", 12, [7, 8, null], 0],
    ["boolean", 13, [true, false, null], "true"],
    ["binary", 14, [Uint8Array.of(0, 255), new Uint8Array(0), null], Uint8Array.of(0)],
    ["int", 15, [5, -5, null], 0],
  ];
  test.each(keys)("gives keys of a %s, null among them", async (_, id, values, other) => {
    const found = await readEqualityDeletes(store, { ...file, equalityIds: [id] }, typeOf);
    expect(found.size).toBe(values.length);
    for (const value of values) expect(found.has([value])).toBe(true);
    expect(found.has([other])).toBe(false);
  });

  test("compares all of its delete columns, in the order of the ids, and no others", async () => {
    const found = await readEqualityDeletes(store, { ...file, equalityIds: [11, 1] }, typeOf);
    expect(found.fieldIds).toEqual([11, 1]);
    expect(found.has(["30301", 1n])).toBe(true);
    expect(found.has([null, null])).toBe(true);
    expect(found.has([null, 2n ** 53n + 1n])).toBe(true);
    expect(found.has(["30301", null])).toBe(false);
  });

  test("matches a column that was promoted since", async () => {
    const promoted = await readEqualityDeletes(store, { ...file, equalityIds: [15, 5] }, (id) =>
      id === 15 ? { type: "long" } : { type: "timestamp" },
    );
    expect(promoted.has([5n, 11_323n * 86_400_000_000n])).toBe(true);
  });

  test("is read or refused whichever bytes are damaged", async () => {
    const outcome = async (changes: [at: number, byte: number][]): Promise<string> => {
      const damaged = Uint8Array.from(PYARROW);
      for (const [at, byte] of changes) damaged[at] = byte;
      const filePath = `${store.root}/damaged.parquet`;
      await store.put(filePath, damaged);
      return codeOf(() => readEqualityDeletes(store, { ...file, filePath, equalityIds: [1, 4, 11] }, typeOf));
    };
    // A footer that says 2^32 elements where there are none.
    const endless: [number, number][] = [
      [1508, 7],
      [2320, 182],
    ];
    expect(await outcome(endless)).toBe("CORRUPT_FILE");
    const change = fc.tuple(fc.nat(PYARROW.length - 1), fc.oneof(fc.constant(255), fc.nat(255)));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        expect(["accepted", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(await outcome(changes));
      }),
      { numRuns: runs(300) },
    );
  });

  test("is refused when its columns or its entry are wrong", async () => {
    const read = (equalityIds: number[] | undefined, type = typeOf) =>
      codeOf(() => readEqualityDeletes(store, { ...file, equalityIds }, type));
    expect(await read([1])).toBe("accepted");
    expect(await read(undefined)).toBe("INVALID_METADATA");
    expect(await read([])).toBe("INVALID_METADATA");
    expect(await read([99])).toBe("INVALID_METADATA");
    expect(await read([10])).toBe("INVALID_METADATA");
    expect(await read([16])).toBe("CORRUPT_FILE");
    expect(await read([1], () => ({ type: "string" }))).toBe("CORRUPT_FILE");
  });
});

describe("writing equality deletes", () => {
  let folder: string;
  let store: LocalStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "equality-writes-"));
    store = new LocalStore(folder, { durable: false });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const target = { schema, equalityIds: [12, 1], specId: 3, partition: ["ATL"] };
  const shape = schemaToArrow(equalityDeleteSchema(schema, target.equalityIds));
  const rows = [
    { id: 3n, address: { no: 7 } },
    { id: 2n ** 53n + 1n, address: { no: null } },
    { id: -5n, address: null },
  ];
  const batchOf = (values: readonly object[]): RecordBatch => {
    const struct = vectorFromArray(values, new Struct(shape.fields));
    return new RecordBatch(shape, struct.data[0]!);
  };

  test("gives a file with the delete columns, their metrics and the entry's ids", async () => {
    const uri = `${store.root}/eq.parquet`;
    const file = await writeEqualityDeletes(store, uri, [batchOf(rows), batchOf([])], target);
    expect(file).toMatchObject({
      content: "equality-deletes",
      fileFormat: "parquet",
      equalityIds: [12, 1],
      specId: 3,
      partition: ["ATL"],
      recordCount: 3n,
      nullValueCounts: new Map([
        [1, 0n],
        [12, 2n],
      ]),
      lowerBounds: new Map<number, Uint8Array>([
        [1, toBinary({ type: "long" }, -5n)],
        [12, toBinary({ type: "int" }, 7)],
      ]),
    });
    const { columns } = await readFooter(store, uri);
    expect(columns.map(({ node }) => node.fieldId)).toEqual([1, 12]);
    const keys = await readEqualityDeletes(store, file!, typeOf);
    expect(keys.size).toBe(3);
    expect([
      keys.has([7, 3n]),
      keys.has([null, 2n ** 53n + 1n]),
      keys.has([null, -5n]),
      keys.has([7, -5n]),
    ]).toEqual([true, true, true, false]);
  });

  test("without rows gives no file", async () => {
    const uri = `${store.root}/none.parquet`;
    expect(await writeEqualityDeletes(store, uri, [batchOf([])], target)).toBeUndefined();
    expect(await store.head(uri)).toBeUndefined();
  });

  test("of another schema is refused, and leaves no file", async () => {
    const uri = `${store.root}/other.parquet`;
    const write = () => writeEqualityDeletes(store, uri, [batchOf(rows)], { ...target, equalityIds: [1] });
    expect(await codeOf(write)).toBe("SCHEMA_MISMATCH");
    expect(await store.head(uri)).toBeUndefined();
  });
});

describe("equality keys", () => {
  test("of several columns never collide", () => {
    const value = fc.oneof(fc.string(), fc.constant(null));
    const row = fc.array(value, { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(row, row, (a, b) => {
        const keys = new EqualityKeys([1, 2]);
        keys.add(a);
        expect(keys.has(a)).toBe(true);
        expect(keys.has(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  test("of files over the same columns unite", () => {
    const [a, b] = [new EqualityKeys([1]), new EqualityKeys([1])];
    a.add([1n]);
    b.add([null]);
    a.addAll(b);
    expect([a.has([1n]), a.has([null]), a.has([2n]), b.has([1n])]).toEqual([true, true, false, false]);
  });
});

describe("the schema of an equality delete file", () => {
  test("is the delete columns and the structs around them, under the table's ids", () => {
    const subset = equalityDeleteSchema(schema, [12, 1]);
    expect(subset.fields.map(({ id, required }) => [id, required])).toEqual([
      [1, true],
      [10, false],
    ]);
    expect(fieldById(subset, 10)?.type).toEqual({
      type: "struct",
      fields: [{ id: 12, name: "no", required: false, type: { type: "int" } }],
    });
    expect(subset.identifierFieldIds).toEqual([]);
  });

  test.each([
    ["no columns", []],
    ["an unknown column", [99]],
    ["a double", [16]],
    ["a struct", [10]],
    ["a list", [17]],
    ["an element of a list", [18]],
  ])("refuses %s", async (_, ids) => {
    expect(await codeOf(() => equalityDeleteSchema(schema, ids))).toBe("INVALID_ARGUMENT");
  });
});
