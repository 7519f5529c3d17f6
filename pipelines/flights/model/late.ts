import type { ActiveRun } from "sololakehouse/experiments";
import { onnxModel } from "sololakehouse/experiments";
import { BOOSTING, type Boosted, boost, importanceOf, scoresOf } from "./boosting.js";
import { auc, brier, calibrate, calibrationOf, probability } from "./evaluate.js";
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

/**
 * Learns whether a flight comes in 15 minutes late or more, from `gold.flight_features`, and tells of it: on days that are later
 * than all that it learnt from, beside the late share of the flight's hour and origin, and over several cuts of time.
 */
export async function trainLate(run: ActiveRun): Promise<void> {
  const table = await run.table("gold.flight_features");
  const all = await examplesOf(run, table);
  const days = [...new Set(all.day)].sort((a, b) => a - b);
  const cuts = cutsOf(days);
  const options = { ...BOOSTING, rounds: Number(run.params.rounds ?? BOOSTING.rounds) };
  await run.logParams({
    rounds: options.rounds,
    learning_rate: options.learningRate,
    leaves: options.leaves,
  });

  // Over time: a model of all days up to a cut is asked about those until the next.
  const [start, end] = cuts.train;
  for (let fold = 0; fold < FOLDS; fold++) {
    const edge = (k: number) => days[Math.floor(((FOLDS + k) / (2 * FOLDS)) * days.indexOf(end))] as number;
    const { score } = learn(part(all, [start, edge(fold)]), options);
    const held = part(all, [edge(fold), edge(fold + 1)]);
    await run.logMetrics({ "fold/auc": auc(score(held), held.late) }, fold);
  }

  const train = part(all, cuts.train);
  const { model, places, score } = learn(train, options);
  const between = part(all, cuts.calibrate);
  const calibration = calibrate(score(between), between.late);
  const test = part(all, cuts.test);
  const scores = score(test);
  const probabilities = scores.map((each) => probability(each, calibration));
  const naive = naiveOf(train)(test);
  await run.logMetrics({
    rows: train.late.length,
    "test/rows": test.late.length,
    "test/auc": auc(scores, test.late),
    "test/brier": brier(probabilities, test.late),
    "naive/auc": auc(naive, test.late),
    "naive/brier": brier(naive, test.late),
  });
  const importance = importanceOf(model);
  await run.logArtifact("importance.json", JSON.stringify(importance, null, 2));
  await run.logArtifact("calibration.json", JSON.stringify(calibrationOf(probabilities, test.late), null, 2));
  await run.logArtifact("places.json", JSON.stringify(places));
  const signature = {
    inputs: [{ name: "features", dtype: "float32", shape: [-1, FEATURES.length] }],
    outputs: [{ name: "probability", dtype: "float32", shape: [-1, 1] }],
  };
  await run.logModel({
    name: "late",
    ...onnxModel(onnxOf(model, calibration), signature),
    registerAs: "late-flights",
  });
}

interface Learnt {
  readonly model: Boosted;
  readonly places: Places;
  readonly score: (rows: Examples) => Float64Array;
}

/** What is learnt of places comes from the same rows as the trees, and from no later ones. */
function learn(train: Examples, options: typeof BOOSTING): Learnt {
  const places = placesOf(train);
  const model = boost(matrixOf(train, places), train.late, options);
  return { model, places, score: (rows) => scoresOf(model, matrixOf(rows, places)) };
}

/** The baseline: the late share of the hour at the origin, as far as rows tell, else of the hour. */
function naiveOf(train: Examples): (rows: Examples) => Float64Array {
  const sums = new Map<string, [late: number, rows: number]>();
  const add = (key: string, late: number) => {
    const had = sums.get(key) ?? [0, 0];
    sums.set(key, [had[0] + late, had[1] + 1]);
  };
  const keys = ({ origin, hour }: Examples, i: number) => [`${origin[i]} ${hour[i]}`, `${hour[i]}`, ""];
  for (let i = 0; i < train.late.length; i++)
    for (const key of keys(train, i)) add(key, train.late[i] as number);
  return (rows) =>
    Float64Array.from(rows.late, (_, i) => {
      const known = keys(rows, i).map((key) => sums.get(key));
      const [late, count] =
        known.find((each) => each !== undefined && each[1] >= 50) ?? (known[2] as [number, number]);
      return late / count;
    });
}
