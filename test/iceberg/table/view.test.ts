import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invalidArgument, isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { parseJson, readJson, stringifyJson } from "../../../lib/lakehouse/iceberg/model/json.js";
import type { Schema } from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { parseViewMetadata, serializeViewMetadata } from "../../../lib/lakehouse/iceberg/table/view/json.js";
import {
  readViewMetadata,
  writeViewMetadata,
} from "../../../lib/lakehouse/iceberg/table/view/metadata-file.js";
import {
  newViewMetadata,
  replaceViewUpdates,
  type ViewDefinition,
} from "../../../lib/lakehouse/iceberg/table/view/new-view.js";
import type { ViewMetadata, ViewUpdate } from "../../../lib/lakehouse/iceberg/table/view/types.js";
import {
  applyViewUpdates,
  checkViewRequirements,
  currentViewVersion,
  sqlFor,
  viewRequirementFromJson,
  viewRequirementToJson,
  viewUpdateFromJson,
  viewUpdateToJson,
} from "../../../lib/lakehouse/iceberg/table/view/updates.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

/** Two versions with a schema each, as Spark writes them. */
const SPARK_VIEW = {
  "view-uuid": "fa6506c3-7681-40c8-86dc-e36561f83385",
  "format-version": 1,
  location: "s3://lake/warehouse/flights.db/delays",
  "current-version-id": 2,
  properties: { comment: "Delays by day" },
  versions: [
    {
      "version-id": 1,
      "timestamp-ms": 1573518431292,
      "schema-id": 0,
      "default-catalog": "prod",
      "default-namespace": ["flights"],
      summary: { "engine-name": "Spark", "engine-version": "3.5.2" },
      representations: [
        { type: "sql", sql: "SELECT day, count(1)\nFROM flights GROUP BY 1", dialect: "spark" },
      ],
    },
    {
      "version-id": 2,
      "timestamp-ms": 1573518981593,
      "schema-id": 1,
      "default-namespace": ["flights", "eu"],
      summary: {},
      representations: [
        { type: "sql", sql: "SELECT day, avg(delay) FROM flights GROUP BY 1", dialect: "spark" },
        { type: "sql", sql: "SELECT day, avg(delay) FROM flights GROUP BY day", dialect: "trino" },
        { type: "plan", plan: { id: 12 } },
      ],
    },
  ],
  schemas: [
    { type: "struct", "schema-id": 0, fields: [{ id: 1, name: "day", required: false, type: "date" }] },
    {
      type: "struct",
      "schema-id": 1,
      fields: [
        { id: 1, name: "day", required: false, type: "date" },
        { id: 2, name: "delay", required: false, type: "double", doc: "minutes" },
      ],
    },
  ],
  "version-log": [
    { "timestamp-ms": 1573518431292, "version-id": 1 },
    { "timestamp-ms": 1573518981593, "version-id": 2 },
  ],
};

const schemaWith = (...names: string[]): Schema => ({
  schemaId: 0,
  identifierFieldIds: [],
  fields: names.map((name, i) => ({ id: i + 1, name, required: false, type: { type: "long" } })),
});

let clock = 1000n;
const definition = (sql: string, changes: Partial<ViewDefinition> = {}): ViewDefinition => ({
  schema: schemaWith("a"),
  defaultNamespace: ["flights"],
  representations: [{ type: "sql", dialect: "duckdb", sql }],
  timestampMs: clock++,
  ...changes,
});
const newView = (
  changes: { properties?: Record<string, string> } & Partial<ViewDefinition> = {},
): ViewMetadata =>
  newViewMetadata({ ...definition("SELECT 0 AS a", changes), location: "s3://lake/v/", ...changes });

const replace = (view: ViewMetadata, sql: string, changes: Partial<ViewDefinition> = {}): ViewMetadata =>
  applyViewUpdates(view, replaceViewUpdates(definition(sql, changes)));

