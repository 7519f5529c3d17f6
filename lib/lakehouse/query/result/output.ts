import * as arrow from "apache-arrow";
import { BatchSchema, refuseUnsigned, writeParquet } from "../../parquet/index.js";
import { type ObjectInfo, putAnywhere } from "../../storage/index.js";

/** A result that was written out. */
export interface WrittenResult {
  /** Absolute URI of the file, `file://` or `s3://`. */
  readonly uri: string;
  readonly rows: bigint;
  readonly bytes: bigint;
}

type Batches = AsyncIterable<arrow.RecordBatch>;

/** Writes text that is made of batches: UTF-8. */
export async function writeResultText(
  path: string,
  batches: Batches,
  text: (batches: Batches) => AsyncIterable<string>,
): Promise<WrittenResult> {
  const counted = new Counted(batches);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const piece of text(counted)) yield Buffer.from(piece);
  }
  return written(counted, await putAnywhere(path, bytes()));
}

/**
 * By our own encoder: the result is a stream that runs already, with names and types that DuckDB has no word of; its COPY
 * would run the query anew, makes no UUID, and writes to no object store of ours.
 */
export async function writeResultParquet(
  path: string,
  schema: arrow.Schema,
  batches: Batches,
): Promise<WrittenResult> {
  const target = parquetSchema(schema);
  let info: ObjectInfo | undefined;
  const put = async (uri: string, body: Parameters<typeof putAnywhere>[1]): Promise<ObjectInfo> => {
    info = await putAnywhere(uri, body);
    return info;
  };
  const file = await writeParquet({ put }, path, target, fitting(batches, target));
  return { uri: info?.uri ?? path, rows: file.recordCount, bytes: file.fileSizeInBytes };
}

/** Writes the batches as they come, in Arrow's file format. */
export async function writeResultArrow(
  path: string,
  schema: arrow.Schema,
  batches: Batches,
): Promise<WrittenResult> {
  const counted = new Counted(batches);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const writer = new PiecewiseWriter();
    writer.reset(undefined, schema);
    for await (const batch of counted) {
      writer.write(batch);
      yield* writer.take();
    }
    writer.finish();
    yield* writer.take();
  }
  return written(counted, await putAnywhere(path, bytes()));
}

/** Arrow's writer has a queue without an end between itself and its reader: this one is emptied after each batch. */
class PiecewiseWriter extends arrow.RecordBatchFileWriter {
  #pieces: Uint8Array[] = [];

  take(): Uint8Array[] {
    const taken = this.#pieces;
    this.#pieces = [];
    return taken;
  }

  protected override _write(chunk: Parameters<arrow.RecordBatchFileWriter["_write"]>[0]): this {
    // Copied: a batch's buffers may be used again before the piece is written.
    const view = chunk as Uint8Array;
    const piece = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
    this._position += piece.length;
    if (piece.length > 0) this.#pieces.push(piece);
    return this;
  }
}

/** Batches, and how many rows of them went by. */
class Counted implements AsyncIterable<arrow.RecordBatch> {
  rows = 0n;
  readonly #batches: Batches;

  constructor(batches: Batches) {
    this.#batches = batches;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    for await (const batch of this.#batches) {
      this.rows += BigInt(batch.numRows);
      yield batch;
    }
  }
}

const written = ({ rows }: Counted, { uri, size }: ObjectInfo): WrittenResult => ({
  uri,
  rows,
  bytes: BigInt(size),
});

/** Parquet has no timestamps in seconds. */
function parquetSchema(schema: arrow.Schema): arrow.Schema {
  const fields = schema.fields.map((field) => (isSeconds(field.type) ? inMilliseconds(field) : field));
  return new BatchSchema(fields, schema.metadata);
}

const isSeconds = (type: arrow.DataType): type is arrow.Timestamp =>
  arrow.DataType.isTimestamp(type) && type.unit === arrow.TimeUnit.SECOND;

const inMilliseconds = (field: arrow.Field): arrow.Field =>
  field.clone({ type: new arrow.TimestampMillisecond((field.type as arrow.Timestamp).timezone) });

async function* fitting(
  batches: Batches,
  schema: arrow.Schema,
): AsyncGenerator<arrow.RecordBatch, void, undefined> {
  const type = new arrow.Struct(schema.fields);
  for await (const batch of batches) {
    refuseUnsigned(batch);
    const children = batch.data.children.map((data, i) =>
      isSeconds(data.type) ? thousandfold(data, schema.fields[i] as arrow.Field) : data,
    );
    const { numRows: length } = batch;
    yield new arrow.RecordBatch(schema, arrow.makeData({ type, length, nullCount: 0, children }));
  }
}

/** DuckDB's infinity, in any unit. */
const INFINITE = 2n ** 63n - 1n;

function thousandfold(data: arrow.Data, { type }: arrow.Field): arrow.Data {
  const values = (data.values as BigInt64Array).map((value) =>
    value === INFINITE || value === -INFINITE ? value : value * 1000n,
  );
  const { length, nullCount, nullBitmap } = data;
  return arrow.makeData({ type, length, nullCount, nullBitmap, data: values } as never);
}
