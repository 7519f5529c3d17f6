import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { AvroFile, AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { Cursor } from "../../../lib/lakehouse/iceberg/files/avro/cursor.js";
import { compileDecoder, compileProjection } from "../../../lib/lakehouse/iceberg/files/avro/decode.js";
import { compileMarker, compileSkipper } from "../../../lib/lakehouse/iceberg/files/avro/skip.js";
import { type AvroSchemaJson, parseAvroSchema } from "../../../lib/lakehouse/iceberg/files/avro/types.js";
import { readAvro, writeAvro } from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";

const METRICS: AvroSchemaJson = {
  type: "record",
  name: "entry",
  fields: [
    { name: "status", type: "int", "field-id": 0 },
    { name: "snapshot_id", type: ["null", "long"], default: null, "field-id": 1 },
    {
      name: "bounds",
      type: [
        "null",
        {
          type: "array",
          logicalType: "map",
          items: {
            type: "record",
            name: "k126_v127",
            fields: [
              { name: "key", type: "int", "field-id": 126 },
              { name: "value", type: "bytes", "field-id": 127 },
            ],
          },
        },
      ],
      default: null,
      "field-id": 125,
    },
    { name: "path", type: "string", "field-id": 100 },
  ],
};

interface Entry {
  status: number;
  snapshot_id: bigint | null;
  bounds: Map<number, Uint8Array> | null;
  path: string;
}

const entries = fc.array(
  fc.record({
    status: fc.integer({ min: 0, max: 2 }),
    snapshot_id: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    bounds: fc.option(
      fc.array(fc.tuple(fc.integer(), fc.uint8Array({ maxLength: 40 }))).map((pairs) => new Map(pairs)),
    ),
    path: fc.string({ unit: "grapheme", maxLength: 60 }),
  }),
  { maxLength: 40 },
);

function write(records: readonly unknown[], codec: "null" | "deflate" = "deflate"): Uint8Array {
  const writer = new AvroWriter(METRICS, { "format-version": "2" }, codec);
  for (const record of records) writer.write(record);
  return writer.finish();
}

function read(bytes: Uint8Array): Entry[] {
  const file = new AvroFile(bytes, "file:///t.avro");
  return file.records(compileDecoder(file.schema())) as Entry[];
}

function plain(records: readonly Entry[]): unknown {
  return records.map((r) => ({ ...r, bounds: r.bounds && [...r.bounds].map(([k, v]) => [k, [...v]]) }));
}

describe("container", () => {
  test("reads back what it wrote, with either codec", () => {
    fc.assert(
      fc.property(entries, fc.constantFrom("null" as const, "deflate" as const), (records, codec) => {
        expect(plain(read(write(records, codec)))).toEqual(plain(records));
      }),
    );
  });

  test("keeps the schema's field ids and the metadata", () => {
    const file = new AvroFile(write([]), "file:///t.avro");
    expect(JSON.parse(file.header.schemaJson)).toEqual(METRICS);
    expect(file.header.metadata.get("format-version")).toBe("2");
  });

  test("cuts many records into several blocks", () => {
    const records = Array.from({ length: 5000 }, (_, i) => ({
      status: 1,
      snapshot_id: BigInt(i),
      bounds: null,
      path: `file:///data/${i}/some-longer-name.parquet`,
    }));
    expect(read(write(records)).map((r) => r.snapshot_id)).toEqual(records.map((r) => r.snapshot_id));
  });

  test("refuses a value that does not fit its type, naming the field", () => {
    expect(() => write([{ status: "x", path: "p" }])).toThrow(/record\.status/);
  });
});

describe("projection", () => {
  test("finds fields by id whatever their names and order, and skips the others", () => {
    const file = new AvroFile(write([{ status: 2, snapshot_id: 7n, bounds: new Map(), path: "p" }]), "t");
    const schema = file.schema();
    if (schema.kind !== "record") throw new Error("no record");
    const project = compileProjection(schema, [
      { id: 100, name: "renamed" },
      { id: 999, name: "status" },
      { id: 0, name: "anything" },
    ]);
    expect(file.records(project)).toEqual([["p", undefined, 2]]);
  });

  test("marks where the values of fields begin, whatever their depth, and -1 for null", () => {
    const nested: AvroSchemaJson = {
      type: "record",
      name: "outer",
      fields: [
        { name: "before", type: "long", "field-id": 50 },
        { name: "inner", type: ["null", METRICS], default: null, "field-id": 51 },
        { name: "after", type: "long", "field-id": 52 },
      ],
    };
    fc.assert(
      fc.property(fc.array(fc.option(entries.map(([first]) => first ?? null))), (inners) => {
        const writer = new AvroWriter(nested, {});
        for (const inner of inners) writer.write({ before: 300n, inner, after: 5n });
        const file = new AvroFile(writer.finish(), "t");
        const schema = file.schema();
        if (schema.kind !== "record") throw new Error("no record");
        const names = ["status", "snapshot_id", "bounds", "path"] as const;
        const ids = [0, 1, 125, 100];
        const marker = compileMarker(schema, [
          { id: 52, name: "renamed" },
          { id: 51, name: "inner", fields: names.map((name, i) => ({ id: ids[i] ?? -1, name })) },
          { id: 999, name: "before" },
        ]);
        const marks = new Int32Array(marker.types.length);
        const found = file.records((cursor) => {
          marker.pass(cursor, marks);
          const end = cursor.pos;
          const values = marker.types.map((type, slot) => {
            cursor.pos = marks[slot] ?? -1;
            return type === undefined || cursor.pos < 0 ? null : compileDecoder(type)(cursor);
          });
          cursor.pos = end;
          return values;
        });
        expect(found).toEqual(
          inners.map((inner) => [5n, ...names.map((name) => inner?.[name] ?? null), null]),
        );
      }),
    );
  });

  test("reads each file's own head where files of several schemas take turns", () => {
    const one = (name: string): Uint8Array => {
      const writer = new AvroWriter(
        { type: "record", name: "r", fields: [{ name, type: "long" }] },
        { name },
      );
      writer.write({ [name]: 1n });
      return writer.finish();
    };
    const files = ["a", "a", "b", "a", "b", "bb", "b"];
    const heads = files.map((name) => new AvroFile(one(name), "t"));
    expect(heads.map((file) => file.header.metadata.get("name"))).toEqual(files);
    expect(heads.map((file) => file.records(compileDecoder(file.schema())))).toEqual(
      files.map((name) => [{ [name]: 1n }]),
    );
  });

  test("falls back to names where the writer left out all ids", () => {
    const bare: AvroSchemaJson = {
      type: "record",
      name: "r",
      fields: [
        { name: "b", type: "string" },
        { name: "a", type: "long" },
      ],
    };
    const writer = new AvroWriter(bare, {});
    writer.write({ a: 5n, b: "x" });
    const file = new AvroFile(writer.finish(), "t");
    const schema = file.schema();
    if (schema.kind !== "record") throw new Error("no record");
    expect(file.records(compileProjection(schema, [{ id: 1, name: "a" }]))).toEqual([[5n]]);
  });
});

describe("other writers", () => {
  /** A container around one block of one record of METRICS, compressed as told. */
  function container(codec: string, compress: (bytes: Uint8Array) => Uint8Array): Uint8Array {
    const plainFile = write([{ status: 1, snapshot_id: 3n, bounds: null, path: "a/b" }], "null");
    const text = Buffer.from(plainFile);
    const sync = text.subarray(text.length - 16);
    const bodyEnd = text.length - 16;
    const head = text.subarray(0, text.indexOf(sync) + 16);
    const body = text.subarray(head.length + 2, bodyEnd); // one byte of count, one of size
    const compressed = compress(body);
    const renamed = Buffer.from(
      head
        .toString("latin1")
        .replace("avro.codec\x08null", `avro.codec${String.fromCharCode(codec.length * 2)}${codec}`),
      "latin1",
    );
    return Buffer.concat([renamed, Buffer.of(2, compressed.length * 2), compressed, sync]);
  }

  test("reads snappy, with its checksum", () => {
    const snappy = (bytes: Uint8Array): Uint8Array => {
      // One literal: length as a varint, then the tag and the bytes, then the CRC-32.
      let crc = ~0;
      for (const byte of bytes) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
      }
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(~crc >>> 0);
      return Buffer.concat([Buffer.of(bytes.length, (bytes.length - 1) << 2), bytes, sum]);
    };
    expect(read(container("snappy", snappy))[0]?.path).toBe("a/b");
    const broken = container("snappy", (bytes) => {
      const block = snappy(bytes);
      block[block.length - 1] = (block[block.length - 1] as number) ^ 1;
      return block;
    });
    expect(() => read(broken)).toThrow(/corrupt/);
  });

  test("reads zstandard", () => {
    // A frame with one raw block: magic, descriptor (single segment, 1-byte size), size, block header, bytes.
    const zstd = (bytes: Uint8Array): Uint8Array => {
      const header = (bytes.length << 3) | 1;
      return Buffer.concat([
        Buffer.of(
          0x28,
          0xb5,
          0x2f,
          0xfd,
          0x20,
          bytes.length,
          header & 255,
          (header >> 8) & 255,
          header >> 16,
        ),
        bytes,
      ]);
    };
    expect(read(container("zstandard", zstd))[0]?.path).toBe("a/b");
  });

  test("names a codec that it does not know", () => {
    expect(() => read(container("bzip2", deflateRawSync))).toThrow(/bzip2/);
  });
});