describe("view metadata as JSON", () => {
  test("is read and written without loss, unknown representations included", () => {
    const view = parseViewMetadata(JSON.stringify(SPARK_VIEW), "v");
    expect(view.versions[0]?.defaultCatalog).toBe("prod");
    expect(view.versions[1]?.defaultNamespace).toEqual(["flights", "eu"]);
    expect(view.versionLog[1]).toEqual({ timestampMs: 1573518981593n, versionId: 2 });
    expect(parseJson(serializeViewMetadata(view))).toEqual(SPARK_VIEW);
  });

  test("may lack properties and default catalog, and may have null for it", () => {
    const { properties: _, ...rest } = structuredClone(SPARK_VIEW);
    const json = JSON.stringify(rest).replace('"prod"', "null");
    const view = parseViewMetadata(new TextEncoder().encode(json), "v");
    expect(view.properties).toEqual({});
    expect(view.versions[0]?.defaultCatalog).toBeUndefined();
  });

  test.each([
    ["another format version", { "format-version": 2 }],
    ["no UUID", { "view-uuid": undefined }],
    ["no location", { location: undefined }],
    ["a current version that it does not have", { "current-version-id": 3 }],
    ["a version with a schema that it does not have", { schemas: SPARK_VIEW.schemas.slice(0, 1) }],
    ["no version log", { "version-log": undefined }],
    [
      "a representation without dialect",
      {
        versions: [{ ...SPARK_VIEW.versions[0], representations: [{ type: "sql", sql: "x" }] }],
        "current-version-id": 1,
      },
    ],
  ])("is refused with %s", async (_, change) => {
    const json = JSON.stringify({ ...SPARK_VIEW, ...change });
    expect(await codeOf(() => parseViewMetadata(json, "v"))).toBe("INVALID_METADATA");
  });

  test("is read or refused however it is damaged", async () => {
    const text = JSON.stringify(SPARK_VIEW);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length),
        fc.string({ maxLength: 4 }),
        fc.nat(5),
        async (at, inserted, removed) => {
          const damaged = text.slice(0, at) + inserted + text.slice(at + removed);
          expect(["accepted", "INVALID_METADATA", "INVALID_SCHEMA"]).toContain(
            await codeOf(() => parseViewMetadata(damaged, "v")),
          );
        },
      ),
      { numRuns: runs(500) },
    );
  });
});

describe("a new view", () => {
  test("has version 1 of schema 0, logged, and no slash behind its location", () => {
    const view = newView({ properties: { comment: "c" } });
    expect(view).toMatchObject({ formatVersion: 1, location: "s3://lake/v", currentVersionId: 1 });
    expect(view.viewUuid).toMatch(/^[0-9a-f]{8}-/);
    expect(view.versions[0]).toMatchObject({ versionId: 1, schemaId: 0 });
    expect(view.versionLog).toEqual([{ versionId: 1, timestampMs: view.versions[0]!.timestampMs }]);
    expect(parseViewMetadata(serializeViewMetadata(view), "v")).toEqual(view);
  });

  test("needs a query, and one at most for a dialect", async () => {
    const sql = (dialect: string) => ({ type: "sql" as const, dialect, sql: "SELECT 1" });
    expect(await codeOf(() => newView({ representations: [] }))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(() => newView({ representations: [sql("Spark"), sql("spark")] }))).toBe(
      "INVALID_ARGUMENT",
    );
    const view = newView({ representations: [sql("spark"), { ...sql("Trino"), sql: "SELECT 2" }] });
    expect(sqlFor(currentViewVersion(view), "trino")).toBe("SELECT 2");
    expect(sqlFor(currentViewVersion(view), "duckdb")).toBeUndefined();
  });
});

