import { type AvroType, Cursor, compileDecoder, compileSkipper, type Decoder } from "../avro/index.js";
import type { MetricMap } from "./types.js";

/** How many single look-ups are answered from the raw bytes before the whole map is built. */
const SCANS = 4;

/**
 * A metrics map that stays in its Avro form until somebody asks. `get` walks the raw pairs and decodes one value;
 * whoever iterates gets the whole map built. A scan's filter asks for two or three columns of a hundred, in each of
 * thousands of files, so most of what a manifest holds is never built.
 */
class LazyMetricMap<V> implements MetricMap<V> {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #codec: MetricCodec<V>;
  #scans = 0;
  #built: Map<number, V> | undefined;

  constructor(bytes: Uint8Array, start: number, codec: MetricCodec<V>) {
    this.#bytes = bytes;
    this.#start = start;
    this.#codec = codec;
  }

  #map(): Map<number, V> {
    if (this.#built === undefined) {
      const built = new Map<number, V>();
      this.#walk((key, cursor) => {
        built.set(key, this.#codec.read(cursor));
        return false;
      });
      this.#built = built;
    }
    return this.#built;
  }

  /** Calls `at` with each key, the cursor at its value; `at` reads the value, and ends the walk by true. */
  #walk(at: (key: number, cursor: Cursor) => boolean): void {
    const cursor = new Cursor(this.#bytes, "metrics of a manifest entry");
    cursor.pos = this.#start;
    for (let count = cursor.readBlockCount(2); count > 0; count = cursor.readBlockCount(2)) {
      for (let i = 0; i < count; i++) {
        if (at(cursor.readNumber(), cursor)) return;
      }
    }
  }

  get(id: number): V | undefined {
    if (this.#built === undefined && this.#scans++ < SCANS) {
      let found: V | undefined;
      this.#walk((key, cursor) => {
        if (key === id) {
          found = this.#codec.read(cursor);
          return true;
        }
        this.#codec.skip(cursor);
        return false;
      });
      return found;
    }
    return this.#map().get(id);
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

interface MetricCodec<V> {
  readonly read: Decoder<V>;
  readonly skip: (cursor: Cursor) => void;
}

/**
 * A decoder of a metrics column that leaves it in its bytes. The writer may have used an array of key-value records,
 * as Iceberg does for maps whose keys are no strings; anything else is built at once by the general decoder.
 */
export function lazyMetricDecoder<V>(type: AvroType): Decoder<MetricMap<V>> {
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
    return new LazyMetricMap<V>(cursor.buffer, start, codec);
  };
}
