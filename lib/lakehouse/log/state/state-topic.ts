import { unsupported } from "../../errors.js";
import type { Clock } from "../partition/clock.js";
import type { Ack, Appended } from "../partition/partition.js";
import type { PartitionReader } from "../partition/partition-reader.js";
import { nextOffset } from "../partition/tail.js";
import { BatchBuilder } from "../records/batch-builder.js";
import { type LogRecord, readRecords } from "../records/read-records.js";
import { brokenState, StateFields } from "./state-fields.js";

/** The values of a state topic, as its records have them. */
export interface StateFormat<Value> {
  /** Of what is written, from 1 on. Records of a later version are refused. */
  readonly version: number;
  /** As JSON has it: texts for whole numbers of 64 bits and for bytes. */
  write(value: Value): object;
  /** @throws LakehouseError CORRUPT_STATE, as the fields do. */
  read(fields: StateFields, key: string, version: number): Value;
}

/** A partition of an internal topic, as a state needs it. */
export interface StatePartition {
  readonly topic: { readonly name: string };
  readonly number: number;
  append(batch: Uint8Array, ack: Ack): Promise<Appended>;
  readonly reader: PartitionReader;
}

/** What the values of a state are kept in: a `Map` where nothing else is needed of it. */
export type StateMap<Value> = Pick<
  Map<string, Value>,
  "get" | "set" | "delete" | "clear" | "entries" | "size"
>;

const READ_BYTES = 8 * 1024 * 1024;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A durable map, which is a partition of an internal topic: each change is a keyed record there. It survives what records
 * survive, and is made from the objects alone as they are.
 *
 * The map is what the topic says, as far as it was read: a change is appended, and then read back. So replaying, writing
 * and following another process are one thing.
 *
 * @example
 * const groups = await StateTopic.open(partition, format, clock);
 * await groups.set("readers", group);
 * groups.get("readers");
 */
export class StateTopic<Value> {
  readonly #partition: StatePartition;
  readonly #format: StateFormat<Value>;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #map: StateMap<Value>;
  /** One behind the last record that was read. */
  #next: bigint;
  #reading: Promise<void> | undefined;

  private constructor(
    partition: StatePartition,
    format: StateFormat<Value>,
    clock: Clock,
    map: StateMap<Value>,
    next: bigint,
  ) {
    this.#partition = partition;
    this.#format = format;
    this.#clock = clock;
    this.#name = `${partition.topic.name}/${partition.number}`;
    this.#map = map;
    this.#next = next;
  }

  /**
   * Reads all of the partition.
   *
   * @param map empty.
   * @throws LakehouseError CORRUPT_STATE for a record that cannot be understood; UNSUPPORTED_FEATURE for one of a later
   *   version; CORRUPT_SEGMENT, STORAGE_FAILED
   */
  static async open<Value>(
    partition: StatePartition,
    format: StateFormat<Value>,
    clock: Clock,
    map: StateMap<Value> = new Map(),
  ): Promise<StateTopic<Value>> {
    const { start } = await partition.reader.offsets();
    const state = new StateTopic(partition, format, clock, map, start);
    await state.refresh();
    return state;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): Value | undefined {
    return this.#map.get(key);
  }

  /** In the order in which keys were first set. */
  entries(): IterableIterator<[string, Value]> {
    return this.#map.entries();
  }

  /** @param ack `wal` where not given. */
  set(key: string, value: Value, ack?: Ack): Promise<void> {
    return this.write([[key, value]], ack);
  }

  /** No error where there is none. */
  delete(key: string, ack?: Ack): Promise<void> {
    return this.write([[key, undefined]], ack);
  }

  /**
   * Makes all of the changes, or none: they are one record batch. `undefined` deletes. Changes are made in the order of the
   * calls.
   *
   * @throws LakehouseError STORAGE_FAILED where the disk fails: then nothing was changed, unless the process ends right
   *   after; FENCED, RECORD_TOO_LARGE
   */
  async write(changes: readonly (readonly [string, Value | undefined])[], ack: Ack = "wal"): Promise<void> {
    if (changes.length === 0) return;
    const builder = new BatchBuilder("none");
    const now = this.#clock.now();
    for (const [key, value] of changes)
      builder.add({ key, value: value === undefined ? null : this.#written(key, value) }, now);
    const { lastOffset } = await this.#partition.append(builder.build(), ack);
    await this.#readTo(lastOffset + 1n);
  }

  /** What cannot be read would be in the way of every opening: it is never written. */
  #written(key: string, value: Value): string {
    const { version } = this.#format;
    const text = JSON.stringify({ version, value: this.#format.write(value) });
    this.#read(text, key, `A record for ${this.#name}`);
    return text;
  }

  /** Reads what others have written. */
  async refresh(): Promise<void> {
    const { start, end } = await this.#partition.reader.offsets();
    if (start > this.#next) {
      // What was not read is gone: the state was written anew behind it.
      this.#map.clear();
      this.#next = start;
    }
    await this.#readTo(end);
  }

  async #readTo(end: bigint): Promise<void> {
    while (this.#next < end) {
      this.#reading ??= this.#readOn().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  async #readOn(): Promise<void> {
    const batches = await this.#partition.reader.batches(this.#next, READ_BYTES);
    if (batches.length === 0)
      throw brokenState(this.#name, `offset ${this.#next} is before its end, and nothing is there`);
    for (const batch of batches) {
      for (const record of readRecords(batch.bytes, this.#name))
        if (record.offset >= this.#next) this.#apply(record);
      this.#next = nextOffset(batch);
    }
  }

  #apply({ offset, key, value }: LogRecord): void {
    const place = `The record at offset ${offset} of ${this.#name}`;
    const name = textOf(key, place, "key");
    if (value === null) this.#map.delete(name);
    else this.#map.set(name, this.#read(textOf(value, place, "value"), name, place));
  }

  #read(text: string, key: string, place: string): Value {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw brokenState(place, "its value is no JSON", cause);
    }
    const fields = new StateFields(json, place);
    const version = fields.integer("version", 1);
    if (version > this.#format.version)
      throw unsupported(
        place,
        `${place} is of version ${version}, where ${this.#format.version} is understood: a later release has written it.`,
        "Open the log with that release, or with a later one.",
      );
    return this.#format.read(fields.fields("value"), key, version);
  }
}

function textOf(bytes: Uint8Array | null, place: string, what: string): string {
  if (bytes === null) throw brokenState(place, `it has no ${what}`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw brokenState(place, `its ${what} is no UTF-8`, cause);
  }
}