describe("replacing a view", () => {
  test("adds a version and, only where it differs, a schema", () => {
    const first = newView();
    const second = replace(first, "SELECT 1 AS a");
    expect(second.currentVersionId).toBe(2);
    expect(second.schemas).toEqual(first.schemas);
    const third = replace(second, "SELECT 1 AS a, 2 AS b", { schema: schemaWith("a", "b") });
    expect(currentViewVersion(third)).toMatchObject({ versionId: 3, schemaId: 1 });
    expect(third.versionLog.map(({ versionId }) => versionId)).toEqual([1, 2, 3]);
    expect(third.versionLog[2]?.timestampMs).toBe(currentViewVersion(third).timestampMs);
    expect(first.versions.length).toBe(1);
  });

  test("with what an old version said makes that version current again, at the time of the change", () => {
    const first = newView();
    const second = replace(first, "SELECT 1 AS a");
    const back = applyViewUpdates(second, replaceViewUpdates(definition("SELECT 0 AS a")), 99_999n);
    expect(back.currentVersionId).toBe(1);
    expect(back.versions.length).toBe(2);
    expect(back.versionLog.at(-1)).toEqual({ versionId: 1, timestampMs: 99_999n });
  });

  test("with what it says already changes nothing", () => {
    const view = newView();
    expect(replace(view, "SELECT 0 AS a")).toEqual(view);
  });

  test("must not lose a dialect, unless the view allows it", async () => {
    const view = newView({ representations: [{ type: "sql", dialect: "Spark", sql: "SELECT 0" }] });
    expect(await codeOf(() => replace(view, "SELECT 1"))).toBe("INVALID_ARGUMENT");
    const allowed = applyViewUpdates(view, [
      { action: "set-properties", updates: { "replace.drop-dialect.allowed": "true" } },
    ]);
    expect(sqlFor(currentViewVersion(replace(allowed, "SELECT 1")), "duckdb")).toBe("SELECT 1");
  });
});

