import { LakehouseError } from "../errors.js";
import { int, long, structs } from "./schema.js";
import { readThriftStruct, type ThriftStruct, type ThriftValue, writeThriftStruct } from "./thrift.js";

/**
 * Joins Parquet files of one schema into one, without decoding a page. Each part was encoded on its own, on any
 * thread; its column chunks are copied as they are, and only the offsets in its footer and its page index move.
 *
 * Lifecycle: `add` each part in order and write the bytes it returns; then write what `finish` returns.
 *
 * Layout: magic, the chunks of every part, the column indexes, the offset indexes, the footer, its length, magic.
 */
export class ParquetStitcher {
  #position = 4;
  #rows = 0n;
  #footer: ThriftStruct | undefined;
  readonly #rowGroups: ThriftStruct[] = [];
  readonly #indexes: {
    readonly chunk: Map<number, ThriftValue>;
    column?: Uint8Array;
    offset?: Uint8Array;
  }[] = [];

  /** Takes one whole Parquet file and returns the bytes of it that belong at the end of what was written so far. */
  add(part: Uint8Array): Uint8Array {
    const first = this.#footer === undefined;
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    const footerLength = view.getUint32(part.length - 8, true);
    const footerStart = part.length - 8 - footerLength;
    // A copy: the structs keep views of it until `finish`, which must not keep the whole part alive.
    const { struct } = readThriftStruct(part.slice(footerStart, part.length - 8), "a new Parquet file");
    const shift = BigInt(this.#position - 4);
    let end = 4;
    for (const group of structs(struct, 4) ?? []) {
      for (const chunk of structs(group, 1) ?? []) end = Math.max(end, this.#takeChunk(part, chunk, shift));
      move(group, 5, shift);
      group.set(7, { type: "i16", value: this.#rowGroups.length });
      this.#rowGroups.push(group);
    }
    this.#rows += long(struct, 3) ?? 0n;
    this.#footer ??= struct;
    this.#position += end - 4;
    return part.subarray(first ? 0 : 4, end);
  }

  /** The page indexes and the footer. */
  finish(): Uint8Array[] {
    if (!this.#footer) {
      throw new LakehouseError({
        code: "INVALID_ARGUMENT",
        subject: "Parquet file",
        message: "There is no part to take the schema of the Parquet file from.",
      });
    }
    const out: Uint8Array[] = [];
    const place = (bytes: Uint8Array | undefined, chunk: ThriftStruct, offsetField: number) => {
      if (!bytes) return;
      chunk.set(offsetField, { type: "i64", value: BigInt(this.#position) });
      chunk.set(offsetField + 1, { type: "i32", value: bytes.length });
      this.#position += bytes.length;
      out.push(bytes);
    };
    for (const { chunk, column } of this.#indexes) place(column, chunk, 6);
    for (const { chunk, offset } of this.#indexes) place(offset, chunk, 4);
    this.#footer.set(3, { type: "i64", value: this.#rows });
    const groups = this.#rowGroups.map((value): ThriftValue => ({ type: "struct", value }));
    this.#footer.set(4, { type: "list", elementCode: 12, value: groups });
    const footer = writeThriftStruct(this.#footer);
    const trailer = new Uint8Array(8);
    new DataView(trailer.buffer).setUint32(0, footer.length, true);
    trailer.set([0x50, 0x41, 0x52, 0x31], 4);
    out.push(footer, trailer);
    return out;
  }

  /** Moves the offsets of one chunk, keeps its page index for `finish`, and returns where its bytes end in `part`. */
  #takeChunk(part: Uint8Array, chunk: Map<number, ThriftValue>, shift: bigint): number {
    const meta = chunk.get(3);
    if (meta?.type !== "struct") return 4;
    const fields = meta.value;
    const dataPage = long(fields, 9) ?? 0n;
    const dictionaryPage = long(fields, 11) ?? 0n;
    const start = dictionaryPage > 0n && dictionaryPage < dataPage ? dictionaryPage : dataPage;
    const end = Number(start + (long(fields, 7) ?? 0n));
    const column = slice(part, long(chunk, 6), int(chunk, 7));
    const offset = slice(part, long(chunk, 4), int(chunk, 5));
    this.#indexes.push({
      chunk,
      ...(column && { column: column.slice() }),
      ...(offset && { offset: moveOffsetIndex(offset, shift) }),
    });
    for (const field of [9, 10, 11]) move(fields, field, shift);
    move(chunk, 2, shift);
    // Bloom filters lie outside the copied bytes. This writer makes none; a reader must not follow a stale offset.
    fields.delete(14);
    fields.delete(15);
    return end;
  }
}

/** parquet.thrift, OffsetIndex: the page locations are offsets from the start of the file. */
function moveOffsetIndex(bytes: Uint8Array, shift: bigint): Uint8Array {
  if (shift === 0n) return bytes.slice();
  const { struct } = readThriftStruct(bytes, "a page index");
  for (const location of structs(struct, 1) ?? []) move(location, 1, shift);
  return writeThriftStruct(struct);
}

/** Moves an offset field, where it is set: zero means unset. */
function move(struct: ThriftStruct, id: number, shift: bigint): void {
  const offset = long(struct, id);
  if (offset !== undefined && offset > 0n) struct.set(id, { type: "i64", value: offset + shift });
}

function slice(
  part: Uint8Array,
  offset: bigint | undefined,
  length: number | undefined,
): Uint8Array | undefined {
  if (offset === undefined || length === undefined || length === 0) return undefined;
  return part.subarray(Number(offset), Number(offset) + length);
}
