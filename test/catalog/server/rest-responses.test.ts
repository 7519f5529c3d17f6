import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  eq,
  identity,
  or,
  RawJson,
  stringifyJson,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine } from "../../../lib/lakehouse/query/index.js";
import { needsRestSpecification, restSpecification } from "../../support/needs.js";
import { records, schema as tableSchema } from "../support/contents.js";
import { OpenApi } from "../support/openapi.js";
import { type Served, serve } from "../support/served.js";

const NS = "/v1/{prefix}/namespaces";
const TABLES = `${NS}/{namespace}/tables`;
const TABLE = `${TABLES}/{table}`;
const VIEWS = `${NS}/{namespace}/views`;
const VIEW = `${VIEWS}/{view}`;

const schema = {
  type: "struct",
  fields: [
    { id: 1, name: "id", required: true, type: "long" },
    { id: 2, name: "data", required: false, type: "string" },
  ],
};

const viewVersion = {
  "version-id": 1,
  "timestamp-ms": 1_700_000_000_000,
  "schema-id": 0,
  summary: { "engine-name": "test" },
  representations: [{ type: "sql", sql: "select 1", dialect: "spark" }],
  "default-namespace": ["ns"],
};

/**
 * Every answer of these tests is one that the specification describes for its operation and status. Where the
 * specification's file is missing, they hold the server to what they say themselves.
 */
