import { randomUUID } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  openRestCatalog,
  type RestServerOptions,
  serveRestCatalog,
} from "../../../lib/lakehouse/catalog/index.js";
import { schema } from "../support/contents.js";
import { type Served, serve } from "../support/served.js";

const running: Served[] = [];
afterEach(async () => {
  for (const served of running.splice(0)) await served.stop();
});

async function started(options?: Partial<RestServerOptions>): Promise<Served> {
  const served = await serve(options);
  running.push(served);
  return served;
}

const columns = { type: "struct", fields: [{ id: 1, name: "id", required: true, type: "long" }] };

function post(
  uri: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${uri}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("locations", () => {
  const escapes = (root: string) => [
    "file:///etc/lake",
    "file:/etc/lake",
    `${root.replace("file:///", "file:/")}/../beside`,
    `${root}`,
    `${root}-beside/t`,
    `${root}/../beside`,
    `${root}/a/../../beside`,
    `${root}/%2e%2e/beside`,
    `${root}/.%2E/beside`,
    `${root}/a%2f..%2f..%2fbeside`,
    `${root}/a\\..\\..\\beside`,
    `${root}//t`,
    `${root}/a\u0000b`,
    "s3://elsewhere/t",
    "http://169.254.169.254/latest",
    "/etc/passwd",
    "t",
  ];

  test("outside the warehouse are refused wherever a request can name one, and nothing is written", async () => {
    const { server, catalog, store, directory } = await started();
    await catalog.createNamespace("ns");
    const table = await catalog.createTable("ns.t", { schema });
    const view = {
      name: "v",
      schema: columns,
      properties: {},
      "view-version": {
        "version-id": 1,
        "timestamp-ms": 1,
        "schema-id": 0,
        summary: {},
        representations: [{ type: "sql", sql: "select 1", dialect: "duckdb" }],
        "default-namespace": [],
      },
    };
    const commit = (update: object) =>
      post(server.uri, "main/namespaces/ns/tables/t", { requirements: [], updates: [update] });
    const before = (await readdir(directory)).sort();
    for (const location of escapes(store.root)) {
      const snapshot = {
        "snapshot-id": 1,
        "sequence-number": 1,
        "timestamp-ms": Date.now(),
        "manifest-list": location,
        summary: { operation: "append" },
        "schema-id": 0,
      };
      const statistics = {
        "snapshot-id": 1,
        "statistics-path": location,
        "file-size-in-bytes": 1,
        "file-footer-size-in-bytes": 1,
        "blob-metadata": [],
      };
      const attempts: Record<string, Promise<Response>> = {
        create: post(server.uri, "main/namespaces/ns/tables", { name: "x", schema: columns, location }),
        stage: post(server.uri, "main/namespaces/ns/tables", {
          name: "x",
          schema: columns,
          location,
          "stage-create": true,
        }),
        view: post(server.uri, "main/namespaces/ns/views", { ...view, location }),
        register: post(server.uri, "main/namespaces/ns/register", {
          name: "x",
          "metadata-location": location,
        }),
        registerView: post(server.uri, "main/namespaces/ns/register-view", {
          name: "x",
          "metadata-location": location,
        }),
        setLocation: commit({ action: "set-location", location }),
        snapshot: commit({ action: "add-snapshot", snapshot }),
        statistics: commit({ action: "set-statistics", statistics }),
      };
      // A relative data path is one below the table.
      if (location !== "t") {
        const properties = { "write.data.path": location };
        attempts.property = commit({ action: "set-properties", updates: properties });
        attempts.createProperty = post(server.uri, "main/namespaces/ns/tables", {
          name: "x",
          schema: columns,
          properties,
        });
      }
      for (const [what, attempt] of Object.entries(attempts)) {
        const response = await attempt;
        expect(response.status, `${what} at ${JSON.stringify(location)}: ${await response.text()}`).toBe(400);
      }
    }
    expect((await readdir(directory)).sort()).toEqual(before);
    expect(await catalog.listTables("ns")).toEqual([table.identifier]);
    expect((await catalog.loadTable("ns.t")).metadataLocation).toBe(table.metadataLocation);
  });

  test("of a registered table are all within the warehouse, as its metadata has them", async () => {
    const { server, catalog, store, directory } = await started();
    await catalog.createNamespace("ns");
    const { metadataLocation } = await catalog.createTable("ns.t", { schema });
    const text = Buffer.from(await store.read(metadataLocation)).toString("utf8");
    const outside = `file://${join(directory, "outside")}`;
    const changed = { ...JSON.parse(text), location: outside };
    const forged = `${store.root}/forged/metadata/00000-${randomUUID()}.metadata.json`;
    await store.put(forged, Buffer.from(JSON.stringify(changed)));
    const response = await post(server.uri, "main/namespaces/ns/register", {
      name: "x",
      "metadata-location": forged,
    });
    expect(response.status).toBe(400);
    expect(await catalog.tableExists("ns.x")).toBe(false);
  });

  test("never come from names: those of tables and namespaces cannot lead out of the warehouse", async () => {
    const { server, catalog, store, directory } = await started();
    await mkdir(join(directory, "outside"));
    await writeFile(join(directory, "outside", "kept"), "");
    const client = await openRestCatalog({ uri: server.uri, store });
    for (const name of [
      "..",
      ".",
      "../outside",
      "..%2foutside",
      "a/../../outside",
      "/etc",
      "%00",
      "..\\outside",
    ]) {
      await client.createNamespace([name]).catch(() => {});
      await client.createTable({ namespace: [name], name }, { schema }).catch(() => {});
    }
    for (const namespace of await catalog.listNamespaces()) {
      for (const table of await catalog.listTables(namespace)) {
        expect((await catalog.loadTable(table)).location.startsWith(`${store.root}/`)).toBe(true);
      }
    }
    expect(await readdir(join(directory, "outside"))).toEqual(["kept"]);
  });
});

describe("bodies", () => {
  test("that are too large are refused before they are read", async () => {
    const { server, catalog } = await started({ bodyLimit: 10_000 });
    const properties = { big: "x".repeat(20_000) };
    const response = await post(server.uri, "main/namespaces", { namespace: ["big"], properties });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 413 } });
    expect(await catalog.namespaceExists("big")).toBe(false);
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "1e400"],
    ["nothing", ""],
    ["very deep", "[".repeat(100_000)],
    ["of other types", '{"namespace":"flights"}'],
    ["with a prototype", '{"__proto__":{"namespace":["x"]}}'],
  ])("that are %s are refused as bad requests", async (_, body) => {
    const { server } = await started();
    const response = await post(server.uri, "main/namespaces", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 400, type: "BadRequestException" } });
  });

  test("that are no HTTP are told so, also when the rest of them comes late", async () => {
    const { server } = await started();
    const { port } = new URL(server.uri);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write("POST /v1/main/namespaces HTTP/1.1\r\nhost: localhost\r\nauthorization: \u0001\r\n");
        socket.write("content-length: 2\r\n\r\n");
        setTimeout(() => socket.write("{}"), 100);
      });
      socket.setEncoding("utf8");
      socket.on("data", (chunk: string) => {
        text += chunk;
      });
      socket.once("end", () => setTimeout(() => resolve(text), 200));
      socket.once("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(JSON.parse(answer.slice(answer.indexOf("{")))).toMatchObject({ error: { code: 400 } });
  });

  test("of another content type are refused: a page elsewhere cannot post without asking first", async () => {
    const { server, catalog } = await started();
    const body = JSON.stringify({ namespace: ["forged"] });
    const headers = { "content-type": "text/plain" };
    const response = await fetch(`${server.uri}/v1/main/namespaces`, { method: "POST", headers, body });
    expect(response.status).toBe(415);
    expect(await catalog.namespaceExists("forged")).toBe(false);
  });
});

