import { type AvroType, type Cursor, compileDecoder, compileSkipper, type Decoder } from "../avro/index.js";
import type { MetricLookup, MetricMap } from "./types.js";

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
  return metricDecoder<V, MetricMap<V>>(
    type,
    (cursor, start, codec) => new LazyMetricMap<V>(cursor, start, codec),
  );
}

/** The same for look-ups only. What it gives serves until the next call: one object speaks of each file in turn. */
export function metricLookupDecoder<V>(type: AvroType): Decoder<MetricLookup<V>> {
  let at: { readonly cursor: Cursor; readonly codec: MetricCodec<V> } | undefined;
  let start = 0;
  const lookup = { get: (id: number) => (at ? find(at.cursor, start, at.codec, id) : undefined) };
  return metricDecoder<V, MetricLookup<V>>(type, (cursor, first, codec) => {
    if (at?.cursor !== cursor) at = { cursor, codec };
    start = first;
    return lookup;
  });
}

function metricDecoder<V, Metrics>(
  type: AvroType,
  leave: (cursor: Cursor, start: number, codec: MetricCodec<V>) => Metrics,
): Decoder<Metrics | MetricMap<V>> {
  const pair = type.kind === "array" && type.items.kind === "record" ? type.items.fields : [];
  const [key, value] = pair;
  if (key?.type.kind !== "int" || value === undefined || pair.length !== 2) {
    const general = compileDecoder(type);
    return (cursor) => {
      const built = general(cursor);
      if (!(built instanceof Map)) throw cursor.fail("a metrics column is no map");
      return built as Map<number, V>;
    };
  }
  const skipAll = compileSkipper(type);
  const codec: MetricCodec<V> = {
    read: compileDecoder(value.type) as Decoder<V>,
    skip: compileSkipper(value.type),
  };
  return (cursor) => {
    const start = cursor.pos;
    skipAll(cursor); // also checks the bytes, so that a later look-up cannot fail
    return leave(cursor, start, codec);
  };
}
