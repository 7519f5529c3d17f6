import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOf, digestOnce, identityOf, keyOf } from "../lib/lakehouse/keys.js";

const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    false,
    0,
    -0,
    1,
    1n,
    "1",
    "1n",
    "d1;",
    "",
    "n",
    "u",
    [],
    {},
  ),
  fc.constantFrom<unknown>(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "NaN", "Infinity"),
  fc.constantFrom<unknown>(
    new Date(0),
    new Date(Number.NaN),
    "1970-01-01T00:00:00.000Z",
    new Uint8Array(),
    "[",
  ),
  fc.double(),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.integer({ min: -3, max: 3 }),
  fc.string({
    maxLength: 3,
    unit: fc.constantFrom("a", "b", "1", ":", ";", "s", "{", "}", "]", "\n", "\0", "\ud800"),
  }),
  fc.uint8Array({ maxLength: 2 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "ab", "", "__proto__"), tie("value"), { maxKeys: 3 }),
    fc.array(fc.tuple(leaf, tie("value")), { maxLength: 2 }).map((entries) => new Map(entries)),
    fc.array(leaf, { maxLength: 2 }).map((items) => new Set(items)),
  ),
}));

/** Equality as the keys promise it, said in another way. */
function equal(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (kind(a) !== kind(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof Map) return equal([...a], [...(b as typeof a)]);
  if (a instanceof Set) return equal([...a], [...(b as typeof a)]);
  if (Array.isArray(a) || a instanceof Uint8Array) {
    const other = b as typeof a;
    return a.length === other.length && Array.from(a).every((item, i) => equal(item, other[i]));
  }
  const left = new Map(Object.entries(a).filter(([, member]) => member !== undefined));
  const right = new Map(Object.entries(b).filter(([, member]) => member !== undefined));
  return (
    left.size === right.size &&
    [...left].every(([name, member]) => right.has(name) && equal(member, right.get(name)))
  );
}

function kind(of: object): string {
  return Object.prototype.toString.call(of);
}

describe("a key", () => {
  test("is equal exactly for equal values", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(keyOf(a) === keyOf(b)).toBe(equal(a, b));
        expect(digestOf(a) === digestOf(b)).toBe(equal(a, b));
      }),
      { numRuns: 5_000 },
    );
  });

  test("does not depend on where a value comes from", () => {
    fc.assert(
      fc.property(value, (a) => {
        expect(keyOf(structuredClone(a))).toBe(keyOf(a));
      }),
    );
  });

  test.each([
    [1n, 1],
    [1n, "1n"],
    [0, -0],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [new Date("2024-01-01T00:00:00Z"), "2024-01-01T00:00:00.000Z"],
    [["a", "b"], ["a,b"]],
    [["a\nb"], ["a", "b"]],
    [new Map([["a", 1]]), {}],
    [new Map([["a", 1]]), { a: 1 }],
    [new Uint8Array([1]), { 0: 1 }],
    ["\ud800", "\ud801"],
    [
      ["x\0string:y", "z"],
      ["x", "y\0string:z"],
    ],
  ])("tells %o from %o", (a, b) => {
    expect(keyOf(a)).not.toBe(keyOf(b));
    expect(digestOf(a)).not.toBe(digestOf(b));
  });

  test("of an object with a life of its own is its alone", () => {
    class Store {}
    const [a, b] = [new Store(), new Store()];
    expect(keyOf([a])).toBe(keyOf([a]));
    expect(keyOf([a])).not.toBe(keyOf([b]));
    expect(identityOf(a)).not.toBe(identityOf(b));
  });

  test("is made once for an object, by what it is asked for", () => {
    let made = 0;
    const first = digestOnce<{ readonly a: number; readonly b: number }>(({ a }) => {
      made++;
      return a;
    });
    const second = digestOnce<{ readonly a: number; readonly b: number }>(({ b }) => b);
    const object = { a: 1, b: 2 };
    expect([first(object), first(object), second(object)]).toEqual([digestOf(1), digestOf(1), digestOf(2)]);
    expect(made).toBe(1);
  });
});
