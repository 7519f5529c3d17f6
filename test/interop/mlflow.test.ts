import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { defineSchema, int, type Lakehouse, openLakehouse, string } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MLFLOW_ENV } from "../../lib/kit/stack/index.js";
import { RestTrackingStore } from "../../lib/lakehouse/experiments/rest/rest-store.js";
import { SqliteTrackingStore } from "../../lib/lakehouse/experiments/sqlite/sqlite-store.js";
import { scoresOf } from "../../pipelines/flights/model/boosting.js";
import { probability } from "../../pipelines/flights/model/evaluate.js";
import { describeTrackingStore } from "../experiments/support/conformance.js";
import { mlflowPython } from "./installed.js";
import { logModels } from "./late-models.js";
import { MlflowServer } from "./mlflow-server.js";

let root: string;
let server: MlflowServer;
let store: RestTrackingStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mlflow a#b-"));
  // SQLAlchemy's addresses have no way to write a # in a path; the folder of the artifacts may have it.
  const plain = await mkdtemp(join(tmpdir(), "mlflow-"));
  server = await MlflowServer.start(join(plain, "mlflow.db"), join(plain, "artifacts"));
  store = new RestTrackingStore(server.uri);
});
afterAll(async () => {
  await server?.close();
  await rm(root, { recursive: true, force: true });
});

/** A function of mlflow_side.py. */
async function ask<Answer>(name: string, given: Readonly<Record<string, unknown>>): Promise<Answer> {
  const script = fileURLToPath(new URL("./python/mlflow_side.py", import.meta.url));
  const child = spawn(mlflowPython, [script, name], { env: { ...process.env, ...MLFLOW_ENV } });
  const [out, err] = [[] as Buffer[], [] as Buffer[]];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.end(JSON.stringify(given));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${name}: ${Buffer.concat(err).toString().slice(-4000)}`);
  return JSON.parse(Buffer.concat(out).toString().trim().split("\n").at(-1) as string) as Answer;
}

describeTrackingStore("MLflow's server", () => store);

test("our tables are those that MLflow makes, statement by statement", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mlflow-schema-"));
  const theirs = await ask<Record<string, string>>("schema", {
    uri: `sqlite:///${join(folder, "theirs.db")}`,
  });
  new SqliteTrackingStore(join(folder, "ours.db")).close();
  const db = new Database(join(folder, "ours.db"));
  const rows = db.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all();
  // Which constraint comes first, alembic leaves to the order of a set.
  const written = (text: string) => {
    const [columns, ...constraints] = text
      .replace(/\s+/g, " ")
      .replace(/\( /g, "(")
      .replace(/ \)/g, ")")
      .replace(/^(CREATE TABLE) "?(\w+)"?/, "$1 $2")
      .replace(/\)$/, "")
      .split(/, (?=CONSTRAINT |FOREIGN KEY|PRIMARY KEY|UNIQUE |CHECK )/);
    return [columns, ...constraints.sort()];
  };
  const all = (statements: readonly (readonly [string, string])[]) =>
    Object.fromEntries(statements.map(([name, text]) => [name, written(text)]).sort());
  expect(all((rows as { name: string; sql: string }[]).map(({ name, sql }) => [name, sql]))).toEqual(
    all(Object.entries(theirs)),
  );
  expect(db.prepare("SELECT version_num FROM alembic_version").get()).toEqual(
    new Database(join(folder, "theirs.db")).prepare("SELECT version_num FROM alembic_version").get(),
  );
  await rm(folder, { recursive: true, force: true });
});

interface Look {
  readonly runs: readonly {
    readonly id: string;
    readonly status: string;
    readonly params: Record<string, string>;
    readonly tags: Record<string, string>;
    readonly history: Record<string, (number | string)[][]>;
    readonly inputs: readonly Record<string, unknown>[];
    readonly note: string;
    readonly models: readonly Record<string, unknown>[];
  }[];
  readonly versions: readonly unknown[];
  readonly champion: number;
}