describe("answers of the REST server", () => {
  const spec = restSpecification === undefined ? undefined : new OpenApi(restSpecification);
  let held = 0;
  let served: Served;
  const seen = new Set<string>();
  beforeAll(async () => {
    served = await serve({
      clientConfig: { "s3.endpoint": "http://localhost:9000" },
      clientCredentials: { "s3.access-key-id": "id", "s3.secret-access-key": "secret" },
    });
    await served.catalog.createNamespace("ns", { owner: "ada" });
  });
  afterAll(() => served?.stop());

  interface Given {
    readonly prefix?: string;
    readonly namespace?: string;
    readonly table?: string;
    readonly view?: string;
    readonly planId?: string;
    readonly query?: string;
    readonly body?: unknown;
    /** The body as it is sent, where JSON.stringify would lose digits. */
    readonly raw?: string;
    readonly headers?: Record<string, string>;
  }

  /** Sends a request and holds the answer against the specification. */
  async function ask(endpoint: string, given: Given = {}) {
    const [method = "", template = ""] = endpoint.split(" ");
    const { prefix = "main", namespace = "ns", table = "t", view = "v", query = "", body, headers } = given;
    const values: Record<string, string> = { prefix, namespace, table, view, "plan-id": given.planId ?? "" };
    const path = template.replaceAll(/\{([\w-]+)\}/g, (_, name: string) =>
      encodeURIComponent(values[name] ?? ""),
    );
    const response = await fetch(`${served.server.uri}${path}${query === "" ? "" : `?${query}`}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: given.raw ?? JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text === "" ? undefined : JSON.parse(text);
    if (spec !== undefined) {
      const problems = spec.problems(endpoint, response.status, json);
      expect(problems, `${endpoint} → ${response.status} ${text.slice(0, 300)}`).toEqual([]);
      held++;
    }
    if (json?.error?.code !== undefined) expect(json.error.code).toBe(response.status);
    if (response.ok) seen.add(endpoint);
    return { status: response.status, json, headers: response.headers };
  }

  const error = ({ json, status }: { json: { error: { type: string } }; status: number }) => [
    status,
    json.error.type,
  ];

  const create = (name: string, more: object = {}) =>
    ask(`POST ${TABLES}`, { body: { name, schema, ...more } });

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
    const table = await served.catalog.loadTable(`ns.${name}`);
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
    await (await served.catalog.loadTable("ns.tagged")).append(records(1));
    expect((await ask(`GET ${TABLE}`, { ...table, headers: { "if-none-match": etag } })).status).toBe(200);
  });

  test("to a load hold all snapshots, or those of branches and tags", async () => {
    await create("many");
    let table = await served.catalog.loadTable("ns.many");
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
    expect((await served.catalog.loadTable("ns.x")).properties).not.toHaveProperty("done");
    expect((await commit(change("x"), change("y"))).status).toBe(204);
    expect((await served.catalog.loadTable("ns.y")).properties).toHaveProperty("done");
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
    const missing = { name: "m", "metadata-location": `${served.store.root}/none.metadata.json` };
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

  describe("that plan a scan", () => {
    let table: Table;
    const plan = (body: object, more: Given = {}) =>
      ask(`POST ${TABLE}/plan`, { table: "planned", body, ...more });
    const files = (json: { "file-scan-tasks": { "data-file": { "file-path": string } }[] }) =>
      json["file-scan-tasks"].map((task) => task["data-file"]["file-path"]);
    beforeAll(async () => {
      table = (await served.catalog.createTable("ns.planned", {
        schema: tableSchema,
        partitionSpec: [identity("data")],
        properties: { "write.delete.mode": "merge-on-read" },
      })) as Table;
      table = await table.append([
        { id: 1n, data: "a" },
        { id: 2n, data: "b" },
      ]);
      table = await table.append([
        { id: 3n, data: "a" },
        { id: 40n, data: null },
      ]);
    });

    test("hold the files that may have rows, what is left of the filter, and the metrics asked for", async () => {
      expect(files((await plan({})).json)).toHaveLength(4);
      const filter = {
        type: "and",
        left: { type: "eq", term: "data", value: "a" },
        right: { type: "gt", term: "id", value: 2 },
      };
      const { json } = await plan({ filter, "stats-fields": ["id"] });
      const [task] = json["file-scan-tasks"];
      expect(json).toMatchObject({ status: "completed", "file-scan-tasks": [{}] });
      expect(task["residual-filter"]).toEqual({ type: "gt", term: "id", value: 2 });
      expect(task["data-file"]).toMatchObject({
        content: "data",
        "file-format": "parquet",
        partition: ["a"],
        "record-count": 1,
        "lower-bounds": { keys: [1], values: [3] },
        "upper-bounds": { keys: [1], values: [3] },
      });
      const ofDecidedColumn = await plan({
        filter: { type: "eq", term: "data", value: "b" },
        "min-rows-requested": 1,
      });
      expect(ofDecidedColumn.json["file-scan-tasks"]).toMatchObject([{ "residual-filter": true }]);
      expect(ofDecidedColumn.json["file-scan-tasks"][0]["data-file"]).not.toHaveProperty("lower-bounds");
    });

    test("are of a snapshot, or of what was appended between two", async () => {
      const [first, second] = table.metadata.snapshots.map(({ snapshotId }) => snapshotId);
      const id = (snapshot: bigint | undefined) => new RawJson(String(snapshot));
      const send = (body: { [key: string]: RawJson | boolean }) => plan({}, { raw: stringifyJson(body) });
      expect(files((await send({ "snapshot-id": id(first) })).json)).toHaveLength(2);
      expect(
        files((await send({ "snapshot-id": id(first), "use-snapshot-schema": true })).json),
      ).toHaveLength(2);
      const between = await send({ "start-snapshot-id": id(first), "end-snapshot-id": id(second) });
      const before = files((await send({ "snapshot-id": id(first) })).json);
      expect([...before, ...files(between.json)].sort()).toEqual(files((await plan({})).json).sort());
      expect(error(await send({ "start-snapshot-id": id(first) }))).toEqual([400, "BadRequestException"]);
      expect(error(await send({ "snapshot-id": id(7n) }))).toEqual([400, "BadRequestException"]);
      const both = await send({ "snapshot-id": id(first), "end-snapshot-id": id(second) });
      expect(error(both)).toEqual([400, "BadRequestException"]);
    });

    test("name each delete file once, and the tasks that it belongs to", async () => {
      const engine = await openQueryEngine({ resolve: async () => undefined });
      let deleted = await served.catalog.createTable("ns.deleted", {
        schema: tableSchema,
        partitionSpec: [identity("data")],
        properties: { "write.delete.mode": "merge-on-read", "write.delete.granularity": "partition" },
      });
      for (const id of [1n, 2n]) {
        deleted = await deleted.append([
          { id, data: "a" },
          { id: id + 10n, data: "a" },
        ]);
      }
      deleted = await deleted.append([{ id: 20n, data: "b" }]);
      await deleted.withEngine(engine).deleteRows(or(eq("id", 1), eq("id", 2)));
      const { json } = await plan({}, { table: "deleted" });
      const references = json["file-scan-tasks"].map(
        (task: { "delete-file-references"?: number[] }) => task["delete-file-references"] ?? [],
      );
      // One file of deletes for the two data files of a partition.
      expect(references.flat()).toEqual([0, 0]);
      expect(json["delete-files"]).toHaveLength(1);
      expect(references.filter((each: number[]) => each.length === 0)).toHaveLength(1);
      expect(json["delete-files"][0]).toMatchObject({ content: "position-deletes", partition: ["a"] });
      await engine.close();
    });

    test("are found again by their id until they are cancelled, and are one table's alone", async () => {
      const { json } = await plan({});
      const planId = json["plan-id"];
      const fetched = await ask(`GET ${TABLE}/plan/{plan-id}`, { table: "planned", planId });
      expect(fetched.json["file-scan-tasks"]).toEqual(json["file-scan-tasks"]);
      await create("not_planned");
      expect(error(await ask(`GET ${TABLE}/plan/{plan-id}`, { table: "not_planned", planId }))).toEqual([
        404,
        "NoSuchPlanIdException",
      ]);
      const cancel = { table: "planned", planId };
      expect((await ask(`DELETE ${TABLE}/plan/{plan-id}`, cancel)).status).toBe(204);
      expect(error(await ask(`GET ${TABLE}/plan/{plan-id}`, cancel))).toEqual([404, "NoSuchPlanIdException"]);
      expect(error(await ask(`DELETE ${TABLE}/plan/{plan-id}`, cancel))).toEqual([
        404,
        "NoSuchPlanIdException",
      ]);
    });

    test("refuse columns and filters that make no sense, and tables that are not there", async () => {
      for (const body of [
        { select: ["nope"] },
        { "stats-fields": ["nope"] },
        { filter: { type: "eq", term: "nope", value: 1 } },
        { filter: { type: "almost" } },
        { filter: { type: "eq", term: "DATA", value: "a" } },
      ]) {
        expect(error(await plan(body))).toEqual([400, "BadRequestException"]);
      }
      const folded = { filter: { type: "eq", term: "DATA", value: "a" }, "case-sensitive": false };
      expect(files((await plan(folded)).json)).toHaveLength(2);
      expect(error(await plan({}, { table: "nope" }))).toEqual([404, "NoSuchTableException"]);
    });

    test("come in pieces where there are many files", async () => {
      const many = await served.catalog.createTable("ns.split", {
        schema: tableSchema,
        partitionSpec: [identity("id")],
      });
      await many.append(Array.from({ length: 2300 }, (_, n) => ({ id: BigInt(n), data: "x" })));
      const { json } = await plan({}, { table: "split" });
      expect(json["plan-tasks"]).toHaveLength(2);
      const found = new Set(files(json));
      expect(found.size).toBe(1000);
      for (const task of json["plan-tasks"]) {
        const body = { "plan-task": task };
        for (const file of files((await ask(`POST ${TABLE}/tasks`, { table: "split", body })).json))
          found.add(file);
      }
      expect(found.size).toBe(2300);
      for (const task of ["nope", `${json["plan-id"]}/0000`, `${json["plan-id"]}/9`]) {
        const body = { "plan-task": task };
        const answer = await ask(`POST ${TABLE}/tasks`, { table: "split", body });
        expect([task, ...(answer.status === 200 ? [200] : error(answer))]).toEqual(
          task.endsWith("/0000") ? [task, 200] : [task, 404, "NoSuchPlanTaskException"],
        );
      }
    });
  });

  test("see the branch of the prefix, and table@ref names", async () => {
    await create("forked");
    await served.catalog.createBranch("etl");
    await ((await served.catalog.on("etl").loadTable("ns.forked")) as Table).append(records(1));
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
    const nessie = await fetch(`${served.server.uri}/iceberg/etl/v1/config`);
    expect(await nessie.json()).toMatchObject({ overrides: { prefix: "etl" } });
    const hash = await served.catalog.on("etl").hash();
    expect(await snapshots({ table: "forked", prefix: `etl@${hash}` })).toBe(1);
    const commit = { requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] };
    expect(
      error(await ask(`POST ${TABLE}`, { table: "forked", prefix: `etl@${hash}`, body: commit })),
    ).toEqual([400, "BadRequestException"]);
    expect((await ask(`POST ${TABLE}`, { table: "forked@etl", body: commit })).status).toBe(200);
    expect((await served.catalog.loadTable("ns.forked")).properties).not.toHaveProperty("a");
  });

  test("cover every endpoint that the server says it has", async () => {
    const { json } = await ask("GET /v1/config");
    expect(json.endpoints.filter((endpoint: string) => !seen.has(endpoint))).toEqual([]);
  });

  test(
    "were all held against the specification, which has every endpoint",
    needsRestSpecification,
    async () => {
      const { json } = await ask("GET /v1/config");
      const known = spec?.operationIds();
      expect(json.endpoints.filter((endpoint: string) => !known?.has(endpoint))).toEqual([]);
      expect(held).toBeGreaterThanOrEqual(json.endpoints.length);
    },
  );
});
