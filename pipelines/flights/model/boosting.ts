/**
 * Gradient boosting on histograms, for two classes or for a quantity: the method of LightGBM and of scikit-learn's HistGradientBoosting. Here
 * because no kept library for Node trains one with settings and gives its trees away (docs/decisions/25-experiments.md).
 *
 * The same rows and settings give the same trees, to the last bit.
 */

/** Rows as columns of single precision; NaN is a value that is missing. */
export interface Matrix {
  readonly names: readonly string[];
  readonly columns: readonly Float32Array[];
  readonly rows: number;
}

export interface BoostingOptions {
  /** Trees. */
  readonly rounds: number;
  readonly learningRate: number;
  readonly leaves: number;
  /** Rows that a leaf has at least. */
  readonly minRows: number;
}

/** What is learnt: the log-odds of labels 0 and 1, or the mean of a quantity, by the squared distance from it. */
export type Loss = "log" | "squared";

export const BOOSTING: BoostingOptions = { rounds: 100, learningRate: 0.1, leaves: 31, minRows: 20 };

/** Nodes by number, the root 0. A row goes left where its value is at most the threshold. */
export interface Tree {
  /** -1 of a leaf. */
  readonly feature: number[];
  readonly threshold: number[];
  readonly missingLeft: boolean[];
  readonly left: number[];
  readonly right: number[];
  /** Of a leaf: what it adds to the score. */
  readonly value: number[];
  /** What the split took off the loss. */
  readonly gain: number[];
}

export interface Boosted {
  readonly names: readonly string[];
  /** The score of all rows: their log-odds, or their mean. */
  readonly base: number;
  readonly trees: readonly Tree[];
}

const BINS = 255;
const MISSING = BINS;
const WIDTH = BINS + 1;
/** Rows from which the edges of bins are taken. */
const SAMPLE = 200_000;

interface Binned {
  readonly bins: readonly Uint8Array[];
  /** The largest value of each bin but the last. */
  readonly edges: readonly Float32Array[];
}

function binned({ columns, rows }: Matrix): Binned {
  const edges = columns.map((column) => edgesOf(column, rows));
  const bins = columns.map((column, f) => {
    const own = edges[f] as Float32Array;
    const out = new Uint8Array(rows);
    for (let i = 0; i < rows; i++) {
      const value = column[i] as number;
      if (Number.isNaN(value)) out[i] = MISSING;
      else {
        let [low, high] = [0, own.length];
        while (low < high) {
          const middle = (low + high) >> 1;
          if (value <= (own[middle] as number)) high = middle;
          else low = middle + 1;
        }
        out[i] = low;
      }
    }
    return out;
  });
  return { bins, edges };
}

/** Values of the column itself: so that rows fall to the same side in single precision, wherever they are compared. */
function edgesOf(column: Float32Array, rows: number): Float32Array {
  const step = Math.max(1, Math.floor(rows / SAMPLE));
  const sample = new Float32Array(Math.ceil(rows / step));
  let found = 0;
  for (let i = 0; i < rows; i += step) {
    const value = column[i] as number;
    if (!Number.isNaN(value)) sample[found++] = value;
  }
  const sorted = sample.subarray(0, found).sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= BINS) return distinct.subarray(0, Math.max(0, distinct.length - 1));
  const edges: number[] = [];
  for (let bin = 1; bin < BINS; bin++) {
    const edge = sorted[Math.floor((bin * found) / BINS)] as number;
    if (edge !== edges.at(-1) && edge !== sorted[found - 1]) edges.push(edge);
  }
  return Float32Array.from(edges);
}

interface Split {
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: boolean;
  readonly gain: number;
}

interface Leaf {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  readonly gradient: number;
  readonly hessian: number;
  /** Three numbers for each feature and bin: gradients, hessians, rows. */
  readonly histogram: Float64Array;
  readonly split: Split | undefined;
}

