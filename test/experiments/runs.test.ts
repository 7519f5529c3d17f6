import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineSchema, int, type Lakehouse, openLakehouse, type RowOf, string } from "sololakehouse";
import { onnxModel, type RunWork } from "sololakehouse/experiments";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { SqliteTrackingStore } from "../../lib/lakehouse/experiments/sqlite/sqlite-store.js";

const SCHEMA = defineSchema({ id: int(), origin: string().optional() });
let root: string;
let lake: Lakehouse;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "runs-"));
  lake = await openLakehouse({ root });
  await add(1, 2, 3);
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

async function add(...ids: readonly number[]): Promise<void> {
  const table = await lake.createTable<RowOf<typeof SCHEMA>>("gold.features", {
    schema: SCHEMA,
    ifExists: "keep",
  });
  await table.append(ids.map((id) => ({ id, origin: null })));
}

/** Sums what it reads: a model that tells which rows it saw. */
const train: RunWork<number> = async (run) => {
  const table = await run.table("gold.features");
  const sum = (await run.read(table).rows()).reduce(
    (all, { id }) => all + Number(id),
    Number(run.params.bias ?? 0),
  );
  await run.logMetrics({ sum, "system/at": Date.now() });
  await run.logModel({ name: "sum", files: { "sum.txt": String(sum) }, flavors: {} });
  return sum;
};

test("looking makes nothing", async () => {
  expect(await lake.experiments.list()).toEqual([]);
  expect(await lake.experiments.runs("none")).toEqual([]);
  expect(await lake.experiments.runsOf(await lake.table("gold.features"))).toEqual([]);
  expect(existsSync(join(root, "experiments"))).toBe(false);
});

test("a run is bound to the commit, the snapshot and the contract, and found from its data", async () => {
  const hash = await lake.hash();
  const table = await lake.table("gold.features");
  const { run, result } = await lake.experiments.run({ experiment: "sums", params: { bias: 4 } }, train);
  expect(result).toBe(10);
  expect(run).toMatchObject({ status: "FINISHED", params: { bias: "4" }, metrics: { sum: { value: 10 } } });
  expect(run.tags["sololakehouse.catalog.commit"]).toBe(hash);
  expect(run.tags["sololakehouse.catalog.ref"]).toBe("main");
  expect(run.tags["mlflow.source.git.commit"]).toMatch(/^[0-9a-f]{40}$/);
  expect(run.inputs).toMatchObject([
    { name: "gold.features", digest: String(table.currentSnapshot?.snapshotId), profile: '{"num_rows":3}' },
  ]);
  expect(JSON.parse(run.inputs[0]?.schema ?? "")).toEqual({
    mlflow_colspec: [
      { type: "integer", name: "id", required: true },
      { type: "string", name: "origin", required: false },
    ],
  });
  expect(run.inputs[0]?.tags["sololakehouse.contract"]).toMatch(/^[0-9a-f]{64}$/);
  expect((await lake.experiments.runsOf(table)).map(({ id }) => id)).toEqual([run.id]);
  await add(9);
  expect(await lake.experiments.runsOf(await lake.table("gold.features"))).toEqual([]);
  const tag = (await lake.refs()).find(({ name }) => name === `runs/${run.id}`);
  expect(tag).toMatchObject({ type: "TAG", hash });
});

test("a run reads the lakehouse as it was when it began", async () => {
  const { result } = await lake.experiments.run({ experiment: "sums" }, async (run) => {
    await add(100);
    const table = await run.table("gold.features");
    const [row] = await run.sql("select sum(id) as s from gold.features").rows();
    return [(await run.read(table).rows()).length, Number(row?.s)];
  });
  expect(result).toEqual([3, 6]);
});

test("the hash of the contract is that of columns and checks, and of nothing else", async () => {
  const contract = async () => {
    const { run } = await lake.experiments.run({ experiment: "sums" }, train);
    return run.inputs[0]?.tags["sololakehouse.contract"];
  };
  const first = await contract();
  await add(4);
  expect(await contract()).toBe(first);
  await lake.sql("ALTER TABLE gold.features ADD COLUMN more INTEGER");
  expect(await contract()).not.toBe(first);
});

