import { invalidArgument } from "sololakehouse/errors";
import { fact } from "./record.js";
import { keepPending } from "./recorder.js";
import { formatValue } from "./values.js";

export interface MeasureOptions<S = undefined> {
  /** How often the work is done; 3 times when left out. */
  readonly runs?: number | undefined;
  /** Done before each run, outside its time; the work gets what it gives. */
  readonly before?: (() => S | Promise<S>) | undefined;
  /** The unit of `rounded` and `range`: chosen by the size when left out. */
  readonly unit?: "ms" | "s" | undefined;
}

/** How long some work took, over several runs. */
export interface Timing<T> {
  /** What the last run gave. */
  readonly value: T;
  /** Of each run, in order. */
  readonly milliseconds: readonly number[];
  /** The median in `unit`, with as many digits as a time is worth: two. */
  readonly rounded: number;
  readonly unit: "ms" | "s";
  /** The quickest and the slowest run: "2.1 to 2.6 s". */
  readonly range: string;
}

/**
 * Does the work several times and says how long it took, rounded and as a range: one time of one run is no measurement.
 *
 * @example const append = await measure((table) => table.append(rows), { before: () => lake.createTable("t", …) });
 */
export async function measure<T, S = undefined>(
  work: (given: S, run: number) => T | Promise<T>,
  options: MeasureOptions<S> = {},
): Promise<Timing<T>> {
  const { runs = 3, before } = options;
  if (!Number.isInteger(runs) || runs < 2) {
    throw invalidArgument("runs", `${runs} runs give no range.`, "Measure twice or more often.");
  }
  const milliseconds: number[] = [];
  let value: T | undefined;
  for (let run = 0; run < runs; run++) {
    const given = (await before?.()) as S;
    const began = performance.now();
    value = await work(given, run);
    milliseconds.push(performance.now() - began);
  }
  return { value: value as T, milliseconds, ...inWords(milliseconds, options.unit) };
}

/** The rounded median and the range of some times. */
export function inWords(
  milliseconds: readonly number[],
  unit?: "ms" | "s",
): Pick<Timing<unknown>, "rounded" | "unit" | "range"> {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
  const chosen = unit ?? (median < 1000 ? "ms" : "s");
  const shown = (time: number) => Number((chosen === "s" ? time / 1000 : time).toPrecision(2));
  const [least, most] = [shown(sorted[0] ?? 0), shown(sorted.at(-1) ?? 0)];
  return {
    rounded: shown(median),
    unit: chosen,
    range: `${least === most ? "" : `${formatValue(least)} to `}${formatValue(most)} ${chosen}`,
  };
}

export interface TimingOptions<S = undefined> extends MeasureOptions<S> {
  /** Said beside the range and the number of runs. */
  readonly note?: string | undefined;
}

/**
 * Measures work as `measure` does, and records two facts: `name`, rounded to two digits, and `name.range`. Texts quote
 * either, so that a text, its chart and its card show the same figure.
 *
 * @example await timing("scan", () => one(lake.sql("select avg(delay) as delay from flights")), { runs: 5 });
 */
export function timing<T, S = undefined>(
  name: string,
  work: (given: S, run: number) => T | Promise<T>,
  options: TimingOptions<S> = {},
): Promise<Timing<T>> {
  return keepPending(recordTiming(name, work, options));
}

async function recordTiming<T, S>(
  name: string,
  work: (given: S, run: number) => T | Promise<T>,
  options: TimingOptions<S>,
): Promise<Timing<T>> {
  const measured = await measure(work, options);
  const note = [options.note, `median of ${measured.milliseconds.length} runs`].filter(Boolean).join("; ");
  fact(name, measured.rounded, { unit: measured.unit, volatile: true, note });
  fact(`${name}.range`, measured.range, { volatile: true });
  return measured;
}
