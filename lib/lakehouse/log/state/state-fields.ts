import { corruptState } from "../errors.js";

/**
 * The fields of what a state topic's record says, each taken as the kind that it must have.
 *
 * @throws LakehouseError CORRUPT_STATE, from every method, where a field is missing or of another kind.
 */
export class StateFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #place: string;
  /** What errors call them. */
  readonly #path: string;

  /** @param place of the record, for errors: its topic, partition, offset and key. */
  constructor(json: unknown, place: string, path = "") {
    this.#place = place;
    this.#path = path;
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw brokenState(place, `${path === "" ? "its value" : path} is no object`);
    this.#fields = json as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === "string" ? value : this.#fail(name, "is no text");
  }

  /** One of the keys of `kinds`. */
  kind<Kind extends string>(name: string, kinds: Readonly<Record<Kind, unknown>>): Kind {
    const value = this.text(name);
    return Object.hasOwn(kinds, value) ? (value as Kind) : this.#fail(name, `is ${JSON.stringify(value)}`);
  }

  integer(name: string, least = 0): number {
    const value = this.#fields[name];
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
    return this.#fail(name, `is no whole number from ${least} on`);
  }

  /** 64 bits, which JSON has as a text. */
  bigint(name: string): bigint {
    const value = this.text(name);
    return /^-?\d{1,19}$/.test(value) ? BigInt(value) : this.#fail(name, "is no whole number");
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    return typeof value === "boolean" ? value : this.#fail(name, "is neither true nor false");
  }

  bytes(name: string): Uint8Array {
    return new Uint8Array(Buffer.from(this.text(name), "base64"));
  }

  fields(name: string): StateFields {
    return new StateFields(this.#fields[name], this.#place, this.#at(name));
  }

  list<Item>(name: string, read: (fields: StateFields) => Item): Item[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) return this.#fail(name, "is no list");
    return value.map((item, i) => read(new StateFields(item, this.#place, `${this.#at(name)}[${i}]`)));
  }

  /** What `read` takes of the field; `undefined` where there is none of that name. */
  optional<Value>(name: string, read: (name: string) => Value): Value | undefined {
    return this.#fields[name] === undefined ? undefined : read(name);
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #fail(name: string, why: string): never {
    throw brokenState(this.#place, `${this.#at(name)} ${why}`);
  }
}

export function brokenState(place: string, why: string, cause?: unknown) {
  return corruptState(
    place,
    `${place} cannot be understood: ${why}.`,
    "Nothing is guessed in its place. Restore the topic's objects from a backup.",
    cause,
  );
}
