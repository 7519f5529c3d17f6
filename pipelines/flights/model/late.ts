import type { ActiveRun } from "sololakehouse/experiments";
import { onnxModel } from "sololakehouse/experiments";
import { BOOSTING, type Boosted, type BoostingOptions, boost, importanceOf, scoresOf } from "./boosting.js";
import { auc, brier, calibrate, calibrationOf, distanceOf, hoursOf, probability, rocOf } from "./evaluate.js";
import { type Examples, examplesOf, FEATURES, matrixOf, type Places, part, placesOf } from "./features.js";
import { onnxOf } from "./onnx.js";

/** A share of the days, by time: later ones are held back. */
const TRAIN = 0.7;
const CALIBRATE = 0.15;
const FOLDS = 3;

/** Where the days are cut: each part is later than the one before it. */
export interface Cuts {
  readonly train: readonly [number, number];
  readonly calibrate: readonly [number, number];
  readonly test: readonly [number, number];
}

/** @param days each day of the rows, rising. */
export function cutsOf(days: readonly number[]): Cuts {
  if (days.length < 7) throw new Error(`There are ${days.length} days, and at least 7 are wanted.`);
  const at = (share: number) => days[Math.min(days.length - 1, Math.floor(share * days.length))] as number;
  const end = (days.at(-1) as number) + 1;
  return {
    train: [days[0] as number, at(TRAIN)],
    calibrate: [at(TRAIN), at(TRAIN + CALIBRATE)],
    test: [at(TRAIN + CALIBRATE), end],
  };
}

/** Each day that has flights, rising. */
export const daysOf = ({ day }: Examples): number[] => [...new Set(day)].sort((a, b) => a - b);

const INPUTS = [{ name: "features", dtype: "float32", shape: [-1, FEATURES.length] }];

/**
 * Learns from `gold.flight_features` whether a flight comes in 15 minutes late or more, and by how many minutes, and tells of
 * it: on days that are later than all that it learnt from, beside what the flight's hour and origin alone say, and over several
 * cuts of time.
 *
 * @returns the id of the model of late flights; the run has that of minutes as well.
 */
export async function trainLate(run: ActiveRun): Promise<string> {
  const table = await run.table("gold.flight_features");
  const all = await examplesOf(run, table);
  const days = daysOf(all);
  const cuts = cutsOf(days);
  const options = { ...BOOSTING, rounds: Number(run.params.rounds ?? BOOSTING.rounds) };
  await run.logParams({
    rounds: options.rounds,
    learning_rate: options.learningRate,
    leaves: options.leaves,
    train_days: dates(cuts.train),
    calibrate_days: dates(cuts.calibrate),
    test_days: dates(cuts.test),
  });

  // Over time: a model of all days up to a cut is asked about those until the next.
  const [start, end] = cuts.train;
  for (let fold = 0; fold < FOLDS; fold++) {
    const edge = (k: number) => days[Math.floor(((FOLDS + k) / (2 * FOLDS)) * days.indexOf(end))] as number;
    const { score } = learn(part(all, [start, edge(fold)]), options);
    const held = part(all, [edge(fold), edge(fold + 1)]);
    await run.logMetrics({ "fold/auc": auc(score(held), held.late) }, fold);
  }

  const [train, test] = [part(all, cuts.train), part(all, cuts.test)];
  const learnt = learn(train, options);
  const late = await logLate(run, learnt, train, part(all, cuts.calibrate), test);
  await logMinutes(run, learnt.places, train, test, options);
  await run.logArtifact("places.json", JSON.stringify(learnt.places));
  return late;
}

async function logLate(
  run: ActiveRun,
  { model, score }: Learnt,
  train: Examples,
  between: Examples,
  test: Examples,
): Promise<string> {
  const calibration = calibrate(score(between), between.late);
  const scores = score(test);
  const probabilities = scores.map((each) => probability(each, calibration));
  const naive = naiveOf(train, train.late)(test);
  await run.logMetrics({
    rows: train.late.length,
    "calibration/rows": between.late.length,
    "test/rows": test.late.length,
    "test/late_share": test.late.reduce((sum, each) => sum + each, 0) / test.late.length,
    "test/auc": auc(scores, test.late),
    "test/brier": brier(probabilities, test.late),
    "naive/auc": auc(naive, test.late),
    "naive/brier": brier(naive, test.late),
  });
  const figures = {
    importance: importanceOf(model),
    calibration: calibrationOf(probabilities, test.late),
    roc: { model: rocOf(scores, test.late), naive: rocOf(naive, test.late) },
    hours: hoursOf(test.hour, probabilities, naive, test.late),
  };
  for (const [name, data] of Object.entries(figures))
    await run.logArtifact(`${name}.json`, JSON.stringify(data, null, 2));
  const outputs = [{ name: "probability", dtype: "float32", shape: [-1, 1] }];
  const { model: logged } = await run.logModel({
    name: "late",
    ...onnxModel(onnxOf(model, calibration), { inputs: INPUTS, outputs }),
    registerAs: "late-flights",
  });
  return logged.id;
}

async function logMinutes(
  run: ActiveRun,
  places: Places,
  train: Examples,
  test: Examples,
  options: BoostingOptions,
): Promise<void> {
  const model = boost(matrixOf(train, places), train.minutes, options, "squared");
  const far = distanceOf(scoresOf(model, matrixOf(test, places)), test.minutes);
  const naive = distanceOf(naiveOf(train, train.minutes)(test), test.minutes);
  await run.logMetrics({
    "minutes/rmse": far.rmse,
    "minutes/mae": far.mae,
    "naive/minutes_rmse": naive.rmse,
    "naive/minutes_mae": naive.mae,
  });
  const outputs = [{ name: "score", dtype: "float32", shape: [-1, 1] }];
  await run.logModel({
    name: "minutes",
    ...onnxModel(onnxOf(model), { inputs: INPUTS, outputs }),
    registerAs: "late-minutes",
  });
}

/** From the first day to the last one. */
function dates([from, to]: readonly [number, number]): string {
  const text = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);
  return `${text(from)} to ${text(to - 1)}`;
}

interface Learnt {
  readonly model: Boosted;
  readonly places: Places;
  readonly score: (rows: Examples) => Float64Array;
}

/** What is learnt of places comes from the same rows as the trees, and from no later ones. */
function learn(train: Examples, options: BoostingOptions): Learnt {
  const places = placesOf(train);
  const model = boost(matrixOf(train, places), train.late, options);
  return { model, places, score: (rows) => scoresOf(model, matrixOf(rows, places)) };
}

/** The baseline: the mean of the hour at the origin, as far as rows tell, else of the hour. */
function naiveOf(train: Examples, values: Uint8Array | Float32Array): (rows: Examples) => Float64Array {
  const sums = new Map<string, [sum: number, rows: number]>();
  const add = (key: string, value: number) => {
    const had = sums.get(key) ?? [0, 0];
    sums.set(key, [had[0] + value, had[1] + 1]);
  };
  const keys = ({ origin, hour }: Examples, i: number) => [`${origin[i]} ${hour[i]}`, `${hour[i]}`, ""];
  for (const [i, value] of values.entries()) for (const key of keys(train, i)) add(key, value);
  return (rows) =>
    Float64Array.from(rows.late, (_, i) => {
      const known = keys(rows, i).map((key) => sums.get(key));
      const [sum, count] =
        known.find((each) => each !== undefined && each[1] >= 50) ?? (known[2] as [number, number]);
      return sum / count;
    });
}
