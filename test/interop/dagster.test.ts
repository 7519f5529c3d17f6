/** Dagster loads and runs what a pipeline is exported to. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExportedPipeline } from "./exported.js";
import { dagsterPython } from "./installed.js";

interface Said {
  readonly assets: Readonly<Record<string, readonly string[]>>;
  readonly checks: readonly (readonly [asset: string, name: string])[];
  /** The step of each asset. */
  readonly steps: Readonly<Record<string, string>>;
  readonly schedules: unknown;
  /** What the sensor asked for: before each run, and after the last. */
  readonly asked: readonly (string | null)[];
  readonly runs: readonly { id: string; success: boolean; made: string[]; checks: [string, boolean][] }[];
}

let at: ExportedPipeline;
let file: string;
beforeAll(async () => {
  at = await ExportedPipeline.make();
  file = join(at.folder, await at.export("dagster"));
});
afterAll(() => at.close());

const dagster = async (runs: number): Promise<Said> =>
  JSON.parse(
    await at.program(dagsterPython, [join(import.meta.dirname, "python/dagster_run.py"), file, String(runs)]),
  );

test("Dagster runs a pipeline with the same graph, publishes it, and stops where a check fails", async () => {
  await at.poison(true);
  const failed = await dagster(1);
  expect(failed.asked).toEqual([null, null]);
  expect(failed.runs[0]).toMatchObject({ success: false, checks: [["check_n_latest", false]] });
  expect(failed.runs[0]?.made).not.toContain("publish");
  expect(await at.rows("n.events")).toBe(0);

  await at.poison(false);
  await at.arrive();
  const { assets, checks, steps, schedules, asked, runs } = await dagster(1);
  expect(runs[0]).toMatchObject({ success: true, checks: [["check_n_latest", true]] });
  expect([await at.rows("n.events"), await at.rows("n.days")]).toEqual([1, 1]);
  const ours = await at.graph();
  const edges = Object.entries(assets).flatMap(([name, before]) =>
    steps[name] === undefined ? [] : [[steps[name], before.map((each) => steps[each])] as const],
  );
  const ofChecks = checks.map(([asset]) => ["check n.latest", [steps[asset]]] as const);
  expect(Object.fromEntries([...edges, ...ofChecks])).toEqual(ours);
  expect(assets.publish).toEqual(Object.keys(steps).sort());
  expect(schedules).toEqual([["0 6 * * 1-5", "Europe/Berlin"]]);
  const [run] = await at.lake.orchestration.runs();
  expect(run).toMatchObject({ status: "succeeded", trigger: "external", key: asked[0] });
  expect(asked).toEqual([expect.stringMatching(/^snapshot n\.raw \d+ \d+$/), null]);
  // Our own watcher knows that it was run.
  expect(await at.lake.orchestration.runs()).toHaveLength(2);
  const looked = JSON.parse(await at.slh("pipeline", "watch", "--once", "--only", "sensors", "--json"));
  expect(looked).toMatchObject([{ outcome: "had", run: run?.id }]);
});
