import { type AvroType, type Cursor, compileDecoder, compileSkipper, type Decoder } from "../avro/index.js";
import type { MetricMap } from "./types.js";

/** How many single look-ups are answered from the raw bytes before the whole map is built. */
const SCANS = 4;

/**
 * A metrics map that stays in its Avro form until somebody asks. `get` walks the raw pairs and decodes one value;
 * whoever iterates gets the whole map built. A scan's filter asks for two or three columns of a hundred, in each of
 * thousands of files, so most of what a manifest holds is never built.
 */
class LazyMetricMap<V> implements MetricMap<V> {
  /** The cursor of the block that holds the map; shared, since nothing here outlives a call. */
  readonly #cursor: Cursor;
  readonly #start: number;
  readonly #codec: MetricCodec<V>;
  #scans = 0;
  #built: Map<number, V> | undefined;

  constructor(cursor: Cursor, start: number, codec: MetricCodec<V>) {
    this.#cursor = cursor;
    this.#start = start;
    this.#codec = codec;
  }

  #map(): Map<number, V> {
    if (this.#built === undefined) {
      const built = new Map<number, V>();
      const cursor = this.#cursor;
      cursor.pos = this.#start;
      for (let count = cursor.readBlockCount(2); count > 0; count = cursor.readBlockCount(2)) {
        for (let i = 0; i < count; i++) built.set(cursor.readNumber(), this.#codec.read(cursor));
      }
      this.#built = built;
    }
    return this.#built;
  }

  get(id: number): V | undefined {
    if (this.#built !== undefined) return this.#built.get(id);
    if (this.#scans++ >= SCANS) return this.#map().get(id);
    return find(this.#cursor, this.#start, this.#codec, id);
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  get size(): number {
    return this.#map().size;
  }

  forEach(each: (value: V, key: number, map: ReadonlyMap<number, V>) => void, thisArg?: unknown): void {
    for (const [key, value] of this.#map()) each.call(thisArg, value, key, this);
  }

  entries(): MapIterator<[number, V]> {
    return this.#map().entries();
  }

  keys(): MapIterator<number> {
    return this.#map().keys();
  }

  values(): MapIterator<V> {
    return this.#map().values();
  }

  [Symbol.iterator](): MapIterator<[number, V]> {
    return this.#map().entries();
  }
}

/** Walks the raw pairs and decodes the value of one. */
function find<V>(cursor: Cursor, start: number, { read, skip }: MetricCodec<V>, id: number): V | undefined {
  cursor.pos = start;
  for (let count = cursor.readBlockCount(2); count > 0; count = cursor.readBlockCount(2)) {
    for (let i = 0; i < count; i++) {
      if (cursor.readNumber() === id) return read(cursor);
      skip(cursor);
    }
  }
  return undefined;
}

interface MetricCodec<V> {
  readonly read: Decoder<V>;
  readonly skip: (cursor: Cursor) => void;
}

/**
 * A decoder of a metrics column that leaves it in its bytes. The writer may have used an array of key-value records,
 * as Iceberg does for maps whose keys are no strings; anything else is built at once by the general decoder.
 */
export function lazyMetricDecoder<V>(type: AvroType): Decoder<MetricMap<V>> {
  const codec = metricCodec<V>(type);
  if (codec === undefined) {
    const general = compileDecoder(type);
    return (cursor) => mapOf<V>(cursor, general(cursor));
  }
  const skipAll = compileSkipper(type);
  return (cursor) => {
    const start = cursor.pos;
    skipAll(cursor); // also checks the bytes, so that a later look-up cannot fail
    return new LazyMetricMap<V>(cursor, start, codec);
  };
}

/** Looks up one metric in a metrics column that begins at `start`. Moves the cursor. */
export type MetricSearch<V> = (cursor: Cursor, start: number, id: number) => V | undefined;

/** The same for look-ups only. */
export function metricSearch<V>(type: AvroType): MetricSearch<V> {
  const codec = metricCodec<V>(type);
  if (codec !== undefined) return (cursor, start, id) => find(cursor, start, codec, id);
  const general = compileDecoder(type);
  return (cursor, start, id) => {
    cursor.pos = start;
    return mapOf<V>(cursor, general(cursor)).get(id);
  };
}

/** `undefined` for a type that is no array of key-value records. */
function metricCodec<V>(type: AvroType): MetricCodec<V> | undefined {
  const pair = type.kind === "array" && type.items.kind === "record" ? type.items.fields : [];
  const [key, value] = pair;
  if (key?.type.kind !== "int" || value === undefined || pair.length !== 2) return undefined;
  return { read: compileDecoder(value.type) as Decoder<V>, skip: compileSkipper(value.type) };
}

function mapOf<V>(cursor: Cursor, built: unknown): Map<number, V> {
  if (!(built instanceof Map)) throw cursor.fail("a metrics column is no map");
  return built as Map<number, V>;
}
