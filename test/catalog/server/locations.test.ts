import { randomUUID } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openRestCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { schema } from "../support/contents.js";
import { columns, post, started } from "../support/served.js";

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
