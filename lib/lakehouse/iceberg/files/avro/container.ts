import { randomBytes } from "node:crypto";
import { corruptFile } from "../../../errors.js";
import { compress, decompress } from "./codec.js";
import { Cursor } from "./cursor.js";
import type { Decoder } from "./decode.js";
import { compileEncoder, type Encoder, Sink } from "./encode.js";
import { type AvroSchemaJson, type AvroType, parseAvroSchema } from "./types.js";

const MAGIC = Uint8Array.of(0x4f, 0x62, 0x6a, 0x01);
const SYNC_SIZE = 16;
/** Uncompressed bytes in a block, as Java's writer cuts them. */
const BLOCK_BYTES = 64_000;
/** A head that is longer is not kept for the next file. */
const KEPT_HEAD_BYTES = 1024 * 1024;

/** The head of an Avro object container file: everything before the blocks. */
export interface AvroHeader {
  /** The writer's schema as stored; a key for what was compiled for it. */
  readonly schemaJson: string;
  readonly codec: string;
  /** Key-value metadata, the `avro.` keys included. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface Block {
  readonly block: Cursor;
  readonly count: number;
}

/**
 * The head that was read last, with its bytes. The manifests of a table come in rows that differ in nothing there,
 * and most of it is schemas.
 */
let lastHead: { readonly bytes: Buffer; readonly header: AvroHeader } | undefined;

/** Reads the head and leaves the cursor behind it, at the sync marker. */
function readHead(cursor: Cursor): AvroHeader {
  const { buffer, subject } = cursor;
  if (lastHead?.bytes.equals(buffer.subarray(0, lastHead.bytes.length))) {
    cursor.pos = lastHead.bytes.length;
    return lastHead.header;
  }
  if (buffer.length < MAGIC.length || MAGIC.some((byte, i) => buffer[i] !== byte)) {
    throw corruptFile(subject, `${subject} is no Avro file: it does not start with the Avro magic.`);
  }
  cursor.pos = MAGIC.length;
  const metadata = new Map<string, string>();
  for (let count = cursor.readBlockCount(2); count > 0; count = cursor.readBlockCount(2)) {
    for (let i = 0; i < count; i++) metadata.set(cursor.readString(), cursor.readString());
  }
  const header: AvroHeader = {
    schemaJson: metadata.get("avro.schema") ?? "",
    codec: metadata.get("avro.codec") ?? "null",
    metadata,
  };
  if (cursor.pos <= KEPT_HEAD_BYTES)
    lastHead = { bytes: Buffer.from(buffer.subarray(0, cursor.pos)), header };
  return header;
}

/** A container file in memory: read its head, then its records with a decoder compiled for its schema. */
export class AvroFile {
  readonly header: AvroHeader;
  /** Length of the file in bytes. */
  readonly length: number;
  readonly #cursor: Cursor;
  readonly #sync: Uint8Array;
  readonly #start: number;
  readonly #subject: string;
  #kept: readonly Block[] | undefined;

  /**
   * @param bytes the whole file.
   * @param subject its URI, for errors.
   * @throws LakehouseError CORRUPT_FILE when the head is no Avro.
   */
  constructor(bytes: Uint8Array, subject: string) {
    const cursor = new Cursor(bytes, subject);
    this.length = bytes.length;
    this.header = readHead(cursor);
    this.#sync = cursor.readFixed(SYNC_SIZE);
    this.#start = cursor.pos;
    this.#cursor = cursor;
    this.#subject = subject;
  }