test("a run that throws has failed, one that is stopped was killed, and what was thrown is thrown on", async () => {
  const boom = new Error("boom");
  const fail = lake.experiments.run({ experiment: "ends" }, async (run) => {
    await run.logMetrics({ before: 1 });
    throw boom;
  });
  await expect(fail).rejects.toBe(boom);
  const stop = new AbortController();
  const stopped = lake.experiments.run({ experiment: "ends", signal: stop.signal }, async () => stop.abort());
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  const runs = await lake.experiments.runs("ends");
  expect(runs.map(({ status }) => status).sort()).toEqual(["FAILED", "KILLED"]);
  expect(runs.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
  expect(runs.find(({ status }) => status === "FAILED")?.metrics.before?.value).toBe(1);
});

test("a run whose process was killed is called so by the next one, and can be gone on with", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  await lake.experiments.run({ experiment: "killed" }, async () => {});
  const store = new SqliteTrackingStore(join(root, "experiments", "mlflow.db"));
  const { id: experimentId } = await store.createExperiment("killed");
  const begin = (host: string, pid: number, started?: string) =>
    store.createRun({
      experimentId,
      name: "r",
      user: "",
      startedAt: new Date(),
      tags: {
        "sololakehouse.host": host,
        "sololakehouse.process": String(pid),
        ...(started !== undefined && { "sololakehouse.process.started": started }),
        "mlflow.source.git.commit": "f".repeat(40),
        "sololakehouse.code.dirty": "false",
      },
    });
  const dead = await begin(hostname(), child.pid as number);
  const alive = await begin(hostname(), process.pid);
  const elsewhere = await begin(`not-${hostname()}`, child.pid as number);
  // Its number is another process's by now.
  const before = await begin(hostname(), process.pid, "another boot-1");
  await expect(
    lake.experiments.run({ experiment: "killed", resume: alive }, async () => {}),
  ).rejects.toMatchObject({ code: "RUN_ACTIVE" });
  await lake.experiments.run({ experiment: "killed" }, async () => {});
  expect((await store.run(dead)).status).toBe("KILLED");
  expect((await store.run(alive)).status).toBe("RUNNING");
  expect((await store.run(before)).status).toBe(existsSync("/proc/self/stat") ? "KILLED" : "RUNNING");
  expect((await store.run(elsewhere)).status).toBe("RUNNING");
  await expect(
    lake.experiments.run({ experiment: "another", resume: dead }, async () => {}),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT", subject: dead });
  const { run } = await lake.experiments.run(
    { experiment: "killed", resume: dead, params: { more: 1 } },
    (active) => active.logMetrics({ after: 1 }),
  );
  expect(run).toMatchObject({ id: dead, status: "FINISHED", params: { more: "1" } });
  // It was begun by another commit of the code.
  expect(run.tags["sololakehouse.code.dirty"]).toBe("true");
  store.close();
});

test("a run is made again from what it read, and compared", async () => {
  const { run } = await lake.experiments.run({ experiment: "sums", params: { bias: 1 } }, train);
  await add(50);
  const again = await lake.experiments.reproduce(run.id, train);
  expect(again.same).toBe(true);
  expect(again.metrics).toEqual([{ key: "sum", step: 0, was: 7, is: 7, same: true }]);
  expect(again.models).toMatchObject([{ name: "sum", same: true }]);
  expect(again.run.tags["sololakehouse.reproduces"]).toBe(run.id);
  expect(again.run.inputs.map(({ digest }) => digest)).toEqual(run.inputs.map(({ digest }) => digest));
  const other = await lake.experiments.reproduce(run.id, async (active) => {
    await active.logMetrics({ sum: 8, more: 1 });
  });
  expect(other.same).toBe(false);
  expect(other.metrics).toEqual([
    { key: "more", step: 0, was: undefined, is: 1, same: false },
    { key: "sum", step: 0, was: 7, is: 8, same: false },
  ]);
  expect(other.models).toMatchObject([{ name: "sum", is: undefined, same: false }]);
  // There is nothing to tell by.
  const { run: nothing } = await lake.experiments.run({ experiment: "sums" }, async () => {});
  expect((await lake.experiments.reproduce(nothing.id, async () => {})).same).toBe(false);
});

test("a metric is compared by all of its values, and models of one name each by each", async () => {
  const work =
    (losses: readonly (readonly [step: number, loss: number])[], ...models: readonly string[]): RunWork =>
    async (run) => {
      for (const [step, loss] of losses) await run.logMetrics({ loss }, step);
      for (const text of models) await run.logModel({ name: "m", files: { "m.txt": text }, flavors: {} });
    };
  const values = [
    [0, 3],
    [1, Number.NaN],
    [2, 1],
    [2, 2],
  ] as const;
  const { run } = await lake.experiments.run({ experiment: "steps" }, work(values, "a", "b"));
  const again = (...given: Parameters<typeof work>) => lake.experiments.reproduce(run.id, work(...given));
  const lossOf = async (...given: Parameters<typeof work>) => (await again(...given)).metrics;
  expect((await again([...values].reverse(), "b", "a")).same).toBe(true);
  expect((await again([...values, [2, 2]], "a", "b")).same).toBe(true);
  expect(await lossOf([[0, 4], ...values.slice(1)])).toEqual([
    { key: "loss", step: 0, was: 3, is: 4, same: false },
  ]);
  expect(await lossOf([values[0], [2, 1], [2, 2]])).toEqual([
    { key: "loss", step: 1, was: Number.NaN, is: undefined, same: false },
  ]);
  expect(await lossOf([...values, [7, 2]])).toEqual([
    { key: "loss", step: 7, was: undefined, is: 2, same: false },
  ]);
  // The last of the name is the same each time.
  const { same, models } = await again(values, "c", "b");
  expect(same).toBe(false);
  expect(models.map((each) => each.same)).toEqual([true, false]);
  expect((await again(values, "b")).models.map((each) => each.is === undefined)).toEqual([false, true]);
});

test("a model's files come back as they were logged, or not at all", async () => {
  const files = { "a.txt": "a", "deep/b.bin": new Uint8Array([0, 255]) };
  const { result: id } = await lake.experiments.run({ experiment: "files" }, async (run) => {
    const { model } = await run.logModel({ name: "m", files, flavors: {} });
    return model.id;
  });
  const read = () => lake.experiments.modelFiles(id);
  const bytes = { "a.txt": new Uint8Array([97]), "deep/b.bin": files["deep/b.bin"] };
  expect(await read()).toEqual(bytes);
  const found = await readdir(join(root, "experiments"), { recursive: true });
  const folder = dirname(join(root, "experiments", found.find((path) => path.endsWith("a.txt")) as string));
  const refused = () => expect(read()).rejects.toMatchObject({ code: "CORRUPT_FILE", subject: id });
  await writeFile(join(folder, "a.txt"), "b");
  await refused();
  await writeFile(join(folder, "a.txt"), "a");
  await writeFile(join(folder, "c.txt"), "");
  await refused();
  await rm(join(folder, "c.txt"));
  await rename(join(folder, "a.txt"), join(folder, "z.txt"));
  await refused();
  await rename(join(folder, "z.txt"), join(folder, "a.txt"));
  expect(await read()).toEqual(bytes);
  await expect(lake.experiments.modelFiles("m-0")).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
});

test("a model that MLflow's client logged has no hash to check by", async () => {
  const { run } = await lake.experiments.run({ experiment: "files" }, async () => {});
  const store = new SqliteTrackingStore(join(root, "experiments", "mlflow.db"));
  const { id } = await store.createModel({ run, name: "theirs", params: {}, tags: {} });
  store.close();
  await expect(lake.experiments.modelFiles(id)).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
});

test("what a run read stays while its tag does, whatever becomes of the branch", async () => {
  const etl = await lake.branch("etl");
  await (await etl.table("gold.features")).append([{ id: 1000, origin: null }] as never);
  const { run: kept } = await lake.on("etl").experiments.run({ experiment: "sums" }, train);
  await lake.deleteRef("etl");
  await lake.gc({ gracePeriodMs: 0 });
  expect((await lake.experiments.reproduce(kept.id, train)).same).toBe(true);
  const again = (await lake.experiments.runs("sums")).filter(({ id }) => id !== kept.id);
  for (const { id } of [kept, kept, ...again]) await lake.experiments.release(id);
  // What happened in the very millisecond of a collection is recent to it, whatever the grace period.
  await sleep(5);
  const { commits } = await lake.gc({ gracePeriodMs: 0 });
  expect(commits.length).toBeGreaterThan(0);
  await expect(lake.experiments.reproduce(kept.id, train)).rejects.toMatchObject({
    code: "NOT_REPRODUCIBLE",
    subject: kept.id,
  });
  expect((await lake.refs()).some(({ name }) => name === `runs/${kept.id}`)).toBe(false);
});

test("what MLflow does not take is refused before anything is logged", async () => {
  const refused = async (work: RunWork) => {
    await expect(lake.experiments.run({ experiment: "limits" }, work)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  };
  await refused((run) => run.logParams({ ok: 1, long: "x".repeat(6001) }));
  await refused((run) => run.logParams({ "../up": 1 }));
  await refused((run) => run.logParams({ "a//b": 1 }));
  await refused((run) => run.logParams({ "what?": 1 }));
  await refused((run) => run.logParams({ [`${"k".repeat(251)}`]: 1 }));
  await refused((run) => run.logParams({ nothing: null as never }));
  await refused((run) => run.logMetrics({ m: "1" as never }));
  await refused((run) => run.logMetrics({ m: 1 }, 0.5));
  await refused((run) => run.setTags({ t: "x".repeat(8001) }));
  // What it was made of, a run says itself.
  for (const key of [
    "sololakehouse.catalog.commit",
    "mlflow.source.git.commit",
    "sololakehouse.reproduces",
  ]) {
    await refused((run) => run.setTags({ fine: 1, [key]: "f".repeat(40) }));
    const begun = lake.experiments.run({ experiment: "none", tags: { [key]: "f" } }, async () => {});
    await expect(begun).rejects.toMatchObject({ code: "INVALID_ARGUMENT", subject: key });
  }
  expect(await lake.experiments.runs("none")).toEqual([]);
  for (const path of ["../up.txt", "/abs", "a/../../b", "", "a//b", "a\\b", "c:x", "a#b", "a%41"])
    await refused((run) => run.logArtifact(path, "x"));
  await refused(async (run) => void (await run.logModel({ name: "a/b", files: {}, flavors: {} })));
  for (const run of await lake.experiments.runs("limits")) {
    expect(run.params).toEqual({});
    expect(await lake.experiments.artifacts({ run: run.id })).toEqual([]);
  }
  const other = lake.experiments.run({ experiment: "limits", params: { a: 1 }, parms: {} } as never, train);
  await expect(other).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a model says in MLflow's terms what it is", async () => {
  const { result } = await lake.experiments.run({ experiment: "models" }, (run) =>
    run.logModel({
      name: "late",
      registerAs: "late-flights",
      ...onnxModel(Uint8Array.of(8, 8), {
        inputs: [{ name: "features", dtype: "float32", shape: [-1, 7] }],
        outputs: [{ dtype: "float32", shape: [-1, 1] }],
      }),
    }),
  );
  const { model, version } = result;
  expect(version).toMatchObject({ name: "late-flights", version: 1, modelId: model.id });
  expect(model.status).toBe("READY");
  const text = new TextDecoder().decode(await lake.experiments.artifact({ model: model.id }, "MLmodel"));
  const said = parse(text);
  expect(said).toMatchObject({ model_id: model.id, run_id: model.runId });
  expect(said.flavors.onnx.data).toBe("model.onnx");
  expect(said.flavors.python_function.loader_module).toBe("mlflow.onnx");
  expect(JSON.parse(said.signature.inputs)).toEqual([
    { name: "features", type: "tensor", "tensor-spec": { dtype: "float32", shape: [-1, 7] } },
  ]);
});
