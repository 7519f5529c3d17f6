import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, isLakehouseError, LakehouseError } from "sololakehouse";
import { expect, expectTypeOf, test } from "vitest";
import { Closing } from "../../lib/lakehouse/closing.js";
import type { ErrorKind } from "../../lib/lakehouse/errors.js";
import * as ground from "../../lib/lakehouse/errors.js";
import { type Room, withFacades } from "../../lib/lakehouse/room.js";
import { type Part, rooms } from "../../lib/lakehouse/rooms.js";

const house = join(import.meta.dirname, "../../lib/lakehouse");
/** Folders of the house that have a file of this name. */
const having = (file: string) =>
  readdirSync(house, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "dist")
    .map(({ name }) => name)
    .filter((name) => readdirSync(join(house, name)).includes(file));

const kindsIn = (errors: object): ErrorKind[] =>
  Object.values(errors).filter((exported) => typeof exported === "function" && "code" in exported);

const errorsOf = (room: (typeof rooms)[number]): object => ("errors" in room ? room.errors : {});

test("every room that has a room.ts is wired, under the name of its folder", () => {
  expect(rooms.map(({ name }) => name).sort()).toEqual(having("room.ts").sort());
});

test("every room that has errors is wired with all of them", async () => {
  const wired = Object.fromEntries(rooms.map((room) => [room.name, errorsOf(room)]));
  for (const name of having("errors.ts"))
    expect(wired[name], name).toBe(await import(join(house, name, "errors.ts")));
});

test("every code has exactly one kind", () => {
  const codes = [ground, ...rooms.map(errorsOf)].flatMap(kindsIn).map(({ code }) => code);
  expect(codes.length).toBeGreaterThan(30);
  expect([...new Set(codes)].sort()).toEqual(codes.sort());
});

test("the front door knows the code of every room, and no other", () => {
  expectTypeOf<"CORRUPT_FILE" | "OBJECT_NOT_FOUND" | "SCHEMA_MISMATCH">().toExtend<ErrorCode>();
  expectTypeOf<"COMMIT_CONFLICT" | "TABLE_EXISTS" | "INVALID_SQL">().toExtend<ErrorCode>();
  expectTypeOf<"NOTEBOOK_FAILED">().not.toExtend<ErrorCode>();
  const error: unknown = ground.unsupported("x", "It is not.");
  expect(isLakehouseError(error, "UNSUPPORTED_FEATURE")).toBe(true);
  expect(isLakehouseError(error, "INVALID_SQL")).toBe(false);
  // @ts-expect-error a code that is misspelled would never be met
  expect(isLakehouseError(error, "UNSUPORTED_FEATURE")).toBe(false);
  if (isLakehouseError(error)) expectTypeOf(error).toEqualTypeOf<LakehouseError<ErrorCode>>();
  expect(error).toBeInstanceOf(LakehouseError);
});

test("each room that can be asked has its part in the report of health", () => {
  expectTypeOf<"storage" | "catalog" | "query">().toExtend<Part>();
  expectTypeOf<"parquet">().not.toExtend<Part>();
});

test("a room's facade is made when it is first asked for, once, from what the room needs", () => {
  const made: string[] = [];
  const log = {
    name: "log",
    facade: ({ topic }: { readonly topic: string }) => {
      made.push(topic);
      return { append: (text: string) => `${topic}: ${text}` };
    },
  } as const satisfies Room<{ topic: string }>;
  class Lake extends withFacades<{ topic: string; more: number }, readonly [typeof log]>([log]) {}
  const lake = new Lake({ topic: "flights", more: 1 }, new Closing("lakehouse"));
  expect(made).toEqual([]);
  expect(lake.log.append("late")).toBe("flights: late");
  expect(lake.log).toBe(lake.log);
  expect(made).toEqual(["flights"]);
  // @ts-expect-error only rooms that are wired are there
  expect(lake.quality).toBe(undefined);
});

test("a facade that is named as a method of the lakehouse's own does not compile", () => {
  const log = { name: "log", facade: () => "facade" } as const satisfies Room<object>;
  class Lake extends withFacades<object, readonly [typeof log]>([log]) {
    // @ts-expect-error TS2425: the method would hide the room
    log(): string {
      return "method";
    }
  }
  expect(new Lake({}, new Closing("lakehouse")).log()).toBe("method");
});

/** Two rooms that say when they close, and a third that has nothing to close. */
function closingRooms(fails?: "log") {
  const closed: string[] = [];
  const roomOf = <const Name extends string>(name: Name) =>
    ({
      name,
      facade: ({ at }: { readonly at: string }) => ({ says: `${name} at ${at}` }),
      close: async ({ says }) => {
        closed.push(says);
        if (name === fails) throw new Error(`${name} does not close`);
      },
    }) as const satisfies Room<{ at: string }, { says: string }>;
  const plain = { name: "plain", facade: () => ({ nothing: true }) } as const satisfies Room<object>;
  const log = roomOf("log");
  const studio = roomOf("studio");
  class Lake extends withFacades<{ at: string }, readonly [typeof log, typeof studio, typeof plain]>([
    log,
    studio,
    plain,
  ]) {}
  const closing = new Closing("lakehouse", [{ close: async () => void closed.push("the catalog") }]);
  return { closed, closing, lakeAt: (at: string) => new Lake({ at }, closing) };
}

test("what facades hold is closed with the lakehouse: those that were made, the last first, of views too", async () => {
  const { closed, closing, lakeAt } = closingRooms();
  const lake = lakeAt("main");
  const view = lakeAt("etl");
  expect([lake.studio.says, view.log.says, lake.plain.nothing]).toEqual([
    "studio at main",
    "log at etl",
    true,
  ]);
  await Promise.all([closing.close(), closing.close()]);
  expect(closed).toEqual(["log at etl", "studio at main", "the catalog"]);
  await closing.close();
  expect(closed).toHaveLength(3);
});

test("a facade that does not close keeps no other open, and its error is told", async () => {
  const { closed, closing, lakeAt } = closingRooms("log");
  const lake = lakeAt("main");
  expect([lake.studio.says, lake.log.says]).toHaveLength(2);
  await expect(closing.close()).rejects.toThrow("log does not close");
  expect(closed).toEqual(["log at main", "studio at main", "the catalog"]);
});

test("after the end, a facade that would have to be closed is not made", async () => {
  const { closing, lakeAt } = closingRooms();
  const lake = lakeAt("main");
  await closing.close();
  expect(() => lake.log).toThrow(expect.objectContaining({ code: "CLOSED" }));
  expect(lake.plain.nothing).toBe(true);
});
