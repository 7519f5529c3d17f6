import { expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import {
  alterClientQuotas,
  describeClientQuotas,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/quotas.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { loggedIn, PASSWORD } from "../support/sasl-client.js";

const RATE = "producer_byte_rate";
const user = (entityName: string | null) => [{ entityType: "user", entityName }];
type Op = { readonly key: string; readonly value: number; readonly remove: boolean };
const set = (key: string, value: number): Op => ({ key, value, remove: false });
const unset = (key: string): Op => ({ key, value: 0, remove: true });

async function opened() {
  const log = openLog(testFolder());
  for (const name of ["ops", "loader", "reader"])
    await log.security.setUser(name, { password: PASSWORD, isAdmin: name === "ops" });
  const { server } = await serve({}, log);
  const client = await loggedIn(server, "ops");
  const alter = async (
    entity: { entityType: string; entityName: string | null }[],
    ops: Op[],
    only = false,
  ) => {
    const request = { entries: [{ entity, ops }], validateOnly: only };
    const [entry] = (await client.ask(alterClientQuotas, 1, request)).entries;
    return entry?.errorCode;
  };
  const describe = async (
    components: { entityType: string; matchType: number; match: string | null }[],
    strict = false,
    version = 1,
  ) => {
    const answer = await client.ask(describeClientQuotas, version, { components, strict });
    if (answer.errorCode !== ERROR.NONE) return answer.errorCode;
    return answer.entries?.map(({ entity, values }) => [entity[0]?.entityName, values]);
  };
  return { log, client, alter, describe };
}

test("rates of users are set, told and taken away, as the library has them", async () => {
  const { log, alter, describe } = await opened();
  const anyUser = [{ entityType: "user", matchType: 2, match: null }];
  expect(await describe(anyUser)).toEqual([]);
  expect(await alter(user("loader"), [set(RATE, 2 ** 40), set("consumer_byte_rate", 7)])).toBe(ERROR.NONE);
  expect(await alter(user("reader"), [set(RATE, 5)], true)).toBe(ERROR.NONE);
  const [loader, , reader] = await log.security.users();
  expect(loader).toMatchObject({ produceBytesPerSecond: 2 ** 40, fetchBytesPerSecond: 7 });
  // It was only to be looked at.
  expect(reader).not.toHaveProperty("produceBytesPerSecond", 5);
  const values = [
    { key: RATE, value: 2 ** 40 },
    { key: "consumer_byte_rate", value: 7 },
  ];
  for (const version of [0, 1]) expect(await describe(anyUser, true, version)).toEqual([["loader", values]]);
  expect(await describe([{ entityType: "user", matchType: 0, match: "loader" }])).toEqual([
    ["loader", values],
  ]);
  expect(await describe([])).toEqual([["loader", values]]);
  for (const [components, isStrict] of [
    [[], true],
    [[{ entityType: "user", matchType: 0, match: "reader" }], false],
    [[{ entityType: "user", matchType: 1, match: null }], false],
    [[...anyUser, { entityType: "client-id", matchType: 2, match: null }], false],
  ] as const)
    expect(await describe([...components], isStrict)).toEqual([]);
  expect(await alter(user("loader"), [unset(RATE)])).toBe(ERROR.NONE);
  expect(await describe(anyUser)).toEqual([["loader", [{ key: "consumer_byte_rate", value: 7 }]]]);
  // The password is as it was.
  expect((await log.security.users())[0]?.mechanisms).toHaveLength(2);
});

test("what is none of a user's rates is refused, and changes nothing", async () => {
  const { log, client, alter, describe } = await opened();
  const before = await log.security.users();
  for (const [entity, ops, errorCode] of [
    [user("nobody"), [set(RATE, 5)], ERROR.RESOURCE_NOT_FOUND],
    [user(null), [set(RATE, 5)], ERROR.UNSUPPORTED_VERSION],
    [[{ entityType: "client-id", entityName: "c" }], [set(RATE, 5)], ERROR.UNSUPPORTED_VERSION],
    [
      [...user("loader"), { entityType: "client-id", entityName: "c" }],
      [set(RATE, 5)],
      ERROR.UNSUPPORTED_VERSION,
    ],
    [[{ entityType: "robot", entityName: "c" }], [set(RATE, 5)], ERROR.UNSUPPORTED_VERSION],
    [[], [set(RATE, 5)], ERROR.INVALID_REQUEST],
    [user("loader"), [set("request_percentage", 5)], ERROR.INVALID_REQUEST],
    [user("loader"), [set("toString", 5)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, 5), set("nothing", 5)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, 5), unset(RATE)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, 0)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, 0.5)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, Number.NaN)], ERROR.INVALID_REQUEST],
    [user("loader"), [set(RATE, Number.POSITIVE_INFINITY)], ERROR.INVALID_REQUEST],
  ] as const)
    for (const isTrial of [true, false]) expect(await alter([...entity], [...ops], isTrial)).toBe(errorCode);
  const twice = [set(RATE, 5), set(RATE, 6)].map((op) => ({ entity: user("loader"), ops: [op] }));
  const { entries } = await client.ask(alterClientQuotas, 1, { entries: twice, validateOnly: true });
  expect(entries.map(({ errorCode }) => errorCode)).toEqual([ERROR.NONE, ERROR.INVALID_REQUEST]);
  expect(await log.security.users()).toEqual(before);
  for (const [component, errorCode] of [
    [{ entityType: "robot", matchType: 2, match: null }, ERROR.UNSUPPORTED_VERSION],
    [{ entityType: "", matchType: 2, match: null }, ERROR.INVALID_REQUEST],
    [{ entityType: "user", matchType: 0, match: null }, ERROR.INVALID_REQUEST],
    [{ entityType: "user", matchType: 2, match: "loader" }, ERROR.INVALID_REQUEST],
    [{ entityType: "user", matchType: 3, match: null }, ERROR.INVALID_REQUEST],
  ] as const)
    expect(await describe([component])).toBe(errorCode);
});

test("without users, nobody has a rate", async () => {
  const { log, server } = await serve();
  const client = await Client.to(server);
  const entries = [{ entity: user("loader"), ops: [set(RATE, 5)] }];
  const answer = await client.ask(alterClientQuotas, 1, { entries, validateOnly: false });
  expect(answer.entries).toMatchObject([{ errorCode: ERROR.SECURITY_DISABLED }]);
  expect(await log.security.isOn()).toBe(false);
});
