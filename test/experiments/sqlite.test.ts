import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SqliteTrackingStore } from "../../lib/lakehouse/experiments/sqlite/sqlite-store.js";
import { describeTrackingStore } from "./support/conformance.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const START = new Date(1_790_000_000_000);
let root: string;
let store: SqliteTrackingStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "experiments a#b%41-"));
  store = new SqliteTrackingStore(join(root, "one", "mlflow.db"));
});
afterAll(async () => {
  store.close();
  await rm(root, { recursive: true, force: true });
});

describeTrackingStore("MLflow's SQLite tables", () => store);

test("a batch with a param that changes logs nothing", async () => {
  const { id: experimentId } = await store.createExperiment("whole");
  const id = await store.createRun({ experimentId, name: "r", user: "", startedAt: START, tags: {} });
  await store.log(id, { params: { a: "1" } });
  const metrics = [{ key: "m", value: 1, step: 0, at: START }];
  await expect(
    store.log(id, { params: { b: "2", a: "2" }, metrics, tags: { t: "1" } }),
  ).rejects.toMatchObject({
    code: "PARAM_EXISTS",
  });
  const run = await store.run(id);
  expect(run.params).toEqual({ a: "1" });
  expect(run.metrics).toEqual({});
  expect(run.tags.t).toBeUndefined();
});

test("several have the file open, and nothing that they log is lost", async () => {
  const path = join(root, "shared", "mlflow.db");
  const stores = [1, 2, 3].map(() => new SqliteTrackingStore(path));
  const { id: experimentId } = await (stores[0] as SqliteTrackingStore).createExperiment("shared");
  const run = await (stores[0] as SqliteTrackingStore).createRun({
    experimentId,
    name: "r",
    user: "",
    startedAt: START,
    tags: {},
  });
  await Promise.all(
    stores.map(async (each, i) => {
      for (let step = 0; step < 50; step++)
        await each.log(run, { metrics: [{ key: `m${i}`, value: step, step, at: START }] });
    }),
  );
  for (const i of [0, 1, 2])
    expect(await (stores[2 - i] as SqliteTrackingStore).history(run, `m${i}`)).toHaveLength(50);
  for (const each of stores) each.close();
});

test("a folder that was copied has its artifacts where it is", async () => {
  const first = new SqliteTrackingStore(join(root, "here", "mlflow.db"));
  const { id: experimentId } = await first.createExperiment("moved");
  const id = await first.createRun({ experimentId, name: "r", user: "", startedAt: START, tags: {} });
  await first.putFile({ run: id }, "a.txt", bytes("of here"));
  const model = await first.createModel({ run: await first.run(id), name: "m", params: {}, tags: {} });
  await first.putFile({ model: model.id }, "MLmodel", bytes("m"));
  first.close();
  await cp(join(root, "here"), join(root, "there"), { recursive: true });
  await rm(join(root, "here"), { recursive: true });
  const second = new SqliteTrackingStore(join(root, "there", "mlflow.db"));
  expect(await second.file({ run: id }, "a.txt")).toEqual(bytes("of here"));
  expect(await second.file({ model: model.id }, "MLmodel")).toEqual(bytes("m"));
  second.close();
});

test("tables of another version, and other files, are left as they are", async () => {
  const path = join(root, "other", "mlflow.db");
  new SqliteTrackingStore(path).close();
  const db = new Database(path);
  db.exec("UPDATE alembic_version SET version_num = 'ffffffffffff'");
  db.close();
  expect(() => new SqliteTrackingStore(path)).toThrow(
    expect.objectContaining({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining("ffffffffffff"),
    }),
  );
  const foreign = new Database(join(root, "foreign.db"));
  foreign.exec("CREATE TABLE mine (a)");
  expect(() => new SqliteTrackingStore(join(root, "foreign.db"))).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED_FEATURE" }),
  );
  expect(foreign.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "mine" }]);
  foreign.close();
});