describe("corrupt input", () => {
  const good = write([
    {
      status: 1,
      snapshot_id: 12345678901234567n,
      bounds: new Map([[1, Uint8Array.of(1, 2, 3)]]),
      path: "some/path",
    },
    { status: 0, snapshot_id: null, bounds: null, path: "" },
  ]);

  /** Runs and checks that it ends, with a result or with an error of ours. */
  function survives(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      if (!isLakehouseError(error, "CORRUPT_FILE") && !isLakehouseError(error, "UNSUPPORTED_FEATURE"))
        throw error;
    }
  }

  test("every truncation is an error of its own kind", () => {
    for (let length = 0; length < good.length; length++) {
      const cut = good.subarray(0, length);
      survives(() => read(cut));
    }
  });

  test("flipped bytes never crash, hang or exhaust memory", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (flips) => {
          const bytes = Uint8Array.from(good);
          for (const [at, value] of flips) bytes[at] = value;
          survives(() => read(bytes));
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  test("random bytes decode to a value or to CORRUPT_FILE, and skipping agrees with decoding", () => {
    const type = parseAvroSchema(METRICS, "t");
    const decode = compileDecoder(type);
    const skip = compileSkipper(type);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const cursor = new Cursor(bytes, "t");
        let decoded = true;
        try {
          decode(cursor);
        } catch (error) {
          if (!isLakehouseError(error, "CORRUPT_FILE")) throw error;
          decoded = false;
        }
        if (!decoded) return;
        const other = new Cursor(bytes, "t");
        skip(other);
        expect(other.pos).toBe(cursor.pos);
      }),
      { numRuns: runs(2000) },
    );
  });

  test("skipping agrees with decoding for a value of every type, and stops at every truncation", () => {
    const pair = { type: "record", name: "pair", fields: ["x", "y"].map((name) => ({ name, type: "long" })) };
    const types: AvroSchemaJson[] = [
      ...["null", "boolean", "int", "long", "float", "double", "bytes", "string"],
      { type: "fixed", name: "f", size: 3 },
      { type: "enum", name: "e", symbols: ["A", "B", "C"] },
      ["int", "null", "string"],
      ["null"],
      pair,
      { type: "array", items: { ...pair, name: "item" } },
      { type: "array", items: ["null", "bytes"] },
      { type: "map", values: { type: "array", items: "int" } },
    ];
    const fields = types.map((type, i) => ({ name: `n${i}`, type }));
    const type = parseAvroSchema({ type: "record", name: "all", fields }, "t");
    const head = [1, 4, 0x80, 0x01, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 2, 0x61, 7, 7, 7, 2];
    const choices = [4, 2, 0x62, 0, 6, 8];
    const blocks = [4, 1, 2, 3, 4, 3, 8, 5, 6, 7, 8, 0]; // two items, then two in a block that tells its size
    const options = [4, 0, 2, 2, 9, 0];
    const map = [2, 2, 0x63, 4, 1, 2, 0, 0];
    const bytes = Uint8Array.from([...head, ...choices, ...blocks, ...options, ...map]);
    const ends = [compileDecoder(type), compileSkipper(type)].map((pass) => {
      const cursor = new Cursor(bytes, "t");
      pass(cursor);
      return cursor.pos;
    });
    expect(ends).toEqual([bytes.length, bytes.length]);
    for (let length = 0; length < bytes.length; length++) {
      const cut = new Cursor(bytes.subarray(0, length), "t");
      expect(() => compileSkipper(type)(cut)).toThrow(/Corrupt Avro data/);
    }
  });

  test("a schema that contains itself is refused", () => {
    const recursive = { type: "record", name: "r", fields: [{ name: "next", type: ["null", "r"] }] };
    expect(() => parseAvroSchema(recursive, "t")).toThrow(/contains itself/);
  });

  test("a count that no data backs ends at once", () => {
    const type = parseAvroSchema({ type: "array", items: "null" }, "t");
    // 2^40 nulls take no bytes at all.
    const claim = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0);
    expect(() => compileDecoder(type)(new Cursor(claim, "t"))).toThrow(/cannot fit/);
  });
});

test("records come back from a file as they went in", () => {
  const bounds = new Map([[1, Uint8Array.of(7)]]);
  const records = [
    { status: 1, snapshot_id: 9_007_199_254_740_993n, bounds, path: "a" },
    { status: 2, snapshot_id: null, bounds: null, path: "b" },
  ];
  expect(readAvro(writeAvro(METRICS, records, { content: "data" }))).toEqual(records);
});
