import type { MetricMap } from "../../model/metadata/manifest-types.js";
import type { Cursor } from "../avro/cursor.js";
import { compileDecoder, compileProjection, type Decoder, optionalDecoder } from "../avro/decode.js";
import { compileSkipper, minimumSize } from "../avro/skip.js";
import type { AvroType } from "../avro/types.js";
import { withoutNull } from "../avro/wanted.js";
import { integer, long } from "./decoders.js";

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
 * A decoder of a metrics column that leaves it in its bytes where it is an array of key-value records, as Iceberg
 * stores maps whose keys are no strings. What other writers make of it is built at once.
 */
export function lazyMetricDecoder<V>(type: AvroType): Decoder<MetricMap<V>> {
  const codec = metricCodec<V>(type);
  if (codec === undefined) return metricMap<V>(type);
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
  const build = metricMap<V>(type);
  return (cursor, start, id) => {
    cursor.pos = start;
    return build(cursor).get(id);
  };
}

/** `undefined` for a type that is no array of records of first a key and then a value, all of them there. */
function metricCodec<V>(type: AvroType): MetricCodec<V> | undefined {
  const pair = type.kind === "array" && type.items.kind === "record" ? type.items.fields : [];
  const [key, value] = pair;
  if (key?.type.kind !== "int" || value === undefined || pair.length !== 2) return undefined;
  if (value.type.kind === "union" || keyAndValue([key.name, value.name])[0] !== key.name) return undefined;
  return { read: long(value.type) as Decoder<V>, skip: compileSkipper(value.type) };
}

/**
 * A decoder of a metrics column in whatever form: an Avro map, whose keys are field ids as text, or an array of records
 * that may be null as a whole, in their key, or in their value. What has no key or no value says nothing.
 */
function metricMap<V>(type: AvroType): Decoder<Map<number, V>> {
  const items = type.kind === "array" ? withoutNull(type.items) : undefined;
  if (type.kind === "array" && items?.kind === "record") {
    const [key, value] = keyAndValue(items.fields.map(({ name }) => name));
    // By name: the ids of key and value differ from metric to metric.
    const fields = items.fields.map(({ name, type: of }) => ({ name, type: of }));
    const pair = compileProjection(
      { ...items, fields },
      [
        { id: -1, name: key, decoder: integer },
        { id: -2, name: value, decoder: long },
      ],
      true,
    );
    const read = optionalDecoder(type.items, (of) => (of.kind === "record" ? pair : compileDecoder(of)));
    const minimum = minimumSize(type.items);
    return (cursor) => {
      const map = new Map<number, V>();
      for (let count = cursor.readBlockCount(minimum); count > 0; count = cursor.readBlockCount(minimum)) {
        for (let i = 0; i < count; i++) {
          const [id, metric] = (read(cursor) as [number?, V?] | null) ?? [];
          if (id != null && metric != null) map.set(id, metric);
        }
      }
      return map;
    };
  }
  const general = type.kind === "union" ? optionalDecoder(type, metricMap) : mapDecoder(type);
  return (cursor) => {
    const built = general(cursor);
    if (built === null) return new Map();
    if (!(built instanceof Map)) throw cursor.fail("a metrics column is no map");
    const entries = [...(built as Map<unknown, V | null>)].filter(([, metric]) => metric !== null);
    return new Map(entries.map(([id, metric]) => [Number(id), metric as V]));
  };
}

function mapDecoder(type: AvroType): Decoder {
  if (type.kind !== "map") return compileDecoder(type);
  const value = optionalDecoder(type.values, long);
  const minimum = 1 + minimumSize(type.values);
  return (cursor) => {
    const map = new Map<string, unknown>();
    for (let count = cursor.readBlockCount(minimum); count > 0; count = cursor.readBlockCount(minimum)) {
      for (let i = 0; i < count; i++) map.set(cursor.readString(), value(cursor));
    }
    return map;
  };
}

/** The names of a record's key and value: these, or what stands first and second. */
function keyAndValue(names: readonly string[]): readonly [string, string] {
  if (names.includes("key") && names.includes("value")) return ["key", "value"];
  const [key = "key", value = "value"] = names;
  return [key, value];
}
