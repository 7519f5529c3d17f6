import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRestCatalog, serveRestCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { BadNetwork, first } from "../support/bad-network.js";
import { records, schema } from "../support/contents.js";
import { type Served, serve } from "../support/served.js";

let served: Served;
let network: BadNetwork;
let uri: string;
beforeEach(async () => {
  served = await serve();
  network = new BadNetwork(served.server.uri);
  uri = await network.start();
});
afterEach(async () => {
  await network.stop();
  await served.stop();
});

const open = () => openRestCatalog({ uri, store: served.store, maxAttempts: 3 });
describe("a client whose answers get lost", () => {
  test("sends changes again under one key, and each happens once", async () => {
    const client = await open();
    const lose = () => {
      network.fate = first(1, "lose answer");
    };
    lose();
    await client.createNamespace("ns");
    lose();
    const table = await client.createTable("ns.t", { schema });
    lose();
    const appended = await table.append(records(1));
    expect(appended.currentSnapshot?.summary?.["total-records"]).toBe("1");
    expect(appended.metadata.snapshots).toHaveLength(1);
    lose();
    await client.renameTable("ns.t", "ns.u");
    lose();
    await client.dropTable("ns.u");
    lose();
    await client.dropNamespace("ns");
    const { items } = await served.catalog.log();
    expect(items.map(({ message }) => message)).toEqual([
      "Drop namespace ns",
      "Drop table ns.u",
      "Rename table ns.t to ns.u",
      "Append to ns.t",
      "Create table ns.t",
      "Create namespace ns",
    ]);
  });

  test("sees by the table itself that a commit happened, where the server knows no keys", async () => {
    await served.catalog.createNamespace("ns");
    network.hidesKeys = true;
    const client = await open();
    const table = await client.createTable("ns.t", { schema });
    network.fate = first(1, "lose answer");
    const appended = await table.append(records(1));
    expect(appended.metadata.snapshots).toHaveLength(1);
    expect(
      network.requests.filter((request) => request.startsWith("POST") && request.endsWith("/t")),
    ).toHaveLength(1);
  });

  test.each(["lose request", "lose answer", 500, 502, 503, 504] as const)(
    "says that an outcome is unknown, never that it failed: %s",
    async (fate) => {
      await served.catalog.createNamespace("ns");
      network.hidesKeys = true;
      const client = await open();
      const table = await client.createTable("ns.t", { schema });
      network.fate = first(1, fate);
      const commit = table.committer.commit({
        requirements: [],
        updates: [{ action: "set-properties", updates: { a: "1" } }],
      });
      await expect(commit).rejects.toMatchObject({ code: "COMMIT_STATE_UNKNOWN" });
      network.fate = first(1, fate);
      await expect(client.createNamespace("other")).rejects.toMatchObject({ code: "COMMIT_STATE_UNKNOWN" });
    },
  );

  test("gives up in the end, and still says that the outcome is unknown", async () => {
    const client = await open();
    network.fate = first(99, "lose answer");
    await expect(client.createNamespace("ns")).rejects.toMatchObject({ code: "COMMIT_STATE_UNKNOWN" });
    expect(network.requests).toHaveLength(3);
    expect(await served.catalog.namespaceExists("ns")).toBe(true);
  });

  test("reads again, and says in the end that the catalog does not answer", async () => {
    await served.catalog.createNamespace("ns");
    const client = await open();
    network.fate = first(2, 503, () => true);
    expect(await client.listNamespaces()).toEqual([["ns"]]);
    network.fate = () => "lose request";
    await expect(client.listNamespaces()).rejects.toMatchObject({ code: "CATALOG_UNAVAILABLE" });
    await network.stop();
    await expect(client.createNamespace("x")).rejects.toMatchObject({ code: "CATALOG_UNAVAILABLE" });
    await network.start();
  });
});