describe("requests that are no requests of the API", () => {
  test.each([
    ["/v1/main/nothing", 404],
    ["/v1/main/namespaces/%E0%A4%A", 400],
    [`/v1/main/namespaces/${"n".repeat(2000)}`, 400],
    ["/v1/ma%00in/namespaces", 400],
    ["/v1/main/namespaces?pageToken=a&pageToken=b", 400],
  ])("%s", async (path, status) => {
    const { server } = await started();
    const response = await fetch(server.uri + path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code: status } });
  });

  test("under another host's name are refused where nobody has to show a token", async () => {
    const { server } = await started();
    const status = await new Promise((resolve, reject) => {
      const headers = { host: "attacker.example" };
      request(`${server.uri}/v1/config`, { headers }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe("authentication", () => {
  const secure = { auth: { tokens: ["letmein"], clients: { ada: "lovelace" } } };

  test("is required on addresses that others reach", async () => {
    const { catalog, store } = await started();
    await expect(serveRestCatalog({ catalog, store, port: 0, host: "0.0.0.0" })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
    const open = await serveRestCatalog({ catalog, store, port: 0, host: "0.0.0.0", ...secure });
    await open.close();
  });

  test("lets nobody in without a token that holds", async () => {
    const { server } = await started(secure);
    const status = async (authorization?: string) =>
      (
        await fetch(
          `${server.uri}/v1/main/namespaces`,
          authorization === undefined ? {} : { headers: { authorization } },
        )
      ).status;
    expect(await status()).toBe(401);
    const wrong = [
      "",
      "Bearer",
      "Bearer wrong",
      "Bearer letmein2",
      "Basic letmein",
      "Bearer a.b.c",
      "Bearer ..",
      `Bearer ${"x".repeat(5000)}`,
    ];
    for (const each of wrong) expect(await status(each), each).toBe(401);
    expect(await status("Bearer letmein")).toBe(200);
    const [header, claims] = [
      "eyJhbGciOiJub25lIn0",
      Buffer.from('{"sub":"ada","exp":9999999999}').toString("base64url"),
    ];
    expect(await status(`Bearer ${header}.${claims}.`)).toBe(401);
  });

  test("gives tokens to clients that prove themselves, and renews them", async () => {
    const { server } = await started(secure);
    const ask = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.uri}/v1/oauth/tokens`, {
        method: "POST",
        body: new URLSearchParams(form),
        headers,
      });
      return { status: response.status, json: (await response.json()) as Record<string, string> };
    };
    const right = {
      grant_type: "client_credentials",
      client_id: "ada",
      client_secret: "lovelace",
      scope: "catalog",
    };
    const granted = await ask(right);
    expect(granted).toMatchObject({ status: 200, json: { token_type: "bearer", expires_in: 3600 } });
    const basic = Buffer.from("ada:lovelace").toString("base64");
    expect(
      (await ask({ grant_type: "client_credentials" }, { authorization: `Basic ${basic}` })).status,
    ).toBe(200);
    expect(await ask({ ...right, client_secret: "byron" })).toMatchObject({
      status: 401,
      json: { error: "invalid_client" },
    });
    expect(await ask({ ...right, client_id: "__proto__" })).toMatchObject({
      status: 401,
      json: { error: "invalid_client" },
    });
    expect(await ask({ ...right, grant_type: "password" })).toMatchObject({
      status: 400,
      json: { error: "unsupported_grant_type" },
    });
    expect(await ask({ ...right, scope: "everything" })).toMatchObject({
      status: 400,
      json: { error: "invalid_scope" },
    });
    const exchange = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    };
    const token = granted.json.access_token as string;
    expect((await ask({ ...exchange, subject_token: token })).status).toBe(200);
    expect(await ask({ ...exchange, subject_token: `${token}x` })).toMatchObject({
      status: 400,
      json: { error: "invalid_grant" },
    });
    const changed = token.replace(
      /\.[^.]+\./,
      `.${Buffer.from('{"sub":"eve","exp":9999999999}').toString("base64url")}.`,
    );
    const headers = { authorization: `Bearer ${changed}` };
    expect((await fetch(`${server.uri}/v1/config`, { headers })).status).toBe(401);
  });

  test("takes a client in by token or credential, and refuses another", async () => {
    const { server, store } = await started(secure);
    const { uri } = server;
    for (const way of [{ token: "letmein" }, { credential: "ada:lovelace" }]) {
      const client = await openRestCatalog({ uri, store, ...way });
      expect(await client.listNamespaces()).toEqual([]);
    }
    for (const way of [{}, { token: "wrong" }, { credential: "ada:wrong" }]) {
      await expect(openRestCatalog({ uri, store, ...way })).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    }
  });

  test("tokens end, and a client with a credential asks for another", async () => {
    const { server, store } = await started({ auth: { clients: { ada: "lovelace" }, tokenLifetimeS: -1 } });
    await expect(
      openRestCatalog({ uri: server.uri, store, credential: "ada:lovelace" }),
    ).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    const lasting = await started({ auth: { clients: { ada: "lovelace" }, tokenLifetimeS: 31 } });
    const client = await openRestCatalog({ uri: lasting.server.uri, store, credential: "ada:lovelace" });
    expect(await client.listNamespaces()).toEqual([]);
  });
});

describe("a server that closes", () => {
  test("answers what is under way, takes nothing new, and ends", async () => {
    const { server, catalog, store } = await started();
    await catalog.createNamespace("ns");
    const client = await openRestCatalog({ uri: server.uri, store });
    const table = await client.createTable("ns.t", { schema });
    const commits = Array.from({ length: 20 }, (_, n) =>
      table.committer
        .commit({ requirements: [], updates: [{ action: "set-properties", updates: { [`k${n}`]: "set" } }] })
        .then(
          () => "done",
          (error: { code: string }) => error.code,
        ),
    );
    await Promise.race(commits);
    await server.close();
    const outcomes = await Promise.all(commits);
    const { properties } = await catalog.loadTable("ns.t");
    // Whoever was told that it is done finds it; whoever was not knows that nobody can say.
    outcomes.forEach((outcome, n) => {
      if (outcome === "done") expect(properties).toHaveProperty(`k${n}`);
      else expect(["COMMIT_STATE_UNKNOWN", "CATALOG_UNAVAILABLE"]).toContain(outcome);
      if (outcome === "CATALOG_UNAVAILABLE") expect(properties).not.toHaveProperty(`k${n}`);
    });
    expect(outcomes).toContain("done");
    await expect(fetch(`${server.uri}/v1/config`)).rejects.toThrow();
  });

  test("does not wait for connections that are idle, or for a request that never ends", async () => {
    const { server } = await started({ closeTimeoutMs: 200 });
    const { port } = new URL(server.uri);
    await fetch(`${server.uri}/v1/config`);
    const hanging = connect(Number(port), "127.0.0.1");
    hanging.on("error", () => {}).resume();
    const closed = new Promise((resolve) => hanging.on("close", resolve));
    hanging.write(
      "POST /v1/main/namespaces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    await new Promise((resolve) => hanging.once("connect", resolve));
    await server.close();
    await closed;
  });
});
