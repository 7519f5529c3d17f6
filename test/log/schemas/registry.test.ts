import { expect, onTestFinished, test } from "vitest";
import { serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { openLog, testFolder } from "../support/lake-log.js";

const avro = (...fields: readonly object[]) => JSON.stringify({ type: "record", name: "Flight", fields });
const ID = { name: "id", type: "long" };
const NOTE = { name: "note", type: ["null", "string"], default: null };
const MUST = { name: "must", type: "string" };

async function client(root = testFolder()) {
  const log = openLog(root);
  const server = await serveSchemaRegistry({ registry: log.schemas, port: 0 });
  onTestFinished(() => server.close());
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.uri}${path}`, {
      method,
      headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text), code: JSON.parse(text).error_code };
  };
  const register = (subject: string, schema: string, more: object = {}) =>
    ask("POST", `/subjects/${encodeURIComponent(subject)}/versions`, { schema, ...more });
  return { log, ask, register };
}

test("a schema has one id under all subjects, and a subject a version for each that it got", async () => {
  const { ask, register } = await client();
  expect(await register("a", avro(ID))).toMatchObject({ status: 200, body: { id: 1, version: 1 } });
  expect(await register("a", ` ${avro(ID)} `)).toMatchObject({ body: { id: 1, version: 1 } });
  expect(await register("b/c d", avro(ID))).toMatchObject({ body: { id: 1, version: 1 } });
  expect(await register("a", avro(ID, NOTE))).toMatchObject({ body: { id: 2, version: 2 } });
  expect((await ask("GET", "/subjects")).body).toEqual(["a", "b/c d"]);
  expect((await ask("GET", "/subjects/a/versions")).body).toEqual([1, 2]);
  expect((await ask("GET", "/subjects/b%2Fc%20d/versions/latest")).body).toEqual({
    subject: "b/c d",
    version: 1,
    id: 1,
    guid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    schema: avro(ID),
  });
  expect((await ask("GET", "/schemas/ids/1/versions")).body).toEqual([
    { subject: "a", version: 1 },
    { subject: "b/c d", version: 1 },
  ]);
  expect((await ask("GET", "/schemas/ids/2")).body).toEqual({
    guid: expect.any(String),
    schema: avro(ID, NOTE),
  });
  expect((await ask("POST", "/subjects/a", { schema: avro(ID) })).body).toMatchObject({ version: 1, id: 1 });
});

test("what is not there, or makes no sense, is refused with the code that clients know", async () => {
  const { ask, register } = await client();
  await register("a", avro(ID));
  const codes = {
    "GET /subjects/nope/versions": 40401,
    "GET /subjects/a/versions/7": 40402,
    "GET /subjects/a/versions/x": 42202,
    "GET /subjects/a/versions/0": 42202,
    "GET /schemas/ids/99": 40403,
    "GET /schemas/guids/99": 40403,
    "GET /config/a": 40408,
    "GET /mode/a": 40409,
    "GET /nowhere": 404,
    "DELETE /subjects/a?permanent=true": 40405,
    "DELETE /subjects/a/versions/1?permanent=true": 40407,
  };
  for (const [request, code] of Object.entries(codes)) {
    const [method = "", path = ""] = request.split(" ");
    expect([request, (await ask(method, path)).code]).toEqual([request, code]);
  }
  expect((await ask("POST", "/subjects/a", { schema: avro(NOTE) })).code).toBe(40403);
  expect((await register("a", "{")).code).toBe(42201);
  expect((await register("a", "{}", { schemaType: "XML" })).code).toBe(42201);
  expect(
    (await register("a", '"string"', { references: [{ name: "x", subject: "y", version: 1 }] })).code,
  ).toBe(40401);
  expect((await ask("PUT", "/config", { compatibility: "SOME" })).code).toBe(42203);
  expect((await ask("PUT", "/mode", { mode: "SOME" })).code).toBe(42204);
  expect((await register("a", avro(ID, MUST))).status).toBe(409);
});

test("deletes are soft at first: ids stay readable, versions go on, and ids are given once", async () => {
  const root = testFolder();
  const { ask, register, log } = await client(root);
  await register("a", avro(ID));
  await register("a", avro(ID, NOTE));
  expect((await ask("DELETE", "/subjects/a/versions/2")).body).toBe(2);
  expect((await ask("DELETE", "/subjects/a/versions/2")).code).toBe(40406);
  expect((await ask("GET", "/subjects/a/versions/2")).code).toBe(40402);
  expect((await ask("GET", "/subjects/a/versions/2?deleted=true")).body.id).toBe(2);
  expect((await ask("GET", "/schemas/ids/2")).status).toBe(200);
  expect((await register("a", avro(ID, NOTE))).body).toMatchObject({ id: 2, version: 3 });
  expect((await ask("DELETE", "/subjects/a")).body).toEqual([1, 3]);
  expect((await ask("GET", "/subjects")).body).toEqual([]);
  expect((await ask("GET", "/subjects?deleted=true")).body).toEqual(["a"]);
  expect((await ask("DELETE", "/subjects/a")).code).toBe(40404);
  expect((await ask("DELETE", "/subjects/a?permanent=true")).body).toEqual([1, 2, 3]);
  expect((await ask("GET", "/schemas/ids/2")).code).toBe(40403);
  await log.flush();
  await log.close();
  const again = await client(root);
  const other = await again.register("a", avro(ID, { name: "x", type: "int" }));
  expect(other.body).toMatchObject({ id: 3, version: 1 });
});

test("the registry is read again from the objects alone, by another process too", async () => {
  const root = testFolder();
  const { register, ask, log } = await client(root);
  await register("a", avro(ID));
  await ask("PUT", "/config/a", { compatibility: "FULL" });
  const reader = openLog(root);
  expect(await reader.schemas.version("a", "latest")).toMatchObject({ id: 1, version: 1 });
  await register("a", avro(ID, NOTE));
  expect(await reader.schemas.versions("a")).toEqual([1, 2]);
  expect(await reader.schemas.compatibility("a")).toBe("FULL");
  await log.close();
});

test("a mode of READONLY refuses what changes, and a schema in use is not deleted", async () => {
  const { ask, register } = await client();
  const references = [{ name: "Flight", subject: "a", version: 1 }];
  await register("a", avro(ID));
  const list = JSON.stringify({ type: "array", items: "Flight" });
  expect((await register("b", list, { references })).body.id).toBe(2);
  expect((await ask("GET", "/subjects/a/versions/1/referencedby")).body).toEqual([2]);
  expect((await ask("DELETE", "/subjects/a")).code).toBe(42206);
  await ask("PUT", "/mode/a", { mode: "READONLY" });
  expect((await register("a", avro(ID, NOTE))).code).toBe(42205);
  expect((await register("a", avro(ID))).status).toBe(200);
  await ask("DELETE", "/mode/a");
  expect((await register("a", avro(ID, NOTE))).body.version).toBe(2);
});

test("a mode of IMPORT takes schemas with the ids and versions that they had elsewhere", async () => {
  const { ask, register } = await client();
  expect((await register("a", avro(ID), { id: 70 })).code).toBe(42205);
  expect((await ask("PUT", "/mode", { mode: "IMPORT" })).body).toEqual({ mode: "IMPORT" });
  expect((await register("a", avro(ID))).code).toBe(42205);
  expect((await register("a", avro(ID), { id: 70, version: 3 })).body).toMatchObject({ id: 70, version: 3 });
  // It could not be read by what was there: that was for the other registry to say.
  expect((await register("a", avro(ID, MUST), { id: 5 })).body).toMatchObject({ id: 5, version: 4 });
  expect((await register("b", avro(ID), { id: 70, version: 9 })).body).toMatchObject({ id: 70, version: 9 });
  expect((await register("b", avro(ID), { id: 70, version: 9 })).body).toMatchObject({ id: 70, version: 9 });
  for (const [subject, schema, more] of [
    ["c", avro(NOTE), { id: 70 }],
    ["c", avro(ID), { id: 71 }],
    ["a", avro(ID), { id: 70, version: 4 }],
  ] as const)
    expect((await register(subject, schema, more)).code).toBe(42205);
  expect((await register("c", avro(NOTE), { id: 2 ** 31 })).code).toBe(42201);
  expect((await ask("GET", "/subjects/a/versions")).body).toEqual([3, 4]);
  await ask("PUT", "/mode", { mode: "READWRITE" });
  expect((await register("a", avro(ID, MUST, NOTE))).body).toMatchObject({ id: 71, version: 5 });
  expect((await ask("PUT", "/mode", { mode: "IMPORT" })).code).toBe(42205);
  expect((await ask("PUT", "/mode/a", { mode: "IMPORT" })).code).toBe(42205);
  expect((await ask("PUT", "/mode/new", { mode: "IMPORT" })).status).toBe(200);
  expect((await ask("PUT", "/mode/a?force=true", { mode: "IMPORT" })).status).toBe(200);
  expect((await register("a", avro(NOTE), { id: 90 })).body).toMatchObject({ id: 90, version: 6 });
});

test("each mode of compatibility allows what it says, of the last version or of all", async () => {
  const { ask, register } = await client();
  const steps = {
    BACKWARD: [[ID, NOTE], [ID], [ID, { ...MUST, default: "" }]],
    FORWARD: [[ID], [ID, MUST]],
    FULL: [[ID], [ID, NOTE], [ID]],
    NONE: [[ID], [MUST]],
  };
  for (const [mode, versions] of Object.entries(steps)) {
    await ask("PUT", `/config/${mode}`, { compatibility: mode });
    for (const fields of versions) expect((await register(mode, avro(...fields))).status).toBe(200);
  }
  expect((await register("BACKWARD", avro(ID, { name: "new", type: "int" }))).status).toBe(409);
  expect((await register("FORWARD", avro(MUST))).status).toBe(409);
  expect((await register("FULL", avro(ID, MUST))).status).toBe(409);
  // The last has none of `x`; one before has it as an int, which text is not read from.
  for (const compatibility of ["BACKWARD", "BACKWARD_TRANSITIVE"]) {
    await ask("PUT", `/config/${compatibility}/`.replace(/\/$/, ""), { compatibility });
    const subject = `t-${compatibility}`;
    await ask("PUT", `/config/${subject}`, { compatibility });
    await register(subject, avro(ID, { name: "x", type: "int" }));
    await register(subject, avro(ID));
    const answer = await ask("POST", `/compatibility/subjects/${subject}/versions?verbose=true`, {
      schema: avro(ID, { name: "x", type: "string", default: "" }),
    });
    expect(answer.body.is_compatible).toBe(compatibility === "BACKWARD");
    expect(answer.body.messages.length).toBe(compatibility === "BACKWARD" ? 0 : 1);
  }
});

test("a schema that asks for endless work, or for none that there is, is refused and harms nobody", async () => {
  const { ask, register } = await client();
  const json = { schemaType: "JSON" };
  const codeOf = async (schema: unknown) =>
    (await register("j", typeof schema === "string" ? schema : JSON.stringify(schema), json)).code;
  expect(await codeOf({ patternProperties: { "[": {} } })).toBe(42201);
  expect(await codeOf({ pattern: "(" })).toBe(42201);
  expect(await codeOf({ $ref: "#/%" })).toBe(42201);
  expect(await codeOf({ $ref: "#/nowhere" })).toBe(42201);
  expect(await codeOf({ $ref: "#" })).toBe(42201);
  expect(await codeOf(`${'{"not":'.repeat(5_000)}true${"}".repeat(5_000)}`)).toBe(42201);
  const wide = (depth: number): object =>
    depth === 0
      ? { type: "string" }
      : {
          oneOf: Array.from({ length: 8 }, (_, i) => ({
            type: "object",
            title: `${i}`,
            properties: { a: wide(depth - 1) },
          })),
        };
  expect(await codeOf(wide(4))).toBeUndefined();
  expect(await codeOf({ ...wide(4), title: "another" })).toBe(42201);
  const proto = 'syntax = "proto3"; import "nowhere.proto"; message M { N n = 1; }';
  expect((await register("p", proto, { schemaType: "PROTOBUF" })).code).toBe(42201);
  expect((await register("p", "AAAA", { schemaType: "PROTOBUF" })).code).toBe(42201);
  expect((await ask("GET", "/subjects")).body).toEqual(["j"]);
});