describe("an idempotency key", () => {
  const post = (body: object, key: string) =>
    fetch(`${served.server.uri}/v1/main/namespaces`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body),
    });

  test("gives the same answer again, whether it was a success or a refusal", async () => {
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => post({ namespace: ["ns"] }, key)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const other = randomUUID();
    expect((await post({ namespace: ["ns"] }, other)).status).toBe(409);
    await served.catalog.dropNamespace("ns");
    expect((await post({ namespace: ["ns"] }, other)).status).toBe(409);
    expect(await served.catalog.namespaceExists("ns")).toBe(false);
  });

  test("stands for one request, and is a UUID", async () => {
    const key = randomUUID();
    expect((await post({ namespace: ["a"] }, key)).status).toBe(200);
    expect((await post({ namespace: ["b"] }, key)).status).toBe(400);
    expect((await post({ namespace: ["c"] }, "not-a-uuid")).status).toBe(400);
  });

  test("of any change holds when the server has started again", async () => {
    const { store, catalog } = served;
    await catalog.createNamespace("ns", { old: "value" });
    const table = await catalog.createTable("ns.before", { schema });
    await catalog.createTable("ns.dropped", { schema });
    await catalog.createTable("ns.forgotten", { schema });
    const { metadata, metadataLocation } = await catalog.createView("ns.view", {
      schema,
      defaultNamespace: ["ns"],
      representations: [{ type: "sql", sql: "select 1", dialect: "spark" }],
    });
    await catalog.createNamespace("gone");
    const columns = { type: "struct", fields: [{ id: 1, name: "id", required: true, type: "long" }] };
    const set = { action: "set-properties", updates: { set: "once" } };
    const rename = (kind: string, from: string, to: string): [string, string, object] => [
      "POST",
      `${kind}/rename`,
      { source: { namespace: ["ns"], name: from }, destination: { namespace: ["ns"], name: to } },
    ];
    const requests: [method: string, path: string, body?: object][] = [
      ["POST", "namespaces", { namespace: ["made"], properties: { a: "b" } }],
      ["DELETE", "namespaces/gone"],
      ["POST", "namespaces/ns/properties", { updates: { new: "value" }, removals: ["old", "never"] }],
      ["POST", "namespaces/ns/tables", { name: "created", schema: columns }],
      ["POST", "namespaces/ns/register", { name: "registered", "metadata-location": table.metadataLocation }],
      ["POST", "namespaces/ns/tables/before", { requirements: [], updates: [set] }],
      [
        "POST",
        "transactions/commit",
        {
          "table-changes": [
            { identifier: { namespace: ["ns"], name: "before" }, requirements: [], updates: [set] },
          ],
        },
      ],
      rename("tables", "before", "after"),
      ["DELETE", "namespaces/ns/tables/dropped?purgeRequested=true"],
      ["POST", "namespaces/ns/tables/forgotten/unregister"],
      ["POST", "namespaces/ns/views/view", { requirements: [], updates: [set] }],
      rename("views", "view", "view2"),
      ["DELETE", "namespaces/ns/views/view2"],
      ["POST", "namespaces/ns/register-view", { name: "view3", "metadata-location": metadataLocation }],
    ];
    const keys = requests.map(() => randomUUID());
    const sendAll = async (uri: string) => {
      const answers = [];
      for (const [index, [method, path, body]] of requests.entries()) {
        const response = await fetch(`${uri}/v1/main/${path}`, {
          method,
          headers: {
            "idempotency-key": keys[index] as string,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(300);
        answers.push({ status: response.status, text });
      }
      return answers;
    };
    const first = await sendAll(served.server.uri);
    const before = await catalog.hash();
    const restarted = await serveRestCatalog({ catalog, store, port: 0 });
    expect(await sendAll(restarted.uri)).toEqual(first);
    expect(await catalog.hash()).toBe(before);
    await restarted.close();
    expect(metadata.viewUuid).toBe((await catalog.loadView("ns.view3")).metadata.viewUuid);
    // Another request is another change, though its key was used before the server started again.
    const other = await serveRestCatalog({ catalog, store, port: 0 });
    const taken = await fetch(`${other.uri}/v1/main/namespaces`, {
      method: "POST",
      headers: { "idempotency-key": keys[0] as string, "content-type": "application/json" },
      body: JSON.stringify({ namespace: ["another"] }),
    });
    expect(taken.status).toBe(200);
    expect(await catalog.namespaceExists("another")).toBe(true);
    await other.close();
  });

  test("of a commit holds when the server has started again", async () => {
    await served.catalog.createNamespace("ns");
    const table = await served.catalog.createTable("ns.t", { schema });
    const { store, catalog } = served;
    const restarted = await serveRestCatalog({ catalog, store, port: 0 });
    const commit = (target: string) =>
      fetch(`${target}/v1/main/namespaces/ns/tables/t`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        },
        body: JSON.stringify({
          requirements: [
            { type: "assert-last-assigned-field-id", "last-assigned-field-id": table.metadata.lastColumnId },
          ],
          updates: [
            {
              action: "add-schema",
              schema: { type: "struct", fields: [{ id: 3, name: "new", required: false, type: "int" }] },
            },
            { action: "set-current-schema", "schema-id": -1 },
          ],
        }),
      });
    expect((await commit(served.server.uri)).status).toBe(200);
    expect((await commit(restarted.uri)).status).toBe(200);
    expect((await catalog.loadTable("ns.t")).metadata.schemas).toHaveLength(2);
    await restarted.close();
  });
});
