import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openLakehouse } from "sololakehouse";
import type { LoggedModel } from "sololakehouse/experiments";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldFlightFeatures } from "../../pipelines/flights/contracts.js";
import { type Boosted, boost, type Matrix, scoresOf } from "../../pipelines/flights/model/boosting.js";
import { modelCard } from "../../pipelines/flights/model/card.js";
import {
  auc,
  brier,
  calibrate,
  probability,
  type RocPoint,
  rocOf,
} from "../../pipelines/flights/model/evaluate.js";
import { cutsOf, trainLate } from "../../pipelines/flights/model/late.js";

/** Whole numbers that look thrown, the same each time. */
function thrown(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const OPTIONS = { rounds: 20, learningRate: 0.2, leaves: 8, minRows: 5 };

describe("boosting", () => {
  test("the area under the curve is the share of pairs in their order", () => {
    const pair = fc.record({ score: fc.integer({ min: -3, max: 3 }), late: fc.boolean() });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 2, maxLength: 30 }), (rows) => {
        const [yes, no] = [rows.filter(({ late }) => late), rows.filter(({ late }) => !late)];
        fc.pre(yes.length > 0 && no.length > 0);
        const wins = yes.flatMap((a) =>
          no.map((b) => (a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0)),
        );
        const naive = wins.reduce<number>((sum, each) => sum + each, 0) / wins.length;
        const scores = Float64Array.from(rows, ({ score }) => score);
        expect(
          auc(
            scores,
            Uint8Array.from(rows, ({ late }) => Number(late)),
          ),
        ).toBeCloseTo(naive, 10);
      }),
    );
  });

  test("one tree is the best of all splits that a plain search finds", () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.NaN));
    const row = fc.record({ a: value, b: value, late: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 12, maxLength: 60 }), (rows) => {
        const labels = Uint8Array.from(rows, ({ late }) => Number(late));
        const columns = [rows.map(({ a }) => a), rows.map(({ b }) => b)];
        const matrix: Matrix = {
          names: ["a", "b"],
          rows: rows.length,
          columns: columns.map((each) => Float32Array.from(each)),
        };
        const { base, trees } = boost(matrix, labels, { rounds: 1, learningRate: 1, leaves: 2, minRows: 3 });
        const share = 1 / (1 + Math.exp(-base));
        const gainOf = (isLeft: (i: number) => boolean): number => {
          const sums = [0, 0, 0, 0];
          for (const [i, label] of labels.entries()) {
            const side = isLeft(i) ? 0 : 1;
            sums[side] = (sums[side] as number) + share - label;
            sums[2 + side] = (sums[2 + side] as number) + 1;
          }
          const [l, r, nl, nr] = sums as [number, number, number, number];
          if (nl < 3 || nr < 3) return 0;
          const h = share * (1 - share);
          return (l * l) / (nl * h) + (r * r) / (nr * h) - (l + r) ** 2 / ((nl + nr) * h);
        };
        let best = 0;
        for (const column of columns)
          for (let edge = 0; edge <= 9; edge++)
            for (const missingLeft of [true, false])
              best = Math.max(
                best,
                gainOf((i) => (Number.isNaN(column[i]) ? missingLeft : (column[i] as number) <= edge)),
              );
        const found = (trees[0]?.gain[0] as number) ?? 0;
        expect(found).toBeCloseTo(best, 6);
      }),
    );
  });

  test("scores are those that training reached, and more rounds fit better", () => {
    const random = thrown(1);
    const rows = 2_000;
    const columns = [0, 1, 2].map(() =>
      Float32Array.from({ length: rows }, () => (random() < 0.05 ? Number.NaN : random() * 10)),
    );
    const labels = Uint8Array.from({ length: rows }, (_, i) =>
      Number((columns[0]?.[i] ?? 0) > 5 !== (columns[1]?.[i] ?? 0) > 5 && random() < 0.9),
    );
    const matrix = { names: ["a", "b", "c"], columns, rows };
    const few = boost(matrix, labels, { ...OPTIONS, rounds: 3 });
    const many = boost(matrix, labels, OPTIONS);
    expect(many.trees.slice(0, 3)).toEqual(few.trees);
    const aucOf = (model: Boosted) => auc(scoresOf(model, matrix), labels);
    expect(aucOf(few)).toBeGreaterThan(0.7);
    expect(aucOf(many)).toBeGreaterThan(aucOf(few));
    expect(boost(matrix, labels, OPTIONS)).toEqual(many);
  });

  test("a tree of a quantity splits where the sum of squares falls most, and foretells means", () => {
    const random = thrown(4);
    const rows = 400;
    const column = Float32Array.from({ length: rows }, () => Math.floor(random() * 8));
    const minutes = Float32Array.from(column, (x) => (x > 4 ? 50 : -5) + random());
    const matrix = { names: ["a"], columns: [column], rows };
    const options = { rounds: 1, learningRate: 1, leaves: 2, minRows: 5 };
    const model = boost(matrix, minutes, options, "squared");
    expect(model.trees[0]?.threshold[0]).toBe(4);
    const mean = (isIn: (x: number) => boolean) => {
      const found = [...minutes].filter((_, i) => isIn(column[i] as number));
      return found.reduce((sum, each) => sum + each, 0) / found.length;
    };
    const scores = scoresOf(model, matrix);
    for (const [i, x] of column.entries())
      expect(scores[i]).toBeCloseTo(x > 4 ? mean((y) => y > 4) : mean((y) => y <= 4), 4);
  });

  test("the curve goes through what each threshold gives, and its area is the area under the curve", () => {
    const pair = fc.record({ score: fc.integer({ min: -3, max: 3 }), late: fc.boolean() });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 2, maxLength: 40 }), (rows) => {
        const all = rows.filter(({ late }) => late).length;
        fc.pre(all > 0 && all < rows.length);
        const scores = Float64Array.from(rows, ({ score }) => score);
        const labels = Uint8Array.from(rows, ({ late }) => Number(late));
        const curve = rocOf(scores, labels, rows.length);
        const thresholds = [...new Set(scores)].sort((a, b) => b - a);
        const share = (isLate: boolean, edge: number) => {
          const those = rows.filter(({ late }) => late === isLate);
          return those.filter(({ score }) => score >= edge).length / those.length;
        };
        expect(curve).toEqual([
          { falseAlarms: 0, found: 0 },
          ...thresholds.map((edge) => ({ falseAlarms: share(false, edge), found: share(true, edge) })),
        ]);
        const area = curve.slice(1).reduce((sum, { falseAlarms, found }, i) => {
          const before = curve[i] as RocPoint;
          return sum + ((falseAlarms - before.falseAlarms) * (found + before.found)) / 2;
        }, 0);
        expect(area).toBeCloseTo(auc(scores, labels), 10);
      }),
    );
  });

  test("calibration brings probabilities to what comes", () => {
    const random = thrown(2);
    const scores = Float64Array.from({ length: 5_000 }, () => (random() - 0.5) * 8);
    const labels = Uint8Array.from(scores, (x) =>
      Number(random() < probability(x, { scale: 0.5, shift: -1 })),
    );
    const { scale, shift } = calibrate(scores, labels);
    expect(Math.abs(scale - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(shift + 1)).toBeLessThan(0.1);
    const raw = brier(
      scores.map((x) => probability(x)),
      labels,
    );
    expect(
      brier(
        scores.map((x) => probability(x, { scale, shift })),
        labels,
      ),
    ).toBeLessThan(raw);
  });
});

