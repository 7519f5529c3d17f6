import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Table } from "../../../lib/lakehouse/iceberg/index.js";
import { pathOfFile } from "../../../lib/lakehouse/storage/index.js";
import { records } from "../support/contents.js";
import {
  type Given,
  isOfScans,
  NS,
  restAnswers,
  schema,
  TABLE,
  TABLES,
  VIEW,
  VIEWS,
  viewVersion,
} from "../support/rest-answers.js";

describe("answers of the REST server", () => {
  const rest = restAnswers();
  const { ask, error, create } = rest;

  test("to config name the prefix, the endpoints and the lifetime of idempotency keys", async () => {
    const { json } = await ask("GET /v1/config");
    expect(json.overrides.prefix).toBe("main");
    expect(json["idempotency-key-lifetime"]).toBe("PT30M");
    expect((await ask("GET /v1/config", { query: "warehouse=lakehouse" })).status).toBe(200);
    expect(error(await ask("GET /v1/config", { query: "warehouse=other" }))).toEqual([
      404,
      "NoSuchWarehouseException",
    ]);
  });

  test("about namespaces", async () => {
    const made = await ask(`POST ${NS}`, { body: { namespace: ["made", "not"] } });
    expect(error(made)).toEqual([400, "NoSuchNamespaceException"]);
    await ask(`POST ${NS}`, { body: { namespace: ["made"], properties: { a: "1" } } });
    await ask(`POST ${NS}`, { body: { namespace: ["made", "deep"] } });
    expect(error(await ask(`POST ${NS}`, { body: { namespace: ["made"] } }))).toEqual([
      409,
      "AlreadyExistsException",
    ]);
    expect((await ask(`GET ${NS}`)).json.namespaces).toEqual([["made"], ["ns"]]);
    expect((await ask(`GET ${NS}`, { query: "parent=made" })).json.namespaces).toEqual([["made", "deep"]]);
    const deep = { namespace: "made\u001fdeep" };
    expect((await ask(`GET ${NS}/{namespace}`, deep)).json.namespace).toEqual(["made", "deep"]);
    expect((await ask(`HEAD ${NS}/{namespace}`, deep)).status).toBe(204);
    expect((await ask(`HEAD ${NS}/{namespace}`, { namespace: "no" })).status).toBe(404);
    const properties = `POST ${NS}/{namespace}/properties`;
    const changed = await ask(properties, { ...deep, body: { updates: { b: "2" }, removals: ["c"] } });
    expect(changed.json).toEqual({ updated: ["b"], removed: [], missing: ["c"] });
    const both = await ask(properties, { ...deep, body: { updates: { b: "2" }, removals: ["b"] } });
    expect(error(both)).toEqual([422, "UnprocessableEntityException"]);
    expect(error(await ask(`DELETE ${NS}/{namespace}`, { namespace: "made" }))).toEqual([
      409,
      "NamespaceNotEmptyException",
    ]);
    expect((await ask(`DELETE ${NS}/{namespace}`, deep)).status).toBe(204);
    expect((await ask(`DELETE ${NS}/{namespace}`, { namespace: "made" })).status).toBe(204);
    expect(error(await ask(`DELETE ${NS}/{namespace}`, { namespace: "made" }))).toEqual([
      404,
      "NoSuchNamespaceException",
    ]);
  });

  test("that list are whole without a page token, and in pages with one", async () => {
    for (const name of ["a", "b", "c"]) await ask(`POST ${NS}`, { body: { namespace: ["ns", name] } });
    const list = (query: string) => ask(`GET ${NS}`, { query: `parent=ns&${query}` });
    expect((await list("pageSize=2")).json).toMatchObject({
      "next-page-token": null,
      namespaces: { length: 3 },
    });
    const first = (await list("pageSize=2&pageToken=")).json;
    expect(first.namespaces).toHaveLength(2);
    const second = (await list(`pageSize=2&pageToken=${first["next-page-token"]}`)).json;
    expect(second).toEqual({ "next-page-token": null, namespaces: [["ns", "c"]] });
    expect(error(await list("pageToken=%2525"))).toEqual([400, "BadRequestException"]);
    expect(error(await list("pageSize=0"))).toEqual([400, "BadRequestException"]);
    for (const name of ["a", "b", "c"])
      await ask(`DELETE ${NS}/{namespace}`, { namespace: `ns\u001f${name}` });
  });

  test.each([1, 2, 3])("about tables of format version %d", async (version) => {
    const name = `v${version}`;
    const properties = { "format-version": String(version) };
    const created = await create(name, { properties });
    expect(created.json.metadata["format-version"]).toBe(version);
    const at = { table: name };
    const table = await rest.served.catalog.loadTable(`ns.${name}`);
    if (version > 1) await table.append(records(1, 2));
    const loaded = await ask(`GET ${TABLE}`, at);
    expect(loaded.json.metadata.snapshots).toHaveLength(version > 1 ? 1 : 0);
    expect((await ask(`HEAD ${TABLE}`, at)).status).toBe(204);
    expect((await ask(`GET ${TABLES}`)).json.identifiers).toContainEqual({ namespace: ["ns"], name });
    const commit = {
      requirements: [{ type: "assert-table-uuid", uuid: loaded.json.metadata["table-uuid"] }],
      updates: [{ action: "set-properties", updates: { a: "1" } }],
    };
    const committed = await ask(`POST ${TABLE}`, { ...at, body: commit });
    expect(committed.json.metadata.properties).toMatchObject({ a: "1" });
    expect((await ask(`DELETE ${TABLE}`, { ...at, query: "purgeRequested=true" })).status).toBe(204);
    expect(error(await ask(`GET ${TABLE}`, at))).toEqual([404, "NoSuchTableException"]);
    expect((await ask(`HEAD ${TABLE}`, at)).status).toBe(404);
  });

  test("to a create refuse names that are taken and namespaces that are missing, staged or not", async () => {
    await create("taken");
    for (const stage of [false, true]) {
      expect(error(await create("taken", { "stage-create": stage }))).toEqual([
        409,
        "AlreadyExistsException",
      ]);
      const body = { name: "t", schema, "stage-create": stage };
      expect(error(await ask(`POST ${TABLES}`, { namespace: "nope", body }))).toEqual([
        404,
        "NoSuchNamespaceException",
      ]);
    }
  });

  test("to a staged create have metadata that can be committed, once", async () => {
    const { json } = await create("staged", { "stage-create": true });
    expect(json["metadata-location"]).toBeUndefined();
    expect((await ask(`HEAD ${TABLE}`, { table: "staged" })).status).toBe(404);
    const { metadata } = json;
    // Whoever writes files there before the commit finds the folder.
    expect((await stat(`${pathOfFile(metadata.location)}/metadata`)).isDirectory()).toBe(true);
    const body = {
      requirements: [{ type: "assert-create" }],
      updates: [
        { action: "assign-uuid", uuid: metadata["table-uuid"] },
        { action: "upgrade-format-version", "format-version": 2 },
        { action: "add-schema", schema: metadata.schemas[0], "last-column-id": 2 },
        { action: "set-current-schema", "schema-id": -1 },
        { action: "add-spec", spec: metadata["partition-specs"][0] },
        { action: "set-default-spec", "spec-id": -1 },
        { action: "add-sort-order", "sort-order": metadata["sort-orders"][0] },
        { action: "set-default-sort-order", "sort-order-id": -1 },
        { action: "set-location", location: metadata.location },
      ],
    };
    const committed = await ask(`POST ${TABLE}`, { table: "staged", body });
    expect(committed.json.metadata.location).toBe(metadata.location);
    expect((await ask(`POST ${TABLE}`, { table: "staged", body })).status).toBe(409);
  });

  test("to a load say by their ETag when nothing changed", async () => {
    await create("tagged");
    const table = { table: "tagged" };
    const { headers } = await ask(`GET ${TABLE}`, table);
    const etag = headers.get("etag") as string;
    expect((await ask(`GET ${TABLE}`, { ...table, headers: { "if-none-match": etag } })).status).toBe(304);
    const refs = await ask(`GET ${TABLE}`, {
      ...table,
      query: "snapshots=refs",
      headers: { "if-none-match": etag },
    });
    expect(refs.status).toBe(200);
    expect(refs.headers.get("etag")).not.toBe(etag);
    await (await rest.served.catalog.loadTable("ns.tagged")).append(records(1));
    expect((await ask(`GET ${TABLE}`, { ...table, headers: { "if-none-match": etag } })).status).toBe(200);
  });

  test("to a load hold all snapshots, or those of branches and tags", async () => {
    await create("many");
    let table = await rest.served.catalog.loadTable("ns.many");
    for (const n of [1, 2, 3]) table = await table.append(records(n));
    const load = async (query: string) =>
      (await ask(`GET ${TABLE}`, { table: "many", query })).json.metadata.snapshots;
    expect(await load("snapshots=all")).toHaveLength(3);
    expect(await load("snapshots=refs")).toHaveLength(1);
    expect(error(await ask(`GET ${TABLE}`, { table: "split", query: "snapshots=some" }))).toEqual([
      400,
      "BadRequestException",
    ]);
  });

  test("to a commit refuse requirements that fail and updates that are unknown", async () => {
    await create("firm");
    const commit = (requirements: object[], updates: object[]) =>
      ask(`POST ${TABLE}`, { table: "firm", body: { requirements, updates } });
    expect(error(await commit([{ type: "assert-table-uuid", uuid: randomUUID() }], []))).toEqual([
      409,
      "CommitFailedException",
    ]);
    expect(error(await commit([], [{ action: "explode" }]))).toEqual([400, "BadRequestException"]);
    expect(error(await commit([{ type: "assert-nothing" }], []))).toEqual([400, "BadRequestException"]);
    expect(
      error(await ask(`POST ${TABLE}`, { table: "no", body: { requirements: [], updates: [] } })),
    ).toEqual([404, "NoSuchTableException"]);
  });

  test("to a transaction change all tables or none", async () => {
    for (const name of ["x", "y"]) await create(name);
    const change = (name: string, requirements: object[] = []) => ({
      identifier: { namespace: ["ns"], name },
      requirements,
      updates: [{ action: "set-properties", updates: { done: "yes" } }],
    });
    const commit = (...changes: object[]) =>
      ask("POST /v1/{prefix}/transactions/commit", { body: { "table-changes": changes } });
    const wrong = [{ type: "assert-table-uuid", uuid: randomUUID() }];
    expect(error(await commit(change("x"), change("y", wrong)))).toEqual([409, "CommitFailedException"]);
    expect((await rest.served.catalog.loadTable("ns.x")).properties).not.toHaveProperty("done");
    expect((await commit(change("x"), change("y"))).status).toBe(204);
    expect((await rest.served.catalog.loadTable("ns.y")).properties).toHaveProperty("done");
  });

  test("to rename, register and unregister", async () => {
    await create("old");
    const rename = (from: string, to: string) =>
      ask("POST /v1/{prefix}/tables/rename", {
        body: { source: { namespace: ["ns"], name: from }, destination: { namespace: ["ns"], name: to } },
      });
    expect((await rename("old", "new")).status).toBe(204);
    expect(error(await rename("old", "newer"))).toEqual([404, "NoSuchTableException"]);
    const unregistered = await ask(`POST ${TABLE}/unregister`, { table: "new" });
    expect(error(await ask(`POST ${TABLE}/unregister`, { table: "new" }))).toEqual([
      404,
      "NoSuchTableException",
    ]);
    const body = { name: "again", "metadata-location": unregistered.json["metadata-location"] };
    const register = `POST ${NS}/{namespace}/register`;
    const registered = await ask(register, { body });
    expect(registered.json.metadata["table-uuid"]).toBe(unregistered.json.metadata["table-uuid"]);
    expect(error(await ask(register, { body }))).toEqual([409, "AlreadyExistsException"]);
    expect((await ask(register, { body: { ...body, overwrite: true } })).status).toBe(200);
    const missing = { name: "m", "metadata-location": `${rest.served.store.root}/none.metadata.json` };
    expect(error(await ask(register, { body: missing }))).toEqual([400, "BadRequestException"]);
  });

  test("give configured credentials to those who ask", async () => {
    await create("vended");
    const plain = (await ask(`GET ${TABLE}`, { table: "vended" })).json;
    expect(plain.config).toEqual({ "s3.endpoint": "http://localhost:9000" });
    expect(JSON.stringify(plain)).not.toContain("secret");
    const headers = { "x-iceberg-access-delegation": "remote-signing, vended-credentials" };
    const asked = (await ask(`GET ${TABLE}`, { table: "vended", headers })).json;
    expect(asked["storage-credentials"][0].config["s3.secret-access-key"]).toBe("secret");
    const { json } = await ask(`GET ${TABLE}/credentials`, { table: "vended" });
    expect(json["storage-credentials"]).toEqual(asked["storage-credentials"]);
  });

  test("to reports of metrics", async () => {
    await create("measured");
    const report = {
      "report-type": "commit-report",
      "table-name": "ns.measured",
      "snapshot-id": 1,
      "sequence-number": 1,
      operation: "append",
      metrics: {},
    };
    const at = `POST ${TABLE}/metrics`;
    expect((await ask(at, { table: "measured", body: report })).status).toBe(204);
    expect(error(await ask(at, { table: "measured", body: { "report-type": "gossip" } }))).toEqual([
      400,
      "BadRequestException",
    ]);
    expect(error(await ask(at, { table: "no", body: report }))).toEqual([404, "NoSuchTableException"]);
  });

  test("about views", async () => {
    const body = { name: "v", schema, "view-version": viewVersion, properties: { owner: "ada" } };
    const created = await ask(`POST ${VIEWS}`, { body });
    expect(error(await ask(`POST ${VIEWS}`, { body }))).toEqual([409, "AlreadyExistsException"]);
    expect((await ask(`GET ${VIEW}`)).json).toEqual(created.json);
    expect((await ask(`HEAD ${VIEW}`)).status).toBe(204);
    expect((await ask(`GET ${VIEWS}`)).json.identifiers).toEqual([{ namespace: ["ns"], name: "v" }]);
    const updates = [
      {
        action: "add-view-version",
        "view-version": {
          ...viewVersion,
          representations: [{ type: "sql", sql: "select 2", dialect: "spark" }],
        },
      },
      { action: "set-current-view-version", "view-version-id": -1 },
    ];
    const replaced = await ask(`POST ${VIEW}`, {
      body: {
        requirements: [{ type: "assert-view-uuid", uuid: created.json.metadata["view-uuid"] }],
        updates,
      },
    });
    expect(replaced.json.metadata["current-version-id"]).toBe(2);
    const wrong = { requirements: [{ type: "assert-view-uuid", uuid: randomUUID() }], updates };
    expect(error(await ask(`POST ${VIEW}`, { body: wrong }))).toEqual([409, "CommitFailedException"]);
    const renamed = {
      source: { namespace: ["ns"], name: "v" },
      destination: { namespace: ["ns"], name: "w" },
    };
    expect((await ask("POST /v1/{prefix}/views/rename", { body: renamed })).status).toBe(204);
    expect(error(await ask(`GET ${VIEW}`))).toEqual([404, "NoSuchViewException"]);
    expect((await ask(`HEAD ${VIEW}`)).status).toBe(404);
    expect((await ask(`DELETE ${VIEW}`, { view: "w" })).status).toBe(204);
    expect(error(await ask(`DELETE ${VIEW}`, { view: "w" }))).toEqual([404, "NoSuchViewException"]);
    const register = { name: "back", "metadata-location": replaced.json["metadata-location"] };
    const back = await ask(`POST ${NS}/{namespace}/register-view`, { body: register });
    expect(back.json.metadata).toEqual(replaced.json.metadata);
  });

  test("see the branch of the prefix, and table@ref names", async () => {
    await create("forked");
    await rest.served.catalog.createBranch("etl");
    await ((await rest.served.catalog.on("etl").loadTable("ns.forked")) as Table).append(records(1));
    const snapshots = async (given: Given) =>
      (await ask(`GET ${TABLE}`, given)).json.metadata.snapshots.length;
    expect(await snapshots({ table: "forked" })).toBe(0);
    expect(await snapshots({ table: "forked@etl" })).toBe(1);
    expect(await snapshots({ table: "forked", prefix: "etl" })).toBe(1);
    expect(await snapshots({ table: "forked", prefix: "etl|lakehouse" })).toBe(1);
    expect(await snapshots({ table: "forked@main", prefix: "etl" })).toBe(0);
    expect(error(await ask(`GET ${TABLE}`, { table: "forked", prefix: "etl|other" }))).toEqual([
      404,
      "NoSuchWarehouseException",
    ]);
    expect(error(await ask(`GET ${TABLE}`, { table: "forked", prefix: "nope" }))).toEqual([
      404,
      "NoSuchReferenceException",
    ]);
    const nessie = await fetch(`${rest.served.server.uri}/iceberg/etl/v1/config`);
    expect(await nessie.json()).toMatchObject({ overrides: { prefix: "etl" } });
    const hash = await rest.served.catalog.on("etl").hash();
    expect(await snapshots({ table: "forked", prefix: `etl@${hash}` })).toBe(1);
    const commit = { requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] };
    expect(
      error(await ask(`POST ${TABLE}`, { table: "forked", prefix: `etl@${hash}`, body: commit })),
    ).toEqual([400, "BadRequestException"]);
    expect((await ask(`POST ${TABLE}`, { table: "forked@etl", body: commit })).status).toBe(200);
    expect((await rest.served.catalog.loadTable("ns.forked")).properties).not.toHaveProperty("a");
  });

  rest.coverEndpoints((endpoint) => !isOfScans(endpoint));
});
