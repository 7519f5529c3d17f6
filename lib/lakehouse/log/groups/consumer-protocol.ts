/**
 * What readers of topics say to each other through a group, in Kafka's bytes ("consumer" protocol), so that ours and
 * other clients can be in one group: the topics that each wants, and the partitions that it is given.
 */

/** Version 0 has all that most need; later ones have more behind it. */
const VERSION = 0;
/** Since when a subscription says what its member has, and in which generation it got that (KIP-429, KIP-792). */
const OWNED_SINCE = 1;
const GENERATION_SINCE = 2;
const NO_GENERATION = -1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Partitions, by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/** What a member has, and since which generation. */
export interface Owned {
  readonly generation: number;
  readonly partitions: Assignment;
}

/** @param owned what the member has: said by those alone whose assignor goes by it. */
export function subscriptionOf(topics: readonly string[], owned?: Owned): Uint8Array {
  const said =
    owned === undefined ? undefined : Buffer.concat([listed(owned.partitions), int32(owned.generation)]);
  return Buffer.concat([
    int16(VERSION),
    int32(topics.length),
    ...topics.map(text),
    int32(said?.length ?? -1),
    said ?? Buffer.alloc(0),
  ]);
}

/** The same for members that keep what they have while the group rebalances, as Kafka's `cooperative-sticky` has it. */
export function cooperativeSubscriptionOf(topics: readonly string[], owned: Owned | undefined): Uint8Array {
  const generation = int32(owned?.generation ?? NO_GENERATION);
  return Buffer.concat([
    int16(GENERATION_SINCE),
    int32(topics.length),
    ...topics.map(text),
    // Clients of before KIP-792 look for it here.
    int32(generation.length),
    generation,
    listed(owned?.partitions ?? new Map()),
    generation,
  ]);
}

/** What a subscription says that its member keeps; `undefined` where it says nothing. */
export function keptIn(subscription: Uint8Array): Owned | undefined {
  return read(subscription, (reader, version) => {
    reader.list(() => reader.text());
    const said = reader.int32();
    const generation = said === 4 ? reader.int32() : NO_GENERATION;
    if (said !== 4) reader.skip(Math.max(said, 0));
    if (version < OWNED_SINCE) throw new RangeError("nothing is said");
    const partitions = reader.partitions();
    return { partitions, generation: version >= GENERATION_SINCE ? reader.int32() : generation };
  });
}

/** What a subscription says that its member has, as Kafka's `sticky` has it; `undefined` where it says nothing. */
export function ownedIn(subscription: Uint8Array): Owned | undefined {
  return read(subscription, (reader) => {
    reader.list(() => reader.text());
    if (reader.int32() <= 0) throw new RangeError("nothing is said");
    const partitions = reader.partitions();
    // The first members to say it had no generation.
    return { partitions, generation: reader.isAtEnd ? NO_GENERATION : reader.int32() };
  });
}

/** The topics of a subscription; `undefined` for bytes that are none. */
export function topicsOf(subscription: Uint8Array): string[] | undefined {
  return read(subscription, (reader) => reader.list(() => reader.text()));
}

export function assignmentBytes(assignment: Assignment): Uint8Array {
  return Buffer.concat([int16(VERSION), listed(assignment), int32(-1)]);
}

function listed(assignment: Assignment): Buffer {
  const topics = [...assignment].map(([topic, partitions]) =>
    Buffer.concat([text(topic), int32(partitions.length), ...partitions.map(int32)]),
  );
  return Buffer.concat([int32(topics.length), ...topics]);
}

/** Empty bytes are an empty assignment; `undefined` for bytes that are none. */
export function assignmentOf(bytes: Uint8Array): Assignment | undefined {
  if (bytes.length === 0) return new Map();
  return read(bytes, (reader) => reader.partitions());
}

function read<T>(bytes: Uint8Array, what: (reader: Reader, version: number) => T): T | undefined {
  try {
    const reader = new Reader(bytes);
    return what(reader, reader.int16());
  } catch (error) {
    // It ends too early, or is no UTF-8.
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  int16(): number {
    this.#at += 2;
    return this.#view.getInt16(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4);
  }

  skip(count: number): void {
    this.#at += count;
  }

  text(): string {
    const length = this.int16();
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError("a text does not fit");
    this.#at += length;
    return utf8.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  partitions(): Assignment {
    return new Map(this.list(() => [this.text(), this.list(() => this.int32())] as const));
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  list<T>(item: () => T): T[] {
    const count = this.int32();
    // Each item has two bytes at least: a claim beyond is not allocated.
    if (count < 0 || count > (this.#bytes.length - this.#at) / 2) throw new RangeError("a list does not fit");
    return Array.from({ length: count }, item);
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}