describe("the history of a view", () => {
  test("keeps ten versions by default, and its log begins after the last one that is gone", () => {
    let view = newView();
    for (let i = 1; i < 15; i++) view = replace(view, `SELECT ${i} AS a`);
    expect(view.versions.map(({ versionId }) => versionId)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(view.versionLog.map(({ versionId }) => versionId)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  test("keeps as many as the property says, the current one always among them", () => {
    const properties = { "version.history.num-entries": "2" };
    let view = newView({ properties });
    for (let i = 1; i < 3; i++) view = replace(view, `SELECT ${i} AS a`);
    expect(view.versions.map(({ versionId }) => versionId)).toEqual([2, 3]);
    view = applyViewUpdates(view, [{ action: "set-current-view-version", viewVersionId: 2 }], 5n);
    view = replace(view, "SELECT 9 AS a");
    expect(view.versions.map(({ versionId }) => versionId)).toEqual([3, 4]);
    // 2 was logged last before 4 and is gone, and with it all that came before.
    expect(view.versionLog.map(({ versionId }) => versionId)).toEqual([4]);
  });

  test("refuses a number of versions that is none", async () => {
    const set = (text: string): ViewUpdate => ({
      action: "set-properties",
      updates: { "version.history.num-entries": text },
    });
    expect(await codeOf(() => applyViewUpdates(newView(), [set("0")]))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(() => applyViewUpdates(newView(), [set("many")]))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(() => applyViewUpdates(newView(), [set("1")]))).toBe("accepted");
  });
});

describe("updates of a view", () => {
  const view = newView({ properties: { a: "1", b: "2" } });

  test("change properties and location", () => {
    const changed = applyViewUpdates(view, [
      { action: "set-properties", updates: { b: "3", c: "4" } },
      { action: "remove-properties", removals: ["a", "z"] },
      { action: "set-location", location: "s3://lake/moved" },
      { action: "assign-uuid", uuid: view.viewUuid },
      { action: "upgrade-format-version", formatVersion: 1 },
    ]);
    expect(changed).toEqual({ ...view, properties: { b: "3", c: "4" }, location: "s3://lake/moved" });
  });

  const version = currentViewVersion(view);
  test.each<[string, ViewUpdate]>([
    ["another UUID", { action: "assign-uuid", uuid: "x" }],
    ["a format version that does not exist", { action: "upgrade-format-version", formatVersion: 2 }],
    [
      "the schema added last when none was",
      { action: "add-view-version", viewVersion: { ...version, schemaId: -1 } },
    ],
    ["an unknown schema", { action: "add-view-version", viewVersion: { ...version, schemaId: 7 } }],
    ["the version added last when none was", { action: "set-current-view-version", viewVersionId: -1 }],
    ["an unknown version", { action: "set-current-view-version", viewVersionId: 7 }],
  ])("refuse %s", async (_, update) => {
    expect(await codeOf(() => applyViewUpdates(view, [update]))).toBe("INVALID_ARGUMENT");
  });

  test("and requirements travel as the REST catalog's JSON", () => {
    const updates: ViewUpdate[] = [
      { action: "assign-uuid", uuid: "u" },
      { action: "upgrade-format-version", formatVersion: 1 },
      { action: "add-schema", schema: schemaWith("a", "b") },
      { action: "set-location", location: "l" },
      { action: "set-properties", updates: { a: "b" } },
      { action: "remove-properties", removals: ["a"] },
      { action: "add-view-version", viewVersion: version },
      { action: "set-current-view-version", viewVersionId: -1 },
    ];
    const origin = { subject: "request", kind: invalidArgument } as const;
    for (const update of updates) {
      const text = stringifyJson(viewUpdateToJson(update));
      expect(viewUpdateFromJson(readJson(text, origin))).toEqual(update);
    }
    expect(stringifyJson(viewUpdateToJson(updates[7]!))).toBe(
      '{"action":"set-current-view-version","view-version-id":-1}',
    );
    const requirement = { type: "assert-view-uuid", uuid: "u" } as const;
    const text = stringifyJson(viewRequirementToJson(requirement));
    expect(viewRequirementFromJson(readJson(text, origin))).toEqual(requirement);
  });

  test("of other kinds are refused", async () => {
    const origin = { subject: "request", kind: invalidArgument } as const;
    const read = (text: string) => codeOf(() => viewUpdateFromJson(readJson(text, origin)));
    expect(await read('{"action":"add-snapshot"}')).toBe("INVALID_ARGUMENT");
    expect(await codeOf(() => viewRequirementFromJson(readJson('{"type":"assert-create"}', origin)))).toBe(
      "INVALID_ARGUMENT",
    );
  });

  test("are bound to the view by its UUID", async () => {
    const check = (uuid: string, of: ViewMetadata | undefined = view) =>
      codeOf(() => checkViewRequirements(of, [{ type: "assert-view-uuid", uuid }]));
    expect(await check(view.viewUuid.toUpperCase())).toBe("accepted");
    expect(await check("11111111-1111-1111-1111-111111111111")).toBe("COMMIT_CONFLICT");
    expect(
      await codeOf(() => checkViewRequirements(undefined, [{ type: "assert-view-uuid", uuid: "x" }])),
    ).toBe("COMMIT_CONFLICT");
  });
});

describe("metadata files of views", () => {
  let folder: string;
  let store: LocalStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "views-"));
    store = new LocalStore(folder, { durable: false });
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("are numbered, lie below the view's location and are read back", async () => {
    const view = { ...newView(), location: `${store.root}/v` };
    const location = await writeViewMetadata(store, view, 12);
    expect(location).toMatch(/\/v\/metadata\/00012-[0-9a-f-]{36}\.metadata\.json$/);
    expect(await readViewMetadata(store, location)).toEqual(view);
  });

  test("are read gzipped too, and refused when cut", async () => {
    const zipped = gzipSync(JSON.stringify(SPARK_VIEW));
    await store.put(`${store.root}/a.gz.metadata.json`, zipped);
    await store.put(`${store.root}/b.gz.metadata.json`, zipped.subarray(0, 100));
    expect((await readViewMetadata(store, `${store.root}/a.gz.metadata.json`)).currentVersionId).toBe(2);
    expect(await codeOf(() => readViewMetadata(store, `${store.root}/b.gz.metadata.json`))).toBe(
      "CORRUPT_FILE",
    );
    expect(await codeOf(() => readViewMetadata(store, `${store.root}/c.json`))).toBe("OBJECT_NOT_FOUND");
  });
});