/** @param labels of each row 0 or 1, or, by the squared loss, any number. */
export function boost(
  matrix: Matrix,
  labels: Uint8Array | Float32Array,
  options: BoostingOptions = BOOSTING,
  loss: Loss = "log",
): Boosted {
  const { rows, names } = matrix;
  if (rows === 0 || labels.length !== rows) throw new Error("There are no rows, or not a label for each.");
  const data = binned(matrix);
  let sum = 0;
  for (const label of labels) sum += label;
  const share = Math.min(Math.max(sum / rows, 1e-6), 1 - 1e-6);
  const base = loss === "log" ? Math.log(share / (1 - share)) : sum / rows;
  const scores = new Float64Array(rows).fill(base);
  const gradients = new Float64Array(rows);
  const hessians = new Float64Array(rows);
  const trees: Tree[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (let i = 0; i < rows; i++) {
      const score = scores[i] as number;
      const mean = loss === "log" ? 1 / (1 + Math.exp(-score)) : score;
      gradients[i] = mean - (labels[i] as number);
      hessians[i] = loss === "log" ? mean * (1 - mean) : 1;
    }
    trees.push(grow(data, gradients, hessians, scores, options));
  }
  return { names, base, trees };
}

/** Grows a tree leaf by leaf, the best first, and adds it to the scores. */
function grow(
  { bins, edges }: Binned,
  gradients: Float64Array,
  hessians: Float64Array,
  scores: Float64Array,
  { leaves, minRows, learningRate }: BoostingOptions,
): Tree {
  const rows = scores.length;
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[i] = i;
  const spare = new Uint32Array(rows);
  const tree: Tree = {
    feature: [],
    threshold: [],
    missingLeft: [],
    left: [],
    right: [],
    value: [],
    gain: [],
  };
  const addNode = () => {
    tree.feature.push(-1);
    tree.threshold.push(0);
    tree.missingLeft.push(false);
    tree.left.push(-1);
    tree.right.push(-1);
    tree.value.push(0);
    tree.gain.push(0);
    return tree.feature.length - 1;
  };
  const leafOf = (from: number, to: number, histogram: Float64Array): Leaf => {
    let [gradient, hessian] = [0, 0];
    for (let bin = 0; bin < WIDTH; bin++) {
      gradient += histogram[bin * 3] as number;
      hessian += histogram[bin * 3 + 1] as number;
    }
    const split = bestSplit(histogram, bins.length, gradient, hessian, to - from, minRows);
    return { node: addNode(), from, to, gradient, hessian, histogram, split };
  };
  const histogramOf = (from: number, to: number): Float64Array => {
    const out = new Float64Array(bins.length * WIDTH * 3);
    for (const [f, column] of bins.entries()) {
      const start = f * WIDTH * 3;
      for (let i = from; i < to; i++) {
        const row = order[i] as number;
        const at = start + (column[row] as number) * 3;
        out[at] = (out[at] as number) + (gradients[row] as number);
        out[at + 1] = (out[at + 1] as number) + (hessians[row] as number);
        out[at + 2] = (out[at + 2] as number) + 1;
      }
    }
    return out;
  };
  const open: Leaf[] = [leafOf(0, rows, histogramOf(0, rows))];
  while (open.length < leaves) {
    const best = open.reduce((a, b) => ((b.split?.gain ?? 0) > (a.split?.gain ?? 0) ? b : a));
    const { split, from, to, node, histogram } = best;
    if (split === undefined) break;
    const column = bins[split.feature] as Uint8Array;
    const goesLeft = Uint8Array.from({ length: WIDTH }, (_, bin) =>
      Number(bin === MISSING ? split.missingLeft : bin <= split.bin),
    );
    let [middle, others] = [from, 0];
    for (let i = from; i < to; i++) {
      const row = order[i] as number;
      if (goesLeft[column[row] as number] === 1) order[middle++] = row;
      else spare[others++] = row;
    }
    order.set(spare.subarray(0, others), middle);
    // The smaller side is counted, the other one is what is left.
    const countsLeft = middle - from <= to - middle;
    const counted = countsLeft ? histogramOf(from, middle) : histogramOf(middle, to);
    const rest = new Float64Array(histogram.length);
    for (let i = 0; i < rest.length; i++) rest[i] = (histogram[i] as number) - (counted[i] as number);
    const left = leafOf(from, middle, countsLeft ? counted : rest);
    const right = leafOf(middle, to, countsLeft ? rest : counted);
    tree.feature[node] = split.feature;
    // Where only missing rows go right.
    tree.threshold[node] = (edges[split.feature] as Float32Array)[split.bin] ?? Number.POSITIVE_INFINITY;
    tree.missingLeft[node] = split.missingLeft;
    tree.left[node] = left.node;
    tree.right[node] = right.node;
    tree.gain[node] = split.gain;
    open.splice(open.indexOf(best), 1, left, right);
  }
  for (const { node, from, to, gradient, hessian } of open) {
    const value = Math.fround((-learningRate * gradient) / Math.max(hessian, 1e-12));
    tree.value[node] = value;
    for (let i = from; i < to; i++) {
      const row = order[i] as number;
      scores[row] = (scores[row] as number) + value;
    }
  }
  return tree;
}

