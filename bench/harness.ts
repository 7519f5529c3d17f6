/**
 * How a figure is measured: each contender runs in a process of its own, in turn (A B A B …), after one warm-up
 * that does not count, unless a bench does without. A process times its own work and prints one JSON line; the parent prints medians, spreads
 * and the ratio of each contender to the first. Turns cancel the drift of a noisy machine; medians its spikes.
 */
import { spawn } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** What one run of a contender measured, by name. Units are part of the name: `seconds`, `peakRssMiB`, `rowsPerSecond`. */
export type Measurement = Readonly<Record<string, number>>;

export interface Contender {
  readonly name: string;
  /**
   * Runs in a child process, imports what it needs itself, and returns what it measured.
   *
   * @param parts of the bench that are wanted, where it has such: all of them where none is named.
   */
  readonly run?: (parts: readonly string[]) => Promise<Measurement>;
  /** A Python script below bench/python instead, run with the peers' virtual environment. Prints one JSON line. */
  readonly python?: string;
  /** Whose Python that is, where it is not the peers'. */
  readonly venv?: "dagster";
  /** What the script is called with. */
  readonly arguments?: readonly string[];
}

export interface Bench {
  /** One sentence: what is compared, on what data, and what the ratio means. */
  readonly about: string;
  /** Ours first: the ratios are ours over theirs. */
  readonly contenders: readonly Contender[];
  /** Counted rounds; 5 unless the bench is long. */
  readonly rounds?: number;
  /** Whether a round comes before them that does not count. Default true; not where a contender warms itself up. */
  readonly warmUp?: boolean;
}

/** What each round said of a contender beside the first one: the middle, and where it lies with a confidence of 95% or more. */
export interface Paired {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

/**
 * The first contender's measure over another's, round by round: what slows a machine down for minutes slows both.
 *
 * The interval is that of the sign test, which takes nothing for granted of how noise is distributed. Fewer than six rounds have none.
 */
export function paired(ours: readonly number[], theirs: readonly number[]): Paired {
  const ratios = ours.map((each, i) => each / (theirs[i] ?? Number.NaN)).sort((a, b) => a - b);
  const { length } = ratios;
  const at = (index: number) => ratios[index] ?? Number.NaN;
  // So many of the rounds at either end may be left out: that more lie there has a chance of 2.5% at most.
  let left = -1;
  for (let [chance, term] = [0, 0.5 ** length]; chance + term <= 0.025; left++) {
    chance += term;
    term *= (length - left - 1) / (left + 2);
  }
  const median = (at(Math.floor((length - 1) / 2)) + at(Math.ceil((length - 1) / 2))) / 2;
  return {
    median,
    low: left < 0 ? Number.NaN : at(left),
    high: left < 0 ? Number.NaN : at(length - 1 - left),
    rounds: length,
  };
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Each round's, in their order. */
  readonly values: readonly number[];
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = fileURLToPath(new URL("./main.js", import.meta.url));

/** The Python of the interop suite, which has the peers; Dagster has one of its own. */
export async function peerPython(of: "peers" | "dagster" = "peers"): Promise<string> {
  const places = (await import(`${root}scripts/places.mjs`)) as Record<
    "interopHome" | "dagsterHome",
    () => string
  >;
  return `${of === "dagster" ? places.dagsterHome() : places.interopHome()}/venv/bin/python`;
}

/** "Intel Xeon …, 2 cores, 24 GiB, Node 20.20.2": what a figure must be quoted with. */
export function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${memory} GiB, Node ${process.versions.node}`;
}

/** Runs all contenders in turn and gives, per contender and measure, the median, minimum and maximum. */
export async function measure(
  name: string,
  bench: Bench,
  rounds: number,
  parts: readonly string[],
): Promise<Map<string, Map<string, Summary>>> {
  const samples = new Map<string, Measurement[]>();
  for (let round = bench.warmUp === false ? 1 : 0; round <= rounds; round++) {
    // Every other round goes the other way, so that none is always the one that comes after another.
    const order = round % 2 === 0 ? bench.contenders : [...bench.contenders].reverse();
    for (const contender of order) {
      const measurement = await runOnce(name, contender, parts);
      if (round > 0) samples.set(contender.name, [...(samples.get(contender.name) ?? []), measurement]);
    }
  }
  // Ours first, whichever was measured first: ratios are of what comes first to the others.
  return new Map(bench.contenders.map(({ name }) => [name, summarize(samples.get(name) ?? [])]));
}

function summarize(runs: readonly Measurement[]): Map<string, Summary> {
  const summaries = new Map<string, Summary>();
  for (const key of Object.keys(runs[0] ?? {})) {
    const values = runs.map((run) => run[key] ?? Number.NaN);
    const sorted = [...values].sort((a, b) => a - b);
    const at = (index: number) => sorted[index] ?? Number.NaN;
    const middle = (sorted.length - 1) / 2;
    summaries.set(key, {
      median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
      min: at(0),
      max: at(sorted.length - 1),
      values,
    });
  }
  return summaries;
}

async function runOnce(bench: string, contender: Contender, parts: readonly string[]): Promise<Measurement> {
  const [command, args] = contender.python
    ? [
        await peerPython(contender.venv),
        [`${root}bench/python/${contender.python}`, ...(contender.arguments ?? [])],
      ]
    : [process.execPath, ["--expose-gc", main, bench, ...parts, "--contender", contender.name]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", (error) =>
      reject(
        new Error(
          `${contender.name}: ${error.message}. Run "npm run test:interop" once: it installs the peers.`,
        ),
      ),
    );
    child.on("close", (code) => {
      const line = output.trim().split("\n").at(-1) ?? "";
      if (code === 0 && line.startsWith("{")) resolve(JSON.parse(line));
      else reject(new Error(`${contender.name} ended with code ${code}: ${output.slice(-500)}`));
    });
  });
}

/** Peak resident memory of this process so far, in MiB. */
export function peakRssMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** Wall-clock seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}
