import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Metric, Run } from "../../../lib/lakehouse/experiments/model.js";
import type { TrackingStore } from "../../../lib/lakehouse/experiments/store.js";
import { runs as times } from "../../support/runs.js";

const START = new Date(1_790_000_000_000);
const bytes = (text: string) => new TextEncoder().encode(text);
let count = 0;

/** Every store of runs answers like this. */
export function describeTrackingStore(name: string, store: () => TrackingStore): void {
  const fresh = async (): Promise<Run> => {
    const experiment = await store().createExperiment(`experiment ${++count} ${Date.now()}`);
    return another(experiment.id, "first");
  };
  const another = async (experimentId: string, runName: string, startedAt = START): Promise<Run> => {
    const id = await store().createRun({
      experimentId,
      name: runName,
      user: "ada",
      startedAt,
      tags: { a: "b" },
    });
    return store().run(id);
  };

  describe(name, () => {
    test("an experiment is made once, whoever asks", async () => {
      const called = `once ${++count} ${Date.now()}`;
      expect(await store().experiment(called)).toBeUndefined();
      const made = await Promise.all([1, 2, 3].map(() => store().createExperiment(called)));
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      expect(await store().experiment(called)).toEqual(made[0]);
      expect(await store().experiments()).toContainEqual(made[0]);
    });

    test("a run begins, ends and begins again", async () => {
      const run = await fresh();
      expect(run).toMatchObject({ name: "first", status: "RUNNING", startedAt: START, endedAt: undefined });
      expect(run.tags).toMatchObject({ a: "b", "mlflow.user": "ada", "mlflow.runName": "first" });
      const end = new Date(START.getTime() + 5);
      await store().updateRun(run.id, "FAILED", end);
      expect(await store().run(run.id)).toMatchObject({ status: "FAILED", endedAt: end });
      await store().updateRun(run.id, "RUNNING", undefined);
      expect((await store().run(run.id)).status).toBe("RUNNING");
    });

    test("params stay as they are, tags change", async () => {
      const { id } = await fresh();
      await store().log(id, { params: { depth: "6", empty: "x" }, tags: { note: "one" } });
      await store().log(id, { params: { depth: "6", rate: "0.1" }, tags: { note: "two" } });
      await expect(store().log(id, { params: { fine: "1", depth: "7" } })).rejects.toMatchObject({
        code: "PARAM_EXISTS",
        subject: id,
      });
      const run = await store().run(id);
      expect(run.params).toEqual({ depth: "6", empty: "x", rate: "0.1" });
      expect(run.tags.note).toBe("two");
    });

    test("more than a server takes at once is all logged", async () => {
      const { id } = await fresh();
      const params = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, String(i)]));
      const metrics = Array.from({ length: 1_700 }, (_, i) => ({
        key: "m",
        value: i / 2,
        step: i,
        at: START,
      }));
      await store().log(id, { params, metrics });
      expect((await store().run(id)).params).toEqual(params);
      expect(await store().history(id, "m")).toEqual(metrics);
    });

    test("any number is a metric's value, and the last one is that of the highest step", async () => {
      const value = fc.oneof(
        fc
          .double({ noDefaultInfinity: true })
          .filter((x) => Math.abs(x) < Number.MAX_VALUE && !Object.is(x, -0)),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE),
      );
      const logged = fc.array(fc.record({ value, step: fc.integer({ min: -3, max: 3 }), ms: fc.nat(3) }), {
        minLength: 1,
        maxLength: 8,
      });
      const { id } = await fresh();
      let key = 0;
      await fc.assert(
        fc.asyncProperty(logged, async (all) => {
          const metrics = all.map(
            ({ value: each, step, ms }): Metric => ({
              key: `k${key}`,
              value: each,
              step,
              at: new Date(START.getTime() + ms),
            }),
          );
          key++;
          for (const metric of metrics) await store().log(id, { metrics: [metric] });
          const { key: called } = metrics[0] as Metric;
          // What is no number counts as 0 where all else is equal.
          const rank = ({ value: each }: Metric) => (Number.isNaN(each) ? 0 : each);
          const order = (a: Metric, b: Metric) =>
            a.step - b.step || a.at.getTime() - b.at.getTime() || Math.sign(rank(a) - rank(b)) || 0;
          const text = ({ value: each, step, at }: Metric) => `${each} ${step} ${at.getTime()}`;
          const kept = new Map(metrics.map((metric) => [text(metric), metric]));
          const history = await store().history(id, called);
          expect(history.map(text).sort()).toEqual([...kept.keys()].sort());
          const last = (await store().run(id)).metrics[called] as Metric;
          expect(metrics.every((metric) => order(metric, last) <= 0)).toBe(true);
          expect(kept.has(text(last))).toBe(true);
        }),
        { numRuns: times(8) },
      );
    });

    test("runs come newest first, as many as are asked for", async () => {
      const { experimentId } = await fresh();
      for (const minute of [2, 1, 3])
        await another(experimentId, `at ${minute}`, new Date(START.getTime() + minute * 60_000));
      const names = async (limit: number) =>
        (await store().runs({ experimentId, limit })).map((run) => run.name);
      expect(await names(100)).toEqual(["at 3", "at 2", "at 1", "first"]);
      expect(await names(2)).toEqual(["at 3", "at 2"]);
    });

    test("data is found from its run, and runs from their data", async () => {
      const run = await fresh();
      const second = await another(run.experimentId, "second", new Date(START.getTime() + 1));
      const digest = String(7_000_000_000_000_000_000n + BigInt(++count) + BigInt(Date.now()));
      const dataset = { name: "gold.it's", digest, sourceType: "iceberg", source: '{"a":1}', schema: "{}" };
      const input = { ...dataset, profile: undefined, tags: { "mlflow.data.context": "training" } };
      await store().logInputs(run.id, [input]);
      await store().logInputs(run.id, [{ ...input, tags: { more: "1" } }]);
      await store().logInputs(second.id, [input, { ...input, name: "other", tags: {} }]);
      const tags = { "mlflow.data.context": "training" };
      expect((await store().run(second.id)).inputs).toEqual([
        { ...input, tags },
        { ...input, name: "other", tags: {} },
      ]);
      expect((await store().run(run.id)).inputs[0]).toMatchObject(dataset);
      expect((await store().runsOf(dataset)).map(({ id }) => id)).toEqual([second.id, run.id]);
      expect(await store().runsOf({ ...dataset, digest: "1" })).toEqual([]);
    });

    test("files of a run come back byte for byte", async () => {
      const { id } = await fresh();
      const owner = { run: id };
      expect(await store().files(owner)).toEqual([]);
      const content = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256);
      await store().putFile(owner, "a b/c?d ü.bin", content);
      await store().putFile(owner, "notes.txt", bytes("one"));
      await store().putFile(owner, "notes.txt", bytes("other"));
      expect(await store().files(owner)).toEqual([
        { path: "a b/c?d ü.bin", size: 70_000 },
        { path: "notes.txt", size: 5 },
      ]);
      expect(await store().file(owner, "a b/c?d ü.bin")).toEqual(content);
      await expect(store().file(owner, "nope.txt")).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    });

    test("a model belongs to its run, and becomes versions of a registered one", async () => {
      const run = await fresh();
      await store().log(run.id, { params: { depth: "6" } });
      const model = await store().createModel({
        run,
        name: "late",
        params: { depth: "6" },
        tags: { hash: "x" },
      });
      expect(model).toMatchObject({ name: "late", runId: run.id, status: "PENDING", params: { depth: "6" } });
      expect(model.id).toMatch(/^m-[0-9a-f]{32}$/);
      await store().putFile({ model: model.id }, "MLmodel", bytes("flavors: {}\n"));
      await store().log(run.id, {
        metrics: [{ key: "auc", value: 0.7, step: 0, at: START }],
        model: model.id,
      });
      await store().endModel(model.id, "READY");
      expect(await store().model(model.id)).toMatchObject({ status: "READY", tags: { hash: "x" } });
      expect((await store().run(run.id)).models).toEqual([model.id]);
      expect(await store().files({ model: model.id })).toEqual([{ path: "MLmodel", size: 12 }]);
      const called = `registered ${++count} ${Date.now()}`;
      expect(await store().modelVersions(called)).toEqual([]);
      expect((await store().registerModel(called, model)).version).toBe(1);
      expect((await store().registerModel(called, model)).version).toBe(2);
      await store().setAlias(called, "champion", 1);
      await store().setAlias(called, "champion", 2);
      await expect(store().setAlias(called, "champion", 9)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      const version = { name: called, modelId: model.id, runId: run.id };
      expect(await store().modelVersions(called)).toEqual([
        { ...version, version: 1, aliases: [] },
        { ...version, version: 2, aliases: ["champion"] },
      ]);
    });

    test("what is not there is said by its name", async () => {
      const id = "0".repeat(32);
      for (const ask of [
        () => store().run(id),
        () => store().log(id, { tags: { a: "b" } }),
        () => store().updateRun(id, "FINISHED", START),
        () => store().history(id, "m"),
        () => store().file({ run: id }, "a"),
      ])
        await expect(ask()).rejects.toMatchObject({ code: "NO_SUCH_EXPERIMENT_RUN", subject: id });
      await expect(store().model(`m-${id}`)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    });
  });
}