function bestSplit(
  histogram: Float64Array,
  features: number,
  gradient: number,
  hessian: number,
  rows: number,
  minRows: number,
): Split | undefined {
  let best: Split | undefined;
  const worth = (g: number, h: number) => (g * g) / Math.max(h, 1e-12);
  const whole = worth(gradient, hessian);
  for (let feature = 0; feature < features; feature++) {
    const start = feature * WIDTH * 3;
    const at = (bin: number, part: number) => histogram[start + bin * 3 + part] as number;
    const [missingG, missingH, missing] = [at(MISSING, 0), at(MISSING, 1), at(MISSING, 2)];
    for (const missingLeft of missing > 0.5 ? [true, false] : [false]) {
      let [g, h, n] = missingLeft ? [missingG, missingH, missing] : [0, 0, 0];
      for (let bin = 0; bin < BINS; bin++) {
        if (at(bin, 2) < 0.5) continue;
        g += at(bin, 0);
        h += at(bin, 1);
        n += at(bin, 2);
        if (n < minRows - 0.5) continue;
        if (rows - n < minRows - 0.5) break;
        const gain = worth(g, h) + worth(gradient - g, hessian - h) - whole;
        if (gain > 1e-9 && gain > (best?.gain ?? 0)) best = { feature, bin, missingLeft, gain };
      }
    }
  }
  return best;
}

/** The score of each row: its log-odds, or its quantity. */
export function scoresOf({ base, trees }: Boosted, { columns, rows }: Matrix): Float64Array {
  const out = new Float64Array(rows).fill(base);
  for (const { feature, threshold, missingLeft, left, right, value } of trees) {
    for (let i = 0; i < rows; i++) {
      let node = 0;
      for (let f = feature[0] as number; f >= 0; f = feature[node] as number) {
        const x = (columns[f] as Float32Array)[i] as number;
        const goesLeft = Number.isNaN(x) ? missingLeft[node] : x <= (threshold[node] as number);
        node = (goesLeft ? left[node] : right[node]) as number;
      }
      out[i] = (out[i] as number) + (value[node] as number);
    }
  }
  return out;
}

/** What the splits by each feature took off the loss, as shares. */
export function importanceOf({ names, trees }: Boosted): Record<string, number> {
  const sums = names.map(() => 0);
  for (const { feature, gain } of trees)
    for (const [node, f] of feature.entries()) if (f >= 0) sums[f] = (sums[f] ?? 0) + (gain[node] ?? 0);
  const all = sums.reduce((a, b) => a + b, 0) || 1;
  return Object.fromEntries(names.map((name, f) => [name, (sums[f] ?? 0) / all]));
}
