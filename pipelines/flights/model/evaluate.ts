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
