import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Call, type CatalogCall, catalogModel, findViolation } from "../support/linearizability.js";

const model = catalogModel(["a", "b"]);
const violation = (...history: Call<CatalogCall>[]) => findViolation(model, history);

const call = (client: string, from: number, to: number | undefined, operation: CatalogCall) => ({
  client,
  operation,
  invoked: BigInt(from),
  ...(to === undefined ? {} : { returned: BigInt(to) }),
});
const read = (table: string, found: string): CatalogCall => ({ type: "read", table, found });
const move = (
  from: Record<string, string>,
  to: Record<string, string>,
  outcome: "committed" | "conflict" | "unknown" = "committed",
): CatalogCall => ({ type: "commit", from, to, outcome });

describe("the checker takes", () => {
  test("calls one by one, and reads that overlap a commit on either side of it", () => {
    const history = [
      call("x", 0, 10, move({ a: "none" }, { a: "1" })),
      call("y", 2, 4, read("a", "1")),
      call("z", 3, 8, read("a", "none")),
      call("y", 11, 12, read("a", "1")),
    ];
    // z may read before y does, though it ends later.
    expect(violation(...history)).toBeUndefined();
  });

  test("a commit whose outcome nobody knows as one that happened, at any time after, or never", () => {
    const lost = call("x", 0, undefined, move({ a: "none" }, { a: "1" }, "unknown"));
    expect(violation(lost, call("y", 5, 6, read("a", "none")))).toBeUndefined();
    expect(violation(lost, call("y", 5, 6, read("a", "1")))).toBeUndefined();
    expect(
      violation(lost, call("y", 5, 6, read("a", "none")), call("y", 7, 8, read("a", "1"))),
    ).toBeUndefined();
  });

  test("a conflict that another commit explains", () => {
    const history = [
      call("x", 0, 10, move({ a: "none" }, { a: "1" })),
      call("y", 1, 9, move({ a: "none", b: "none" }, { a: "2", b: "2" }, "conflict")),
    ];
    expect(violation(...history)).toBeUndefined();
  });

  test("every history of calls that were made one at a time, however their times are stretched", () => {
    const step = fc.record({
      kind: fc.constantFrom("read", "commit", "both"),
      table: fc.constantFrom("a", "b"),
      stale: fc.boolean(),
      before: fc.integer({ min: 0, max: 25 }),
      after: fc.integer({ min: 0, max: 25 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let state: Record<string, string> = { a: "none", b: "none" };
        const history = steps.map(({ kind, table, stale, before, after }, n) => {
          const at = 100 + n * 10;
          const tables = kind === "both" ? ["a", "b"] : [table];
          const now = (each: string) => state[each] as string;
          if (kind === "read") return call(`c${n}`, at - before, at + after, read(table, now(table)));
          const from = Object.fromEntries(tables.map((each) => [each, stale ? "gone" : now(each)]));
          const to = Object.fromEntries(tables.map((each) => [each, `s${n}`]));
          if (!stale) state = { ...state, ...to };
          return call(`c${n}`, at - before, at + after, move(from, to, stale ? "conflict" : "committed"));
        });
        expect(violation(...history)).toBeUndefined();
      }),
    );
  });
});

describe("the checker refuses", () => {
  test("a read of an old snapshot after the commit returned", () => {
    const stale = call("y", 11, 12, read("a", "none"));
    expect(violation(call("x", 0, 10, move({ a: "none" }, { a: "1" })), stale)).toEqual(stale);
  });

  test("a commit that was acknowledged and lost", () => {
    const history = [
      call("x", 0, 10, move({ a: "none" }, { a: "1" })),
      call("y", 20, 30, move({ a: "none" }, { a: "2" })),
    ];
    expect(violation(...history)).toBeDefined();
  });

  test("two commits from one snapshot that both won, though they overlap", () => {
    const history = [
      call("x", 0, 10, move({ a: "none" }, { a: "1" })),
      call("y", 5, 12, move({ a: "none" }, { a: "2" })),
    ];
    expect(violation(...history)).toBeDefined();
  });

  test("a commit of two tables of which one shows before the other", () => {
    const history = [
      call("x", 0, 20, move({ a: "none", b: "none" }, { a: "1", b: "1" })),
      call("y", 5, 6, read("a", "1")),
      call("y", 7, 8, read("b", "none")),
    ];
    expect(violation(...history)).toBeDefined();
  });

  test("a snapshot that shows, goes and comes back", () => {
    const history = [
      call("x", 0, 30, move({ a: "none" }, { a: "1" })),
      call("y", 5, 6, read("a", "1")),
      call("y", 7, 8, read("a", "none")),
    ];
    expect(violation(...history)).toBeDefined();
  });

  test("a conflict where nothing had changed", () => {
    expect(violation(call("x", 0, 10, move({ a: "none" }, { a: "1" }, "conflict")))).toBeDefined();
  });

  test("a commit that took effect although it was refused", () => {
    const history = [
      call("x", 0, 10, move({ a: "none" }, { a: "1" })),
      call("y", 11, 20, move({ a: "none" }, { a: "2" }, "conflict")),
      call("z", 21, 22, read("a", "2")),
    ];
    expect(violation(...history)).toBeDefined();
  });

  test("a lost commit that takes effect before it was sent, or twice", () => {
    const lost = call("x", 10, undefined, move({ a: "none" }, { a: "1" }, "unknown"));
    expect(violation(lost, call("y", 1, 2, read("a", "1")))).toBeDefined();
    const again = [
      call("y", 20, 21, read("a", "1")),
      call("y", 22, 23, move({ a: "1" }, { a: "none" })),
      call("y", 24, 25, read("a", "1")),
    ];
    expect(violation(lost, ...again)).toBeDefined();
  });
});
