/** Airflow loads and runs what a pipeline is exported to, by `airflow dags test`. */
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExportedPipeline } from "./exported.js";
import { airflowPython } from "./installed.js";

/** What goes before what, and when it is run, as Airflow has it. */
const GRAPH = `import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("dags", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.flights
print(json.dumps({"steps": {each["task"]: each["step"] for each in module.TASKS},
    "sensors": [[task.task_id for task in module.flights_sensors.tasks], module.flights_sensors.schedule],
    "tasks": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}}))`;

let at: ExportedPipeline;
let file: string;
let env: Record<string, string>;
beforeAll(async () => {
  at = await ExportedPipeline.make();
  file = join(at.folder, await at.export("airflow"));
  env = {
    AIRFLOW_HOME: join(at.folder, "airflow"),
    AIRFLOW__CORE__DAGS_FOLDER: dirname(file),
    AIRFLOW__CORE__LOAD_EXAMPLES: "False",
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: "False",
  };
  await airflow("db", "migrate");
});
afterAll(() => at.close());

const airflow = (...words: string[]) => at.program(airflowPython, ["-m", "airflow", ...words], env);
const lastRun = async () => (await at.lake.orchestration.runs())[0];

test("Airflow runs a pipeline with the same graph, publishes it, and stops where a check fails", async () => {
  const { steps, tasks, sensors } = JSON.parse(await at.program(airflowPython, ["-c", GRAPH, file], env)) as {
    steps: Record<string, string>;
    tasks: Record<string, string[]>;
    sensors: unknown;
  };
  expect(sensors).toEqual([["look"], "* * * * *"]);
  const { publish, ...others } = tasks;
  const named = Object.entries(others).map(([task, before]) => [
    steps[task],
    before.map((each) => steps[each]),
  ]);
  expect(Object.fromEntries(named)).toEqual(await at.graph());
  expect(publish).toEqual(Object.keys(steps).sort());

  await at.poison(true);
  const failed = await airflow("dags", "test", "flights", "2026-01-01");
  expect(failed).toContain("CHECK_FAILED");
  expect(failed).not.toContain("task_id=publish map_index");
  expect(await lastRun()).toMatchObject({ status: "running", trigger: "external" });
  expect(await at.rows("n.events")).toBe(0);

  await at.poison(false);
  await airflow("dags", "test", "flights", "2026-01-02");
  expect(await lastRun()).toMatchObject({ status: "succeeded", trigger: "external" });
  expect([await at.rows("n.events"), await at.rows("n.days")]).toEqual([1, 1]);

  await at.arrive();
  await airflow("dags", "test", "flights_sensors", "2026-01-03");
  expect(await lastRun()).toMatchObject({ status: "succeeded", trigger: "sensor" });
  expect(await at.rows("n.events")).toBe(2);
});