describe("a model of late flights", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "late-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test("each part of the days is later than the one before", () => {
    fc.assert(
      fc.property(fc.integer({ min: 7, max: 400 }), (count) => {
        const {
          train,
          calibrate: between,
          test: held,
        } = cutsOf(Array.from({ length: count }, (_, i) => i * 2));
        expect(train[0]).toBe(0);
        expect(train[0]).toBeLessThan(train[1]);
        expect(between).toEqual([train[1], held[0]]);
        expect(between[0]).toBeLessThan(between[1]);
        expect(held[0]).toBeLessThan(held[1]);
      }),
    );
  });

  /** @param late whether a flight of a day is late. */
  async function trained(name: string, late: (day: number, hour: number, coin: number) => boolean) {
    const lake = await openLakehouse({ root: join(root, name) });
    try {
      const random = thrown(3);
      const rows = Array.from({ length: 3_000 }, (_, i) => {
        const day = Math.floor(i / 150);
        const hour = Math.floor(random() * 24);
        return {
          flight_id: `f${i}`,
          flight_date: `2001-01-${String(day + 1).padStart(2, "0")}`,
          origin: ["SEA", "SFO", "JFK"][i % 3] as string,
          destination: ["LAX", "ORD"][i % 2] as string,
          scheduled_hour: hour,
          weekday: day % 7,
          distance_miles: 300 + (i % 5) * 100,
          route_delay_minutes_7d: day === 0 ? null : random() * 10,
          origin_delay_minutes_7d: day === 0 ? null : random() * 10,
          is_late: late(day, hour, random()),
        };
      }).map((row) => ({ ...row, arrival_delay_minutes: row.is_late ? 30 + row.scheduled_hour : 0 }));
      await lake.quality.createTable(goldFlightFeatures);
      await lake.quality.publish(goldFlightFeatures, rows);
      const { run } = await lake.experiments.run({ experiment: "late", params: { rounds: 20 } }, trainLate);
      const models = await Promise.all(run.models.map((id) => lake.experiments.model(id)));
      const onnxOf = async (wanted: string) => {
        const { id } = models.find((model) => model.name === wanted) as LoggedModel;
        return (await lake.experiments.modelFiles(id))["model.onnx"];
      };
      const json = async (path: string) =>
        JSON.parse(new TextDecoder().decode(await lake.experiments.artifact({ run: run.id }, path)));
      const card = modelCard(run, await json("calibration.json"), await json("importance.json"));
      const value = (key: string) => run.metrics[key]?.value as number;
      return { onnx: await onnxOf("late"), minutes: await onnxOf("minutes"), card, run, value };
    } finally {
      await lake.close();
    }
  }

  const byHour = (_: number, hour: number, coin: number) => coin < (hour > 15 ? 0.7 : 0.1);

  test("beats the baseline, is the same each time, and knows nothing of the days that it is tested on", async () => {
    const first = await trained("first", byHour);
    expect(first.value("test/auc")).toBeGreaterThan(0.7);
    expect(first.value("test/brier")).toBeLessThan(first.value("naive/brier") + 0.01);
    expect(first.value("minutes/rmse")).toBeLessThan(first.value("naive/minutes_rmse") * 1.05);
    const again = await trained("again", byHour);
    expect([again.onnx, again.minutes]).toEqual([first.onnx, first.minutes]);
    // Days 17 to 19 are those of the test.
    const other = await trained("other", (day, hour, coin) =>
      day >= 17 ? !byHour(day, hour, coin) : byHour(day, hour, coin),
    );
    expect([other.onnx, other.minutes]).toEqual([first.onnx, first.minutes]);
    expect(other.value("test/auc")).toBeLessThan(0.5);
    // And one day before that it does know of.
    const known = await trained("known", (day, hour, coin) =>
      day >= 16 ? !byHour(day, hour, coin) : byHour(day, hour, coin),
    );
    expect(known.onnx).not.toEqual(first.onnx);
  });

  test("a card says of a model what its run says", async () => {
    const { card, run, value } = await trained("card", byHour);
    const [input] = run.inputs;
    for (const said of [
      run.id.slice(0, 8),
      input?.digest as string,
      run.tags["sololakehouse.catalog.commit"] as string,
      run.tags["mlflow.source.git.commit"] as string,
      "| trained on | 2001-01-01 to 2001-01-14 | 2,100 |",
      "| calibrated on | 2001-01-15 to 2001-01-17 | 450 |",
      "| tested on | 2001-01-18 to 2001-01-20 | 450 |",
      `| AUC | ${value("test/auc").toFixed(3)} | ${value("naive/auc").toFixed(3)} |`,
      `| minutes off, mean | ${value("minutes/mae").toFixed(1)} |`,
      "`scheduled_hour`: ",
    ])
      expect(card).toContain(said);
    const bare = modelCard({ ...run, tags: {}, params: {}, metrics: {} }, [], {});
    expect(bare).toContain("catalog commit `not said`");
    expect(bare).toContain("| AUC | not measured | not measured |");
  });
});