describe.each(["SQLite", "server"])("what is logged to MLflow's %s", (kind) => {
  test("MLflow lists, loads and goes on with", async () => {
    const place = kind === "server" ? join(root, "by server") : await mkdtemp(join(tmpdir(), "mlflow-lake-"));
    const experiments = kind === "server" ? server.uri : undefined;
    const lake: Lakehouse = await openLakehouse({ root: place, experiments });
    const uri = kind === "server" ? server.uri : `sqlite:///${join(place, "experiments", "mlflow.db")}`;
    const table = await lake.createTable("gold.features", {
      schema: defineSchema({ id: int(), origin: string().optional() }),
    });
    await table.append([{ id: 1, origin: "SEA" }]);
    const { run } = await lake.experiments.run(
      { experiment: "delays", name: "first", params: { depth: 6 }, tags: { team: "a" } },
      async (active) => {
        await active.table("gold.features");
        for (const [step, value] of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 0.25].entries())
          await active.logMetrics({ loss: value }, step);
        await active.logArtifact("notes/a b.txt", "hello");
        await active.logModel({
          name: "late",
          files: { "weights.json": "[1]" },
          flavors: { custom: { data: "weights.json" } },
          registerAs: "late-flights",
        });
      },
    );
    await lake.experiments.setAlias("late-flights", "champion", 1);
    const look = await ask<Look>("look", { uri, experiment: "delays", registered: "late-flights" });
    const [seen] = look.runs;
    expect(look.runs).toHaveLength(1);
    expect(seen).toMatchObject({
      id: run.id,
      name: "first",
      status: "FINISHED",
      params: { depth: "6" },
      note: "hello",
    });
    expect(seen?.tags).toMatchObject({
      team: "a",
      "sololakehouse.catalog.ref": "main",
      "sololakehouse.catalog.commit": run.tags["sololakehouse.catalog.commit"],
    });
    const infinite = 1.7976931348623157e308;
    expect(seen?.history.loss?.map(([step, value]) => [step, value === "nan" ? "nan" : value])).toEqual([
      [0, 0.5],
      [1, "nan"],
      [2, infinite],
      [3, 0.25],
    ]);
    const digest = String((await lake.table("gold.features")).currentSnapshot?.snapshotId);
    expect(seen?.inputs).toMatchObject([
      { name: "gold.features", digest, source_type: "iceberg", source: { snapshot_id: digest } },
    ]);
    expect(seen?.models).toMatchObject([{ name: "late", params: { depth: "6" }, metrics: { loss: 0.25 } }]);
    expect(look.versions).toEqual([{ version: 1, run: run.id, status: "READY" }]);
    expect(look.champion).toBe(1);
    expect(await ask("write", { uri, run_id: run.id })).toEqual({ refused: "INVALID_PARAMETER_VALUE" });
    const after = await lake.experiments.get(run.id);
    expect(after.tags.theirs).toBe("yes");
    expect(after.metrics.theirs).toMatchObject({ value: 2.5, step: 3 });
    expect(new TextDecoder().decode(await lake.experiments.artifact({ run: run.id }, "theirs.txt"))).toBe(
      "by MLflow",
    );
    await lake.close();
  });
});

test("MLflow loads the models in ONNX, by its own flavour and by the generic one, and they foretell the same", async () => {
  const place = await mkdtemp(join(tmpdir(), "mlflow-onnx-"));
  const lake = await openLakehouse({ root: place });
  const { classes, amounts, calibration, columns, matrix, rows } = await logModels(lake);
  await lake.close();
  const data = Array.from({ length: rows }, (_, i) =>
    columns.map((values) => (Number.isNaN(values[i]) ? null : (values[i] as number))),
  );
  const uri = `sqlite:///${join(place, "experiments", "mlflow.db")}`;
  const scores = scoresOf(classes, matrix).map((score) => probability(score, calibration));
  for (const [name, output, ours] of [
    ["late", "probability", scores],
    ["minutes", "score", scoresOf(amounts, matrix)],
  ] as const) {
    const said = await ask<Record<"onnx" | "pyfunc", Record<string, [number][]>>>("predict", {
      uri,
      model: `models:/${name}/1`,
      rows: data,
    });
    for (const flavour of [said.onnx, said.pyfunc]) {
      const theirs = flavour[output]?.map(([value]) => value) ?? [];
      expect(theirs).toHaveLength(rows);
      // Sums of a hundred leaves in single precision.
      const far = theirs.map((value, i) => Math.abs(value - (ours[i] as number)) / (1 + Math.abs(value)));
      expect(Math.max(...far)).toBeLessThan(5e-5);
    }
  }
  await rm(place, { recursive: true, force: true });
});

test("a server over our file shows our runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mlflow-ours-"));
  const ours = new SqliteTrackingStore(join(folder, "mlflow.db"));
  const { id: experimentId } = await ours.createExperiment("ours");
  const started = { name: "r", user: "ada", startedAt: new Date(1_790_000_000_000) };
  const id = await ours.createRun({ experimentId, ...started, tags: {} });
  const other = await MlflowServer.start(join(folder, "mlflow.db"));
  try {
    const rest = new RestTrackingStore(other.uri);
    expect(await rest.run(id)).toEqual(await ours.run(id));
    // Both write at once.
    const at = new Date();
    await Promise.all(
      Array.from({ length: 20 }, async (_, step) => {
        await rest.log(id, { metrics: [{ key: "a", value: step, step, at }] });
        await ours.log(id, { metrics: [{ key: "b", value: step, step, at }] });
      }),
    );
    expect(await ours.history(id, "a")).toHaveLength(20);
    expect(await rest.history(id, "b")).toHaveLength(20);
  } finally {
    await other.close();
    ours.close();
  }
});
