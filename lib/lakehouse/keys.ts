import { createHash } from "node:crypto";

/**
 * Keys of caches and of maps by value: text that is equal exactly for equal values. Every kind of value has a mark of its
 * own, and what has no fixed length says how long it is, so that none can be taken for another: `1` for `1n` or `"1"`, a
 * date for its text, NaN for null, -0 for 0, `["a", "b"]` for `["a,b"]`.
 *
 * Lists, maps, sets and plain objects are compared by what is in them; maps and sets in their order, objects in none, and
 * a member that is `undefined` is one that is not there. All else, a store say, is only equal to itself.
 *
 * `CACHES.md` lists what is remembered under such keys.
 */
export function keyOf(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "u";
    case "boolean":
      return value ? "t" : "f";
    case "number":
      return `d${Object.is(value, -0) ? "-0" : value};`;
    case "bigint":
      return `i${value};`;
    case "string":
      return `s${value.length}:${value}`;
    case "object":
      return value === null ? "n" : objectKey(value);
    default:
      return `@${identityOf(value as object)};`;
  }
}

function objectKey(value: object): string {
  if (Array.isArray(value)) {
    let key = "[";
    for (const item of value) key += keyOf(item);
    return `${key}]`;
  }
  if (value instanceof Uint8Array) {
    return `b${value.length}:${Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1")}`;
  }
  if (value instanceof Date) return `D${value.getTime()};`;
  if (value instanceof Map) return `M${keyOf([...value].flat(1))}`;
  if (value instanceof Set) return `S${keyOf([...value])}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `@${identityOf(value)};`;
  const record = value as Record<string, unknown>;
  let key = "{";
  for (const name of Object.keys(record).sort()) {
    const member = record[name];
    if (member !== undefined) key += keyOf(name) + keyOf(member);
  }
  return `${key}}`;
}

/** A key of fixed length, for values that are large: SHA-256 of `keyOf`. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(keyOf(value), "utf16le").digest("base64");
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** A number that this object has, and no other in this process ever gets. */
export function identityOf(value: object): number {
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return identity;
}

/**
 * A function that gives an object's `digestOf(what(object))`, made once for each object.
 *
 * @param what the part of the object that matters. Neither it nor what it reads ever changes.
 */
export function digestOnce<T extends object>(
  what: (value: T) => unknown = (value) => value,
): (value: T) => string {
  const kept = new WeakMap<T, string>();
  return (value) => {
    let key = kept.get(value);
    if (key === undefined) {
      key = digestOf(what(value));
      kept.set(value, key);
    }
    return key;
  };
}
