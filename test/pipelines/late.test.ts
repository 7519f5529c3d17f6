import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldFlightFeatures } from "../../pipelines/flights/contracts.js";
import { type Boosted, boost, type Matrix, scoresOf } from "../../pipelines/flights/model/boosting.js";
import { auc, brier, calibrate, probability } from "../../pipelines/flights/model/evaluate.js";
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
      });
      await lake.quality.createTable(goldFlightFeatures);
      await lake.quality.publish(goldFlightFeatures, rows);
      const { run } = await lake.experiments.run({ experiment: "late", params: { rounds: 20 } }, trainLate);
      const [model] = run.models;
      const onnx = await lake.experiments.artifact({ model: model as string }, "model.onnx");
      const value = (key: string) => run.metrics[key]?.value as number;
      return { onnx, value };
    } finally {
      await lake.close();
    }
  }

  const byHour = (_: number, hour: number, coin: number) => coin < (hour > 15 ? 0.7 : 0.1);

  test("beats the baseline, is the same each time, and knows nothing of the days that it is tested on", async () => {
    const first = await trained("first", byHour);
    expect(first.value("test/auc")).toBeGreaterThan(0.7);
    expect(first.value("test/brier")).toBeLessThan(first.value("naive/brier") + 0.01);
    expect((await trained("again", byHour)).onnx).toEqual(first.onnx);
    // Days 17 to 19 are those of the test.
    const other = await trained("other", (day, hour, coin) =>
      day >= 17 ? !byHour(day, hour, coin) : byHour(day, hour, coin),
    );
    expect(other.onnx).toEqual(first.onnx);
    expect(other.value("test/auc")).toBeLessThan(0.5);
    // And one day before that it does know of.
    const known = await trained("known", (day, hour, coin) =>
      day >= 16 ? !byHour(day, hour, coin) : byHour(day, hour, coin),
    );
    expect(known.onnx).not.toEqual(first.onnx);
  });
});