  /** The writer's schema, names resolved, ids kept. Parsed on every call. */
  schema(): AvroType {
    let json: unknown;
    try {
      json = JSON.parse(this.header.schemaJson);
    } catch (cause) {
      throw corruptFile(
        this.#subject,
        `${this.#subject} has no readable avro.schema in its head.`,
        undefined,
        cause,
      );
    }
    return parseAvroSchema(json, this.#subject);
  }

  /**
   * Reads all records in order.
   *
   * @param decoder compiled for `schema()`; called once a record with a cursor that stands at its first byte.
   * @param each called with each record; reading stops when it returns false.
   */
  forEach<T>(decoder: Decoder<T>, each: (record: T) => unknown): void {
    for (const { block, count } of this.#blocks()) {
      for (let i = 0; i < count; i++) {
        if (each(decoder(block)) === false) return;
      }
      checkEnd(block, count);
    }
  }

  /** Keeps the blocks uncompressed, for a file that is read more than once. Gives the bytes that they take. */
  keepUncompressed(): number {
    this.#kept = [...this.#blocks()];
    return this.#kept.reduce((sum, { block }) => sum + block.buffer.buffer.byteLength, 0);
  }

  *#blocks(): Generator<Block, void, undefined> {
    for (const kept of this.#kept ?? []) {
      kept.block.pos = 0;
      yield kept;
    }
    if (this.#kept) return;
    let at = this.#start;
    const cursor = this.#cursor;
    for (;;) {
      cursor.pos = at;
      if (cursor.remaining === 0) return;
      const count = cursor.readNumber();
      const body = cursor.readBytes();
      const sync = cursor.readFixed(SYNC_SIZE);
      if (count < 0) throw cursor.fail(`a block claims ${count} records`);
      if (Buffer.compare(sync, this.#sync) !== 0)
        throw cursor.fail("a block does not end in the sync marker");
      at = cursor.pos;
      const block = new Cursor(decompress(this.header.codec, body, this.#subject), this.#subject);
      // No record of ours takes less than a byte, and a count alone must not keep us here.
      if (count > block.end) throw block.fail(`${count} records cannot fit in ${block.end} bytes`);
      yield { block, count };
    }
  }

  /** The records one after the other, as they are asked for. */
  *iterate<T>(decoder: Decoder<T>): Generator<T, void, undefined> {
    for (const { block, count } of this.#blocks()) {
      for (let i = 0; i < count; i++) yield decoder(block);
      checkEnd(block, count);
    }
  }

  /** All records in an array. */
  records<T>(decoder: Decoder<T>): T[] {
    const all: T[] = [];
    this.forEach(decoder, (record) => void all.push(record));
    return all;
  }
}

function checkEnd(block: Cursor, count: number): void {
  if (block.remaining > 0) throw block.fail(`${block.remaining} bytes are left over after ${count} records`);
}

/**
 * Builds an Avro container in memory. The schema's JSON is stored as given, so field ids and logical types survive.
 *
 * @example
 * const writer = new AvroWriter({ type: "record", name: "r", fields: [{ name: "n", type: "long", "field-id": 1 }] }, {});
 * writer.write({ n: 5n });
 * const bytes = writer.finish();
 */
export class AvroWriter {
  readonly #encode: Encoder;
  readonly #codec: "null" | "deflate";
  readonly #sync = randomBytes(SYNC_SIZE);
  readonly #output: Sink;
  readonly #block = new Sink(BLOCK_BYTES);
  #count = 0;

  constructor(
    schema: AvroSchemaJson | PreparedSchema,
    metadata: Readonly<Record<string, string>>,
    codec: "null" | "deflate" = "deflate",
  ) {
    const prepared = schema instanceof PreparedSchema ? schema : new PreparedSchema(schema);
    this.#encode = prepared.encode;
    this.#codec = codec;
    const output = new Sink(prepared.json.length + 4096);
    this.#output = output;
    output.writeFixed(MAGIC);
    const entries = [
      ["avro.schema", prepared.json],
      ["avro.codec", codec],
      ...Object.entries(metadata),
    ] as const;
    output.writeNumber(entries.length);
    for (const [key, value] of entries) {
      output.writeString(key as string);
      output.writeString(value as string);
    }
    output.writeNumber(0);
    output.writeFixed(this.#sync);
  }

  /** Bytes that are sure to be in the file; the open block is not counted. */
  get length(): number {
    return this.#output.length + this.#block.length;
  }

  write(record: unknown): void {
    this.#encode(this.#block, record);
    this.#count++;
    if (this.#block.length >= BLOCK_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#count === 0) return;
    this.#output.writeNumber(this.#count);
    this.#output.writeBytes(compress(this.#codec, this.#block.view()));
    this.#output.writeFixed(this.#sync);
    this.#block.reset();
    this.#count = 0;
  }

  /** Ends the file and gives its bytes. The writer must not be used afterwards. */
  finish(): Uint8Array {
    this.#flush();
    return this.#output.view();
  }
}

/** A writer's schema with its encoder compiled: prepare once, write many files. */
export class PreparedSchema {
  readonly json: string;
  readonly encode: Encoder;

  constructor(schema: AvroSchemaJson) {
    this.json = JSON.stringify(schema);
    this.encode = compileEncoder(parseAvroSchema(schema, "schema to write"), "record");
  }
}
