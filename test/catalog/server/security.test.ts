import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { openRestCatalog, serveRestCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { schema } from "../support/contents.js";
import { started } from "../support/served.js";

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
