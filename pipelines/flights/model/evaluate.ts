import type { Calibration } from "./onnx.js";

/** The share of pairs of a late flight and one in time of which the late one has the higher score; ties count half. */
export function auc(scores: Float64Array, labels: Uint8Array): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
  let [late, ranks] = [0, 0];
  for (let i = 0; i < order.length; ) {
    let end = i;
    while (end < order.length && scores[order[end] as number] === scores[order[i] as number]) end++;
    for (let k = i; k < end; k++)
      if (labels[order[k] as number] === 1) {
        late++;
        ranks += (i + end + 1) / 2;
      }
    i = end;
  }
  return (ranks - (late * (late + 1)) / 2) / (late * (labels.length - late));
}

export const probability = (score: number, { scale, shift }: Calibration = { scale: 1, shift: 0 }) =>
  1 / (1 + Math.exp(-(scale * score + shift)));

/** The mean squared distance of probabilities from what came. */
export function brier(probabilities: Float64Array, labels: Uint8Array): number {
  return probabilities.reduce((sum, p, i) => sum + (p - (labels[i] as number)) ** 2, 0) / labels.length;
}

/** The scale and shift of log-odds under which the labels are likeliest (Platt), by Newton's method. */
export function calibrate(scores: Float64Array, labels: Uint8Array): Calibration {
  let [scale, shift] = [1, 0];
  for (let step = 0; step < 50; step++) {
    let [gs, gt, hss, hst, htt] = [0, 0, 1e-9, 0, 1e-9];
    for (let i = 0; i < scores.length; i++) {
      const x = scores[i] as number;
      const p = probability(x, { scale, shift });
      const [error, weight] = [p - (labels[i] as number), p * (1 - p)];
      gs += error * x;
      gt += error;
      hss += weight * x * x;
      hst += weight * x;
      htt += weight;
    }
    const determinant = hss * htt - hst * hst;
    const [ds, dt] = [(htt * gs - hst * gt) / determinant, (hss * gt - hst * gs) / determinant];
    scale -= ds;
    shift -= dt;
    if (Math.abs(ds) + Math.abs(dt) < 1e-10) break;
  }
  return { scale, shift };
}

/** A tenth of the rows, by their probability: what was foretold, and what came. */
export interface CalibrationBin {
  readonly foretold: number;
  readonly came: number;
  readonly rows: number;
}

export function calibrationOf(probabilities: Float64Array, labels: Uint8Array, count = 10): CalibrationBin[] {
  const order = Uint32Array.from(probabilities, (_, i) => i).sort(
    (a, b) => (probabilities[a] as number) - (probabilities[b] as number),
  );
  return Array.from({ length: count }, (_, k) => {
    const rows = order.subarray(
      Math.floor((k * order.length) / count),
      Math.floor(((k + 1) * order.length) / count),
    );
    let [foretold, came] = [0, 0];
    for (const row of rows) {
      foretold += probabilities[row] as number;
      came += labels[row] as number;
    }
    return { foretold: foretold / rows.length, came: came / rows.length, rows: rows.length };
  }).filter(({ rows }) => rows > 0);
}

/** A threshold's place on the curve: the share of flights in time that it calls late, and of late ones that it finds. */
export interface RocPoint {
  readonly falseAlarms: number;
  readonly found: number;
}

/** The curve at about as many thresholds, from none called late to all of them. Rows of one score are called alike. */
export function rocOf(scores: Float64Array, labels: Uint8Array, points = 60): RocPoint[] {
  const order = Uint32Array.from(scores, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
  const late = labels.reduce((sum, label) => sum + label, 0);
  const inTime = labels.length - late;
  const curve: RocPoint[] = [{ falseAlarms: 0, found: 0 }];
  let [found, called] = [0, 0];
  for (const [i, row] of order.entries()) {
    found += labels[row] as number;
    const next = order[i + 1];
    if (next !== undefined && scores[next] === scores[row]) continue;
    if (next !== undefined && i + 1 - called < order.length / points) continue;
    called = i + 1;
    curve.push({ falseAlarms: (called - found) / inTime, found: found / late });
  }
  return curve;
}

/** How far quantities are from what came: the root of the mean square, and the mean. */
export function distanceOf(foretold: Float64Array, came: Float32Array): { rmse: number; mae: number } {
  let [squares, all] = [0, 0];
  for (let i = 0; i < came.length; i++) {
    const error = (foretold[i] as number) - (came[i] as number);
    squares += error * error;
    all += Math.abs(error);
  }
  return { rmse: Math.sqrt(squares / came.length), mae: all / came.length };
}

/** The flights of an hour: what was foretold and what came, and how far both predictions were from it (Brier). */
export interface HourError {
  readonly hour: number;
  readonly rows: number;
  readonly foretold: number;
  readonly came: number;
  readonly brier: number;
  readonly naive: number;
}

export function hoursOf(
  hours: Float32Array,
  probabilities: Float64Array,
  naive: Float64Array,
  labels: Uint8Array,
): HourError[] {
  return [...new Set(hours)]
    .sort((a, b) => a - b)
    .map((hour) => {
      const rows = [...labels.keys()].filter((i) => hours[i] === hour);
      const mean = (value: (i: number) => number) => rows.reduce((sum, i) => sum + value(i), 0) / rows.length;
      const label = (i: number) => labels[i] as number;
      return {
        hour,
        rows: rows.length,
        foretold: mean((i) => probabilities[i] as number),
        came: mean(label),
        brier: mean((i) => ((probabilities[i] as number) - label(i)) ** 2),
        naive: mean((i) => ((naive[i] as number) - label(i)) ** 2),
      };
    });
}
