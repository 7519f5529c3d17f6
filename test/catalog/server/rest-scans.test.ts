import { beforeAll, describe, expect, test } from "vitest";
import {
  eq,
  identity,
  or,
  RawJson,
  stringifyJson,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine } from "../../../lib/lakehouse/query/index.js";
import { schema as tableSchema } from "../support/contents.js";
import { type Given, isOfScans, restAnswers, TABLE } from "../support/rest-answers.js";

describe("answers of the REST server that plan a scan", () => {
  const rest = restAnswers();
  const { ask, error, create } = rest;
  let table: Table;
  const plan = (body: object, more: Given = {}) =>
    ask(`POST ${TABLE}/plan`, { table: "planned", body, ...more });
  const files = (json: { "file-scan-tasks": { "data-file": { "file-path": string } }[] }) =>
    json["file-scan-tasks"].map((task) => task["data-file"]["file-path"]);
  beforeAll(async () => {
    table = (await rest.served.catalog.createTable("ns.planned", {
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
    expect(files((await send({ "snapshot-id": id(first), "use-snapshot-schema": true })).json)).toHaveLength(
      2,
    );
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
    let deleted = await rest.served.catalog.createTable("ns.deleted", {
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
    const many = await rest.served.catalog.createTable("ns.split", {
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

  rest.coverEndpoints(isOfScans);
});
