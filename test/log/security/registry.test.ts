import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type SchemaServerOptions, serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { PASSWORD } from "../support/sasl-client.js";

const SCHEMA = JSON.stringify({ schema: '{"type":"long"}' });

async function secured(options: Partial<SchemaServerOptions> = {}) {
  const log = openLog(testFolder());
  await log.security.setUser("admin", { password: PASSWORD, isAdmin: true });
  await log.security.setUser("alice", { password: PASSWORD });
  await log.security.addAcls([
    { user: "alice", operation: "write", resource: "topic", name: "mine" },
    { user: "alice", operation: "read", resource: "topic", name: "shared" },
  ]);
  const server = await serveSchemaRegistry({ registry: log.schemas, port: 0, ...options });
  onTestFinished(() => server.close());
  const as =
    (user: string | undefined, password = PASSWORD, more: Record<string, string> = {}) =>
    async (method: string, path: string, body?: string) => {
      const basic = Buffer.from(`${user}:${password}`).toString("base64");
      const authorization: Record<string, string> =
        user === undefined ? {} : { authorization: `Basic ${basic}` };
      const response = await fetch(`${server.uri}${path}`, {
        method,
        headers: { ...authorization, ...more },
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, answer: await response.json() };
    };
  return { log, server, as };
}

test("the registry asks for the user's password", async () => {
  const { as } = await secured();
  expect((await as("admin")("GET", "/subjects")).status).toBe(200);
  for (const [user, password] of [
    [undefined, ""],
    ["admin", "wrong"],
    ["nobody", PASSWORD],
  ] as const) {
    expect((await as(user, password)("GET", "/subjects")).status).toBe(401);
    expect((await as(user, password)("POST", "/subjects/x/versions", SCHEMA)).status).toBe(401);
    expect((await as(user, password)("GET", "/")).status).toBe(401);
  }
  expect((await as("admin", PASSWORD, { origin: "https://example.com" })("GET", "/subjects")).status).toBe(
    403,
  );
});

test("a subject is for whom its topic is for", async () => {
  const { as } = await secured();
  const [admin, alice] = [as("admin"), as("alice")];
  const ids: Record<string, number> = {};
  const guids: Record<string, string> = {};
  for (const [i, subject] of ["mine-value", "shared-key", "secret-value"].entries()) {
    const schema = JSON.stringify({ schema: `{"type":"record","name":"r${i}","fields":[]}` });
    const { answer } = await admin("POST", `/subjects/${subject}/versions`, schema);
    [ids[subject], guids[subject]] = [answer.id, answer.guid];
  }
  const status = async (method: string, path: string, body?: string) =>
    (await alice(method, path, body)).status;
  expect((await alice("GET", "/subjects")).answer).toEqual(["mine-value", "shared-key"]);
  expect((await alice("GET", "/schemas")).answer).toHaveLength(2);
  expect(await status("GET", "/subjects/shared-key/versions/1")).toBe(200);
  expect(await status("GET", `/schemas/ids/${ids["shared-key"]}`)).toBe(200);
  expect(await status("GET", `/schemas/guids/${guids["shared-key"]}`)).toBe(200);
  expect(await status("POST", "/subjects/mine-value/versions", SCHEMA)).not.toBe(403);
  const refused: [string, string, string?][] = [
    ["GET", "/subjects/secret-value/versions"],
    ["GET", "/subjects/secret-value/versions/latest/schema"],
    ["GET", "/subjects/:.:secret-value/versions/1"],
    ["GET", "/subjects/s%65cret-value/versions/1"],
    ["POST", "/subjects/secret-value", SCHEMA],
    ["POST", "/compatibility/subjects/secret-value/versions/1", SCHEMA],
    ["GET", "/config/secret-value"],
    ["GET", `/schemas/ids/${ids["secret-value"]}`],
    ["GET", `/schemas/ids/${ids["secret-value"]}/schema`],
    ["GET", `/schemas/guids/${guids["secret-value"]}`],
    ["POST", "/subjects/shared-key/versions", SCHEMA],
    ["POST", "/subjects/new-value/versions", SCHEMA],
    ["DELETE", "/subjects/shared-key"],
    ["DELETE", "/subjects/mine-value/versions/1"],
    ["PUT", "/config/shared-key", '{"compatibility":"NONE"}'],
    ["PUT", "/config", '{"compatibility":"NONE"}'],
    ["DELETE", "/mode/shared-key"],
    ["PUT", "/mode", '{"mode":"READONLY"}'],
  ];
  for (const [method, path, body] of refused)
    expect([method, path, await status(method, path, body)]).toEqual([method, path, 403]);
  expect((await alice("GET", `/schemas/ids/${ids["secret-value"]}/subjects`)).answer).toEqual([]);
  expect((await alice("GET", `/schemas/ids/${ids["secret-value"]}/versions`)).answer).toEqual([]);
});

test("no more connections are taken than are wanted", async () => {
  const log = openLog(testFolder());
  await expect(
    serveSchemaRegistry({ registry: log.schemas, port: 0, maxConnections: 0 }),
  ).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  const server = await serveSchemaRegistry({ registry: log.schemas, port: 0, maxConnections: 1 });
  onTestFinished(() => server.close());
  const ask = () => fetch(`${server.uri}/subjects`, { headers: { connection: "close" } });
  const { hostname, port } = new URL(server.uri);
  const first = connect({ host: hostname, port: Number(port) });
  await once(first, "connect");
  await expect(ask()).rejects.toThrow();
  first.destroy();
  await expect
    .poll(() =>
      ask().then(
        ({ status }) => status,
        () => undefined,
      ),
    )
    .toBe(200);
});
