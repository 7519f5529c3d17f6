// The services of all profiles but `engines`, together: a lakehouse on them, what they refuse, and what is left after down
// and up. long/engines.test.ts has the others.
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isNative, PORTS, type ServiceName, servicesOf } from "../../../lib/kit/stack/index.js";
import { type OwnStack, ownStack } from "./support.js";

let stack: OwnStack;
const UP = ["stack", "up", "--profile", "ml", "ops", "--json"];
const native = servicesOf(["ml", "ops"]).filter(isNative);
const url = (service: ServiceName, part: string, path: string) =>
  `http://127.0.0.1:${stack.home.port(service, part)}${path}`;

beforeAll(async () => {
  stack = await ownStack();
  const { code, out, err } = await stack.slh(UP);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const started = JSON.parse(out) as { name: string; milliseconds?: number }[];
  expect(started.map(({ name }) => name)).toEqual(native.map(({ name }) => name));
  for (const { milliseconds } of started) expect(milliseconds).toBeGreaterThan(0);
});
afterAll(() => stack.dispose());

async function json(address: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(address, init);
  return response.json();
}

const postJson = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test("status says of each that it is up, and where", async () => {
  const { code, out } = await stack.slh(["stack", "status", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual(
    expect.arrayContaining(
      native.map(({ name }) => expect.objectContaining({ name, state: "up", memory: expect.any(Number) })),
    ),
  );
});

test("nothing answers at an address that other machines reach", async () => {
  const addresses = Object.values(networkInterfaces())
    .flat()
    .flatMap((each) => (each === undefined || each.internal || each.family !== "IPv4" ? [] : [each.address]));
  const asked = native.flatMap(({ name }) =>
    Object.keys(PORTS[name]).flatMap((part) =>
      addresses.map((address) => `http://${address}:${stack.home.port(name, part)}/`),
    ),
  );
  for (const address of asked)
    await expect(fetch(address, { signal: AbortSignal.timeout(5_000) }), address).rejects.toThrow();
});

test("the catalog answers whoever has its token, and nobody else", async () => {
  const token = stack.home.place("catalog")?.secret("SLH_STACK_CATALOG_TOKEN");
  const ask = async (authorization?: string) =>
    (
      await fetch(url("catalog", "http", "/iceberg/v1/config"), {
        headers: authorization === undefined ? {} : { authorization },
      })
    ).status;
  expect(await ask()).toBe(401);
  expect(await ask("Bearer wrong")).toBe(401);
  expect(await ask(`Bearer ${token}`)).toBe(200);
});

test("no secret is in a log", async () => {
  const secrets = [...readFileSync(stack.home.secretsFile, "utf8").matchAll(/^\w+=(.+)$/gm)].map(
    ([, value]) => value,
  );
  expect(secrets.length).toBeGreaterThan(5);
  for (const { name } of native) {
    const said = readFileSync(stack.home.logOf(name), "utf8");
    for (const secret of secrets) expect(said.includes(secret as string), name).toBe(false);
  }
});

test("Prometheus scrapes each service that it was told of", async () => {
  type Targets = { data: { activeTargets: { health: string }[] } };
  const healths = async () =>
    ((await json(url("prometheus", "http", "/api/v1/targets"))) as Targets).data.activeTargets.map(
      ({ health }) => health,
    );
  await expect.poll(healths, { timeout: 120_000, interval: 1_000 }).toEqual(Array(6).fill("up"));
});

describe("after down and up", () => {
  test("tables, schemas and experiments are there", async () => {
    const env = await stack.env();
    const made = await stack.slh(
      ["sql", "create schema s; create table s.t as select i::int as i from range(1000) r(i)"],
      env,
    );
    expect(made).toMatchObject({ code: 0 });
    const mlflow = (path: string) => url("mlflow", "http", `/api/2.0/mlflow/experiments/${path}`);
    await json(mlflow("create"), postJson({ name: "kept" }));
    const schema = {
      schema: JSON.stringify({ type: "record", name: "R", fields: [{ name: "a", type: "int" }] }),
    };
    await json(url("log", "schemas", "/subjects/kept-value/versions"), postJson(schema));

    const stopped = await stack.slh(["stack", "down", "--json"]);
    expect(stopped.code).toBe(0);
    const killed = (JSON.parse(stopped.out) as { name: string; killed: boolean }[]).filter(
      (each) => each.killed,
    );
    expect(killed).toEqual([]);
    expect((await stack.slh(UP)).code).toBe(0);

    const counted = await stack.slh(
      ["sql", "select count(*)::int as n, sum(i)::int as s from s.t", "--json"],
      env,
    );
    expect(JSON.parse(counted.out)).toMatchObject([{ n: 1000, s: 499_500 }]);
    expect(await json(mlflow("get-by-name?experiment_name=kept"))).toMatchObject({
      experiment: { name: "kept" },
    });
    expect(await json(url("log", "schemas", "/subjects"))).toEqual(["kept-value"]);
  });
});
